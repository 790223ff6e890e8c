//! SQLite's catalogue: its pragmas as tables, and `sqlite_schema`. A table is known by its name.
//!
//! SQLite does not count what a statement does to other tables. So triggers of ours do ([`Catalogue::watch`]), of this
//! connection alone: they fire for whatever deletes or updates a row, references and other triggers among them, and write
//! into `temp.windrow_changes`.

use super::{Sqlite, fit};
use crate::merge::dialect::{AddedColumn, Catalogue, Cause, LoadRights, Obstacle, Swap};
use crate::merge::sql;

/// The table of a name, `$1`, in the schema `$2`.
const TABLE: &str = "SELECT name, schema, name, type FROM pragma_table_list \
     WHERE lower(schema) = lower($2) AND lower(name) = lower($1)";

/// The columns of the table `$1`: by their affinity (sqlite.org/datatype3.html, 3.1), or in a STRICT table by their type. A
/// number that SQLite gives each row is a default.
const COLUMNS: &str = "WITH t AS (SELECT strict, wr, (SELECT count(*) FROM pragma_table_info($1) WHERE pk > 0) AS keys \
         FROM pragma_table_list WHERE schema = 'main' AND name = $1), \
     c AS (SELECT *, upper(type) AS declared FROM pragma_table_xinfo($1)), \
     a AS (SELECT *, CASE WHEN declared LIKE '%INT%' THEN 'integer' \
         WHEN declared LIKE '%CHAR%' OR declared LIKE '%CLOB%' OR declared LIKE '%TEXT%' THEN 'text' \
         WHEN declared LIKE '%BLOB%' OR declared = '' THEN 'blob' WHEN strict AND declared = 'ANY' THEN 'any' \
         WHEN declared LIKE '%REAL%' OR declared LIKE '%FLOA%' OR declared LIKE '%DOUB%' THEN 'real' \
         ELSE 'numeric' END AS affinity, \
         wr = 0 AND keys = 1 AND pk = 1 AND declared = 'INTEGER' AS numbered FROM c, t) \
     SELECT name, CASE WHEN strict OR lower(type) = affinity THEN type WHEN type = '' THEN 'of no type' \
         ELSE type || ' (' || upper(affinity) || ' by its affinity)' END, \
       CASE WHEN strict THEN 'strict ' ELSE '' END || CASE WHEN numbered THEN 'rowid' ELSE affinity END, type, 0, -1, \
       nullif(windrow_collation($1, name), 'BINARY'), NOT \"notnull\" AND NOT (pk > 0 AND (wr OR strict)), \
       dflt_value IS NOT NULL OR numbered, hidden > 0, hidden > 1 FROM a ORDER BY cid";

/// The columns of each unique index of the table `$1` that covers all rows, and compares no more finely than the columns; and
/// those of the key, which may have no index of its own.
const UNIQUE: &str = "SELECT json_group_array(i.name) FROM pragma_index_list($1) AS l, pragma_index_xinfo(l.name) AS i \
     WHERE l.\"unique\" AND NOT l.partial AND i.key GROUP BY l.name \
     HAVING count(i.name) = count(*) AND min(windrow_collation($1, i.name) IN ('BINARY', upper(i.coll))) \
     UNION ALL SELECT json_group_array(name) FROM (SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk) \
     HAVING count(*) > 0 AND NOT EXISTS (SELECT 1 FROM pragma_index_list($1) WHERE origin = 'pk')";

/// Whether an upsert clause on the key `$2`, of `$3` columns, finds the rows of the table `$1` that a look by its own comparison
/// does, and nothing else is done for a row that is then updated: by a trigger, or by taking a number that is never given
/// twice. The key may be that number itself.
const MAY_WRITE_OVER: &str = "WITH key AS (SELECT $3 = 1 AND EXISTS (SELECT 1 FROM pragma_table_info($1) \
         WHERE pk > 0 AND upper(type) = 'INTEGER' AND lower(name) IN ($2)) \
       AND (SELECT count(*) FROM pragma_table_info($1) WHERE pk > 0) = 1 \
       AND NOT EXISTS (SELECT 1 FROM pragma_index_list($1) WHERE origin = 'pk') AS numbers), \
     alike AS (SELECT min(windrow_collation($1, i.name) = upper(i.coll)) AS yes \
       FROM pragma_index_list($1) AS l, pragma_index_xinfo(l.name) AS i WHERE l.\"unique\" AND NOT l.partial AND i.key \
       GROUP BY l.name HAVING count(*) = $3 AND count(CASE WHEN lower(i.name) IN ($2) THEN 1 END) = $3) \
     SELECT (numbers OR EXISTS (SELECT 1 FROM alike)) AND NOT EXISTS (SELECT 1 FROM alike WHERE NOT yes) \
       AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) = lower($1)) \
       AND (numbers OR NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1 \
         AND sql LIKE '%AUTOINCREMENT%')) FROM key";

/// Whether the table `$1` is referred to; that inserting passes over nothing; what tells its rows apart, where they have no
/// number.
const FURTHER: &str = "SELECT EXISTS (SELECT 1 FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f \
       WHERE t.schema = 'main' AND t.type = 'table' AND lower(f.\"table\") = lower($1)), 0, \
     (SELECT json_group_array(name) FROM (SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk) \
       WHERE (SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = $1))";

/// The foreign keys that refer to the table `$1` and change rows that have them. They have no names here: their columns stand
/// for them. Where the columns referred to are not written, they are the key.
const REFERENCING: &str = "WITH parent AS (SELECT name, pk FROM pragma_table_info($1) WHERE pk > 0), \
     part AS (SELECT t.name AS child, f.id, f.seq, f.on_delete, f.\"from\" AS own, \
         coalesce(f.\"to\", (SELECT name FROM parent WHERE pk = f.seq + 1)) AS other \
       FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f \
       WHERE t.schema = 'main' AND t.type = 'table' AND lower(f.\"table\") = lower($1) AND lower(t.name) <> lower($1) \
         AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY 1, 2, 3) \
     SELECT child || ' ' || id, '(' || group_concat(own, ', ') || ')', child, '\"' || replace(child, '\"', '\"\"') || '\"', \
       '\"' || replace($1, '\"', '\"\"') || '\"', on_delete, json_group_array(own), json_group_array(other), 1 \
     FROM part GROUP BY child, id";

/// The statements that make the counters, and a trigger for each table that counts; of `$1` itself only deletions are of
/// interest. None where nothing happens to other rows: the table has no triggers, and nothing refers to it.
const WATCH: &str = "WITH watched AS (SELECT name, row_number() OVER (ORDER BY name) AS number FROM pragma_table_list \
         WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'), \
     needed AS (SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger') \
         OR EXISTS (SELECT 1 FROM watched AS t, pragma_foreign_key_list(t.name) AS f \
             WHERE lower(f.\"table\") = lower($1)) AS yes), \
     cause(word, counter) AS (VALUES ('DELETE', 'deleted'), ('UPDATE', 'updated')) \
     SELECT 'CREATE TEMP TABLE windrow_changes (name TEXT, deleted INTEGER, updated INTEGER)' \
     UNION ALL SELECT 'INSERT INTO temp.windrow_changes (_rowid_, name, deleted, updated) VALUES (' || number || ', ''' \
         || replace(name, '''', '''''') || ''', 0, 0)' FROM watched \
     UNION ALL SELECT 'CREATE TEMP TRIGGER windrow_' || counter || '_' || number || ' AFTER ' || word || ' ON main.\"' \
         || replace(name, '\"', '\"\"') || '\" BEGIN UPDATE windrow_changes SET ' || counter || ' = ' || counter \
         || ' + 1 WHERE _rowid_ = ' || number || '; END' FROM watched, needed, cause \
       WHERE yes AND (word = 'DELETE' OR lower(name) <> lower($1))";

/// What these triggers have counted: updates only in tables of which a foreign key takes references away.
const CHANGES: &str = "SELECT '\"' || replace(name, '\"', '\"\"') || '\"', lower(name) = lower($1), deleted, \
       CASE WHEN EXISTS (SELECT 1 FROM pragma_foreign_key_list(name) WHERE $2 IN ('SET NULL', 'SET DEFAULT')) \
         THEN updated ELSE 0 END FROM temp.windrow_changes WHERE deleted > 0 OR updated > 0";

/// The columns of a condition, `$2` or that of the CHECK of this name, and in the latter case the condition.
const CONSTRAINT: &str = "WITH condition(words) AS (SELECT windrow_condition(sql, $2) FROM sqlite_schema \
       WHERE type = 'table' AND name = $1) \
     SELECT json_group_array(name), (SELECT words FROM condition) FROM pragma_table_info($1) \
     WHERE ' ' || lower(coalesce((SELECT words FROM condition), $2)) || ' ' GLOB '*[^a-z0-9_]' || lower(name) || '[^a-z0-9_]*'";

/// What a table of these columns cannot be filled for, though they fit.
const UNFIT: &str = "SELECT 'it says ON CONFLICT REPLACE or IGNORE, which deletes rows or leaves rows out without a word: make it \
       anew without' FROM sqlite_schema WHERE type = 'table' AND name = $1 AND windrow_overrides(sql) \
     UNION ALL SELECT 'column \"' || name || '\" is compared by ' || windrow_collation($1, name) || ', which only the program \
       that made the table knows' FROM pragma_table_info($1) \
       WHERE windrow_collation($1, name) NOT IN ('BINARY', 'NOCASE', 'RTRIM') \
     UNION ALL SELECT 'it has a column \"_rowid_\", which hides the number that SQLite gives each row: rename it' \
       FROM pragma_table_info($1) WHERE lower(name) = '_rowid_'";

/// How many references of the table `$1` lead to nothing. What a table declares DEFERRED is only looked at by COMMIT, which names
/// no row.
const NOTE: &str = "DROP TABLE IF EXISTS temp.windrow_references; \
     CREATE TEMP TABLE windrow_references AS SELECT count(f.fkid) AS broken FROM sqlite_schema AS s CROSS JOIN \
       pragma_foreign_key_check($1) AS f WHERE s.type = 'table' AND s.name = $1 AND s.sql LIKE '%INITIALLY%DEFERRED%'";

/// Refuses more of them than were noted: the reference of the row that came last.
const CHECK: &str = "SELECT windrow_refuse(why) FROM (SELECT 'FOREIGN KEY constraint failed: (' || \
       (SELECT group_concat(\"from\", ', ') FROM pragma_foreign_key_list($1) WHERE id = f.fkid) || ') REFERENCES ' || f.parent \
       AS why, count(*) OVER () AS broken FROM sqlite_schema AS s CROSS JOIN pragma_foreign_key_check($1) AS f \
       WHERE s.type = 'table' AND s.name = $1 AND s.sql LIKE '%INITIALLY%DEFERRED%' ORDER BY f.rowid DESC LIMIT 1) \
     WHERE broken > (SELECT broken FROM temp.windrow_references)";

pub(super) fn note_references(table: &str) -> String {
    of_table(NOTE, &plain(table))
}

pub(super) fn check_references(table: &str) -> String {
    of_table(CHECK, &plain(table))
}

fn of_table(query: &str, id: &str) -> String {
    query.replace("$1", &sql::text(id))
}

/// No complaint.
const NONE: &str = "SELECT '' WHERE 0";

impl Catalogue for Sqlite {
    fn unfit_server(&self) -> &'static str {
        NONE
    }

    fn table(&self, schema: Option<&str>, table: &str) -> String {
        TABLE.replace("$1", &sql::text(table)).replace("$2", &sql::text(schema.unwrap_or("main")))
    }

    fn no_table(&self, kind: &str) -> Option<&'static str> {
        match kind {
            "table" => None,
            "view" => Some("it is a view"),
            "virtual" => Some("it is a virtual table"),
            _ => Some("it is no ordinary table"),
        }
    }

    fn schema(&self, schema: Option<&str>) -> String {
        let schema = sql::text(schema.unwrap_or("main"));
        format!("SELECT name FROM pragma_database_list WHERE lower(name) = lower({schema})")
    }

    fn has_schema(&self, schema: &str) -> String {
        format!("EXISTS (SELECT 1 FROM pragma_database_list WHERE name = {})", sql::text(schema))
    }

    fn columns(&self, id: &str) -> String {
        of_table(COLUMNS, id)
    }

    fn unique(&self, id: &str) -> String {
        of_table(UNIQUE, id)
    }

    fn may_write_over(&self, id: &str, key: &[String]) -> Option<String> {
        let listed: Vec<String> = key.iter().map(|name| format!("lower({})", sql::text(name))).collect();
        let asked = MAY_WRITE_OVER.replace("$3", &key.len().to_string()).replace("$2", &listed.join(", "));
        Some(of_table(&asked, id))
    }

    fn further(&self, id: &str) -> String {
        of_table(FURTHER, id)
    }

    /// Of the whole file: that of a table would be counted page by page.
    fn size(&self, _: &str) -> String {
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()".to_owned()
    }

    /// Nobody has rights in a file. But what a statement needs beside the table (a function, a collation, a table that a
    /// trigger names) is looked for when it is prepared.
    fn missing_rights(&self, wanted: &LoadRights<'_>) -> Vec<String> {
        let table = format!("main.{}", sql::identifier(wanted.id));
        let columns: Vec<String> = wanted.filled.iter().map(|name| sql::identifier(name)).collect();
        let Some(first) = columns.first() else { return vec![of_table(UNFIT, wanted.id)] };
        let nulls = vec!["NULL"; columns.len()].join(", ");
        let explained = wanted.rights.iter().filter_map(|(right, _)| match *right {
            "INSERT" => {
                Some(format!("EXPLAIN INSERT INTO {table} ({}) VALUES ({nulls})", columns.join(", ")))
            }
            "UPDATE" => {
                let set: Vec<String> = columns.iter().map(|column| format!("{column} = NULL")).collect();
                Some(format!("EXPLAIN UPDATE {table} SET {}", set.join(", ")))
            }
            "DELETE" => Some(format!("EXPLAIN DELETE FROM {table} WHERE {first} = 1")),
            _ => None,
        });
        let explained = explained.map(|explained| format!("{explained}; {NONE}"));
        [of_table(UNFIT, wanted.id)].into_iter().chain(explained).collect()
    }

    fn may_not_make_temporary(&self) -> String {
        NONE.to_owned()
    }

    fn may_not_make_table(&self, schema: &str) -> String {
        format!(
            "SELECT 'SQLite has one schema, main: leave it out of the name' WHERE {} <> 'main'",
            sql::text(schema)
        )
    }

    /// The limit is that of this program; others may have been told a lower one.
    fn may_not_add(&self, id: &str, added: &[AddedColumn]) -> Vec<Obstacle> {
        let table = format!("main.{}", sql::identifier(id));
        let explained = added.iter().map(|column| {
            let (name, ty) = (sql::identifier(&column.name), fit::staged_type(column.ty));
            format!("EXPLAIN ALTER TABLE {table} ADD COLUMN {name} {ty}; {NONE}")
        });
        let too_many = format!(
            "SELECT 'with {0} new columns it would have too many: SQLite takes 2000' \
             WHERE (SELECT count(*) FROM pragma_table_xinfo($1)) + {0} > 2000",
            added.len()
        );
        [of_table(&too_many, id)].into_iter().chain(explained).map(Obstacle::of).collect()
    }

    fn referencing(&self, id: &str) -> String {
        of_table(REFERENCING, id)
    }

    fn watch(&self, id: &str) -> Option<String> {
        Some(of_table(WATCH, id))
    }

    fn changes(&self, id: &str, cause: Cause) -> Option<String> {
        let action = match cause {
            Cause::Delete => "on_delete",
            Cause::Update => "on_update",
        };
        Some(of_table(CHANGES, id).replace("$2", action))
    }

    /// The columns of a CHECK are those that its condition names, which is its name where it has none of its own; those of a
    /// reference stand before what it refers to.
    fn constraint(&self, table: &str, name: &str) -> String {
        let Some(columns) = unique_columns(table, name) else {
            let named = name.split_once(") REFERENCES ").map_or(name, |(columns, _)| columns);
            return of_table(CONSTRAINT, &plain(table)).replace("$2", &sql::text(named));
        };
        let columns: Vec<String> = columns.iter().map(|column| sql::text(column)).collect();
        format!("SELECT json_array({}), NULL", columns.join(", "))
    }

    /// The condition of a partial one is what its statement has behind WHERE.
    fn unique_index(&self, table: &str, name: &str) -> String {
        let Some(columns) = unique_columns(table, name) else { return NONE.to_owned() };
        let listed: Vec<String> = columns.iter().map(|column| sql::text(column)).collect();
        let quoted: Vec<String> = columns.iter().map(|column| sql::text(&sql::identifier(column))).collect();
        let table = sql::text(&plain(table));
        format!(
            "SELECT json_array({}), coalesce((SELECT substr(s.sql, instr(upper(s.sql), ' WHERE ') + 7) \
               FROM pragma_index_list({table}) AS l JOIN sqlite_schema AS s ON s.name = l.name \
               WHERE l.\"unique\" AND l.partial AND json_array({}) = (SELECT json_group_array(i.name) \
                 FROM pragma_index_info(l.name) AS i)), 'true')",
            quoted.join(", "),
            listed.join(", "),
        )
    }

    fn id(&self, table: &str) -> String {
        sql::text(table)
    }

    fn swap(&self) -> Option<&'static Swap> {
        None
    }
}

/// The columns of `films.id, films.at`, as an error names what is unique; `None` of anything else.
fn unique_columns<'n>(table: &str, name: &'n str) -> Option<Vec<&'n str>> {
    let table = plain(table);
    name.split(", ").map(|part| part.strip_prefix(table.as_str())?.strip_prefix('.')).collect()
}

/// A table's name out of `"main"."films"`.
fn plain(qualified: &str) -> String {
    let name = qualified.split_once("\".\"").map_or(qualified, |parts| parts.1);
    name.trim_end_matches('"').replace("\"\"", "\"")
}
