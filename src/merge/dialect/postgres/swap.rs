//! What a new table gets of an old one, as statements that the catalogue's own functions spell.

use crate::merge::dialect::Swap;

pub(super) const SWAP: Swap = Swap {
    obstacles: OBSTACLES,
    make: "CREATE TABLE {new} (LIKE {old} INCLUDING ALL)",
    before_rows: &BEFORE_THE_ROWS,
    with_numbers: "OVERRIDING SYSTEM VALUE",
    lock: "LOCK TABLE {old} IN ACCESS EXCLUSIVE MODE",
    behind_rows: &BEHIND_THE_ROWS,
    names: &NAMES,
};

/// What cannot go along, in words.
const OBSTACLES: &str = "\
    SELECT 'the view ' || r.ev_class::regclass || ' reads it' FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid \
      WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 \
        AND r.ev_class <> $1 \
    UNION SELECT 'the rule ' || quote_ident(rulename) FROM pg_rewrite WHERE ev_class = $1 \
    UNION SELECT 'the key ' || quote_ident(conname) || ' of ' || conrelid::regclass || ' refers to it' \
      FROM pg_constraint WHERE confrelid = $1 AND contype = 'f' \
    UNION SELECT 'the trigger ' || quote_ident(tgname) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal \
    UNION SELECT 'the policy ' || quote_ident(polname) FROM pg_policy WHERE polrelid = $1 \
    UNION SELECT 'it is published for replication' FROM pg_publication_rel WHERE prrelid = $1 \
    UNION SELECT 'it has partitions' FROM pg_class WHERE oid = $1 AND relkind = 'p' \
    UNION SELECT 'it is a partition' FROM pg_class WHERE oid = $1 AND relispartition \
    UNION SELECT 'it inherits, or is inherited from' FROM pg_inherits WHERE inhrelid = $1 OR inhparent = $1 \
    UNION SELECT 'it has row security' FROM pg_class WHERE oid = $1 AND relrowsecurity \
    UNION SELECT 'it is not logged' FROM pg_class WHERE oid = $1 AND relpersistence <> 'p' \
    UNION SELECT 'it has a tablespace of its own' FROM pg_class WHERE oid = $1 AND reltablespace <> 0 \
    UNION SELECT 'it has a replica identity of its own' FROM pg_class WHERE oid = $1 AND relreplident <> 'd' \
    UNION SELECT 'it is of a type' FROM pg_class WHERE oid = $1 AND reloftype <> 0 \
    UNION SELECT 'only its owner may do that: ' || pg_get_userbyid(relowner) FROM pg_class \
      WHERE oid = $1 AND NOT pg_has_role(relowner, 'USAGE') \
    ORDER BY 1";

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
