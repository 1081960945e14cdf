//! Turns the parser's findings into members: what they are and where they go.

/// A member of the archive: what later reads by name can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// Position of the first data byte in the tar.
    pub(crate) data_offset: u64,
    /// Bytes stored.
    pub(crate) size: u64,
    pub(crate) kind: EntryKind,
    /// Where parsing can start anew and find this member first, if it can.
    pub(crate) start: Option<Start>,
}

/// A place in a tar where a parser can start: the first header of a member, or a byte of its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) tar_offset: u64,
    /// Blocks of zeros before it: marks of an end that was none.
    pub(crate) zero_blocks: u64,
    /// Pax records for what global headers before it have said.
    pub(crate) global: Vec<u8>,
}

/// How a tar ended.
#[derive(Debug)]
pub(crate) enum End {
    /// With an end-of-archive mark.
    Marked,
    /// Behind a member, but without the mark.
    Unmarked,
    /// In the middle of something.
    Truncated(Fault),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    /// Another name of the member `target`, which comes before.
    HardLink {
        target: Vec<u8>,
    },
    /// A file with holes; what is stored is not what the file holds.
    Sparse,
}

/// Where the members go, in the archive's order: `begin`, `data` as often as needed, `end`.
pub(crate) trait Members {
    fn begin(&mut self, entry: Entry) -> crate::Result<()>;
    fn data(&mut self, bytes: &[u8]);
    fn end(&mut self) -> crate::Result<()>;
}

/// What is wrong with a tar, and at which of its bytes.
#[derive(Debug)]
pub(crate) enum Fault {
    Tar { message: String, tar_offset: u64 },
    Sink(crate::Error),
}

impl Fault {
    /// The error to report; `compressed` is about where in the file it is, if the tar is compressed.
    pub(crate) fn explain(self, compressed: Option<u64>) -> crate::Error {
        let (message, tar_offset) = match self {
            Self::Sink(error) => return error,
            Self::Tar {
                message,
                tar_offset,
            } => (message, tar_offset),
        };
        match compressed {
            None => crate::Error::archive(message).with_offset(tar_offset),
            Some(at) => crate::Error::archive(format!(
                "{message}, {tar_offset} bytes into the uncompressed tar"
            ))
            .with_offset(at),
        }
    }
}

impl From<crate::Error> for Fault {
    fn from(error: crate::Error) -> Self {
        Self::Sink(error)
    }
}
