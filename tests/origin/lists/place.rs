//! Where in a list a request stands.

use crate::draw::Draw;
use crate::query::Query;

/// Items of a page, by default.
pub const SIZE: u64 = 10;

/// Most items of a page.
const MOST: u64 = 100;

/// How the request says where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Page {
        /// The number of the first page.
        base: u64,
    },
    Offset,
    Cursor,
}

/// A page of a list.
#[derive(Debug, PartialEq)]
pub struct Place {
    pub way: Way,
    /// Items before it.
    pub offset: u64,
    /// Most items of the page.
    pub size: u64,
}

impl Place {
    /// Reads the parameters; otherwise what is wrong with them.
    pub fn of(list: &str, query: Query<'_>) -> Result<Place, String> {
        let size = number(query, "limit")?.unwrap_or(SIZE);
        if !(1..=MOST).contains(&size) {
            return Err(format!("limit is 1 to {MOST}"));
        }
        let base = number(query, "base")?.unwrap_or(1);
        let (way, offset) = match (number(query, "page")?, number(query, "offset")?, query.get("cursor")) {
            (None, None, None) => (Way::Cursor, 0),
            (Some(page), None, None) => {
                let before = page.checked_sub(base).ok_or("there is no such page")?;
                (Way::Page { base }, before.saturating_mul(size))
            }
            (None, Some(offset), None) => (Way::Offset, offset),
            (None, None, Some(text)) => {
                (Way::Cursor, read_cursor(list, &text).ok_or("the cursor is none of ours")?)
            }
            _ => return Err("one of page, offset and cursor".to_owned()),
        };
        Ok(Place { way, offset, size })
    }

    /// The page's number, from 1.
    pub fn page(&self) -> u64 {
        (self.offset / self.size).saturating_add(1)
    }

    /// The parameter that leads to the page that begins at `offset`.
    pub fn parameter(&self, list: &str, offset: u64) -> (&'static str, String) {
        match self.way {
            Way::Page { base } => ("page", (offset / self.size).saturating_add(base).to_string()),
            Way::Offset => ("offset", offset.to_string()),
            Way::Cursor => ("cursor", cursor(list, offset)),
        }
    }
}

/// A page's id as it is counted: `25/3`. A page that cannot be read is page 0.
pub fn name_of_page(list: &str, query: Query<'_>) -> String {
    format!("{list}/{}", Place::of(list, query).map_or(0, |place| place.page()))
}

/// The text that leads to an item: opaque, and full of signs that mean something in a URL.
pub fn cursor(list: &str, offset: u64) -> String {
    let check = Draw::about(offset, &format!("cursor {list}")).between(0, u64::from(u32::MAX));
    format!("{offset}:{check:08x}+/&=")
}

fn read_cursor(list: &str, text: &str) -> Option<u64> {
    let offset = text.split_once(':')?.0.parse().ok()?;
    (cursor(list, offset) == text).then_some(offset)
}

fn number(query: Query<'_>, name: &str) -> Result<Option<u64>, String> {
    let number = query.raw(name).map(str::parse::<u64>).transpose();
    number.map_err(|_| format!("{name} is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_alike_whatever_leads_there() {
        let encoded = cursor("25", 20).replace('+', "%2B").replace('&', "%26");
        for query in
            ["page=3", "page=2&base=0", "offset=20", "offset=40&limit=20", &format!("cursor={encoded}")]
        {
            assert_eq!(name_of_page("25", Query(query)), "25/3", "{query}");
        }
        assert_eq!(name_of_page("25", Query("")), "25/1");
        assert_eq!(name_of_page("25", Query("page=x")), "25/0");
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        assert_eq!(read_cursor("a", &cursor("a", 30)), Some(30));
        assert_eq!(read_cursor("b", &cursor("a", 30)), None);
        assert_eq!(read_cursor("a", &cursor("a", 30).replace('+', " ")), None, "not encoded by who asked");
    }
}
