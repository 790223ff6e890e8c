//! A file of this process's own, as bytes.

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::Mmap;

/// The bytes of a file that only this process has (made without a name, and never shortened), without reading them into memory:
/// they are the system's page cache.
pub fn mapped(file: &File) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the caller made the file without a name, so that no other process can open it by one; nobody writes to it any
    // more, and nobody shortens it, so that no access can fault and no byte changes.
    let map = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_bytes_outlive_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(mapped(&file).unwrap(), Bytes::new());
        file.write_all(b"abc").unwrap();
        let bytes = mapped(&file).unwrap();
        drop(file);
        assert_eq!(bytes, Bytes::from_static(b"abc"));
    }
}
