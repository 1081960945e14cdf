//! Turns what a function writes into a file that is whole, or not there.
//!
//! By the rules of `python/ptarmigan/whole_file.py`: a link stays and what it points to is written,
//! only files are replaced, and an older file keeps its mode.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// As many links as Linux follows.
const LINKS: usize = 40;

/// Has `write` fill a file beside `path`, which then takes its name; errors name `path`.
pub(super) fn write_aside(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<()> {
    let named = |error| Error::io(error, path);
    let (place, permissions) = destination(path)?;
    let folder = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut aside = tempfile::Builder::new()
        .prefix(".ptarmigan-")
        .suffix(".part")
        .make_in(folder.unwrap_or(Path::new(".")), |aside| {
            // With the mode of every new file.
            OpenOptions::new().write(true).create_new(true).open(aside)
        })
        .map_err(named)?;
    if let Some(permissions) = permissions {
        aside
            .as_file()
            .set_permissions(permissions)
            .map_err(named)?;
    }
    let mut file = BufWriter::with_capacity(1 << 17, aside.as_file_mut());
    write(&mut file)
        .and_then(|()| file.flush())
        .map_err(named)?;
    drop(file);
    aside.as_file().sync_all().map_err(named)?;
    aside.persist(&place).map_err(|error| named(error.error))?;
    Ok(())
}

/// Where to write: `path`, or what it links to; and the mode of the file that is there.
fn destination(path: &Path) -> Result<(PathBuf, Option<Permissions>)> {
    let named = |error| Error::io(error, path);
    match fs::metadata(path) {
        Ok(there) if there.is_file() => {
            // What may not be written to may not be replaced either.
            OpenOptions::new().write(true).open(path).map_err(named)?;
            let mode = there.permissions().mode() & 0o777;
            let place = fs::canonicalize(path).map_err(named)?;
            Ok((place, Some(Permissions::from_mode(mode))))
        }
        Ok(_) => Err(Error::argument(
            "is there and is not a file, so it cannot be replaced; give another name",
        )
        .with_path(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((end_of_links(path), None)),
        Err(error) => Err(named(error)),
    }
}

/// What a link points to that leads to nothing yet.
fn end_of_links(path: &Path) -> PathBuf {
    let mut place = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&place) else {
            break;
        };
        place = place.parent().unwrap_or(Path::new("")).join(target);
    }
    place
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn put(path: &Path, text: &str) -> Result<()> {
        write_aside(path, |file| file.write_all(text.as_bytes()))
    }

    #[test]
    fn a_link_stays_and_its_target_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        symlink("between", &link).unwrap();
        symlink("target", folder.path().join("between")).unwrap();
        put(&link, "new").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
        put(&link, "newer").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "newer");
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn an_error_names_the_path_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        put(&path, "older").unwrap();
        let error = write_aside(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::from_raw_os_error(28))
        })
        .unwrap_err();
        assert_eq!(error.path(), Some(path.as_path()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "older");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(put(folder.path(), "").is_err());
    }
}
