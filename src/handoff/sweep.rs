//! Sweeping: removing what writers have left in a shard's folder.

use std::collections::HashSet;

use super::error::{HandoffError, absent_is_fine, file_error};
use super::{RunStore, layout};
use crate::record::Ordinal;

impl RunStore {
    /// Removes chunks that no commit names, and half-written files: what writers have left that died, or that lost against
    /// others. What has another name is not windrow's, and stays.
    ///
    /// Does nothing unless every block of the shard, each named by its first record, is committed: then nothing that a writer
    /// still writes can count, though it lives, on another machine maybe. While a block is not, its writer's chunks look the
    /// same as what a dead one has left.
    pub async fn sweep(
        &self,
        shard: u32,
        mut blocks: impl Iterator<Item = Ordinal>,
    ) -> Result<(), HandoffError> {
        let folder = self.folder().join(layout::shard_folder(shard));
        let failed = |error| file_error("list", folder.display(), error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        let is_committed = |first| names.contains(&layout::commit(first));
        if !layout::has_leftovers(&names) || !blocks.all(is_committed) {
            return Ok(());
        }
        let named: HashSet<String> =
            self.commits(shard).await?.into_values().flat_map(|c| c.files).map(|file| file.name).collect();
        let is_left =
            |name: &&String| layout::is_staged(name) || (layout::is_chunk(name) && !named.contains(*name));
        for name in names.iter().filter(is_left) {
            let path = folder.join(name);
            std::fs::remove_file(&path)
                .or_else(absent_is_fine)
                .map_err(|error| file_error("remove", path.display(), error))?;
        }
        Ok(())
    }

    /// Sweeps all shards of a run that are whole. What stays behind is in nobody's way, so nothing fails.
    pub async fn sweep_all(&self) {
        let rounds = self.rounds().await.unwrap_or_default();
        for shard in rounds.iter().flat_map(|round| &round.shards) {
            let _ = self.sweep(shard.number, shard.blocks.iter().map(|block| block.first)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sweep_removes_what_windrow_wrote_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let run = RunStore::create(&root.path().join("20261123T071000-000000000000a")).await.unwrap();
        let left =
            ["000000000.5f0c7a11.shop.parquet", "000000000.5f0c7a11.requests.parquet", "000000000.json#1"];
        let stay =
            [layout::INPUT, layout::SHARD_LOG, "notes.md", "shop.parquet", "dear.csv", ".nfs0001", "draft#1"];
        run.put_shard_file(0, layout::INPUT, bytes::Bytes::new()).await.unwrap();
        for name in left.iter().chain(&stay) {
            std::fs::write(run.local_path(0, name), "").unwrap();
        }
        std::fs::create_dir(run.local_path(0, "000000000.5f0c7a11.plots.parquet")).unwrap();
        run.sweep(0, [0].into_iter()).await.unwrap();
        assert!(left.iter().all(|name| run.local_path(0, name).exists()), "its block may be at work");
        std::fs::write(
            run.local_path(0, "000000000.json"),
            r#"{"version": 1, "run": "r", "shard": 0, "first": 0, "records": 1,
            "attempt": "99999999", "files": [], "tally": {}, "at": 0}"#,
        )
        .unwrap();
        run.sweep(0, [0].into_iter()).await.unwrap();
        let is_there = |name: &&&str| run.local_path(0, name).exists();
        assert_eq!(
            (left.iter().filter(is_there).count(), stay.iter().filter(is_there).count()),
            (0, stay.len())
        );
        assert!(run.local_path(0, "000000000.5f0c7a11.plots.parquet").is_dir());
    }
}
