//! Turns the bytes of a tar, in pieces of any size, into members.
//!
//! Reads v7, ustar, pax, GNU and star headers. Names are bytes and are never used as paths.
//!
//! Not here: where a member lies in the compressed file (`archive/scan.rs`).

mod entry;
mod extensions;
mod header;
mod pax;

use crate::limits::{MEMBER_NAME_BYTES, TAR_EXTENSION_BYTES};
pub(crate) use entry::{End, Entry, EntryKind, Fault, Members, Start};
use extensions::Extensions;
use header::Header;

/// The unit of a tar, in bytes.
pub(crate) const BLOCK: usize = 512;

/// Parses one tar.
#[derive(Debug)]
pub(crate) struct TarParser {
    state: State,
    offset: u64,
    block: [u8; BLOCK],
    zero_blocks: u64,
    headers: u64,
    extensions: Extensions,
    /// Where the headers of the next member start, and the blocks of zeros before; `None` where a
    /// global header is among them.
    chain: Option<(u64, u64)>,
}

#[derive(Debug)]
enum State {
    Header {
        filled: usize,
    },
    Extension {
        kind: u8,
        left: u64,
        padding: u64,
        bytes: Vec<u8>,
    },
    /// Blocks of an old GNU sparse map; `stored` bytes of data follow the last one.
    SparseMap {
        filled: usize,
        entry: Entry,
    },
    Data {
        left: u64,
        padding: u64,
        name: Vec<u8>,
    },
    Skip {
        left: u64,
    },
}

impl Default for TarParser {
    fn default() -> Self {
        Self {
            state: State::Header { filled: 0 },
            offset: 0,
            block: [0; BLOCK],
            zero_blocks: 0,
            headers: 0,
            extensions: Extensions::default(),
            chain: None,
        }
    }
}

impl TarParser {
    /// A parser of what a tar has from `start` on.
    pub(crate) fn starting_at(start: &Start) -> Result<Self, Fault> {
        let mut parser = Self {
            offset: start.tar_offset,
            zero_blocks: start.zero_blocks,
            headers: 1,
            ..Self::default()
        };
        let global = parser.extensions.set(b'g', start.global.clone());
        global.map_err(|problem| parser.fault(problem))?;
        Ok(parser)
    }

    /// The same, where `start` lies in the data of a member, of which `left` bytes of `size` follow.
    pub(crate) fn starting_inside(
        start: &Start,
        name: &[u8],
        size: u64,
        left: u64,
    ) -> Result<Self, Fault> {
        let mut parser = Self::starting_at(start)?;
        parser.state = State::Data {
            left,
            padding: padding(size),
            name: name.to_vec(),
        };
        Ok(parser)
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, mut bytes: &[u8], out: &mut impl Members) -> Result<(), Fault> {
        while !bytes.is_empty() {
            let used = self.step(bytes, out)?;
            self.offset += used as u64;
            bytes = &bytes[used..];
            self.complete(out)?;
        }
        Ok(())
    }

    /// How the tar ended; fails if there was none.
    pub(crate) fn finish(&self) -> Result<End, Fault> {
        if self.headers + self.zero_blocks == 0 {
            return Err(self.fault("expected a tar archive, found no data at all"));
        }
        let (message, what) = match &self.state {
            State::Header { filled: 0 } if self.extensions.pending() => {
                ("an extended header", "its member")
            }
            State::Header { filled: 0 } if self.zero_blocks > 0 => return Ok(End::Marked),
            State::Header { filled: 0 } => return Ok(End::Unmarked),
            State::Header { .. } => ("part of a block", "the rest"),
            State::Extension { .. } => ("part of an extended header", "the rest"),
            State::SparseMap { .. } => ("part of a sparse map", "the rest"),
            State::Data { left, name, .. } if *left > 0 => {
                let name = String::from_utf8_lossy(name);
                return Ok(End::Truncated(self.fault(format!(
                    "the tar is truncated: member `{name}` lacks {left} bytes"
                ))));
            }
            State::Data { .. } | State::Skip { .. } => ("part of a member", "the rest"),
        };
        Ok(End::Truncated(self.fault(format!(
            "the tar is truncated: it ends with {message}, without {what}"
        ))))
    }

    fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::Tar {
            message: message.into(),
            tar_offset: self.offset,
        }
    }

    /// Moves some of `bytes` to where the state wants them; returns how many.
    fn step(&mut self, bytes: &[u8], out: &mut impl Members) -> Result<usize, Fault> {
        Ok(match &mut self.state {
            State::Header { filled } | State::SparseMap { filled, .. } => {
                let some = bytes.len().min(BLOCK - *filled);
                self.block[*filled..*filled + some].copy_from_slice(&bytes[..some]);
                *filled += some;
                some
            }
            State::Extension {
                left,
                padding,
                bytes: held,
                ..
            } => {
                let some = within(bytes, *left);
                held.extend_from_slice(&bytes[..some]);
                *left -= some as u64;
                let padded = within(&bytes[some..], *padding);
                *padding -= padded as u64;
                some + padded
            }
            State::Data { left, padding, .. } => {
                let some = within(bytes, *left);
                if some > 0 {
                    out.data(&bytes[..some]);
                    *left -= some as u64;
                    if *left == 0 {
                        out.end()?;
                    }
                }
                let padded = within(&bytes[some..], *padding);
                *padding -= padded as u64;
                some + padded
            }
            State::Skip { left } => {
                let some = within(bytes, *left);
                *left -= some as u64;
                some
            }
        })
    }

    /// Acts on a state that has all it wants.
    fn complete(&mut self, out: &mut impl Members) -> Result<(), Fault> {
        let start = State::Header { filled: 0 };
        match &mut self.state {
            State::Header { filled: BLOCK } => {
                self.state = start;
                self.header(out)
            }
            State::SparseMap { filled: BLOCK, .. } => {
                let more = self.block[504] != 0;
                match std::mem::replace(&mut self.state, start) {
                    State::SparseMap { entry, .. } if more => {
                        self.state = State::SparseMap { filled: 0, entry };
                        Ok(())
                    }
                    State::SparseMap { entry, .. } => self.sparse(entry, out),
                    other => {
                        self.state = other;
                        Ok(())
                    }
                }
            }
            State::Extension {
                left: 0,
                padding: 0,
                kind,
                bytes,
            } => {
                let (kind, bytes) = (*kind, std::mem::take(bytes));
                self.state = start;
                self.extension(kind, bytes)
            }
            State::Data {
                left: 0,
                padding: 0,
                ..
            }
            | State::Skip { left: 0 } => {
                self.state = start;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn header(&mut self, out: &mut impl Members) -> Result<(), Fault> {
        if self.block.iter().all(|&byte| byte == 0) {
            if self.extensions.pending() {
                return Err(self.fault("an extended header without its member"));
            }
            self.zero_blocks += 1;
            return Ok(());
        }
        let header = match Header::parse(&self.block) {
            Ok(header) => header,
            Err(problem) => return Err(self.bad_header(&problem)),
        };
        self.headers += 1;
        if !self.extensions.pending() {
            self.chain = Some((self.offset - BLOCK as u64, self.zero_blocks));
        } else if header.kind == b'g' {
            self.chain = None;
        }
        match header.kind {
            b'L' | b'K' | b'x' | b'X' | b'g' => self.start_extension(header),
            _ => self.start_entry(header, out),
        }
    }

    fn bad_header(&self, problem: &str) -> Fault {
        let tar_offset = self.offset - BLOCK as u64;
        let message = if self.headers + self.zero_blocks == 0 {
            format!("expected a tar archive, but the first block is no tar header: {problem}")
        } else if self.zero_blocks > 0 {
            format!("data behind the end of the archive that is no tar header: {problem}")
        } else {
            format!("a damaged tar header: {problem}")
        };
        Fault::Tar {
            message,
            tar_offset,
        }
    }

    fn start_extension(&mut self, header: Header) -> Result<(), Fault> {
        let kind = header.kind;
        let size = header.size.map_err(|problem| self.fault(problem))?;
        if size > TAR_EXTENSION_BYTES {
            return Err(self.fault(format!(
                "an extended header of {size} bytes; at most {TAR_EXTENSION_BYTES} are allowed"
            )));
        }
        if self.extensions.has(kind) {
            return Err(self.fault(format!(
                "two extended headers of type `{}` for one member",
                char::from(kind)
            )));
        }
        if size == 0 {
            return self.extension(kind, Vec::new());
        }
        self.state = State::Extension {
            kind,
            left: size,
            padding: padding(size),
            bytes: Vec::new(),
        };
        Ok(())
    }

    fn extension(&mut self, kind: u8, bytes: Vec<u8>) -> Result<(), Fault> {
        let set = self.extensions.set(kind, bytes);
        set.map_err(|problem| self.fault(problem))
    }

    fn start_entry(&mut self, header: Header, out: &mut impl Members) -> Result<(), Fault> {
        let header = self.extensions.apply(header);
        let size = header.size.map_err(|problem| self.fault(problem))?;
        if size > i64::MAX as u64 - self.offset.min(i64::MAX as u64) - 2 * BLOCK as u64 {
            return Err(self.fault(format!(
                "a member of {size} bytes, more than any tar can hold"
            )));
        }
        let (name, target) = (header.name, header.link);
        for name in [&name, &target] {
            if name.len() as u64 > MEMBER_NAME_BYTES || name.contains(&0) {
                return Err(self.fault(format!(
                    "a name of {} bytes; names have at most {MEMBER_NAME_BYTES} and no zero byte",
                    name.len()
                )));
            }
        }
        let start = self.chain.map(|(tar_offset, zero_blocks)| Start {
            tar_offset,
            zero_blocks,
            global: self.extensions.global(),
        });
        // No member has longer names, and a journal's records have a limit.
        let start = start.filter(|start| start.global.len() as u64 <= 4 * MEMBER_NAME_BYTES);
        let file = |kind, size| Entry {
            name: name.clone(),
            data_offset: self.offset,
            size,
            kind,
            start: start.clone(),
        };
        match header.kind {
            // A v7 tar has no type for directories; the name ends in a slash.
            0 if name.ends_with(b"/") => Ok(()),
            0 | b'0' | b'7' if header.sparse => self.sparse(file(EntryKind::Sparse, size), out),
            0 | b'0' | b'7' => {
                let entry = file(EntryKind::File, size);
                out.begin(entry)?;
                if size == 0 {
                    out.end()?;
                } else {
                    self.state = State::Data {
                        left: size,
                        padding: padding(size),
                        name,
                    };
                }
                Ok(())
            }
            b'1' => {
                out.begin(file(EntryKind::HardLink { target }, 0))?;
                Ok(out.end()?)
            }
            b'S' => {
                let entry = file(EntryKind::Sparse, size);
                if header.sparse_map_goes_on {
                    self.state = State::SparseMap { filled: 0, entry };
                    return Ok(());
                }
                self.sparse(entry, out)
            }
            // Links, devices, directories and pipes have no data, whatever their size says.
            b'2'..=b'6' => Ok(()),
            _ => {
                self.skip(size);
                Ok(())
            }
        }
    }

    /// Lists a sparse member and passes over what is stored of it.
    fn sparse(&mut self, entry: Entry, out: &mut impl Members) -> Result<(), Fault> {
        let size = entry.size;
        out.begin(entry)?;
        out.end()?;
        self.skip(size);
        Ok(())
    }

    fn skip(&mut self, size: u64) {
        let left = size + padding(size);
        if left > 0 {
            self.state = State::Skip { left };
        }
    }
}

fn within(bytes: &[u8], limit: u64) -> usize {
    usize::try_from(limit).map_or(bytes.len(), |limit| bytes.len().min(limit))
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}
