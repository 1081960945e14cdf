//! Turns the symbols of one compressed block into bytes: the loops where the time goes.
#![expect(
    clippy::inline_always,
    reason = "these are steps of the innermost loop"
)]

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

/// Decodes symbols until the block, the input or the room in the output ends.
pub(super) fn run<T: Trace>(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut Output<'_>,
    trace: &mut T,
) -> Result<Pause, &'static str> {
    if let Some(pause) = run_fast(tables, bits, output, trace)? {
        return Ok(pause);
    }
    run_careful(tables, bits, output, trace)
}

/// The loop for the middle of the input: every pass starts with at least 56 bits in the buffer.
/// `None`: the input's last eight bytes are near, or the output's last four, so that it stops at
/// the same symbol wherever it started.
#[inline]
fn run_fast<T: Trace>(
    tables: &Tables,
    bits: &mut Bits<'_>,
    output: &mut Output<'_>,
    trace: &mut T,
) -> Result<Option<Pause>, &'static str> {
    let litlen = &*tables.litlen;
    while output.at + 4 <= output.limit {
        if !bits.refill_word() {
            return Ok(None);
        }
        // Literals of the first table are at most 11 bits long: four of them are 44.
        let mut entry = litlen[(bits.buffer & LITLEN_MASK) as usize];
        if entry & LITERAL != 0 {
            let Some(room) = output.bytes.get_mut(output.at..output.at + 4) else {
                return Ok(Some(Pause::Output));
            };
            let mut written = 0;
            while let Some(slot) = room.get_mut(written) {
                *slot = (entry >> 16) as u8;
                bits.consume(entry & 0xff);
                written += 1;
                entry = litlen[(bits.buffer & LITLEN_MASK) as usize];
                if entry & LITERAL == 0 {
                    break;
                }
            }
            output.at += written;
            if entry & LITERAL != 0 {
                continue;
            }
            if !bits.refill_word() {
                return Ok(None);
            }
        }
        if entry & EXCEPTION != 0 {
            if entry & SUBTABLE != 0 {
                entry = litlen[second(entry, bits.buffer, LITLEN_BITS) & (LITLEN_SIZE - 1)];
                if entry & LITERAL != 0 {
                    output.bytes[output.at] = (entry >> 16) as u8;
                    output.at += 1;
                    bits.consume(entry & 0xff);
                    continue;
                }
            }
            if entry & EXCEPTION != 0 {
                if entry & END_OF_BLOCK == 0 {
                    return Err(INVALID_SYMBOL);
                }
                bits.consume(entry & 0xff);
                return Ok(Some(Pause::EndOfBlock));
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
        repeat(output, distance, length, trace)?;
    }
    Ok(None)
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
