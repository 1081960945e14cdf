//! Tells how many bytes of a file Pillow has handed to libjpeg-turbo when a scan is decoded, and so
//! whether it takes a file that ends just behind its last scan's last bit.
//!
//! libjpeg-turbo reads ahead, and Pillow ends with "image file is truncated" when it asks for a byte
//! that is not there, needed or not. When it asks depends on how full its 64-bit buffer is, and
//! that on everything before: which of its two loops decoded each MCU (`decode_mcu_fast`,
//! `decode_mcu_slow`) and where Pillow's blocks of 64 KiB end. So this source fills its buffer in
//! just that rhythm.

use super::bits::Source;
use super::lookup::Lookup;

/// Bytes that Pillow hands over at a time (`ImageFile.MAXBLOCK`).
const PIECE: usize = 1 << 16;

/// Bytes a block that must be there for the fast loop.
const FAST_BYTES: usize = 512;

/// What comes next in the file.
enum Next {
    Byte(u8),
    Marker,
    Nothing,
}

/// How far a segment was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// Not to its end, as far as is known.
    Inside,
    /// Up to the marker that ends it.
    Marker,
    /// Bits behind that marker were asked for.
    Beyond,
}

/// A source that remembers where libjpeg-turbo would be.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    /// Where the bytes end that Pillow has handed over.
    end: usize,
    buffer: u64,
    count: u32,
    /// Which loop decodes.
    fast: bool,
    /// Whether a byte was asked for that is not there, or that the fast loop cannot read.
    failed: bool,
    edge: Edge,
}

impl<'a> Reader<'a> {
    /// A reader at the start of a segment.
    pub(super) fn new(file: &'a [u8], at: usize) -> Self {
        Self {
            file,
            at,
            end: at.next_multiple_of(PIECE).min(file.len()),
            buffer: 0,
            count: 0,
            fast: false,
            failed: false,
            edge: Edge::Inside,
        }
    }

    /// How many bytes were handed over so far.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Reads one MCU of so many blocks by `decode`; whether its bytes are there.
    pub(super) fn mcu(
        &mut self,
        blocks: usize,
        restarts: bool,
        mut decode: impl FnMut(&mut Self),
    ) -> bool {
        if self.edge == Edge::Beyond {
            return true;
        }
        loop {
            let before = self.clone();
            self.fast =
                !restarts && self.edge == Edge::Inside && self.end - self.at >= FAST_BYTES * blocks;
            decode(self);
            if self.failed && self.fast {
                self.clone_from(&before);
                self.fast = false;
                decode(self);
            }
            if !self.failed {
                return true;
            }
            self.clone_from(&before);
            if self.end == self.file.len() {
                return false;
            }
            self.end = (self.end + PIECE).min(self.file.len());
        }
    }

    /// A byte without stuffing.
    fn next(&mut self) -> Next {
        let available = &self.file[self.at..self.end];
        let Some(&byte) = available.first() else {
            return Next::Nothing;
        };
        let mut length = 1;
        if byte == 0xFF {
            length += available.iter().take_while(|&&byte| byte == 0xFF).count();
            match available.get(length - 1) {
                None => return Next::Nothing,
                Some(0) => {}
                Some(_) => return Next::Marker,
            }
        }
        self.at += length;
        Next::Byte(byte)
    }

    fn fill(&mut self, until: u32) {
        while self.count < until && self.edge == Edge::Inside {
            match self.next() {
                Next::Byte(byte) => {
                    self.buffer = self.buffer << 8 | u64::from(byte);
                    self.count += 8;
                }
                Next::Marker if !self.fast => self.edge = Edge::Marker,
                _ => {
                    self.failed = true;
                    self.pad(until);
                }
            }
        }
    }

    /// Puts zeros where there are no bits.
    fn pad(&mut self, until: u32) {
        self.buffer <<= until - self.count;
        self.count = until;
    }

    /// Fills the buffer in case it has less than `count` bits.
    fn look(&mut self, count: u32) {
        if self.fast {
            if self.count <= 16 {
                self.fill(self.count + 48);
            }
        } else if self.count < count {
            self.fill(57);
        }
    }

    fn take(&mut self, count: u32) -> u32 {
        if !self.fast {
            self.look(count);
        }
        if self.count < count {
            self.edge = Edge::Beyond;
            self.pad(57);
        }
        self.count -= count;
        (self.buffer >> self.count) as u32 & ((1 << count) - 1)
    }
}

impl Source for Reader<'_> {
    fn symbol(&mut self, lookup: &Lookup) -> u8 {
        self.look(8);
        // What the first 8 bits do not decide is read bit by bit.
        let mut length = 1;
        if self.count >= 8 {
            let code = (self.buffer >> (self.count - 8)) as i32 & 0xFF;
            let short = (1..=8).find_map(|length| {
                let symbol = lookup.symbol(code >> (8 - length), length)?;
                Some((symbol, length))
            });
            if let Some((symbol, length)) = short {
                self.take(length);
                return symbol;
            }
            length = 9;
        }
        let mut code = self.take(length) as i32;
        while length <= 16 {
            if let Some(symbol) = lookup.symbol(code, length) {
                return symbol;
            }
            code = code << 1 | self.take(1) as i32;
            length += 1;
        }
        0
    }

    fn bits(&mut self, count: u32) -> u32 {
        self.look(count);
        self.take(count)
    }
}
