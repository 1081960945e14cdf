//! Turns the members of a tar that goes by into whole members in memory.

use std::fmt;

use crc32fast::Hasher;

use crate::archive::gzip::Piece;
use crate::archive::tar::{Entry, EntryKind, Members};
use crate::archive::unpack::Sink;
use crate::error::{Error, Result};
use crate::limits::MEMBER_BYTES;
use crate::pixels::header::{Header, HeaderScanner};

/// Bytes of members that are handed on at once: few hand-overs of small members, and little memory.
const BATCH: usize = 1 << 20;

/// What a member costs beside its bytes: names, and room in queues.
const OVERHEAD: usize = 512;

/// Memory that is taken before a member's bytes have come; its size is only a claim until then.
const TAKEN_AHEAD: u64 = 1 << 20;

/// A member of an archive that is read from front to back.
#[derive(Clone, Debug)]
pub struct StreamedMember {
    /// The name, as the archive stores it.
    pub name: Vec<u8>,
    /// Position of the first byte in the (uncompressed) tar; 0 in a folder.
    pub tar_offset: u64,
    /// Bytes of the member as stored; 0 for a link.
    pub size: u64,
    /// CRC32 of the bytes as stored.
    pub crc32: u32,
    /// What the image says of itself.
    pub image: Header,
    /// The bytes, or why they are not here.
    pub data: Result<Vec<u8>, Missing>,
}

/// Why a member comes without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is another name of the member `target`, which has gone by.
    Link {
        /// The name that it leads to.
        target: Vec<u8>,
    },
    /// It is stored as a sparse file, which is not supported.
    Sparse,
    /// It has more bytes than [`MEMBER_BYTES`].
    TooLarge,
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { target } => write!(
                formatter,
                "a hard link to `{}`, which came before",
                String::from_utf8_lossy(target)
            ),
            Self::Sparse => formatter.write_str(
                "stored as a sparse file, which is not supported; extract it with `tar`",
            ),
            Self::TooLarge => write!(
                formatter,
                "more than the {MEMBER_BYTES} bytes that are held in memory; open it as a file"
            ),
        }
    }
}

/// Where finished members go; fails if nobody wants them any more.
pub(super) type Publish = Box<dyn FnMut(Vec<StreamedMember>) -> Result<()> + Send>;

/// The [`Sink`] of a stream.
pub(super) struct Collector {
    member: Option<StreamedMember>,
    sum: Hasher,
    scanner: HeaderScanner,
    finished: Vec<StreamedMember>,
    finished_bytes: usize,
    compressed: bool,
    /// The last member of a tar.gz, until a header comes that proves it
    /// ([`Recorder::last_is_unproven`](crate::archive::record::Recorder::last_is_unproven)).
    unproven: Option<StreamedMember>,
    publish: Option<Publish>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector that hands on members in batches, or else keeps them until they are taken.
    pub(super) fn new(publish: Option<Publish>) -> Self {
        Self {
            member: None,
            sum: Hasher::new(),
            scanner: HeaderScanner::default(),
            finished: Vec::new(),
            finished_bytes: 0,
            compressed: false,
            unproven: None,
            publish,
        }
    }

    /// Forgets the last member if no header has come behind it.
    pub(super) fn forget_unproven(&mut self) {
        self.unproven = None;
    }

    /// Counts the last member as finished, come what may behind it.
    pub(super) fn settle(&mut self) {
        if let Some(member) = self.unproven.take() {
            self.finished_bytes += OVERHEAD + member.data.as_ref().map_or(0, Vec::len);
            self.finished.push(member);
        }
    }

    /// The finished members that were not handed on.
    pub(super) fn take(&mut self) -> Vec<StreamedMember> {
        self.finished_bytes = 0;
        std::mem::take(&mut self.finished)
    }

    /// Hands on the finished members, however few.
    pub(super) fn flush(&mut self) -> Result<()> {
        if self.finished.is_empty() || self.publish.is_none() {
            return Ok(());
        }
        let members = self.take();
        self.publish
            .as_mut()
            .map_or(Ok(()), |publish| publish(members))
    }
}

impl Members for Collector {
    fn begin(&mut self, entry: Entry) -> Result<()> {
        self.settle();
        self.sum = Hasher::new();
        let data = match entry.kind {
            EntryKind::HardLink { target } => Err(Missing::Link { target }),
            EntryKind::Sparse => Err(Missing::Sparse),
            EntryKind::File if entry.size > MEMBER_BYTES => Err(Missing::TooLarge),
            EntryKind::File => {
                let mut data = Vec::new();
                data.try_reserve(entry.size.min(TAKEN_AHEAD) as usize)
                    .map_err(|_| Error::archive("there is no memory for the member"))?;
                Ok(data)
            }
        };
        self.member = Some(StreamedMember {
            name: entry.name,
            tar_offset: entry.data_offset,
            size: entry.size,
            crc32: 0,
            image: Header::default(),
            data,
        });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        if !self.scanner.is_done() {
            self.scanner.push(bytes);
        }
        if let Some(Ok(data)) = self.member.as_mut().map(|member| &mut member.data) {
            data.extend_from_slice(bytes);
        }
    }

    fn end(&mut self) -> Result<()> {
        let Some(mut member) = self.member.take() else {
            return Ok(());
        };
        member.crc32 = std::mem::take(&mut self.sum).finalize();
        member.image = self.scanner.finish();
        // What has no data of its own is all in its header.
        let proven = !self.compressed || member.size == 0;
        self.unproven = Some(member);
        if proven {
            self.settle();
        }
        if self.finished_bytes >= BATCH {
            self.flush()
        } else {
            Ok(())
        }
    }
}

impl Sink for Collector {
    fn start_piece(&mut self, piece: &mut Piece<'_>) {
        self.compressed = true;
        piece.log.forget();
    }

    fn end_piece(&mut self, _piece: &Piece<'_>) -> Result<()> {
        Ok(())
    }
}
