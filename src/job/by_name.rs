//! How things with names of the user's are serialized.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// A thing that the job file names.
#[derive(Serialize)]
struct Named<'a, T> {
    name: &'a str,
    value: &'a T,
}

/// Serializes named things in their order, so that each is found by its name.
pub(super) fn by_name<T: Serialize, S: Serializer>(
    things: &[(String, T)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(things.len()))?;
    things.iter().try_for_each(|(name, value)| list.serialize_element(&Named { name, value }))?;
    list.end()
}
