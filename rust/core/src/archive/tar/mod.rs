//! Turns the bytes of a tar, in pieces of any size, into members.
//!
//! Reads v7, ustar, pax, GNU and star headers. Names are bytes and are never used as paths.
//!
//! Not here: where a member lies in the compressed file (`archive/scan.rs`).

mod entry;
mod header;
mod pax;

use crate::limits::{MEMBER_NAME_BYTES, TAR_EXTENSION_BYTES};
pub(crate) use entry::{End, Entry, EntryKind, Fault, Members, Start};
use header::Header;
use pax::Overrides;

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
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    local: Option<Overrides>,
    global: Overrides,
    /// Where the headers of the next member start, unless more than them would have to be read.
    chain: Option<Start>,
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
            long_name: None,
            long_link: None,
            local: None,
            global: Overrides::default(),
            chain: None,
        }
    }
}

impl TarParser {
    /// A parser of what a tar has from `start` on.
    pub(crate) fn starting_at(start: Start) -> Self {
        Self {
            offset: start.tar_offset,
            zero_blocks: start.zero_blocks,
            headers: 1,
            ..Self::default()
        }
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
            State::Header { filled: 0 } if self.pending() => ("an extended header", "its member"),
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

    fn pending(&self) -> bool {
        self.long_name.is_some() || self.long_link.is_some() || self.local.is_some()
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
            if self.pending() {
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
        if !self.pending() {
            self.chain = Some(Start {
                tar_offset: self.offset - BLOCK as u64,
                zero_blocks: self.zero_blocks,
            });
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
        let twice = match kind {
            b'L' => self.long_name.is_some(),
            b'K' => self.long_link.is_some(),
            b'g' => false,
            _ => self.local.is_some(),
        };
        if twice {
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
        match kind {
            b'L' => self.long_name = Some(up_to_nul(bytes)),
            b'K' => self.long_link = Some(up_to_nul(bytes)),
            b'g' => {
                pax::read(&bytes, &mut self.global).map_err(|problem| self.fault(problem))?;
            }
            _ => {
                let mut overrides = Overrides::default();
                pax::read(&bytes, &mut overrides).map_err(|problem| self.fault(problem))?;
                self.local = Some(overrides);
            }
        }
        Ok(())
    }

    fn start_entry(&mut self, header: Header, out: &mut impl Members) -> Result<(), Fault> {
        let overrides = self.local.take().unwrap_or_default().or(&self.global);
        let long_name = self.long_name.take();
        let long_link = self.long_link.take();
        let size = match overrides.size {
            Some(size) => size,
            None => header.size.map_err(|problem| self.fault(problem))?,
        };
        if size > i64::MAX as u64 - self.offset.min(i64::MAX as u64) - 2 * BLOCK as u64 {
            return Err(self.fault(format!(
                "a member of {size} bytes, more than any tar can hold"
            )));
        }
        let name = overrides.path.or(long_name).unwrap_or(header.name);
        let target = overrides.link.or(long_link).unwrap_or(header.link);
        for name in [&name, &target] {
            if name.len() as u64 > MEMBER_NAME_BYTES || name.contains(&0) {
                return Err(self.fault(format!(
                    "a name of {} bytes; names have at most {MEMBER_NAME_BYTES} and no zero byte",
                    name.len()
                )));
            }
        }
        // What global headers said is not kept: from where they matter, nothing can start.
        let start = self
            .chain
            .filter(|start| start.tar_offset > 0 && self.global == Overrides::default());
        let file = |kind, size| Entry {
            name: name.clone(),
            data_offset: self.offset,
            size,
            kind,
            start,
        };
        match header.kind {
            // A v7 tar has no type for directories; the name ends in a slash.
            0 if name.ends_with(b"/") => Ok(()),
            0 | b'0' | b'7' if overrides.sparse => self.sparse(file(EntryKind::Sparse, size), out),
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
        if size > 0 {
            self.state = State::Skip {
                left: size + padding(size),
            };
        }
    }
}

fn within(bytes: &[u8], limit: u64) -> usize {
    usize::try_from(limit).map_or(bytes.len(), |limit| bytes.len().min(limit))
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn up_to_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.iter().position(|&byte| byte == 0) {
        bytes.truncate(end);
    }
    bytes
}
