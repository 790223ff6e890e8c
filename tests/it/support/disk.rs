//! A small disk of a test's own.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk of its own, unmounted with the test.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts a memory file system there, with these options of mount(8).
    #[track_caller]
    pub fn mount(folder: PathBuf, options: &str) -> Disk {
        std::fs::create_dir_all(&folder).unwrap();
        let mut mount = Command::new("mount");
        let mounted =
            mount.args(["-t", "tmpfs", "-o", options, "windrow-test"]).arg(&folder).status().unwrap();
        assert!(mounted.success(), "this test mounts small disks: run it as root, where mounting is allowed");
        Disk(folder)
    }

    /// Takes all the space that is left.
    pub fn fill(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.filler()).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives it back.
    pub fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    /// What takes the space.
    pub fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The same as text.
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
