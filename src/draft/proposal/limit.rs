//! tbd
use super::*;
pub(super) fn proposed(_: &[Sample], _: &mut Vec<String>) -> Option<Proposed<Vec<(String, String)>>> {
    None
}
