//! Where a job makes its columns otherwise than an earlier version of it did, and differs in nothing else: then a run of
//! the earlier one may continue with it, if every record that had succeeded keeps its values.

use super::{Column, Endpoint, Job};

/// HTTP statuses that are answers whatever the job says: one that is `missing` says something else of what succeeded.
const SUCCESS: std::ops::Range<u16> = 200..300;

impl Job {
    /// The columns, as (endpoint, column), whose texts become values otherwise than in `earlier`. Statuses that are `missing`
    /// only now are no other question: who was answered with one has not succeeded.
    ///
    /// # Errors
    /// What else differs, in clauses.
    pub fn columns_amended_since(&self, earlier: &Job) -> Result<Vec<(usize, usize)>, Vec<String>> {
        let mut restored = self.clone();
        for endpoint in &mut restored.endpoints {
            if let Some((_, then)) = earlier.endpoint(&endpoint.name) {
                endpoint.restore(then);
            }
        }
        if restored.questions() != earlier.questions() {
            return Err(restored.changes_since(earlier));
        }
        let differing = |(at, (now, then)): (usize, (&Endpoint, &Endpoint))| {
            let columns = now.columns.iter().zip(&then.columns).enumerate();
            let differing = columns.filter(|(_, (now, then))| now != then);
            differing.map(|(column, _)| (at, column)).collect::<Vec<_>>()
        };
        Ok(self.endpoints.iter().zip(&earlier.endpoints).enumerate().flat_map(differing).collect())
    }
}

impl Endpoint {
    /// Makes what decides only how a text becomes a value, and statuses that are `missing` by now, what they were.
    fn restore(&mut self, then: &Endpoint) {
        for column in &mut self.columns {
            if let Some(then) = then.columns.iter().find(|then| then.name == column.name) {
                column.restore(then);
            }
        }
        let (now, then) = (&mut self.missing.statuses, &then.missing.statuses);
        let is_harmless = |status: &u16| then.contains(status) || !SUCCESS.contains(status);
        if now.iter().all(is_harmless) && then.iter().all(|status| now.contains(status)) {
            now.clone_from(then);
        }
    }
}

impl Column {
    fn restore(&mut self, then: &Column) {
        let Column { nulls, remove, regex, format, zone, on_error, not_null, on_bad_character, .. } =
            then.clone();
        *self = Column {
            name: self.name.clone(),
            expression: self.expression.clone(),
            from: self.from,
            ty: self.ty,
            nulls,
            remove,
            regex,
            format,
            zone,
            on_error,
            not_null,
            on_bad_character,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Job;

    const THEN: &str = r#"
job = { name = "small" }
input = { file = "ids.csv", id = "id" }
table = { to = "duckdb:small.duckdb", name = "small", mode = "append" }
[[endpoint]]
name = "one"
url = "https://example.org/{id}"
missing = [404]
columns = { x = ".x", y = { jq = ".y", type = "bigint", nulls = ["-"] } }
[[endpoint]]
name = "two"
url = "https://example.org/two/{one.x}"
columns = { z = { jq = ".z", type = "date" } }
"#;

    fn amended(old: &str, new: &str) -> Result<Vec<(usize, usize)>, Vec<String>> {
        assert_eq!(THEN.matches(old).count(), 1, "{old}");
        let job = |text: String| Job::parse(text, Path::new("/nowhere/small.toml")).unwrap();
        job(THEN.replace(old, new)).columns_amended_since(&job(THEN.to_owned()))
    }

    #[test]
    fn what_decides_only_how_a_text_becomes_a_value_is_told_by_its_column() {
        for (old, new, columns) in [
            ("nulls = [\"-\"]", "nulls = [\"-\"]", vec![]),
            ("nulls = [\"-\"]", "nulls = [\"-\", \"N/A\"]", vec![(0, 1)]),
            ("nulls = [\"-\"]", "remove = ',', on_error = 'null'", vec![(0, 1)]),
            ("x = \".x\"", "x = { jq = '.x', regex = '.', not_null = true }", vec![(0, 0)]),
            ("type = \"date\"", "type = \"date\", format = '%Y-%d-%m'", vec![(1, 0)]),
            ("small.duckdb", "large.duckdb", vec![]),
            ("[404]", "[410, 404, 503]", vec![]),
        ] {
            assert_eq!(amended(old, new), Ok(columns), "{new}");
        }
    }

    #[test]
    fn what_else_differs_is_told() {
        for (old, new, what) in [
            ("jq = \".y\"", "jq = \".Y\"", "endpoint one has changed (columns.y)"),
            ("\"bigint\"", "\"integer\"", "endpoint one has changed (columns.y)"),
            ("x = \".x\"", "w = '.w', x = '.x'", "endpoint one has changed (columns.w)"),
            ("[404]", "[404, 204]", "endpoint one has changed (missing)"),
            ("[404]", "[410]", "endpoint one has changed (missing)"),
            ("[404]", "[404, '.gone']", "endpoint one has changed (missing)"),
            ("org/two", "com/two", "endpoint two has changed (url)"),
            ("id = \"id\" }", "id = \"id\", skip_lines = 1 }", "the input section has changed (skip_lines)"),
        ] {
            assert_eq!(amended(old, new), Err(vec![what.to_owned()]), "{new}");
        }
        assert!(amended("[[endpoint]]\nname = \"two\"", "[[endpoint]]\nname = \"due\"").is_err());
    }
}
