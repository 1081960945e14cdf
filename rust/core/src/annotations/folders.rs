//! Turns the names of members into classes: the folder that holds an image is its class.

use std::collections::HashMap;

use super::text::Text;
use crate::error::Result;
use crate::index::Index;
use crate::pixels::header::Format;

/// The images of an archive, sorted by name, with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folders {
    /// Member numbers; of several members with one name, the last.
    pub members: Vec<i64>,
    /// The class of every image: a number into `classes`.
    pub targets: Vec<i64>,
    /// Names of the folders, sorted; empty for images in no folder.
    pub classes: Text,
}

impl Folders {
    /// Classes of the JPEGs and PNGs of an archive, known by their first bytes or by their names.
    pub fn of_archive(index: &Index) -> Result<Self> {
        let mut images = Vec::new();
        for member in 0..index.len() {
            let name = index.name(member)?;
            let format = index.image(member)?.format;
            if matches!(format, Format::Jpeg | Format::Png) || is_photo_name(&name) {
                images.push((member, name));
            }
        }
        let images = images.iter().map(|(member, name)| (*member, &name[..]));
        Ok(Self::new(images))
    }

    /// Classes of `images`, pairs of member number and name.
    ///
    /// The class is the name of the innermost folder, whatever folders that one is in.
    pub fn new<'a>(images: impl Iterator<Item = (usize, &'a [u8])>) -> Self {
        let by_name: HashMap<&[u8], usize> = images.map(|(member, name)| (name, member)).collect();
        let mut images: Vec<(&[u8], usize)> = by_name.into_iter().collect();
        images.sort_unstable();
        let mut classes: Vec<&[u8]> = images.iter().map(|(name, _)| folder(name)).collect();
        classes.sort_unstable();
        classes.dedup();
        let numbers: HashMap<&[u8], i64> = classes.iter().copied().zip(0..).collect();
        Self {
            members: images.iter().map(|&(_, member)| member as i64).collect(),
            targets: images
                .iter()
                .map(|(name, _)| numbers[folder(name)])
                .collect(),
            classes: classes.into_iter().collect(),
        }
    }
}

/// Whether a name ends as those of JPEG and PNG files do, in any case.
///
/// Names such as `._0.jpg` are not: macOS keeps a file's attributes under them.
pub fn is_photo_name(name: &[u8]) -> bool {
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let ending = base.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let photo = ["jpg", "jpeg", "png"]
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known.as_bytes()));
    photo && ending.len() < base.len() && !base.starts_with(b"._")
}

fn folder(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/')
        .nth(1)
        .filter(|&folder| folder != b".")
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_folder_is_the_class_and_the_last_duplicate_wins() {
        let names = [
            "z/b/1.jpg",
            "a/0.jpg",
            "x/b/0.jpg",
            "2.jpg",
            "./3.jpg",
            "a/0.jpg",
        ];
        let folders = Folders::new(names.iter().map(|name| name.as_bytes()).enumerate());
        assert_eq!(folders.members, [4, 3, 5, 2, 0]);
        assert_eq!(folders.targets, [0, 0, 1, 2, 2]);
        assert_eq!(
            folders.classes.iter().collect::<Vec<_>>(),
            [b"".as_slice(), b"a", b"b"]
        );
    }

    #[test]
    fn photo_names_are_known_in_any_case() {
        assert!(
            [b"a.jpg".as_slice(), b"A.JPEG", b"x/.b.JpG", b"c.png"]
                .into_iter()
                .all(is_photo_name)
        );
        assert!(
            ![b"jpg".as_slice(), b"a.gif", b"a.jpg.txt", b"", b"a/._0.jpg"]
                .into_iter()
                .any(is_photo_name)
        );
    }
}
