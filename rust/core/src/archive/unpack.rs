//! Turns the bytes of a tar or a tar.gz, in chunks of any size, into the members of a tar.
//!
//! The first bytes tell which of the two it is. Not here: what becomes of the members
//! (`archive/record.rs` for an index, `archive/stream/` for a caller).

use super::gzip::{Inflater, Piece};
use super::gzip_header;
use super::magic;
use super::tar::{End, Members, TarParser};
use crate::error::Result;

/// Bytes that tell what a file is: up to the magic of a tar's first header.
const HEAD: usize = 512;

/// Where the members go, and the inflated pieces of a tar.gz around them.
pub(super) trait Sink: Members {
    /// Before the members in a piece are parsed.
    fn start_piece(&mut self, piece: &mut Piece<'_>);
    /// After that.
    fn end_piece(&mut self, piece: &Piece<'_>) -> Result<()>;
}

/// Unpacks one archive.
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    framing: Option<Framing>,
    /// The first bytes, until there are enough of them.
    head: Vec<u8>,
    parser: TarParser,
    /// Bytes of the tar before this one have been dealt with by an earlier pass.
    tar_offset: u64,
}

#[derive(Debug)]
enum Framing {
    Tar,
    Gzip(Box<Inflater>),
}

impl Unpacker {
    /// Goes on at byte `tar_offset` of a tar, inflated by `inflater` if it is compressed.
    pub(super) fn starting_at(
        tar_offset: u64,
        parser: TarParser,
        inflater: Option<Inflater>,
    ) -> Self {
        Self {
            framing: Some(match inflater {
                Some(inflater) => Framing::Gzip(Box::new(inflater)),
                None => Framing::Tar,
            }),
            head: Vec::new(),
            parser,
            tar_offset,
        }
    }

    /// Whether the archive is compressed.
    pub(super) fn is_gzip(&self) -> bool {
        matches!(self.framing, Some(Framing::Gzip(_)))
    }

    /// Whether every byte has come to which a checksum of gzip belongs, and is right.
    pub(super) fn is_checked(&self) -> bool {
        matches!(&self.framing, Some(Framing::Gzip(inflater)) if inflater.is_checked())
    }

    /// Takes the next bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<()> {
        if self.framing.is_some() {
            return self.pass_on(bytes, sink);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() < HEAD {
            return Ok(());
        }
        self.begin(sink)
    }

    /// Tells from the head what the archive is, and takes it.
    fn begin(&mut self, sink: &mut impl Sink) -> Result<()> {
        let head = std::mem::take(&mut self.head);
        self.framing = Some(if head.starts_with(&gzip_header::MAGIC) {
            Framing::Gzip(Box::default())
        } else {
            magic::refuse_other_formats(&head)?;
            Framing::Tar
        });
        self.pass_on(&head, sink)
    }

    fn pass_on(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<()> {
        match &mut self.framing {
            None => Ok(()),
            Some(Framing::Tar) => self
                .parser
                .push(bytes, sink)
                .map_err(|fault| fault.explain(None)),
            Some(Framing::Gzip(inflater)) => inflater.feed(bytes, &mut |piece| {
                parse(piece, self.tar_offset, &mut self.parser, sink)
            }),
        }
    }

    /// Whether the tar has its end mark, and if the archive ends too early, why; `file_bytes` is
    /// how long the file was.
    pub(super) fn finish(
        &mut self,
        sink: &mut impl Sink,
        file_bytes: u64,
    ) -> Result<(bool, Option<String>)> {
        if !self.head.is_empty() {
            self.begin(sink)?;
        }
        let mut at = None;
        let mut cut_off = None;
        if let Some(Framing::Gzip(inflater)) = &mut self.framing {
            at = Some(file_bytes);
            cut_off = inflater
                .finish(&mut |piece| parse(piece, self.tar_offset, &mut self.parser, sink))?;
        }
        let end = match self.parser.finish() {
            // Nothing at all, of a file that is no tar or that has hardly begun.
            Err(fault) => return Err(cut_off.unwrap_or_else(|| fault.explain(at))),
            Ok(end) => end,
        };
        Ok(match (cut_off, end) {
            (Some(error), _) => (false, Some(error.to_string())),
            (None, End::Marked) => (true, None),
            // Gzip has its own end; without it, the next member may be still to come.
            (None, End::Unmarked) if at.is_some() => (false, None),
            (None, End::Unmarked) => {
                let reason = "the tar lacks the mark of its end: it may be truncated";
                (false, Some(reason.to_owned()))
            }
            (None, End::Truncated(fault)) => (false, Some(fault.explain(at).to_string())),
        })
    }
}

/// Parses one piece of inflated tar, from `tar_offset` on.
fn parse(
    mut piece: Piece<'_>,
    tar_offset: u64,
    parser: &mut TarParser,
    sink: &mut impl Sink,
) -> Result<()> {
    sink.start_piece(&mut piece);
    let skipped = tar_offset.saturating_sub(piece.tar_offset);
    let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
    let at = piece.end_bit / 8;
    parser
        .push(piece.bytes.get(skipped..).unwrap_or_default(), sink)
        .map_err(|fault| fault.explain(Some(at)))?;
    sink.end_piece(&piece)
}
