//! Job files that were taken up after a run was planned.

use super::error::HandoffError;
use super::plan::Amendment;
use super::store::RunStore;
use super::{layout, seal};

impl RunStore {
    /// The job file as it was last taken up after the run was planned; `None` where it never was.
    pub async fn last_amendment(&self) -> Result<Option<Amendment>, HandoffError> {
        let mut last = None;
        for number in 1.. {
            let path = layout::amendment(number);
            match self.read_if_there(&path).await? {
                Some(bytes) => last = Some(self.parse_sealed(&path, &bytes)?),
                None => break,
            }
        }
        Ok(last)
    }

    /// Takes a job file up; only a process that holds the run may.
    pub async fn put_amendment(&self, amendment: &Amendment) -> Result<(), HandoffError> {
        self.put(&layout::amendment(amendment.number), seal::seal(amendment).into()).await
    }
}
