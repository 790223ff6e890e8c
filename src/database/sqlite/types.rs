//! Types that tables declare, and ours for them.

use crate::value::Type;

/// Our type for one that a table declares; text where there is none.
pub fn our_type(declared: &str) -> Type {
    let declared = declared.trim().to_ascii_uppercase();
    let name = declared.split('(').next().unwrap_or_default().trim();
    let says = |word: &str| name.contains(word);
    match name {
        "BOOLEAN" | "BOOL" => Type::Boolean,
        "DATE" => Type::Date,
        "DATETIME" | "TIMESTAMP" => Type::Timestamp,
        "JSON" => Type::Json,
        "DECIMAL" | "NUMERIC" => decimal(&declared).unwrap_or(Type::Text),
        _ if says("INT") => Type::Bigint,
        _ if says("CHAR") || says("CLOB") || says("TEXT") => Type::Text,
        _ if says("REAL") || says("FLOA") || says("DOUB") => Type::Double,
        _ => Type::Text,
    }
}

/// `DECIMAL(9,2)`.
fn decimal(declared: &str) -> Option<Type> {
    let (_, digits) = declared.strip_suffix(')')?.split_once('(')?;
    format!("decimal({})", digits.replace(' ', "")).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_are_ours_where_we_have_them() {
        let cases = [
            ("INTEGER", Type::Bigint),
            ("unsigned big int", Type::Bigint),
            ("varchar(20)", Type::Text),
            ("double precision", Type::Double),
            ("decimal(9, 2)", Type::Decimal { precision: 9, scale: 2 }),
            ("NUMERIC", Type::Text),
            ("DECIMAL(60,2)", Type::Text),
            ("datetime", Type::Timestamp),
            ("DATE", Type::Date),
            ("bool", Type::Boolean),
            ("json", Type::Json),
            ("BLOB", Type::Text),
        ];
        cases.into_iter().for_each(|(declared, ty)| assert_eq!(our_type(declared), ty, "{declared}"));
    }
}
