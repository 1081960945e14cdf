//! Turns the first bytes of a file that is neither gzip nor tar into an error that says what it is.

use crate::error::{Error, Result};

const FORMATS: [(&[u8], &str, &str); 9] = [
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"PK\x03\x04", "zip", "unzip"),
    (b"PK\x05\x06", "zip", "unzip"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
    (b"\x1f\x9d", "compress (.Z)", "uncompress"),
    (b"LZIP", "lzip", "lzip -d"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x"),
];

/// Fails if `head` starts like another archive or compression format.
pub(super) fn refuse_other_formats(head: &[u8]) -> Result<()> {
    // Such a name could start a tar, whose first bytes are a member's; the magic of a header is
    // then in its place.
    let tar = head.get(257..262) == Some(b"ustar");
    match FORMATS.iter().find(|format| head.starts_with(format.0)) {
        Some((_, name, tool)) if !tar => Err(Error::archive(format!(
            "expected a tar or tar.gz, found {name}; unpack it with `{tool}` first"
        ))
        .with_offset(0)),
        _ => Ok(()),
    }
}
