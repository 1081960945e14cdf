//! Turns an index file into look-ups: member by number, by name, and where its bytes are.

/// An opened index, shared by every reader of the process.
#[derive(Debug)]
pub struct Index {}

impl Index {
    /// Number of members.
    pub fn len(&self) -> usize {
        unimplemented!()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of a member, as the archive stores it.
    pub fn name(&self, member: usize) -> &[u8] {
        let _ = member;
        unimplemented!()
    }

    /// The number of the member with this name; the last one where several have it.
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let _ = name;
        unimplemented!()
    }

    /// A number that tells this archive's content from another's: kept in resume states.
    pub fn fingerprint(&self) -> u64 {
        unimplemented!()
    }
}
