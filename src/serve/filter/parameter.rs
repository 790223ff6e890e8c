//! Which column and comparison a parameter's name means, and how they are named.

use super::bad::{BadQuestion, shown};
use super::operator::Operator;
use super::words::{quoted, quoted_start};
use crate::job::nearest_word;
use crate::serve::column::Column;

/// Columns and words that a hint lists.
const LISTED: usize = 20;

/// What a parameter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Which columns, in which order.
    Select,
    /// How rows are sorted.
    Order,
    /// How many rows.
    Limit,
    /// Where the page before ended.
    After,
    /// Which rows: those whose column, at that place, compares so.
    Condition(usize, Operator),
}

/// What is no column, and what other tools call it.
const RESERVED: [(&str, Meaning, &[&str]); 4] = [
    (
        "select",
        Meaning::Select,
        &["fields", "field", "columns", "column", "cols", "_col", "$select", "attributes"],
    ),
    (
        "order",
        Meaning::Order,
        &["sort", "sort_by", "sortby", "order_by", "orderby", "ordering", "_sort", "_order", "$orderby"],
    ),
    (
        "limit",
        Meaning::Limit,
        &[
            "per_page",
            "perpage",
            "page_size",
            "pagesize",
            "size",
            "count",
            "top",
            "first",
            "_limit",
            "_size",
            "$top",
            "max",
        ],
    ),
    (
        "after",
        Meaning::After,
        &["offset", "page", "skip", "start", "cursor", "next", "_next", "_page", "_offset", "$skip"],
    ),
];

/// What a parameter's name means: a reserved word; a column's name, which may be quoted; or one with a comparison behind it.
///
/// # Errors
/// Nothing that this table has.
pub(super) fn meaning(name: &str, columns: &[Column]) -> Result<Meaning, BadQuestion> {
    known(name, columns).ok_or_else(|| unknown(name, columns))
}

fn known(name: &str, columns: &[Column]) -> Option<Meaning> {
    if let Some((_, reserved, _)) = RESERVED.iter().find(|(word, ..)| *word == name) {
        return Some(*reserved);
    }
    let condition = |place, operator| Meaning::Condition(place, operator);
    if let Some(quoted) = quoted_start(name) {
        let (column, behind) = quoted.ok()?;
        let word = if behind.is_empty() { "eq" } else { behind.strip_prefix('.')? };
        return Some(condition(place(&column, columns)?, Operator::of(word)?));
    }
    if let Some(place) = place(name, columns) {
        return Some(condition(place, Operator::Eq));
    }
    let (column, word) = name.rsplit_once('.')?;
    Some(condition(place(column, columns)?, Operator::of(word)?))
}

/// The place of a column.
pub(super) fn place(name: &str, columns: &[Column]) -> Option<usize> {
    columns.iter().position(|column| column.name == name)
}

/// How the parameter is written that compares a column so: as simply as the other columns' names allow.
pub fn parameter_name(columns: &[Column], place: usize, operator: Operator) -> String {
    let (name, word) = (&columns[place].name, operator.word());
    let plain = if operator == Operator::Eq { name.clone() } else { format!("{name}.{word}") };
    let is_meant = |written: &String| known(written, columns) == Some(Meaning::Condition(place, operator));
    let ways = [plain, format!("{name}.{word}")];
    ways.into_iter().find(is_meant).unwrap_or_else(|| format!("{}.{word}", quoted(name)))
}

/// A name that nothing has, and what may be meant.
fn unknown(name: &str, columns: &[Column]) -> BadQuestion {
    let bad = BadQuestion::new(format!("{} is no parameter of this table", shown(name)));
    let lower = name.to_lowercase();
    if let Some((ours, ..)) = RESERVED.iter().find(|(_, _, others)| others.contains(&lower.as_str())) {
        return bad.hint(format!("here it is `{ours}=…`"));
    }
    if let Some(meant) = compared_as_elsewhere(name, columns) {
        return bad.hint(format!("write `{meant}=…`"));
    }
    let compared = name.rsplit_once('.').and_then(|(column, word)| Some((place(column, columns)?, word)));
    if let Some((place, word)) = compared {
        let words = Operator::ALL.map(Operator::word);
        let hint = match nearest_word(word, &words).and_then(Operator::of) {
            Some(operator) => format!("did you mean `{}`?", parameter_name(columns, place, operator)),
            None => format!("a column is compared by .{}", words.join(", .")),
        };
        return bad.hint(hint);
    }
    let reserved = RESERVED.iter().map(|(word, ..)| *word);
    let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).chain(reserved).collect();
    bad.hint(hint_of_names(name.split_once('.').map_or(name, |(column, _)| column), &known))
}

/// `price__gte`, `price_gte`, `price[gte]`, `price.gte` or `price>` (which is what a form has of `price>=5`), where `price` is
/// a column: how it is written here.
fn compared_as_elsewhere(name: &str, columns: &[Column]) -> Option<String> {
    let bracketed = name.strip_suffix(']').and_then(|inside| inside.split_once('['));
    let signed = name.find(['<', '>', '!', '=']).map(|at| name.split_at(at));
    let ways = [bracketed, name.rsplit_once("__"), name.rsplit_once('_'), name.rsplit_once('.'), signed];
    let meant = |(column, word): (&str, &str)| {
        let operator = Operator::of(word).or_else(|| Operator::of_others(word))?;
        Some(parameter_name(columns, place(column.trim_end(), columns)?, operator))
    };
    ways.into_iter().flatten().find_map(meant)
}

/// A column that is not there, and which are.
pub(super) fn no_column(parameter: &str, name: &str, columns: &[Column]) -> BadQuestion {
    let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    BadQuestion::new(format!("{parameter}: there is no column {}", shown(name)))
        .hint(hint_of_names(name, &known))
}

fn hint_of_names(name: &str, known: &[&str]) -> String {
    // What is much longer than a name is none that is misspelt.
    let nearest = if name.len() < 200 { nearest_word(name, known) } else { None };
    if let Some(nearest) = nearest {
        return format!("did you mean {}?", shown(nearest));
    }
    let listed: Vec<String> = known.iter().take(LISTED).map(|name| shown(name)).collect();
    let rest = known.len().saturating_sub(LISTED);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more: /openapi.json has all") };
    format!("there are {}{more}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column { name: (*name).into(), ty: "BIGINT".into() }).collect()
    }

    #[test]
    fn a_name_is_a_word_of_ours_a_column_or_a_column_with_a_comparison() {
        let columns = columns(&["a", "a.gt", "limit", "x y", "\"q\"", "b.c"]);
        for (name, place, operator) in [
            ("a", 0, Operator::Eq),
            ("a.eq", 0, Operator::Eq),
            ("a.in", 0, Operator::In),
            ("a.gt", 1, Operator::Eq),
            ("a.gt.gt", 1, Operator::Gt),
            ("\"a\".gt", 0, Operator::Gt),
            ("\"a\"", 0, Operator::Eq),
            ("limit.eq", 2, Operator::Eq),
            ("\"limit\"", 2, Operator::Eq),
            ("x y.null", 3, Operator::Null),
            ("\"\"\"q\"\"\"", 4, Operator::Eq),
            ("b.c", 5, Operator::Eq),
        ] {
            assert_eq!(meaning(name, &columns), Ok(Meaning::Condition(place, operator)), "{name}");
        }
        assert_eq!(meaning("limit", &columns), Ok(Meaning::Limit));
        for name in ["A", "a.", "a.GT", ".gt", "\"a", "\"a\"gt", "\"a\".", "\"q\"", "b", "a .gt", "SELECT"] {
            assert!(meaning(name, &columns).is_err(), "{name}");
        }
    }

    #[test]
    fn each_comparison_of_each_column_has_a_name_whatever_the_others_are_called() {
        let columns = columns(&[
            "a",
            "a.eq",
            "a.eq.eq",
            "\"a\"",
            "\"a\".eq",
            "limit",
            "limit.eq",
            "\"limit\"",
            "a.gt",
            "a.gt.gt",
            "after.in",
            "é.null",
            "",
            ".",
            "\"",
            "\"\"",
            "x=y&z",
            "a,b",
        ]);
        for place in 0..columns.len() {
            for operator in Operator::ALL {
                let name = parameter_name(&columns, place, operator);
                assert_eq!(meaning(&name, &columns), Ok(Meaning::Condition(place, operator)), "{name}");
            }
        }
        assert_eq!(parameter_name(&columns, 5, Operator::Gt), "limit.gt");
    }

    fn hint(name: &str) -> String {
        let refused = meaning(name, &columns(&["price", "symbol", "offset_days"])).unwrap_err();
        assert!(refused.message.len() < 200, "{refused}");
        refused.hint.unwrap()
    }

    #[test]
    fn who_knows_another_tool_is_led_to_ours() {
        for (name, expected) in [
            ("prcie", "did you mean `price`?"),
            ("Price", "did you mean `price`?"),
            ("prcie.gt", "did you mean `price`?"),
            ("price__gte", "write `price.ge=…`"),
            ("price[lt]", "write `price.lt=…`"),
            ("price>", "write `price.ge=…`"),
            ("price.gte", "write `price.ge=…`"),
            ("price.GT", "did you mean `price.gt`?"),
            ("symbol__exact", "write `symbol=…`"),
            ("symbol.ilike", "write `symbol.contains=…`"),
            ("offset", "here it is `after=…`"),
            ("_sort", "here it is `order=…`"),
            ("$select", "here it is `select=…`"),
            ("utm_source", "there are `price`, `symbol`, `offset_days`, `select`, `order`, `limit`, `after`"),
        ] {
            assert_eq!(hint(name), expected, "{name}");
        }
        assert!(hint("price.quux").starts_with("a column is compared by .eq, .ne"));
        assert!(hint(&"x".repeat(8000)).starts_with("there are"));
        let wide: Vec<String> = (0..500).map(|at| format!("column_{at}")).collect();
        let wide = columns(&wide.iter().map(String::as_str).collect::<Vec<_>>());
        let refused = meaning("zzz", &wide).unwrap_err().hint.unwrap();
        assert!(refused.ends_with("and 484 more: /openapi.json has all"), "{refused}");
    }
}
