//! Turns everything that can go wrong into one [`Error`] that names the file, the member and the
//! offset.
//!
//! Not here: how an error becomes a Python exception (`rust/py/src/errors.rs`).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an [`Error`] is; decides the class of the Python exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused; the error carries the [`io::Error`].
    Io,
    /// The archive's own bytes are wrong: gzip, deflate, tar, a checksum, a truncated file.
    Archive,
    /// The index file is damaged, of another version, or belongs to another archive.
    Index,
    /// No member has this name or number.
    NotFound,
    /// A member's bytes are not an image that can be decoded.
    Decode,
    /// The annotation files are wrong or contradict each other.
    Annotation,
    /// The submission or the truth it is scored against is wrong.
    Submission,
    /// The caller passed something that can never work.
    Argument,
    /// The caller asked to stop (Ctrl-C, or a progress callback that said so).
    Cancelled,
}

/// One error: what is wrong, and where.
///
/// The message says what was expected, what was found and what to do; the places (file, member,
/// offset) are kept apart so that every layer can add the one it knows.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    member: Option<String>,
    offset: Option<u64>,
    source: Option<io::Error>,
    truncated: bool,
}

impl Error {
    /// An error of `kind` with a message in lower case and without a final full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            path: None,
            member: None,
            offset: None,
            source: None,
            truncated: false,
        }))
    }

    /// An operating-system error on `path`.
    pub fn io(source: io::Error, path: impl AsRef<Path>) -> Self {
        Self::from(source).with_path(path)
    }

    /// Shorthand for [`ErrorKind::Archive`].
    pub fn archive(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Archive, message)
    }

    /// Shorthand for [`ErrorKind::Index`].
    pub fn index(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Index, message)
    }

    /// Shorthand for [`ErrorKind::Decode`].
    pub fn decode(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Decode, message)
    }

    /// Shorthand for [`ErrorKind::Annotation`].
    pub fn annotation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Annotation, message)
    }

    /// Shorthand for [`ErrorKind::Submission`].
    pub fn submission(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Submission, message)
    }

    /// Shorthand for [`ErrorKind::Argument`].
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Argument, message)
    }

    /// The error of an operation that its caller stopped.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "stopped by the caller")
    }

    /// Says that there may be nothing wrong but that the file is not whole yet.
    #[must_use]
    pub(crate) fn truncated(mut self) -> Self {
        self.0.truncated = true;
        self
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.0.truncated
    }

    /// Adds the file, unless an inner layer named one already.
    #[must_use]
    pub fn with_path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.path.get_or_insert_with(|| path.as_ref().to_owned());
        self
    }

    /// Adds the member's name, unless an inner layer named one already.
    #[must_use]
    pub fn with_member(mut self, name: &[u8]) -> Self {
        self.0
            .member
            .get_or_insert_with(|| String::from_utf8_lossy(name).into_owned());
        self
    }

    /// Adds the byte offset (of the file as stored), unless an inner layer named one already.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the places.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file, where one is known.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The member's name, where one is known.
    pub fn member(&self) -> Option<&str> {
        self.0.member.as_deref()
    }

    /// The byte offset in the file as stored, where one is known.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The operating system's own error, for [`ErrorKind::Io`].
    pub fn io_error(&self) -> Option<&io::Error> {
        self.0.source.as_ref()
    }
}

impl From<io::Error> for Error {
    /// The path is to be added by whoever knows it.
    fn from(source: io::Error) -> Self {
        let mut error = Self::new(ErrorKind::Io, source.to_string());
        error.0.source = Some(source);
        error
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(formatter, "`{}`: ", path.display())?;
        }
        if let Some(member) = self.member() {
            write!(formatter, "member `{member}`: ")?;
        }
        formatter.write_str(self.message())?;
        if let Some(offset) = self.offset() {
            write!(formatter, " (at byte {offset})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_every_place_once() {
        let error = Error::archive("bad checksum")
            .with_offset(512)
            .with_member(b"a/b.jpg")
            .with_path("x.tar.gz")
            .with_path("outer.tar.gz");
        assert_eq!(
            error.to_string(),
            "`x.tar.gz`: member `a/b.jpg`: bad checksum (at byte 512)"
        );
    }
}
