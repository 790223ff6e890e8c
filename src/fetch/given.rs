//! Whole URLs from the input.
//!
//! Such a URL names its own origin, so everything about it is a record's choice: what may be asked is the matter
//! of [`Reach`], and a job that has one holds no secrets for it. The URL is read the way browsers read it (the URL
//! standard: `\` is `/`, `0x7f.1` is 127.0.0.1), and only what was read is judged and asked, never the text.

use url::{Position, Url};

use super::Values;
use super::marked::Marked;
use super::origin::Origin;
use super::piece::{Names, Piece, Records, Slot};
use super::reach::Reach;
use super::request_part::RequestPart;
use super::template;
use crate::job::{Endpoint, Part};
use crate::record::{Failure, Kind};

/// The URL of each record, and what is appended to its query.
#[derive(Debug)]
pub(super) struct GivenUrl {
    slot: Slot,
    query: Vec<Piece>,
    reach: Reach,
}

impl GivenUrl {
    /// From the column that holds it.
    pub(super) fn compile(column: &str, endpoint: &Endpoint, names: &Names) -> Result<GivenUrl, String> {
        let parts = || endpoint.templates().flat_map(|template| &template.parts);
        if parts().any(|part| matches!(part, Part::Secret(_))) {
            return Err("a whole URL from the input and secrets do not go together: any host would get them"
                .to_owned());
        }
        if endpoint.batch.is_some() {
            return Err("several whole URLs do not fit into one request".to_owned());
        }
        Ok(GivenUrl {
            slot: names.input(column, RequestPart::Query)?,
            query: template::appended(&endpoint.params, names)?,
            reach: Reach::of(endpoint, None)?,
        })
    }

    /// Origin, path and query for a record.
    pub(super) fn build(&self, records: &Records<'_, impl Values>) -> Result<(Origin, Marked), Failure> {
        let Some(values) = records.all.first() else {
            return Err(Failure::lasting(Kind::Template, "no record to ask for"));
        };
        let text = self.slot.plain(values)?;
        let (url, origin) = self.read(text.trim()).map_err(|why| self.slot.refused(&why))?;
        let mut target =
            Marked { text: url[Position::BeforePath..Position::AfterQuery].to_owned(), marks: Vec::new() };
        if !self.query.is_empty() {
            target.text.push_str(separator(&url));
        }
        for piece in &self.query {
            piece.write(&mut target, records)?;
        }
        Ok((origin, target))
    }

    fn read(&self, text: &str) -> Result<(Url, Origin), String> {
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        let origin = Origin::of(&url).map_err(|why| format!("cannot be asked: {why}"))?;
        self.reach.admits(&origin).map_err(|why| format!("may not be asked: {why}"))?;
        Ok((url, origin))
    }
}

/// What stands between a URL's own query and further parameters.
fn separator(url: &Url) -> &'static str {
    match url.query() {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    }
}
