//! The server's types, and ours for them.

use tokio_postgres::types::Type as ServerType;

use crate::value::Type;

/// Bytes of a type's modifier before what it holds (`VARHDRSZ`).
const MODIFIER_HEADER: i32 = 4;

/// Our type for one of the server's; text where there is none.
pub fn our_type(found: &ServerType, modifier: i32) -> Type {
    match *found {
        ServerType::BOOL => Type::Boolean,
        ServerType::INT2 | ServerType::INT4 => Type::Integer,
        ServerType::INT8 | ServerType::OID => Type::Bigint,
        ServerType::FLOAT4 | ServerType::FLOAT8 => Type::Double,
        ServerType::NUMERIC => decimal(modifier).unwrap_or(Type::Text),
        ServerType::DATE => Type::Date,
        ServerType::TIMESTAMP | ServerType::TIMESTAMPTZ => Type::Timestamp,
        ServerType::JSON | ServerType::JSONB => Type::Json,
        _ => Type::Text,
    }
}

/// `numeric(precision, scale)`, of which a modifier holds 16 bits and 11 bits with a sign (PostgreSQL's
/// `src/backend/utils/adt/numeric.c`, `make_numeric_typmod`); where neither was said, it is negative.
fn decimal(modifier: i32) -> Option<Type> {
    let held = modifier.checked_sub(MODIFIER_HEADER).filter(|held| *held >= 0)?;
    let precision = u8::try_from((held >> 16) & 0xffff).ok().filter(|precision| *precision <= 38)?;
    let scale = u8::try_from(((held & 0x7ff) ^ 1024) - 1024).ok().filter(|scale| *scale <= precision)?;
    Some(Type::Decimal { precision, scale })
}
