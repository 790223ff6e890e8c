//! Whether a folder is another machine's.

use std::path::Path;

use nix::sys::statfs::statfs;

/// File systems that other machines may write to meanwhile, by their numbers (statfs(2), `linux/magic.h`). What FUSE has below
/// it, nobody knows.
const REMOTE: [(i64, &str); 10] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "AFS"),
    (0x00C3_6400, "CephFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x6573_5546, "FUSE"),
];

/// The name of the network file system that a folder is on; `None` where it is on none, or nobody can tell.
pub fn network_file_system(folder: &Path) -> Option<&'static str> {
    named(statfs(folder).ok()?.filesystem_type().0)
}

fn named(number: i64) -> Option<&'static str> {
    // 32 bits, and on some machines with a sign.
    REMOTE.iter().find(|(magic, _)| *magic == number & 0xFFFF_FFFF).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_told_by_their_numbers() {
        assert_eq!(named(0x6969), Some("NFS"));
        assert_eq!(named(i64::from(0xFF53_4D42_u32 as i32)), Some("CIFS"));
        assert_eq!(named(0xEF53), None);
        assert_eq!(network_file_system(Path::new("/proc")), None);
    }
}
