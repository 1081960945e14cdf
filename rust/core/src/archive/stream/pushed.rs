//! Turns the bytes of an archive, as the caller gets hold of them, into its members.

use std::collections::VecDeque;
use std::path::PathBuf;

use super::collector::Collector;
use super::{End, StreamedMember, Turn};
use crate::archive::unpack::Unpacker;
use crate::error::{Error, Result};

/// Bytes that are unpacked at once: 16 KiB of deflate make at most 16 MiB of members.
const PIECE: usize = 16 << 10;

/// The members of an archive whose bytes are pushed in.
#[derive(Debug)]
pub struct PushedStream {
    name: PathBuf,
    unpacker: Unpacker,
    collector: Collector,
    ready: VecDeque<StreamedMember>,
    /// Bytes that were pushed and are not unpacked, from `used` on.
    bytes: Vec<u8>,
    used: usize,
    size: u64,
    failure: Option<Error>,
    end: Option<End>,
}

impl PushedStream {
    /// A stream that is called `name` in messages.
    pub fn new(name: PathBuf) -> Self {
        Self {
            name,
            unpacker: Unpacker::default(),
            collector: Collector::new(None),
            ready: VecDeque::new(),
            bytes: Vec::new(),
            used: 0,
            size: 0,
            failure: None,
            end: None,
        }
    }

    /// Adds the next bytes of the archive.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.used);
        self.used = 0;
        self.bytes.extend_from_slice(bytes);
        self.size += bytes.len() as u64;
    }

    /// The next member; [`Turn::NotYet`] if more bytes must be pushed before it. An error comes once,
    /// behind the members before it.
    pub fn turn(&mut self) -> Result<Turn> {
        loop {
            if let Some(member) = self.ready.pop_front() {
                return Ok(Turn::Member(Box::new(member)));
            }
            if let Some(error) = self.failure.take() {
                return Err(error.with_path(&self.name));
            }
            if let Some(end) = &self.end {
                return Ok(Turn::End(end.clone()));
            }
            if self.used == self.bytes.len() {
                return Ok(Turn::NotYet);
            }
            let end = self.bytes.len().min(self.used + PIECE);
            let piece = &self.bytes[self.used..end];
            self.failure = self.unpacker.feed(piece, &mut self.collector).err();
            // Nothing can be made of what comes behind an error.
            self.used = if self.failure.is_some() {
                self.collector.settle();
                self.bytes.len()
            } else {
                end
            };
            self.ready = self.collector.take().into();
        }
    }

    /// Says that all bytes were pushed, and that [`turn`](Self::turn) wants more; there may be more
    /// members then.
    pub fn finish(&mut self) {
        match super::end(&mut self.unpacker, &mut self.collector, self.size) {
            Ok(end) => self.end = Some(end),
            Err(error) => self.failure = Some(error),
        }
        self.collector.settle();
        self.ready.extend(self.collector.take());
    }
}
