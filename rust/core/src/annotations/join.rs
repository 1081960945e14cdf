//! Turns file names into member numbers of an archive.

use std::collections::HashMap;

use super::file::MISSING;
use super::text::Slices;
use crate::error::{Error, Result};
use crate::index::Index;

/// How a file name of the annotations becomes the name of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// They are equal, but for a leading `./`.
    Name,
    /// The member lacks the first folder: an archive that was untarred, opened at that folder.
    BelowFirstFolder,
    /// The base names are equal: the test split, whose annotations have no folders.
    BaseName,
}

impl std::str::FromStr for Match {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "name" => Ok(Self::Name),
            "below_first_folder" => Ok(Self::BelowFirstFolder),
            "base_name" => Ok(Self::BaseName),
            _ => Err(Error::argument(format!(
                "expected `name`, `below_first_folder` or `base_name`, found `{text}`"
            ))),
        }
    }
}

/// The names of an archive, by number and by name; an [`Index`] is one.
pub trait Names {
    /// Number of members.
    fn len(&self) -> usize;
    /// The name of a member.
    fn name(&self, member: usize) -> Result<Vec<u8>>;
    /// The member of this name; the last one where several have it.
    fn find(&self, name: &[u8]) -> Result<Option<usize>>;
    /// Whether there is no member.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Names for Index {
    fn len(&self) -> usize {
        Self::len(self)
    }
    fn name(&self, member: usize) -> Result<Vec<u8>> {
        Self::name(self, member)
    }
    fn find(&self, name: &[u8]) -> Result<Option<usize>> {
        Self::find(self, name)
    }
}

/// The member of every file name, [`MISSING`] where the archive has none.
pub fn find_members(file_names: Slices<'_>, names: &impl Names, how: Match) -> Result<Vec<i64>> {
    let number = |member: Option<usize>| member.map_or(MISSING, |member| member as i64);
    if how == Match::BaseName {
        let mut members = HashMap::with_capacity(names.len());
        for member in 0..names.len() {
            members.insert(base_name(&names.name(member)?).to_vec(), member);
        }
        let find = |name| number(members.get(base_name(name)).copied());
        return Ok(file_names.iter().map(find).collect());
    }
    let mut dotted = Vec::new();
    let mut find = |name: &[u8]| {
        let name = name.strip_prefix(b"./").unwrap_or(name);
        let name = if how == Match::BelowFirstFolder {
            below_first_folder(name)
        } else {
            name
        };
        if let Some(member) = names.find(name)? {
            return Ok(Some(member));
        }
        dotted.clear();
        dotted.extend_from_slice(b"./");
        dotted.extend_from_slice(name);
        names.find(&dotted)
    };
    file_names
        .iter()
        .map(|name| find(name).map(number))
        .collect()
}

fn base_name(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'/').next().unwrap_or(name)
}

fn below_first_folder(name: &[u8]) -> &[u8] {
    name.iter()
        .position(|&byte| byte == b'/')
        .map_or(name, |slash| &name[slash + 1..])
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;

    struct List(Vec<&'static str>);

    impl Names for List {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn name(&self, member: usize) -> Result<Vec<u8>> {
            Ok(self.0[member].as_bytes().to_vec())
        }
        fn find(&self, name: &[u8]) -> Result<Option<usize>> {
            Ok(self.0.iter().rposition(|known| known.as_bytes() == name))
        }
    }

    fn find(file_names: &[&str], members: &[&'static str], how: Match) -> Vec<i64> {
        let text: Text = file_names.iter().collect();
        let (starts, ends) = (&text.offsets()[..text.len()], &text.offsets()[1..]);
        let slices = Slices::new(text.bytes(), starts, ends).unwrap();
        find_members(slices, &List(members.to_vec()), how).unwrap()
    }

    #[test]
    fn a_leading_dot_does_not_matter() {
        let members = ["./t/a/0.jpg", "t/a/1.jpg"];
        let names = ["t/a/0.jpg", "./t/a/1.jpg", "./t/a/0.jpg", "a/0.jpg"];
        assert_eq!(find(&names, &members, Match::Name), [0, 1, 0, -1]);
    }

    #[test]
    fn an_untarred_tree_lacks_the_first_folder() {
        let members = ["a/0.jpg", "t/a/1.jpg"];
        assert_eq!(
            find(
                &["t/a/0.jpg", "t/a/1.jpg"],
                &members,
                Match::BelowFirstFolder
            ),
            [0, -1]
        );
        assert_eq!(find(&["t/a/0.jpg"], &members, Match::Name), [-1]);
    }

    #[test]
    fn test_images_match_by_base_name_and_the_last_one_wins() {
        let members = ["test2017/0.jpg", "1.jpg", "again/0.jpg"];
        assert_eq!(
            find(
                &["0.jpg", "1.jpg", "x/1.jpg", "2.jpg"],
                &members,
                Match::BaseName
            ),
            [2, 1, 1, -1]
        );
    }
}
