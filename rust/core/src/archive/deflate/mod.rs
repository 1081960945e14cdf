//! Turns raw deflate bits (RFC 1951) into bytes, telling where blocks start and which matches
//! reach far back.
//!
//! Why own code: a read from the middle of a stream needs the bit offset of a block and the few
//! bytes of history that the following bytes really refer to, and no library reports either.
//! The walker can stop after any symbol, so one block of any length needs no more memory than
//! many short ones.
//!
//! Not here: the gzip header and trailer around the bits (`archive/gzip.rs`).

mod ahead;
mod bits;
mod codes;
mod tables;
#[cfg(test)]
mod tests;
mod walker;

pub use walker::{Stop, Walker};

/// How far back a match may reach (RFC 1951 2), in bytes.
pub const WINDOW: usize = 1 << 15;

/// Bytes that the output must have behind the limit given to [`Walker::run`]: one longest match
/// (258, RFC 1951 3.2.5) and the overshoot of copying 16 bytes at a time.
pub const SLACK: usize = 258 + 16;

/// The longest dynamic block header in bytes: 17 bits of counts, 19 code lengths of 3 bits and
/// 286 + 30 lengths of at most 7 + 7 bits (RFC 1951 3.2.7), rounded up.
pub const BLOCK_HEADER_BYTES: usize = 576;

/// What a caller wants to know while the walker runs; positions are indices into the output.
pub trait Trace {
    /// A block's header starts at `bit` of the input; its first byte will be `output[at]`.
    fn block(&mut self, bit: u64, at: usize);

    /// `output[at..at + length]` repeats what lies `distance` bytes before.
    fn matched(&mut self, at: usize, distance: usize, length: usize);
}

/// The [`Trace`] of a caller that only wants the bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Untraced;

impl Trace for Untraced {
    #[inline]
    fn block(&mut self, _bit: u64, _at: usize) {}

    #[inline]
    fn matched(&mut self, _at: usize, _distance: usize, _length: usize) {}
}

/// Where the walker writes: `bytes[..at]` is history and output so far.
#[derive(Debug)]
pub struct Output<'a> {
    /// History, output, and [`SLACK`] bytes behind `limit`.
    pub bytes: &'a mut [u8],
    /// The next byte to write.
    pub at: usize,
    /// The walker stops as soon as `at` reaches it; a last match may pass it by 257 bytes.
    pub limit: usize,
    /// Bytes before this index are not history: a match that reaches them is an error.
    pub floor: usize,
}
