//! Turns input bytes into bits, lowest first (RFC 1951 3.1.1).
#![expect(
    clippy::inline_always,
    reason = "these are steps of the innermost loop"
)]

/// Bits that were taken from the input and not used when the walker stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) buffer: u64,
    pub(super) count: u32,
}

/// A bit buffer over one piece of input.
///
/// Invariant: `count <= 63`; bits of `buffer` at and above `count` are either zero or the very bits
/// that the next refill will put there, so a refill may simply OR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    pub(super) buffer: u64,
    pub(super) count: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(input: &'a [u8], held: Held) -> Self {
        Self {
            input,
            at: 0,
            buffer: held.buffer,
            count: held.count,
        }
    }

    /// Bits of the input from byte `at` on.
    pub(super) fn new_at(input: &'a [u8], at: usize) -> Self {
        Self {
            input,
            at,
            buffer: 0,
            count: 0,
        }
    }

    /// The position of the next bit in the input.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        self.at * 8 - self.count as usize
    }

    /// What is left in the buffer, with the look-ahead bits cleared.
    pub(super) fn held(&self) -> Held {
        Held {
            buffer: self.buffer & ((1u64 << self.count) - 1),
            count: self.count,
        }
    }

    /// Fills the buffer to at least 56 bits, or to the end of the input.
    #[inline]
    pub(super) fn refill(&mut self) {
        if !self.refill_word() {
            self.refill_bytes();
        }
    }

    /// Fills the buffer to at least 56 bits if eight bytes of input are left.
    #[inline(always)]
    pub(super) fn refill_word(&mut self) -> bool {
        let Some(word) = self
            .input
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<8>())
        else {
            return false;
        };
        self.buffer |= u64::from_le_bytes(*word) << self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        // Whole bytes were added until at least 56 bits are there: 56 plus the odd bits.
        self.count |= 0b11_1000;
        true
    }

    fn refill_bytes(&mut self) {
        self.buffer &= (1u64 << self.count) - 1;
        while self.count <= 55 {
            let Some(&byte) = self.input.get(self.at) else {
                return;
            };
            self.buffer |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    /// Drops `count` bits, which must be there.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) {
        debug_assert!(count <= self.count, "the caller looks before it takes");
        self.buffer >>= count;
        self.count -= count;
    }

    /// Takes `count <= 32` bits, or none where the input ends first.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        if self.count < count {
            self.refill();
            if self.count < count {
                return None;
            }
        }
        let value = (self.buffer & ((1u64 << count) - 1)) as u32;
        self.consume(count);
        Some(value)
    }

    /// Drops the bits before the next byte boundary (RFC 1951 3.2.4).
    pub(super) fn align(&mut self) {
        self.consume(self.count & 7);
    }
}
