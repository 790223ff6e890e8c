//! What the new table gets of the old one, as statements that the catalogue's own functions spell.
//!
//! Each query has the old table as `$1`, the new one as `$2`, and answers with statements in the order in which they are
//! to be run.

use crate::database::DatabaseError;
use crate::database::postgres::Session;
use crate::merge::postgres::target::Target;
use crate::merge::sql;

/// Storage parameters, and identity columns that count on.
const BEFORE_THE_ROWS: [&str; 2] = [
    "SELECT format('ALTER TABLE %s SET (%s)', $2::regclass, array_to_string(reloptions, ', ')) FROM pg_class \
     WHERE oid = $1 AND reloptions IS NOT NULL",
    "SELECT format('SELECT setval(%L, last_value, is_called) FROM %s', \
            pg_get_serial_sequence($2::regclass::text, attname), pg_get_serial_sequence($1::regclass::text, attname)) \
     FROM pg_attribute WHERE attrelid = $1 AND attidentity <> '' AND NOT attisdropped",
];

/// The comment, the owner, who may do what (as the owner's defaults for new tables must not have it), sequences of
/// serial columns, keys that refer to other tables.
const BEHIND_THE_ROWS: [&str; 7] = [
    "SELECT format('COMMENT ON TABLE %s IS %L', $2::regclass, obj_description($1, 'pg_class')) \
     WHERE obj_description($1, 'pg_class') IS NOT NULL",
    "SELECT format('ALTER TABLE %s OWNER TO %I', $2::regclass, pg_get_userbyid(relowner)) FROM pg_class \
     WHERE oid = $1 AND relowner <> (SELECT relowner FROM pg_class WHERE oid = $2)",
    "SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', $2::regclass, \
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) \
     FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE c.oid = $2",
    "SELECT format('GRANT %s ON %s TO %s%s', a.privilege_type, $2::regclass, \
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, \
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
     FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE c.oid = $1",
    "SELECT format('GRANT %s (%I) ON %s TO %s%s', a.privilege_type, c.attname, $2::regclass, \
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, \
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
     FROM pg_attribute c, aclexplode(c.attacl) a WHERE c.attrelid = $1 AND NOT c.attisdropped",
    "SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I', d.objid::regclass, $2::regclass, a.attname) \
     FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
     JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 \
       AND d.deptype = 'a'",
    "SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', $2::regclass, conname, pg_get_constraintdef(oid)) \
     FROM pg_constraint WHERE conrelid = $1 AND contype = 'f' ORDER BY conname",
];

/// The names of indexes and of the sequences of identity columns: free when the old table is dropped.
const NAMES: [&str; 2] = [
    "WITH indexes AS (SELECT i.indrelid, i.indexrelid, c.relname, i.indisunique, i.indisprimary, \
            substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS definition \
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid IN ($1, $2)), \
       numbered AS (SELECT *, row_number() OVER \
          (PARTITION BY indrelid, indisunique, indisprimary, definition ORDER BY indexrelid) AS place FROM indexes) \
     SELECT format('ALTER INDEX %s RENAME TO %I', new.indexrelid::regclass, old.relname) FROM numbered old \
     JOIN numbered new USING (indisunique, indisprimary, definition, place) \
     WHERE old.indrelid = $1 AND new.indrelid = $2",
    "SELECT format('ALTER SEQUENCE %s RENAME TO %I', \
            pg_get_serial_sequence($2::regclass::text, a.attname), s.relname) \
     FROM pg_attribute a JOIN pg_class s \
       ON s.oid = pg_get_serial_sequence($1::regclass::text, a.attname)::regclass \
     WHERE a.attrelid = $1 AND a.attidentity <> '' AND NOT a.attisdropped",
];

/// Gives the new table what it needs before it has rows.
pub(super) async fn take_along(session: &Session, target: &Target, new: &str) -> Result<(), DatabaseError> {
    run_each(session, target, new, &BEFORE_THE_ROWS).await
}

/// Gives the new table all else, and the old one's name.
pub(super) async fn exchange(session: &Session, target: &Target, new: &str) -> Result<(), DatabaseError> {
    run_each(session, target, new, &BEHIND_THE_ROWS).await?;
    let mut names = Vec::new();
    for query in NAMES {
        names.extend(spelled(session, target, new, query).await?);
    }
    // What depends on it in a way that is not known here refuses this.
    session.run(&format!("DROP TABLE {}", target.qualified)).await?;
    for statement in names {
        session.run(&statement).await?;
    }
    session.run(&format!("ALTER TABLE {new} RENAME TO {}", sql::identifier(&target.table))).await
}

async fn run_each(
    session: &Session,
    target: &Target,
    new: &str,
    queries: &[&str],
) -> Result<(), DatabaseError> {
    for query in queries {
        // One after the other: what the owner may be given depends on the owner.
        for statement in spelled(session, target, new, query).await? {
            session.run(&statement).await?;
        }
    }
    Ok(())
}

async fn spelled(
    session: &Session,
    target: &Target,
    new: &str,
    query: &str,
) -> Result<Vec<String>, DatabaseError> {
    let query = query
        .replace("$1", &format!("{}::regclass::oid", sql::text(&target.qualified)))
        .replace("$2", &format!("{}::regclass::oid", sql::text(new)));
    Ok(session.rows(&query).await?.iter().map(|row| row.text(0)).collect())
}
