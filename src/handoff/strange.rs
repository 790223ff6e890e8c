//! What a process that writes into a run looks at first, and what one that reads it does.

use super::RunStore;
use super::error::HandoffError;
use super::guard::{Link, entries, refuse_foreign, refuse_link, strange};
use crate::os::is_link;

impl RunStore {
    /// Refuses to write into a run that another user made, that is named through a link, or where something else than a file or
    /// folder of its own stands in the place of one: what leads elsewhere must not be written, nor waited for.
    ///
    /// It is looked at once, before anything is written. Those who may write into the folder, since the job says so
    /// (`runs_permissions`) or as root may everywhere, could change it afterwards: then locks, logs and shared words are
    /// never opened through a link, files are made aside and renamed, and a shard's folder is looked at before each; a
    /// link that takes its place between that and the writing is not seen.
    ///
    /// # Errors
    /// [`HandoffError::Strange`].
    pub fn refuse_strange(&self) -> Result<(), HandoffError> {
        self.refuse_folder()?;
        self.refuse_entries()
    }

    /// The same for a process that works on one shard.
    ///
    /// # Errors
    /// [`HandoffError::Strange`].
    pub fn refuse_strange_shard(&self, shard: u32) -> Result<(), HandoffError> {
        self.refuse_folder()?;
        entries(self.folder(), Link::IsStrange)?;
        self.refuse_linked_shard(shard)?;
        let folder = self.local_path(shard, "");
        // A folder that is gone is reported where it is needed.
        if folder.is_dir() { entries(&folder, Link::IsStrange).map(|_| ()) } else { Ok(()) }
    }

    /// Refuses what a reader would wait for: a pipe in the place of a file. A run of another user may be read, and through
    /// links.
    ///
    /// # Errors
    /// [`HandoffError::Strange`].
    pub fn refuse_endless(&self) -> Result<(), HandoffError> {
        for shard in entries(self.folder(), Link::IsFollowed)? {
            entries(&self.folder().join(shard), Link::IsFollowed)?;
        }
        Ok(())
    }

    /// A shard's folder must be one.
    pub(super) fn refuse_linked_shard(&self, shard: u32) -> Result<(), HandoffError> {
        refuse_link(&self.local_path(shard, ""))
    }

    fn refuse_folder(&self) -> Result<(), HandoffError> {
        if is_link(self.named()) {
            let hint = "windrow works on runs in folders of their own: name the folder that it leads to";
            return Err(strange(self.named(), "is a link", hint));
        }
        refuse_foreign(self.folder())
    }

    fn refuse_entries(&self) -> Result<(), HandoffError> {
        for shard in entries(self.folder(), Link::IsStrange)? {
            let folder = self.folder().join(shard);
            refuse_foreign(&folder)?;
            entries(&folder, Link::IsStrange)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::handoff::plan::{Plan, PlannedEndpoint};
    use crate::handoff::{RunStore, layout, seal};
    use crate::job::{ChunkFormat, OnFailure};

    fn plan(extracted_from: Option<&str>, endpoint: &str) -> Plan {
        let endpoint = PlannedEndpoint {
            name: endpoint.to_owned(),
            columns: Vec::new(),
            on_failure: OnFailure::Skip,
            explodes: false,
            batched: false,
        };
        Plan {
            version: 1,
            run: "20261123T071000-000000000000a".to_owned(),
            job: "films".to_owned(),
            job_path: "/films.toml".into(),
            job_sha256: String::new(),
            created_at: 0,
            windrow: String::new(),
            source: "ids".to_owned(),
            input_sha256: String::new(),
            questions_sha256: String::new(),
            records: 0,
            left_out: 0,
            columns: Vec::new(),
            id_columns: 0,
            endpoints: vec![endpoint],
            chunks: ChunkFormat::Parquet,
            trial: false,
            extracted_from: extracted_from.map(str::to_owned),
            leased: false,
        }
    }

    #[tokio::test]
    async fn a_plan_names_nothing_outside_its_run_and_the_runs_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let run = RunStore::create(&root.path().join("20261123T071000-000000000000a")).await.unwrap();
        for (from, endpoint, is_read) in [
            (None, "shop", true),
            (Some("20261122T071000-000000000000a"), "shop", true),
            (Some("../20261122T071000-000000000000a"), "shop", false),
            (Some("/etc"), "shop", false),
            (Some(".."), "shop", false),
            (None, "a/../../shop", false),
            (None, "/shop", false),
        ] {
            std::fs::write(run.folder().join(layout::PLAN), seal::seal(&plan(from, endpoint))).unwrap();
            let read = run.plan().await.map_err(|error| error.to_string());
            assert_eq!(read.is_ok(), is_read, "{from:?} {endpoint}: {read:?}");
            assert!(read.is_ok() || read.is_err_and(|why| why.contains("which is no file's name")));
        }
    }
}
