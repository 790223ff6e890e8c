//! What `make soak` throws at this module, and what holds whatever it is. `make test` gives it the seeds that lie in
//! `tests/fuzz/seeds`.

use super::column::Column;
use super::filter::{Question, TableShape};

const DIGEST: &str = "0123456789abcdef";

/// Names that want quotes, and one of each kind of type.
const COLUMNS: [(&str, &str); 14] = [
    ("id", "BIGINT"),
    ("name", "VARCHAR"),
    ("name.gt", "VARCHAR"),
    ("\"name\"", "DOUBLE"),
    ("limit", "DECIMAL(9,2)"),
    ("day", "DATE"),
    ("at", "TIMESTAMP"),
    ("ns", "TIMESTAMP_NS"),
    ("t", "TIME"),
    ("u", "UUID"),
    ("ok", "BOOLEAN"),
    ("f", "FLOAT"),
    ("h", "UHUGEINT"),
    ("tags", "VARCHAR[]"),
];

/// A query: what is read of it is written and read again as the same question, its next page is the same further on, and its SQL
/// has a place for each value.
pub fn question(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let columns = COLUMNS.map(|(name, ty)| Column { name: name.to_owned(), ty: ty.to_owned() });
    let table = TableShape { columns: &columns, digest: DIGEST, max_rows: 1000 };
    let parse = |query: &str| Question::parse(Some(query), &table);
    let Ok(question) = parse(query) else { return };
    let (sql, values) = question.sql();
    assert_eq!(sql.matches('?').count(), values.len(), "{sql}");
    if question.limit().is_none() {
        assert_eq!(parse(&question.canonical()).as_ref(), Ok(&question));
    } else {
        let next = parse(&question.next(DIGEST)).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!((next.selected(), next.limit()), (question.selected(), question.limit()));
        assert_ne!(next.canonical(), question.canonical());
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_hold() {
        crate::fuzz_seeds::of("question").iter().for_each(|seed| super::question(seed));
    }
}
