//! The server's types, and ours for them.

use mysql_async::Column;
use mysql_async::consts::{ColumnFlags, ColumnType as ServerType};

use crate::value::Type;

/// Most digits of a decimal of ours.
const MOST_DIGITS: u8 = 38;

/// Our type for one of the server's; text where there is none.
pub fn our_type(column: &Column) -> Type {
    let is_unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
    match column.column_type() {
        ServerType::MYSQL_TYPE_TINY | ServerType::MYSQL_TYPE_SHORT | ServerType::MYSQL_TYPE_INT24 => {
            Type::Integer
        }
        ServerType::MYSQL_TYPE_YEAR => Type::Integer,
        ServerType::MYSQL_TYPE_LONG if !is_unsigned => Type::Integer,
        ServerType::MYSQL_TYPE_LONG => Type::Bigint,
        ServerType::MYSQL_TYPE_LONGLONG if !is_unsigned => Type::Bigint,
        ServerType::MYSQL_TYPE_LONGLONG => Type::Decimal { precision: 20, scale: 0 },
        ServerType::MYSQL_TYPE_BIT if column.column_length() < 64 => Type::Bigint,
        ServerType::MYSQL_TYPE_BIT => Type::Decimal { precision: 20, scale: 0 },
        ServerType::MYSQL_TYPE_FLOAT | ServerType::MYSQL_TYPE_DOUBLE => Type::Double,
        ServerType::MYSQL_TYPE_DECIMAL | ServerType::MYSQL_TYPE_NEWDECIMAL => decimal(column, is_unsigned),
        ServerType::MYSQL_TYPE_DATE | ServerType::MYSQL_TYPE_NEWDATE => Type::Date,
        ServerType::MYSQL_TYPE_DATETIME | ServerType::MYSQL_TYPE_DATETIME2 => Type::Timestamp,
        ServerType::MYSQL_TYPE_TIMESTAMP | ServerType::MYSQL_TYPE_TIMESTAMP2 => Type::Timestamp,
        ServerType::MYSQL_TYPE_JSON => Type::Json,
        _ => Type::Text,
    }
}

/// The length that the server tells has room for a sign, and for a point where there are digits behind it.
fn decimal(column: &Column, is_unsigned: bool) -> Type {
    let scale = u32::from(column.decimals());
    let precision = column.column_length().saturating_sub(u32::from(!is_unsigned) + u32::from(scale > 0));
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(digits), Ok(scale)) if precision <= u32::from(MOST_DIGITS) && u32::from(scale) <= precision => {
            Type::Decimal { precision: digits, scale }
        }
        _ => Type::Text,
    }
}

/// The same of an answer that is written out: of decimals that are too long for ours, sums first of all, the longest of ours
/// with as many digits behind the point. A value that is longer does not fit.
pub(super) fn wide_type(column: &Column) -> Type {
    let is_decimal =
        matches!(column.column_type(), ServerType::MYSQL_TYPE_DECIMAL | ServerType::MYSQL_TYPE_NEWDECIMAL);
    match our_type(column) {
        Type::Text if is_decimal => {
            Type::Decimal { precision: MOST_DIGITS, scale: column.decimals().min(MOST_DIGITS) }
        }
        ty => ty,
    }
}
