//! Turns a zip as downloaded into its members.

use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::Path;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::source::read_error;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 1 << 16;
/// Most bytes of a central directory that are looked at: that of a release has some hundreds.
const DIRECTORY_BYTES: u64 = 1 << 20;
/// A record of the central directory, its bytes before the name, and where it says the lengths of
/// the name, the extra field and the comment (APPNOTE.TXT 4.3.12).
const SIGNATURE: &[u8] = b"PK\x01\x02";
const RECORD_BYTES: usize = 46;
const LENGTHS: [usize; 3] = [28, 30, 32];

/// A zip that is open for reading.
pub(crate) type Zip = ZipArchive<BufReader<File>>;

/// Opens a zip; one with two members of the same name is an error, because they hide each other.
pub(crate) fn open(file: File, path: &Path) -> Result<Zip> {
    let io = |error| Error::io(error, path);
    let again = file.try_clone().map_err(io)?;
    let zip = ZipArchive::new(BufReader::with_capacity(BUFFER_BYTES, file))
        .map_err(|error| zip_error(error, path))?;
    let start = zip.central_directory_start();
    let size = again.metadata().map_err(io)?.len();
    let mut directory = vec![0; size.saturating_sub(start).min(DIRECTORY_BYTES) as usize];
    let count = again.read_at(&mut directory, start).map_err(io)?;
    let records = count_records(&directory[..count]);
    if records > zip.len() {
        return Err(Error::annotation(format!(
            "the zip has {records} members under {} names; download it again",
            zip.len()
        )));
    }
    Ok(zip)
}

fn count_records(mut directory: &[u8]) -> usize {
    let mut count = 0;
    while directory.starts_with(SIGNATURE) {
        count += 1;
        let length = |at: usize| match directory.get(at..at + 2) {
            Some(bytes) => usize::from(u16::from_le_bytes([bytes[0], bytes[1]])),
            None => 0,
        };
        let length = RECORD_BYTES + LENGTHS.map(length).iter().sum::<usize>();
        directory = directory.get(length..).unwrap_or_default();
    }
    count
}

/// Releases are packed with deflate; each further method would be another library.
pub(crate) fn check_method(method: CompressionMethod) -> Result<()> {
    if let CompressionMethod::Stored | CompressionMethod::Deflated = method {
        return Ok(());
    }
    Err(Error::annotation(format!(
        "it is packed with {method}, expected deflate; unzip it and name the JSON file, or zip it \
         again"
    )))
}

/// What is wrong with a zip.
pub(crate) fn zip_error(error: ZipError, path: &Path) -> Error {
    match error {
        ZipError::Io(error) => read_error(error, path),
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Error::annotation(
            "expected a file that is not encrypted, found one with a password; download it again",
        ),
        error => Error::annotation(format!(
            "this is not a zip that can be read ({error}); download it again"
        )),
    }
}
