//! Turns the symbols of one compressed block into bytes: the loops where the time goes.
#![expect(
    clippy::inline_always,
    reason = "these are steps of the innermost loop"
)]

use super::ahead::Ahead;
use super::bits::Bits;
use super::tables::{
    DIST_BITS, DIST_SIZE, END_OF_BLOCK, EXCEPTION, LITERAL, LITLEN_BITS, LITLEN_SIZE, SUBTABLE,
    Tables,
};
use super::{Output, Trace};

/// Why a loop over symbols ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The next symbol is not whole in the input.
    Input,
    /// The output has reached its limit.
    Output,
    /// The block ended.
    EndOfBlock,
}

const INVALID_SYMBOL: &str = "an invalid literal or length code";
const INVALID_DISTANCE: &str = "an invalid distance code";
const TOO_FAR: &str = "a match that reaches back before the start of the data";

/// What [`group`] or [`symbol`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// More symbols.
    Symbol,
    /// The block's end, which is taken.
    EndOfBlock,
    /// Too little input or room for another group of symbols.
    Short,
}

/// Where symbols go.
pub(super) trait Sink {
    /// Room for four literals; `None` if the end is near.
    fn room(&mut self) -> Option<&mut [u8; 4]>;
    /// Keeps the first `count` bytes written to the room.
    fn advance(&mut self, count: usize);
    /// Takes one literal behind those of a room.
    fn literal(&mut self, byte: u8);
    /// Takes a match.
    fn repeat(&mut self, distance: usize, length: usize) -> Result<(), &'static str>;
}

/// The [`Sink`] that is the output itself.
pub(super) struct Written<'a, 'b, T> {
    pub(super) output: &'a mut Output<'b>,
    pub(super) trace: &'a mut T,
}

impl<T: Trace> Sink for Written<'_, '_, T> {
    #[inline(always)]
    fn room(&mut self) -> Option<&mut [u8; 4]> {
        let at = self.output.at;
        if at + 4 > self.output.limit {
            return None;
        }
        self.output.bytes.get_mut(at..)?.first_chunk_mut()
    }

    #[inline(always)]
    fn advance(&mut self, count: usize) {
        self.output.at += count;
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        self.output.bytes[self.output.at] = byte;
        self.output.at += 1;
    }

    #[inline(always)]
    fn repeat(&mut self, distance: usize, length: usize) -> Result<(), &'static str> {
        repeat(self.output, distance, length, self.trace)
    }
}

impl<T: Trace> Written<'_, '_, T> {
    /// Whether there is room for `bytes` more.
    #[inline(always)]
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.output.at + bytes <= self.output.limit
    }

    /// Takes many literals.
    #[inline]
    pub(super) fn literals(&mut self, bytes: &[u8]) {
        let at = self.output.at;
        self.output.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.output.at += bytes.len();
    }
}

/// Decodes symbols until the block, the input or the room in the output ends.
pub(super) fn run<T: Trace>(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut Output<'_>,
    ahead: &mut Ahead,
    trace: &mut T,
) -> Result<Pause, &'static str> {
    if let Some(mut cursor) = Cursor::new(*bits, tables) {
        let mut written = Written { output, trace };
        let mut next = Ok(Next::Symbol);
        if tables.mostly_literals {
            next = ahead.run(tables, &mut cursor, &mut written);
        }
        while next == Ok(Next::Symbol) {
            next = cursor.group(tables, &mut written);
        }
        *bits = cursor.bits;
        if next? == Next::EndOfBlock {
            return Ok(Pause::EndOfBlock);
        }
    }
    run_careful(tables, bits, output, trace)
}

/// A place in the input, with the entry for the bits there: so the look-up of one symbol need not
/// wait for the refill behind the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) bits: Bits<'a>,
    entry: u32,
}

impl<'a> Cursor<'a> {
    /// A cursor where `bits` are; `None` near the input's end.
    #[inline(always)]
    pub(super) fn new(mut bits: Bits<'a>, tables: &Tables) -> Option<Self> {
        bits.refill_word().then(|| Self {
            entry: look_up(tables, &bits),
            bits,
        })
    }

    /// Decodes up to four literals, and what follows if it is no literal of the first table. It
    /// stops before the input's last eight bytes and the output's last four, so that a careful loop
    /// ends at the same symbol wherever decoding started.
    #[inline(always)]
    pub(super) fn group(
        &mut self,
        tables: &Tables,
        sink: &mut impl Sink,
    ) -> Result<Next, &'static str> {
        let Some(room) = sink.room() else {
            return Ok(Next::Short);
        };
        if !self.bits.refill_word() {
            return Ok(Next::Short);
        }
        // Literals of the first table are at most 11 bits long: with four of them and the bits for
        // the next look-up, that is 55 of at least 56.
        let mut count = 0;
        while self.entry & LITERAL != 0 {
            let Some(slot) = room.get_mut(count) else {
                sink.advance(4);
                return Ok(Next::Symbol);
            };
            *slot = (self.entry >> 16) as u8;
            self.bits.consume(self.entry & 0xff);
            self.entry = look_up(tables, &self.bits);
            count += 1;
        }
        sink.advance(count);
        self.other(tables, sink)
    }

    /// Decodes one symbol.
    #[inline]
    pub(super) fn symbol(
        &mut self,
        tables: &Tables,
        sink: &mut impl Sink,
    ) -> Result<Next, &'static str> {
        if self.entry & LITERAL == 0 {
            return self.other(tables, sink);
        }
        sink.literal((self.entry >> 16) as u8);
        self.bits.consume(self.entry & 0xff);
        Ok(self.look_up(tables))
    }

    /// Decodes a symbol that is no literal of the first table.
    #[inline(always)]
    fn other(&mut self, tables: &Tables, sink: &mut impl Sink) -> Result<Next, &'static str> {
        let bits = &mut self.bits;
        // At most 15 + 5 bits of length and 15 + 13 of distance.
        if !bits.refill_word() {
            return Ok(Next::Short);
        }
        let mut entry = self.entry;
        if entry & EXCEPTION != 0 {
            if entry & SUBTABLE != 0 {
                entry = tables.litlen[second(entry, bits.buffer, LITLEN_BITS) & (LITLEN_SIZE - 1)];
                if entry & LITERAL != 0 {
                    sink.literal((entry >> 16) as u8);
                    bits.consume(entry & 0xff);
                    return Ok(self.look_up(tables));
                }
            }
            if entry & EXCEPTION != 0 {
                if entry & END_OF_BLOCK == 0 {
                    return Err(INVALID_SYMBOL);
                }
                bits.consume(entry & 0xff);
                return Ok(Next::EndOfBlock);
            }
        }
        let length = value(entry, bits.buffer);
        bits.consume(entry & 0xff);
        let entry = distance_entry(tables, bits.buffer);
        if entry & EXCEPTION != 0 {
            return Err(INVALID_DISTANCE);
        }
        let distance = value(entry, bits.buffer);
        bits.consume(entry & 0xff);
        sink.repeat(distance, length)?;
        Ok(self.look_up(tables))
    }

    /// Prepares the next symbol.
    #[inline(always)]
    pub(super) fn look_up(&mut self, tables: &Tables) -> Next {
        if !self.bits.refill_word() {
            return Next::Short;
        }
        self.entry = look_up(tables, &self.bits);
        Next::Symbol
    }
}

/// The entry of the first table for the next bits.
#[inline(always)]
fn look_up(tables: &Tables, bits: &Bits<'_>) -> u32 {
    tables.litlen[(bits.buffer & LITLEN_MASK) as usize]
}

/// The loop for the end of the input: a symbol is taken only when all its bits are there.
#[inline(never)]
fn run_careful<T: Trace>(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut Output<'_>,
    trace: &mut T,
) -> Result<Pause, &'static str> {
    while output.at < output.limit {
        bits.refill();
        let mut entry = tables.litlen[(bits.buffer & LITLEN_MASK) as usize];
        if entry & (EXCEPTION | SUBTABLE) == EXCEPTION | SUBTABLE && entry & LITERAL == 0 {
            entry = tables.litlen[second(entry, bits.buffer, LITLEN_BITS) & (LITLEN_SIZE - 1)];
        }
        let used = entry & 0xff;
        if entry & LITERAL != 0 {
            if used > bits.count {
                return Ok(Pause::Input);
            }
            output.bytes[output.at] = (entry >> 16) as u8;
            output.at += 1;
            bits.consume(used);
            continue;
        }
        if entry & EXCEPTION != 0 {
            if entry & END_OF_BLOCK == 0 {
                // With fewer bits than the longest code, missing bits may be what is invalid.
                return if bits.count < 15 {
                    Ok(Pause::Input)
                } else {
                    Err(INVALID_SYMBOL)
                };
            }
            if used > bits.count {
                return Ok(Pause::Input);
            }
            bits.consume(used);
            return Ok(Pause::EndOfBlock);
        }
        if used > bits.count {
            return Ok(Pause::Input);
        }
        let behind = bits.buffer >> used;
        let distance = distance_entry(tables, behind);
        if distance & EXCEPTION != 0 {
            let known = bits.count - used;
            return if known < 15 {
                Ok(Pause::Input)
            } else {
                Err(INVALID_DISTANCE)
            };
        }
        if used + (distance & 0xff) > bits.count {
            return Ok(Pause::Input);
        }
        let length = value(entry, bits.buffer);
        bits.consume(used + (distance & 0xff));
        repeat(output, value(distance, behind), length, trace)?;
    }
    Ok(Pause::Output)
}

const LITLEN_MASK: u64 = (1 << LITLEN_BITS) - 1;

/// The index of the entry in the second table that `entry` leads to.
#[inline(always)]
fn second(entry: u32, buffer: u64, root: u32) -> usize {
    let width = entry >> 8 & 15;
    (entry >> 16) as usize + ((buffer >> root) & ((1 << width) - 1)) as usize
}

#[inline(always)]
fn distance_entry(tables: &Tables, buffer: u64) -> u32 {
    let entry = tables.dist[(buffer & ((1 << DIST_BITS) - 1)) as usize];
    if entry & (EXCEPTION | SUBTABLE) == EXCEPTION | SUBTABLE {
        return tables.dist[second(entry, buffer, DIST_BITS) & (DIST_SIZE - 1)];
    }
    entry
}

/// Base plus extra bits of a length or distance whose code is lowest in `buffer`.
#[inline(always)]
fn value(entry: u32, buffer: u64) -> usize {
    let all = buffer & ((1 << (entry & 0xff)) - 1);
    (entry >> 16) as usize + (all >> (entry >> 8 & 15)) as usize
}

#[inline(always)]
fn repeat<T: Trace>(
    output: &mut Output<'_>,
    distance: usize,
    length: usize,
    trace: &mut T,
) -> Result<(), &'static str> {
    let at = output.at;
    if distance > at - output.floor {
        return Err(TOO_FAR);
    }
    trace.matched(at, distance, length);
    let from = at - distance;
    let bytes = &mut *output.bytes;
    if distance >= 16 {
        // Sixteen at a time; the surplus lands in room that is written again or is slack.
        let mut done = 0;
        while done < length {
            bytes.copy_within(from + done..from + done + 16, at + done);
            done += 16;
        }
    } else if distance == 1 {
        let byte = bytes[from];
        bytes[at..at + length].fill(byte);
    } else {
        for step in 0..length {
            bytes[at + step] = bytes[from + step];
        }
    }
    output.at = at + length;
    Ok(())
}
