//! What the server knows of its tables (`information_schema`). A table's id is its name, quoted, with its database.
//!
//! Rights are tried, not looked up: PREPARE asks for those of its statement, also where they come by a role, and does
//! nothing.

use super::{MySql, fit, identifier, literal};
use crate::merge::dialect::{AddedColumn, Catalogue, Cause, Dialect as _, LoadRights, Obstacle, Right, Swap};

/// Its id: `` `database`.`table` ``.
const ID: &str = "CONCAT('`', REPLACE(TABLE_SCHEMA, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), '`')";

/// What cannot take a load.
const UNFIT: &str = "SELECT 'its server takes no writes (read_only): name the primary' FROM DUAL WHERE @@GLOBAL.read_only <> 0 \
     UNION ALL SELECT CONCAT('its server is ', VERSION(), ': MariaDB 10.6 or MySQL 8.0 is the oldest that will do') FROM DUAL \
       WHERE CASE WHEN VERSION() LIKE '%MariaDB%' \
         THEN SUBSTRING_INDEX(VERSION(), '.', 1) * 1000 + SUBSTRING_INDEX(SUBSTRING_INDEX(VERSION(), '.', 2), '.', -1) < 10006 \
         ELSE SUBSTRING_INDEX(VERSION(), '.', 1) + 0 < 8 END \
     /*M! UNION ALL SELECT 'its server makes no table without a primary key (innodb_force_primary_key), and rows are staged in one' \
       FROM DUAL WHERE @@GLOBAL.innodb_force_primary_key <> 0 \
     UNION ALL SELECT CONCAT('its server makes tables of ', @@enforce_storage_engine, ' only (enforce_storage_engine)') \
       FROM DUAL WHERE @@enforce_storage_engine <> 'InnoDB' */ \
     /*!80013 UNION ALL SELECT 'its server makes no table without a primary key (sql_require_primary_key), and rows are staged in one' \
       FROM DUAL WHERE @@SESSION.sql_require_primary_key <> 0 */";

/// Columns of `information_schema.COLUMNS`. The modifier of a decimal is its precision times 256 and its scale.
const COLUMNS: &str = "SELECT COLUMN_NAME, \
       CONCAT(COLUMN_TYPE, CASE WHEN CHARACTER_SET_NAME <> 'utf8mb4' \
         THEN CONCAT(' CHARACTER SET ', CHARACTER_SET_NAME) ELSE '' END), \
       CONCAT(DATA_TYPE, CASE WHEN COLUMN_TYPE LIKE '%unsigned%' THEN ' unsigned' ELSE '' END, \
         CASE WHEN EXTRA LIKE '%auto_increment%' THEN ' auto_increment' ELSE '' END, \
         CASE WHEN DATA_TYPE = 'timestamp' AND IS_NULLABLE = 'NO' AND @@explicit_defaults_for_timestamp = 0 \
           THEN ' or now' ELSE '' END), \
       COALESCE(CONCAT('CHARACTER SET ', CHARACTER_SET_NAME, ' COLLATE ', COLLATION_NAME), ''), \
       DATA_TYPE IN ('enum', 'set'), \
       CASE WHEN DATA_TYPE = 'decimal' THEN NUMERIC_PRECISION * 256 + NUMERIC_SCALE \
         WHEN DATA_TYPE = 'bit' THEN NUMERIC_PRECISION \
         WHEN DATETIME_PRECISION IS NOT NULL THEN DATETIME_PRECISION \
         ELSE LEAST(COALESCE(CHARACTER_MAXIMUM_LENGTH, 0), 65535) END, \
       CASE WHEN COLLATION_NAME NOT IN ($2) THEN COLLATION_NAME END, \
       IS_NULLABLE = 'YES', COLUMN_DEFAULT IS NOT NULL OR EXTRA LIKE '%auto_increment%', \
       COALESCE(GENERATION_EXPRESSION, '') <> '', COALESCE(GENERATION_EXPRESSION, '') <> '' \
     FROM information_schema.COLUMNS WHERE $1 ORDER BY ORDINAL_POSITION";

/// The columns of each unique index; one of the beginnings of texts, or of expressions, says little of whole keys.
const UNIQUE_INDEXES: &str = "SELECT CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY SEQ_IN_INDEX), ']') \
     FROM information_schema.STATISTICS WHERE $1 AND NON_UNIQUE = 0 GROUP BY INDEX_NAME \
     HAVING COUNT(SUB_PART) = 0 AND COUNT(COLUMN_NAME) = COUNT(*) ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME";

/// Foreign keys of other tables that change rows there.
const REFERENCING: &str = "SELECT CONCAT(r.CONSTRAINT_SCHEMA, '.', r.TABLE_NAME, '.', r.CONSTRAINT_NAME), r.CONSTRAINT_NAME, \
       $2, $2, $3, r.DELETE_RULE, \
       CONCAT('[', GROUP_CONCAT(JSON_QUOTE(k.COLUMN_NAME) ORDER BY k.ORDINAL_POSITION), ']'), \
       CONCAT('[', GROUP_CONCAT(JSON_QUOTE(k.REFERENCED_COLUMN_NAME) ORDER BY k.ORDINAL_POSITION), ']'), 1 \
     FROM information_schema.REFERENTIAL_CONSTRAINTS r JOIN information_schema.KEY_COLUMN_USAGE k \
       ON k.CONSTRAINT_SCHEMA = r.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = r.CONSTRAINT_NAME AND k.TABLE_NAME = r.TABLE_NAME \
     WHERE $1 AND r.DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
     GROUP BY r.CONSTRAINT_SCHEMA, r.TABLE_NAME, r.CONSTRAINT_NAME, r.DELETE_RULE";

/// The columns of an index or a constraint, or of what a CHECK says, and that. MariaDB's errors call a column's own CHECK
/// `table.column`, which some versions know as `column` alone here.
const CONSTRAINT: &str = "SELECT COALESCE((SELECT CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY SEQ_IN_INDEX), ']') \
         FROM information_schema.STATISTICS WHERE $1 AND INDEX_NAME = $2), \
       (SELECT CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY ORDINAL_POSITION), ']') \
         FROM information_schema.KEY_COLUMN_USAGE WHERE $1 AND CONSTRAINT_NAME = $2), \
       (SELECT CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY ORDINAL_POSITION), ']') \
         FROM information_schema.COLUMNS WHERE $1 AND LOCATE(CONCAT('`', REPLACE(COLUMN_NAME, '`', '``'), '`'), said) > 0), \
       '[]'), said FROM (SELECT MAX(CHECK_CLAUSE) AS said FROM information_schema.CHECK_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA = $3 AND (CONSTRAINT_NAME = $2 /*M! OR CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME) = $2 */) \
         /*M! AND TABLE_NAME = $4 */) AS conditions";

/// The expressions of a unique index, compared as the table does.
const UNIQUE: &str = "SELECT CONCAT('[', GROUP_CONCAT(JSON_QUOTE(CASE WHEN SUB_PART IS NULL THEN $3 \
         ELSE CONCAT('LEFT(', $3, ', ', SUB_PART, ')') END) ORDER BY SEQ_IN_INDEX), ']'), 'true' \
     FROM information_schema.STATISTICS WHERE $1 AND INDEX_NAME = $2 AND NON_UNIQUE = 0 \
     HAVING COUNT(*) > 0 AND COUNT(COLUMN_NAME) = COUNT(*)";

/// What keeps so many columns, `$2`, from being added.
const UNADDABLE: &str = "SELECT 'it keeps its history (SYSTEM VERSIONING), and its server changes no such table; \
         system_versioning_alter_history = KEEP lets it' FROM information_schema.TABLES \
       WHERE $1 AND TABLE_TYPE = 'SYSTEM VERSIONED' /*M! AND @@system_versioning_alter_history <> 'KEEP' */ \
     UNION ALL SELECT 'with $2 new columns it would have too many: InnoDB takes 1017' \
       FROM information_schema.COLUMNS WHERE $1 HAVING COUNT(*) + $2 > 1017";

/// Temporary table: the table as it would be with new columns.
const TRIED: &str = "windrow_tried";

/// A condition of `information_schema` on the table of an id.
pub(super) fn is_table(id: &str) -> String {
    let (schema, table) = parts(id);
    format!("TABLE_SCHEMA = {} AND TABLE_NAME = {}", literal(&schema), literal(&table))
}

/// The database and the name that an id has.
fn parts(id: &str) -> (String, String) {
    let (schema, table) = id.split_once("`.`").unwrap_or(("", id));
    let plain = |part: &str| part.replace("``", "`");
    (plain(schema.strip_prefix('`').unwrap_or(schema)), plain(table.strip_suffix('`').unwrap_or(table)))
}

/// Tries whether this user may do something, which is not done.
fn may(statement: &str) -> String {
    format!("PREPARE windrow_right FROM {}; DEALLOCATE PREPARE windrow_right", literal(statement))
}

/// What needs a right there.
fn needing(wanted: &LoadRights<'_>, right: &str, of: Right) -> String {
    let (table, names) = (wanted.id, wanted.filled.iter().map(|name| identifier(name)).collect::<Vec<_>>());
    let listed = names.join(", ");
    match right {
        "INSERT" if names.is_empty() => format!("INSERT INTO {table} () VALUES ()"),
        "UPDATE" if names.is_empty() => format!("SELECT 1 FROM {table}"),
        "SELECT" if of == Right::Any || names.is_empty() => format!("SELECT 1 FROM {table}"),
        "SELECT" => format!("SELECT {listed} FROM {table}"),
        "INSERT" => {
            let nulls = vec!["NULL"; names.len()].join(", ");
            format!("INSERT INTO {table} ({listed}) SELECT {nulls}")
        }
        "UPDATE" => {
            let same: Vec<String> = names.iter().map(|name| format!("{name} = {name}")).collect();
            format!("UPDATE {table} SET {} WHERE 1 = 0", same.join(", "))
        }
        _ => format!("DELETE FROM {table} WHERE 1 = 0"),
    }
}

impl Catalogue for MySql {
    fn unfit_server(&self) -> &'static str {
        UNFIT
    }

    fn table(&self, schema: Option<&str>, table: &str) -> String {
        let schema = schema.map_or_else(|| "DATABASE()".to_owned(), literal);
        format!(
            "SELECT {ID}, TABLE_SCHEMA, TABLE_NAME, CASE WHEN TABLE_TYPE LIKE '%VIEW' THEN 'view' \
               WHEN TABLE_TYPE NOT IN ('BASE TABLE', 'SYSTEM VERSIONED') THEN 'other' \
               WHEN ENGINE = 'InnoDB' THEN 'table' ELSE 'engine' END \
             FROM information_schema.TABLES WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {}",
            literal(table)
        )
    }

    fn no_table(&self, kind: &str) -> Option<&'static str> {
        match kind {
            "table" => None,
            "view" => Some("it is a view"),
            "engine" => Some(
                "it is no InnoDB table, and other engines cannot undo a transaction: ALTER TABLE … ENGINE=InnoDB",
            ),
            _ => Some("it is no ordinary table"),
        }
    }

    fn schema(&self, schema: Option<&str>) -> String {
        match schema {
            None => "SELECT DATABASE(), ''".to_owned(),
            Some(schema) => format!(
                "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}",
                literal(schema)
            ),
        }
    }

    fn has_schema(&self, schema: &str) -> String {
        format!("EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {})", literal(schema))
    }

    fn columns(&self, id: &str) -> String {
        COLUMNS.replace("$1", &is_table(id)).replace("$2", &fit::fine_collations())
    }

    /// Who holds a lock, as a load does by its name, gets from `information_schema` nothing of a table that is being altered, but
    /// for a warning. Who has read the table in a transaction keeps others from altering it.
    fn hold(&self, schema: Option<&str>, table: &str) -> Option<[String; 2]> {
        let parts: Vec<String> = schema.into_iter().chain([table]).map(identifier).collect();
        let read = format!("START TRANSACTION READ ONLY; SELECT 1 FROM {} LIMIT 0", parts.join("."));
        Some([read, "ROLLBACK".to_owned()])
    }

    fn unique(&self, id: &str) -> String {
        UNIQUE_INDEXES.replace("$1", &is_table(id))
    }

    fn further(&self, id: &str) -> String {
        let (schema, table) = parts(id);
        format!(
            "SELECT EXISTS (SELECT 1 FROM information_schema.REFERENTIAL_CONSTRAINTS \
               WHERE UNIQUE_CONSTRAINT_SCHEMA = {} AND REFERENCED_TABLE_NAME = {}), 0, ({} LIMIT 1)",
            literal(&schema),
            literal(&table),
            self.unique(id)
        )
    }

    fn size(&self, table: &str) -> String {
        format!("SELECT DATA_LENGTH FROM information_schema.TABLES WHERE {}", is_table(table))
    }

    fn missing_rights(&self, wanted: &LoadRights<'_>) -> Vec<String> {
        wanted.rights.iter().map(|(right, of)| may(&needing(wanted, right, *of))).collect()
    }

    fn may_not_make_temporary(&self) -> String {
        may("CREATE TEMPORARY TABLE windrow_right (a int)")
    }

    fn may_not_make_table(&self, schema: &str) -> String {
        may(&format!("CREATE TABLE {}.windrow_right (a int)", identifier(schema)))
    }

    /// PREPARE does not ask for the right to alter: a column added twice is refused in any case, but first for want of the right.
    /// How long rows may be is tried with a copy without rows, where there can be one.
    fn may_not_add(&self, id: &str, added: &[AddedColumn]) -> Vec<Obstacle> {
        let add = |column: &AddedColumn| self.add_column(TRIED, &identifier(&column.name), column.ty);
        let tried: Vec<String> = added.iter().map(add).collect();
        let drop = format!("DROP TEMPORARY TABLE IF EXISTS {TRIED}");
        vec![
            Obstacle::of(UNADDABLE.replace("$1", &is_table(id)).replace("$2", &added.len().to_string())),
            Obstacle::of(format!(
                "ALTER TABLE {id} ADD COLUMN windrow_right int, ADD COLUMN windrow_right int"
            )),
            Obstacle {
                made_by: Some(format!("{drop}; CREATE TEMPORARY TABLE {TRIED} LIKE {id}")),
                query: format!("{}; {drop}", tried.join("; ")),
            },
        ]
    }

    fn referencing(&self, id: &str) -> String {
        let (schema, table) = parts(id);
        let of_this = format!(
            "r.UNIQUE_CONSTRAINT_SCHEMA = {} AND r.REFERENCED_TABLE_NAME = {}",
            literal(&schema),
            literal(&table)
        );
        let other = ID.replace("TABLE_SCHEMA", "r.CONSTRAINT_SCHEMA").replace("TABLE_NAME", "r.TABLE_NAME");
        REFERENCING.replace("$1", &of_this).replace("$2", &other).replace("$3", &literal(id))
    }

    fn changes(&self, _: &str, _: Cause) -> Option<String> {
        None
    }

    fn triggers(&self, id: &str, causes: &[Cause]) -> Option<String> {
        let (schema, table) = parts(id);
        let events = causes.iter().map(|cause| match cause {
            Cause::Delete => "'DELETE'",
            Cause::Update => "'UPDATE'",
        });
        let events = events.collect::<Vec<_>>().join(", ");
        (!causes.is_empty()).then(|| {
            format!(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = {} \
                 AND EVENT_OBJECT_TABLE = {} AND EVENT_MANIPULATION IN ({events}) \
                 AND ACTION_STATEMENT REGEXP '(?i)(^|[[:space:];])(DELETE|UPDATE|REPLACE|CALL)[[:space:]]' \
                 ORDER BY TRIGGER_NAME",
                literal(&schema),
                literal(&table)
            )
        })
    }

    fn constraint(&self, table: &str, name: &str) -> String {
        let (schema, plain) = parts(table);
        let named = CONSTRAINT.replace("$1", &is_table(table)).replace("$3", &literal(&schema));
        named.replace("$4", &literal(&plain)).replace("$2", &literal(name))
    }

    fn unique_index(&self, table: &str, name: &str) -> String {
        let column = "CONCAT('`', REPLACE(COLUMN_NAME, '`', '``'), '`')";
        UNIQUE.replace("$1", &is_table(table)).replace("$3", column).replace("$2", &literal(name))
    }

    fn id(&self, table: &str) -> String {
        literal(table)
    }

    fn swap(&self) -> Option<&'static Swap> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_quoted_name() {
        let id = format!("{}.{}", identifier("my `db`"), identifier("a.b"));
        assert_eq!(parts(&id), ("my `db`".to_owned(), "a.b".to_owned()));
    }
}
