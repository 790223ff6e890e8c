//! PostgreSQL's catalogue (manual, "System Catalogs"). In queries `$1` stands for the table: its number, or its name as a
//! literal.

use super::swap::SWAP;
use super::{Postgres, fit};
use crate::merge::dialect::{AddedColumn, Catalogue, Cause, LoadRights, Obstacle, Right, Swap};
use crate::merge::sql;

/// The table of a name, `$1`.
const TABLE: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)";

/// The columns of the table `$1`. A domain is looked through to the type that it is over; an array is named by its elements'.
const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), \
       coalesce(e.typname || '[]', b.typname)::text, format_type(b.oid, -1), coalesce(e.typtype, b.typtype) = 'e', \
       CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, \
       (SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c \
        JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation AND NOT c.collisdeterministic), \
       NOT (a.attnotnull OR t.typnotnull), a.atthasdef OR a.attidentity = 'd' OR t.typdefault IS NOT NULL, \
       a.attgenerated <> '' OR a.attidentity = 'a', a.attgenerated <> '' \
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
     JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END \
     LEFT JOIN pg_type e ON e.oid = b.typelem AND e.typarray = b.oid \
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// The columns of each unique index of the table `$1` that covers all rows.
const UNIQUE_INDEXES: &str = "SELECT to_json(array(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k \
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k)) \
     FROM pg_index i WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL \
       AND i.indexprs IS NULL";

/// Whether the table `$1` is referred to, and whether it has rules.
const FURTHER: &str = "WITH RECURSIVE own(oid) AS \
       (SELECT $1::oid UNION SELECT inhrelid FROM pg_inherits JOIN own ON inhparent = own.oid) \
     SELECT EXISTS (SELECT FROM pg_constraint JOIN own ON confrelid = own.oid WHERE contype = 'f'), \
       (SELECT relhasrules FROM pg_class WHERE oid = $1)";

/// The foreign keys that refer to the table and do something to the rows that have them. One of a partitioned table has a
/// row in the catalogue for every partition: the topmost stands for all.
const KEYS: &str = "\
    , root(oid, parent) AS (SELECT c.oid, c.conparentid FROM pg_constraint c JOIN own ON c.confrelid = own.oid \
          WHERE c.contype = 'f' AND c.confdeltype IN ('c', 'n', 'd') \
        UNION SELECT c.oid, c.conparentid FROM pg_constraint c JOIN root ON root.parent = c.oid) \
    SELECT c.oid, c.conname::text, c.conrelid, c.conrelid::regclass::text, c.confrelid::regclass::text, \
      CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END, \
      to_json(array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, at) \
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.at)), \
      to_json(array(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k(n, at) \
            JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.at)), \
      has_table_privilege(c.conrelid, 'SELECT') AND has_table_privilege(c.confrelid, 'SELECT') \
    FROM root JOIN pg_constraint c ON c.oid = root.oid \
    WHERE root.parent = 0 AND c.conrelid NOT IN (SELECT oid FROM own) ORDER BY 4, 2";

/// A constraint of the table, a part of it, or a unique index: its columns, and the condition of a CHECK.
const CONSTRAINT: &str = "WITH RECURSIVE own(oid) AS \
       (SELECT to_regclass($1)::oid UNION SELECT inhrelid FROM pg_inherits JOIN own ON inhparent = own.oid), \
     named(rel, keys, definition) AS ( \
       SELECT conrelid, conkey::int2[], CASE contype WHEN 'c' THEN pg_get_constraintdef(c.oid) END \
         FROM pg_constraint c JOIN own ON conrelid = own.oid WHERE conname = $2 AND contype IN ('c', 'f', 'u', 'p', 'x') \
       UNION ALL SELECT indrelid, indkey[0:indnkeyatts - 1]::int2[], NULL \
         FROM pg_index i JOIN own ON indrelid = own.oid JOIN pg_class c ON c.oid = indexrelid WHERE relname = $2) \
     SELECT to_json(array(SELECT attname::text FROM unnest(keys) WITH ORDINALITY k(n, at) \
                  JOIN pg_attribute ON attrelid = rel AND attnum = n ORDER BY at)), definition FROM named LIMIT 1";

/// A unique index of the table, or of a part of it: its expressions, and the condition of a partial one.
const UNIQUE: &str = "WITH RECURSIVE own(oid) AS \
       (SELECT to_regclass($1)::oid UNION SELECT inhrelid FROM pg_inherits JOIN own ON inhparent = own.oid) \
     SELECT to_json(array(SELECT pg_get_indexdef(indexrelid, k, true) FROM generate_series(1, indnkeyatts) k)), \
       coalesce(pg_get_expr(indpred, indrelid), 'true') \
     FROM pg_index i JOIN own ON indrelid = own.oid JOIN pg_class c ON c.oid = indexrelid \
     WHERE relname = $2 AND indisunique LIMIT 1";

/// What a server cannot take a load for.
const UNFIT: &str = "SELECT format('its database has the encoding %s, not UTF8: answers have any letter', \
       current_setting('server_encoding')) WHERE current_setting('server_encoding') <> 'UTF8' \
     UNION ALL SELECT 'its server is a standby, which takes no writes: name the primary' WHERE pg_is_in_recovery()";

/// The sequences that number the rows of the table `$1`, all columns of which but these, `$2`, take their defaults.
const SEQUENCES: &str = "SELECT DISTINCT format('this user may not take numbers from its sequence (GRANT USAGE ON SEQUENCE %s)', \
       s.oid::regclass) FROM pg_attribute a \
     JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid \
          AND p.refclassid = 'pg_class'::regclass \
     JOIN pg_class s ON s.oid = p.refobjid \
     WHERE a.attrelid = $1 AND a.attname::text <> ALL (ARRAY[$2]::text[]) \
     AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE false END";

/// What keeps columns from being added to the table `$1` and, as it goes, to its parts: `$2` names and types, `$3` how many. A
/// column that was dropped keeps its number.
const UNADDABLE: &str = ", added(name, ty) AS (VALUES $2) \
    SELECT format('this user may not add columns to %s: its owner may, %s', c.oid::regclass, quote_ident(pg_get_userbyid(relowner))) \
      FROM pg_class c JOIN own ON own.oid = c.oid WHERE NOT pg_has_role(relowner, 'USAGE') \
    UNION ALL SELECT format('it is a part of %s, which alone can be given columns', inhparent::regclass) \
      FROM pg_class c JOIN pg_inherits ON inhrelid = c.oid WHERE c.oid = $1 AND relispartition \
    UNION ALL SELECT format('it is of the type %s, which says its columns', reloftype::regtype) \
      FROM pg_class WHERE oid = $1 AND reloftype <> 0 \
    UNION ALL SELECT format('with %s new columns it would have too many: PostgreSQL counts to 1600, dropped ones among them', $3) \
      FROM pg_attribute JOIN own ON attrelid = own.oid GROUP BY attrelid HAVING attrelid = $1 AND max(attnum) + $3 > 1600 \
    UNION ALL SELECT format('its part %s has a column %I already, of the type %s', attrelid::regclass, attname, \
        format_type(atttypid, atttypmod)) FROM pg_attribute JOIN own ON attrelid = own.oid JOIN added ON attname = name \
      WHERE attrelid <> $1 AND NOT attisdropped AND atttypid <> ty::regtype";

/// The table and all partitions and children that a DELETE reaches with it.
fn own(id: &str) -> String {
    format!(
        "own(oid) AS (SELECT {id}::oid UNION SELECT inhrelid FROM pg_inherits JOIN own ON inhparent = own.oid)"
    )
}

fn of_table(query: &str, id: &str) -> String {
    query.replace("$1", id)
}

fn of_named(query: &str, table: &str, name: &str) -> String {
    query.replace("$1", &sql::text(table)).replace("$2", &sql::text(name))
}

/// A complaint, unless a condition holds.
fn unless(condition: &str, complaint: &str) -> String {
    format!("SELECT {} WHERE NOT ({condition})", sql::text(complaint))
}

/// A condition: the right is held there.
fn held(wanted: &LoadRights<'_>, right: &str, of: Right) -> String {
    let id = wanted.id;
    let whole = format!("has_table_privilege({id}, '{right}')");
    match of {
        Right::Table => whole,
        Right::Any => format!("has_any_column_privilege({id}, '{right}')"),
        Right::Columns => {
            let column =
                |name: &String| format!("AND has_column_privilege({id}, {}, '{right}')", sql::text(name));
            let each: Vec<String> = wanted.filled.iter().map(column).collect();
            format!("{whole} OR (true {})", each.join(" "))
        }
    }
}

impl Catalogue for Postgres {
    fn unfit_server(&self) -> &'static str {
        UNFIT
    }

    fn table(&self, schema: Option<&str>, table: &str) -> String {
        let parts = schema.into_iter().chain([table]).map(sql::identifier);
        TABLE.replace("$1", &sql::text(&parts.collect::<Vec<_>>().join(".")))
    }

    fn no_table(&self, kind: &str) -> Option<&'static str> {
        match kind {
            "r" | "p" => None,
            "v" | "m" => Some("it is a view"),
            _ => Some("it is no ordinary table"),
        }
    }

    fn schema(&self, schema: Option<&str>) -> String {
        match schema {
            None => "SELECT current_schema(), current_setting('search_path')".to_owned(),
            Some(schema) => "SELECT nspname FROM pg_namespace WHERE nspname::text IN ($1, lower($1)) \
                             ORDER BY nspname::text <> $1 LIMIT 1"
                .replace("$1", &sql::text(schema)),
        }
    }

    fn has_schema(&self, schema: &str) -> String {
        format!("EXISTS (SELECT FROM pg_namespace WHERE nspname = {})", sql::text(schema))
    }

    fn columns(&self, id: &str) -> String {
        of_table(COLUMNS, id)
    }

    fn unique(&self, id: &str) -> String {
        of_table(UNIQUE_INDEXES, id)
    }

    fn further(&self, id: &str) -> String {
        of_table(FURTHER, id)
    }

    fn size(&self, table: &str) -> String {
        // By its name: a table that was swapped is another one.
        "SELECT pg_relation_size($1) + coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree($1)), 0)"
            .replace("$1", &format!("{}::regclass", sql::text(table)))
    }

    fn missing_rights(&self, wanted: &LoadRights<'_>) -> Vec<String> {
        let complaint =
            |right: &str| format!("this user may not {right} there (GRANT {right} ON {})", wanted.table);
        let rights = wanted.rights.iter();
        let rights = rights.map(|(right, of)| unless(&held(wanted, right, *of), &complaint(right)));
        let filled: Vec<String> = wanted.filled.iter().map(|name| sql::text(name)).collect();
        let row_security = format!("NOT row_security_active({})", wanted.id);
        rights
            .chain([
                of_table(SEQUENCES, wanted.id).replace("$2", &filled.join(", ")),
                unless(
                    &row_security,
                    "row security hides rows of it from this user: let its owner load, or BYPASSRLS",
                ),
            ])
            .collect()
    }

    fn may_not_make_temporary(&self) -> String {
        unless(
            "has_database_privilege(current_database(), 'TEMP')",
            "this user may not make temporary tables (GRANT TEMP ON DATABASE)",
        )
    }

    fn may_not_make_table(&self, schema: &str) -> String {
        let name = sql::text(schema);
        // The right in a schema is asked for only where it is there: CASE keeps the order.
        format!(
            "SELECT CASE WHEN {0} THEN 'this user may not make a table in that schema (GRANT CREATE)' \
               ELSE 'this user may not make its schema (GRANT CREATE ON DATABASE)' END \
             WHERE NOT CASE WHEN {0} THEN has_schema_privilege({name}, 'CREATE') \
               ELSE has_database_privilege(current_database(), 'CREATE') END",
            self.has_schema(schema)
        )
    }

    fn may_not_add(&self, id: &str, added: &[AddedColumn]) -> Vec<Obstacle> {
        let column = |column: &AddedColumn| {
            let ty = fit::column_type(column.ty);
            let plain = ty.split('(').next().unwrap_or(&ty);
            format!("({}, {})", sql::text(&column.name), sql::text(plain))
        };
        let columns: Vec<String> = added.iter().map(column).collect();
        let query = UNADDABLE.replace("$3", &added.len().to_string()).replace("$1", id);
        let query = query.replace("$2", &columns.join(", "));
        vec![Obstacle::of(format!("WITH RECURSIVE {}{query}", own(id)))]
    }

    fn referencing(&self, id: &str) -> String {
        format!("WITH RECURSIVE {}{KEYS}", own(id))
    }

    fn changes(&self, id: &str, cause: Cause) -> Option<String> {
        let action = match cause {
            Cause::Delete => "confdeltype",
            Cause::Update => "confupdtype",
        };
        Some(format!(
            "WITH RECURSIVE {} \
             SELECT coalesce(pg_partition_root(s.relid), s.relid)::regclass::text, \
               s.relid IN (SELECT oid FROM own), sum(s.n_tup_del)::bigint, sum(CASE WHEN EXISTS \
                 (SELECT FROM pg_constraint c WHERE c.conrelid = s.relid AND c.contype = 'f' AND c.{action} IN ('n', 'd')) \
                 THEN s.n_tup_upd ELSE 0 END)::bigint \
             FROM pg_stat_xact_user_tables s JOIN pg_class c ON c.oid = s.relid \
             WHERE c.relpersistence <> 't' AND (s.n_tup_del > 0 OR s.n_tup_upd > 0) GROUP BY 1, 2",
            own(id)
        ))
    }

    fn constraint(&self, table: &str, name: &str) -> String {
        of_named(CONSTRAINT, table, name)
    }

    fn unique_index(&self, table: &str, name: &str) -> String {
        of_named(UNIQUE, table, name)
    }

    fn id(&self, table: &str) -> String {
        format!("{}::regclass::oid", sql::text(table))
    }

    fn swap(&self) -> Option<&'static Swap> {
        Some(&SWAP)
    }
}
