//! Turns one block's codes into bytes at two places at once, so that two chains of look-ups overlap.
//!
//! Where a symbol ends is known only after it is looked up: on photos, whose blocks are nearly all
//! literals, this chain of shift and look-up is what bounds a decoder, at a byte in seven or eight
//! cycles, and a processor could do twice as much. So a second decoder, the scout, starts some way
//! ahead, at a bit where perhaps no symbol starts. Codes of about eight bits soon fall into step
//! whatever bit they are begun at (mostly after some tens of symbols): when the first decoder comes
//! to a bit where the scout has begun a symbol, all that the scout has found from there on is right,
//! and is taken over. If they do not meet, the scout's work is thrown away.
//!
//! Nothing that is found depends on any of this: only right symbols are taken over, in order.

use super::bits::Bits;
use super::codes::{Cursor, Next, Sink, Written};
use super::tables::Tables;
use super::{SLACK, Trace};

/// Bytes of input between the two decoders. A block of GNU gzip is about 33 KB, so several spans
/// fit; what must be decoded alone until they meet is a small part of one.
const SPAN: usize = 3 << 10;

/// Bytes that the scout may write: twice the span, for codes of four bits on average.
const ROOM: usize = 2 * SPAN;

/// Groups of symbols whose first bit is remembered: where the decoders can meet.
const MARKS: usize = 96;

/// What the scout finds.
#[derive(Debug)]
pub(super) struct Ahead {
    /// A group begins within [`ROOM`] and may pass it by four literals and one more symbol.
    bytes: Box<[u8; ROOM + SLACK]>,
    at: usize,
    marks: [Mark; MARKS],
    marked: usize,
    matches: Vec<Match>,
}

/// A symbol begins at `bit`, and its output at `at`.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    bit: usize,
    at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Match {
    at: usize,
    distance: usize,
    length: usize,
}

/// How far the scout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scout {
    Running,
    /// Before a symbol for which there is no room or no input.
    Full,
    /// Behind the block's last symbol.
    EndOfBlock,
    /// At bits that are no symbol.
    Lost,
}

/// What came of one span.
enum Span {
    /// The scout was met; its work is taken over.
    Met,
    /// It was not; what comes next is for one decoder alone.
    Missed,
    Ended(Next),
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            bytes: Box::new([0; ROOM + SLACK]),
            at: 0,
            marks: [Mark::default(); MARKS],
            marked: 0,
            matches: Vec::new(),
        }
    }
}

impl Ahead {
    /// Decodes symbols as long as there is much room and input, and the scout is met.
    #[inline]
    pub(super) fn run<T: Trace>(
        &mut self,
        tables: &Tables,
        cursor: &mut Cursor<'_>,
        written: &mut Written<'_, '_, T>,
    ) -> Result<Next, &'static str> {
        while written.has_room(3 * ROOM) && cursor.bits.at + 3 * SPAN <= cursor.bits.input.len() {
            match self.span(tables, cursor, written)? {
                Span::Met => {}
                Span::Missed => break,
                Span::Ended(next) => return Ok(next),
            }
        }
        Ok(Next::Symbol)
    }

    /// Decodes up to where the scout starts, and then what the scout has decoded meanwhile.
    fn span<T: Trace>(
        &mut self,
        tables: &Tables,
        cursor: &mut Cursor<'_>,
        written: &mut Written<'_, '_, T>,
    ) -> Result<Span, &'static str> {
        self.at = 0;
        self.marked = 0;
        self.matches.clear();
        // Locals stay in registers.
        let mut first = *cursor;
        let start = first.bits.at + SPAN;
        let Some(mut second) = Cursor::new(Bits::new_at(first.bits.input, start), tables) else {
            return Ok(Span::Missed);
        };
        let mut scout = Scout::Running;
        let mut next = Ok(Next::Symbol);
        while first.bits.at < start && written.has_room(2 * ROOM) {
            next = first.group(tables, written);
            if next != Ok(Next::Symbol) {
                break;
            }
            if scout == Scout::Running {
                self.mark(&second);
                scout = match second.group(tables, self) {
                    Ok(Next::Symbol) => Scout::Running,
                    Ok(Next::Short) => Scout::Full,
                    Ok(Next::EndOfBlock) => Scout::EndOfBlock,
                    Err(_) => Scout::Lost,
                };
            }
        }
        *cursor = first;
        match next? {
            Next::Symbol if scout == Scout::Lost => return Ok(Span::Missed),
            Next::Symbol => {}
            ended => return Ok(Span::Ended(ended)),
        }
        match self.meet(tables, cursor, written)? {
            Ok(mark) => self.take_over(mark.at, written)?,
            Err(span) => return Ok(span),
        }
        if scout == Scout::EndOfBlock {
            *cursor = second;
            return Ok(Span::Ended(Next::EndOfBlock));
        }
        // A full scout has perhaps not looked up its next entry.
        cursor.bits = second.bits;
        Ok(match cursor.look_up(tables) {
            Next::Symbol => Span::Met,
            ended => Span::Ended(ended),
        })
    }

    #[expect(clippy::inline_always, reason = "this is a step of the innermost loop")]
    #[inline(always)]
    fn mark(&mut self, cursor: &Cursor<'_>) {
        if let Some(mark) = self.marks.get_mut(self.marked) {
            *mark = Mark {
                bit: cursor.bits.position(),
                at: self.at,
            };
            self.marked += 1;
        }
    }

    /// Decodes symbol by symbol up to a bit where the scout has begun one, too.
    fn meet<T: Trace>(
        &self,
        tables: &Tables,
        cursor: &mut Cursor<'_>,
        written: &mut Written<'_, '_, T>,
    ) -> Result<Result<Mark, Span>, &'static str> {
        let mut marks = self.marks[..self.marked].iter();
        let mut mark = marks.next();
        while written.has_room(ROOM + SLACK)
            && let Some(candidate) = mark
        {
            let here = cursor.bits.position();
            if candidate.bit == here {
                return Ok(Ok(*candidate));
            }
            if candidate.bit < here {
                mark = marks.next();
                continue;
            }
            match cursor.symbol(tables, written)? {
                Next::Symbol => {}
                ended => return Ok(Err(Span::Ended(ended))),
            }
        }
        Ok(Err(Span::Missed))
    }

    /// Writes what the scout found from its byte `at` on.
    fn take_over<T: Trace>(
        &self,
        mut at: usize,
        written: &mut Written<'_, '_, T>,
    ) -> Result<(), &'static str> {
        let first = self.matches.partition_point(|found| found.at < at);
        for found in &self.matches[first..] {
            written.literals(&self.bytes[at..found.at]);
            written.repeat(found.distance, found.length)?;
            at = found.at + found.length;
        }
        written.literals(&self.bytes[at..self.at]);
        Ok(())
    }
}

#[expect(
    clippy::inline_always,
    reason = "these are steps of the innermost loop"
)]
impl Sink for Ahead {
    #[inline(always)]
    fn room(&mut self) -> Option<&mut [u8; 4]> {
        if self.at > ROOM {
            return None;
        }
        self.bytes.get_mut(self.at..)?.first_chunk_mut()
    }

    #[inline(always)]
    fn advance(&mut self, count: usize) {
        self.at += count;
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        self.bytes[self.at] = byte;
        self.at += 1;
    }

    #[inline(always)]
    fn repeat(&mut self, distance: usize, length: usize) -> Result<(), &'static str> {
        self.matches.push(Match {
            at: self.at,
            distance,
            length,
        });
        self.at += length;
        Ok(())
    }
}
