//! Turns raw deflate, piece by piece, into output: blocks, headers, stored data.

use super::ahead::Ahead;
use super::bits::{Bits, Held};
use super::codes::{self, Pause};
use super::tables::{self, EXCEPTION, LENGTHS_BITS, Tables};
use super::{Output, Trace, Untraced};
use crate::error::{Error, Result};

/// Why [`Walker::run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All input is used; more is needed.
    Input,
    /// The output's limit is reached.
    Output,
    /// The last block ended; [`Walker::leftover`] has the bytes taken too many.
    End,
}

/// Decodes one deflate stream from any bit onwards.
#[derive(Debug, Default)]
pub struct Walker {
    state: State,
    held: Held,
    /// Bits of the next input that lie before the start.
    skip: u32,
    tables: Tables,
    ahead: Ahead,
    lengths: Lengths,
    is_last: bool,
    /// Position in the file of the first byte not yet taken.
    taken: u64,
    header_start: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a block that has not been announced to the trace.
    #[default]
    Boundary,
    BlockHeader,
    StoredHeader,
    Stored {
        left: usize,
    },
    DynamicHeader,
    CodeLengthCodes,
    CodeLengths,
    Codes,
    End,
}

/// A dynamic block's code lengths while they are read (RFC 1951 3.2.7).
#[derive(Debug)]
struct Lengths {
    litlen: usize,
    dist: usize,
    codes: usize,
    filled: usize,
    first: [u8; 19],
    table: [u32; 1 << LENGTHS_BITS],
    all: [u8; 288 + 32],
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            litlen: 0,
            dist: 0,
            codes: 0,
            filled: 0,
            first: [0; 19],
            table: [0; 1 << LENGTHS_BITS],
            all: [0; 288 + 32],
        }
    }
}

/// The order in which the lengths of the code-length codes are stored (RFC 1951 3.2.7).
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// What one step of the state machine led to.
enum Step {
    Next(State),
    Wait(Stop),
}

impl Walker {
    /// Starts at the beginning of a block, `bit` bits from the start of the file; the input of the
    /// next [`run`](Self::run) starts with the byte that holds this bit.
    ///
    /// The bits are never shifted: stored blocks are aligned to the bytes of the file.
    pub fn start(&mut self, bit: u64) {
        self.state = State::Boundary;
        self.is_last = false;
        self.header_start = bit;
        self.seek(bit);
    }

    /// Starts inside a block of codes: `header` holds the bytes from the one with `header_bit`,
    /// where the block begins, and the input of the next [`run`](Self::run) those from the one
    /// with `bit`, where a symbol begins.
    pub fn start_inside(&mut self, header: &[u8], header_bit: u64, bit: u64) -> Result<()> {
        self.start(header_bit);
        self.state = State::BlockHeader;
        let mut bits = Bits::new(header, self.held);
        let skipped = bits.take(self.skip).is_some();
        let mut output = Output {
            bytes: &mut [],
            at: 0,
            limit: 0,
            floor: 0,
        };
        while skipped && !matches!(self.state, State::Codes | State::Stored { .. } | State::End) {
            match self.step(&mut bits, &mut output, &mut Untraced) {
                Ok(Step::Next(state)) => self.state = state,
                Ok(Step::Wait(_)) => break,
                Err(problem) => return Err(Error::archive(problem).with_offset(header_bit / 8)),
            }
        }
        if self.state != State::Codes {
            return Err(Error::archive("expected the header of a block with codes")
                .with_offset(header_bit / 8));
        }
        self.seek(bit);
        Ok(())
    }

    fn seek(&mut self, bit: u64) {
        self.held = Held::default();
        self.skip = (bit % 8) as u32;
        self.taken = bit / 8;
    }

    /// Decodes `input` into `output` as far as both allow; returns the bytes of input taken.
    ///
    /// # Panics
    /// If `output.bytes` is shorter than `output.limit` and [`SLACK`](super::SLACK) together.
    pub fn run<T: Trace>(
        &mut self,
        input: &[u8],
        output: &mut Output<'_>,
        trace: &mut T,
    ) -> Result<(usize, Stop)> {
        assert!(
            output.bytes.len() >= output.limit + super::SLACK,
            "room for the last match"
        );
        let mut bits = Bits::new(input, self.held);
        if self.skip > 0 {
            if bits.take(self.skip).is_none() {
                return Ok((0, Stop::Input));
            }
            self.skip = 0;
        }
        let stop = loop {
            match self.step(&mut bits, output, trace) {
                Ok(Step::Next(state)) => self.state = state,
                Ok(Step::Wait(stop)) => break stop,
                Err(problem) => {
                    return Err(Error::archive(problem).with_offset(self.bit(&bits) / 8));
                }
            }
        };
        self.held = bits.held();
        self.taken += bits.at as u64;
        Ok((bits.at, stop))
    }

    /// The position of the next bit in the file.
    pub fn next_bit(&self) -> u64 {
        self.taken * 8 - u64::from(self.held.count) + u64::from(self.skip)
    }

    /// Where the current block's header begins, if a symbol of the block comes next.
    pub fn inside_block(&self) -> Option<u64> {
        (self.state == State::Codes).then_some(self.header_start)
    }

    /// After [`Stop::End`]: the whole bytes that were taken from the input behind the stream's end,
    /// and how many they are.
    pub fn leftover(&self) -> ([u8; 8], usize) {
        (
            self.held.buffer.to_le_bytes(),
            (self.held.count / 8) as usize,
        )
    }

    fn bit(&self, bits: &Bits<'_>) -> u64 {
        (self.taken + bits.at as u64) * 8 - u64::from(bits.count)
    }

    fn step<T: Trace>(
        &mut self,
        bits: &mut Bits<'_>,
        output: &mut Output<'_>,
        trace: &mut T,
    ) -> Result<Step, &'static str> {
        match self.state {
            State::Boundary => {
                self.header_start = self.bit(bits);
                trace.block(self.header_start, output.at);
                Ok(Step::Next(State::BlockHeader))
            }
            State::BlockHeader => self.block_header(bits),
            State::StoredHeader => stored_header(bits),
            State::Stored { left } => Ok(self.stored(left, bits, output)),
            State::DynamicHeader => self.dynamic_header(bits),
            State::CodeLengthCodes => self.code_length_codes(bits),
            State::CodeLengths => self.code_lengths(bits),
            State::Codes => Ok(
                match codes::run(&self.tables, bits, output, &mut self.ahead, trace)? {
                    Pause::Input => Step::Wait(Stop::Input),
                    Pause::Output => Step::Wait(Stop::Output),
                    Pause::EndOfBlock => Step::Next(self.after_block(bits)),
                },
            ),
            State::End => Ok(Step::Wait(Stop::End)),
        }
    }

    fn after_block(&mut self, bits: &mut Bits<'_>) -> State {
        if self.is_last {
            bits.align();
            State::End
        } else {
            State::Boundary
        }
    }

    fn block_header(&mut self, bits: &mut Bits<'_>) -> Result<Step, &'static str> {
        let Some(header) = bits.take(3) else {
            return Ok(Step::Wait(Stop::Input));
        };
        self.is_last = header & 1 == 1;
        Ok(Step::Next(match header >> 1 {
            0 => {
                bits.align();
                State::StoredHeader
            }
            1 => {
                self.tables.set_fixed();
                State::Codes
            }
            2 => State::DynamicHeader,
            _ => return Err("an invalid block type"),
        }))
    }

    fn stored(&mut self, left: usize, bits: &mut Bits<'_>, output: &mut Output<'_>) -> Step {
        let mut want = left.min(output.limit.saturating_sub(output.at));
        let mut done = 0;
        while want > 0 && bits.count >= 8 {
            output.bytes[output.at] = bits.buffer as u8;
            bits.consume(8);
            output.at += 1;
            want -= 1;
            done += 1;
        }
        if want > 0 {
            // The buffer is used up; its look-ahead bits belong to bytes that are copied now.
            bits.buffer = 0;
            let rest = &bits.input[bits.at..];
            let some = want.min(rest.len());
            output.bytes[output.at..output.at + some].copy_from_slice(&rest[..some]);
            output.at += some;
            bits.at += some;
            done += some;
        }
        let left = left - done;
        self.state = State::Stored { left };
        if left == 0 {
            Step::Next(self.after_block(bits))
        } else if output.at >= output.limit {
            Step::Wait(Stop::Output)
        } else {
            Step::Wait(Stop::Input)
        }
    }

    fn dynamic_header(&mut self, bits: &mut Bits<'_>) -> Result<Step, &'static str> {
        let Some(counts) = bits.take(14) else {
            return Ok(Step::Wait(Stop::Input));
        };
        let lengths = &mut self.lengths;
        lengths.litlen = 257 + (counts & 31) as usize;
        lengths.dist = 1 + (counts >> 5 & 31) as usize;
        lengths.codes = 4 + (counts >> 10) as usize;
        if lengths.litlen > 286 || lengths.dist > 30 {
            return Err("a block with too many length or distance symbols");
        }
        lengths.filled = 0;
        lengths.first = [0; 19];
        Ok(Step::Next(State::CodeLengthCodes))
    }

    fn code_length_codes(&mut self, bits: &mut Bits<'_>) -> Result<Step, &'static str> {
        let lengths = &mut self.lengths;
        while lengths.filled < lengths.codes {
            let Some(length) = bits.take(3) else {
                return Ok(Step::Wait(Stop::Input));
            };
            lengths.first[ORDER[lengths.filled]] = length as u8;
            lengths.filled += 1;
        }
        lengths.table = tables::code_lengths_table(&lengths.first)?;
        lengths.filled = 0;
        Ok(Step::Next(State::CodeLengths))
    }

    fn code_lengths(&mut self, bits: &mut Bits<'_>) -> Result<Step, &'static str> {
        let lengths = &mut self.lengths;
        let total = lengths.litlen + lengths.dist;
        while lengths.filled < total {
            bits.refill();
            let entry = lengths.table[(bits.buffer & ((1 << LENGTHS_BITS) - 1)) as usize];
            if entry & EXCEPTION != 0 {
                let missing = bits.count < LENGTHS_BITS;
                return if missing {
                    Ok(Step::Wait(Stop::Input))
                } else {
                    Err("an invalid code")
                };
            }
            let used = entry & 0xff;
            let symbol = entry >> 16;
            let (base, extra) = match symbol {
                16 => (3, 2),
                17 => (3, 3),
                18 => (11, 7),
                _ => (1, 0),
            };
            if used + extra > bits.count {
                return Ok(Step::Wait(Stop::Input));
            }
            let more = (bits.buffer >> used) & ((1 << extra) - 1);
            bits.consume(used + extra);
            let value = match symbol {
                16 if lengths.filled == 0 => return Err("a repeated code length without a first"),
                16 => lengths.all[lengths.filled - 1],
                17 | 18 => 0,
                _ => symbol as u8,
            };
            let end = lengths.filled + base + more as usize;
            if end > total {
                return Err("more code lengths than the block has symbols");
            }
            lengths.all[lengths.filled..end].fill(value);
            lengths.filled = end;
        }
        let (litlen, dist) = lengths.all[..total].split_at(lengths.litlen);
        self.tables.set(litlen, dist)?;
        Ok(Step::Next(State::Codes))
    }
}

fn stored_header(bits: &mut Bits<'_>) -> Result<Step, &'static str> {
    let Some(header) = bits.take(32) else {
        return Ok(Step::Wait(Stop::Input));
    };
    let (length, check) = (header & 0xffff, header >> 16);
    if length != check ^ 0xffff {
        return Err("a stored block whose length and its complement differ");
    }
    Ok(Step::Next(State::Stored {
        left: length as usize,
    }))
}
