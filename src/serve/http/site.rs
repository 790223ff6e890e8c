//! All that is served.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::guard::Guard;
use crate::serve::figures::Figures;
use crate::serve::snapshot::Shelf;
use crate::serve::standing::JobStanding;

/// How the jobs stand, without their tables.
pub type Jobs = Box<dyn Fn() -> Vec<JobStanding> + Send + Sync>;

/// All that is served.
pub struct Site {
    pub shelf: Shelf,
    pub jobs: Jobs,
    pub guard: Guard,
    /// Where it listens.
    pub address: SocketAddr,
    pub figures: Arc<Figures>,
    /// Questions at once; each takes a core.
    pub questions: Semaphore,
}

impl Site {
    /// How the jobs stand, with their tables.
    pub(super) fn standing(&self) -> Vec<JobStanding> {
        let mut jobs = (self.jobs)();
        for job in &mut jobs {
            let tables = self.shelf.tables.iter().filter(|table| table.job == job.name);
            job.tables = tables.map(|table| table.standing()).collect();
        }
        jobs
    }

    /// What a person is led on with.
    pub(super) fn what_there_is(&self) -> String {
        let tables: Vec<String> =
            self.shelf.tables.iter().map(|table| format!("/{}.json", table.file.name)).collect();
        format!("there are {}, / for people, and /openapi.json for programs", tables.join(", "))
    }
}
