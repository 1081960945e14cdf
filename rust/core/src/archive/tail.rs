//! Turns the members that a gzip stream yields into the same members, knowing of the last one
//! whether anything behind it shows that its bytes are right.
//!
//! gzip's checksum comes at the very end. A stream that ends before it may be cut off, and then what
//! was decoded is right. But it may as well be whole and damaged: a wrong bit lets the decoder lose
//! its step for good, run over the real end, and seem to want more. The members before the wrong bit
//! are right. Behind it comes nonsense, and nonsense does not have a tar header, which has a checksum
//! of its own, in the right place. So a header proves the member before it, and only a last member
//! with data can be one that was decoded wrongly and yet has all its bytes. Blocks of zeros prove
//! nothing: a decoder out of step finds zeros among zeros.

use super::record::Recorder;
use super::tar::{Entry, EntryKind, Members};
use crate::error::Result;

/// What is known of the last member so far.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Whether the member in hand has data.
    has_data: bool,
    unproven: bool,
}

impl Tail {
    /// The members of `recorder`, with an eye on the last one.
    pub(super) fn watch<'a>(&'a mut self, recorder: &'a mut Recorder) -> Watched<'a> {
        Watched {
            tail: self,
            recorder,
        }
    }

    /// Whether the last member is whole and no header has come behind it.
    pub(super) fn is_unproven(&self) -> bool {
        self.unproven
    }
}

/// The [`Members`] of a pass over a gzip stream.
#[derive(Debug)]
pub(super) struct Watched<'a> {
    tail: &'a mut Tail,
    recorder: &'a mut Recorder,
}

impl Members for Watched<'_> {
    fn begin(&mut self, entry: Entry) -> Result<()> {
        // What has no data of its own is all in its header.
        self.tail.has_data = entry.kind == EntryKind::File && entry.size > 0;
        self.tail.unproven = false;
        self.recorder.begin(entry)
    }

    fn data(&mut self, bytes: &[u8]) {
        self.recorder.data(bytes);
    }

    fn end(&mut self) -> Result<()> {
        self.tail.unproven = self.tail.has_data;
        self.recorder.end()
    }
}
