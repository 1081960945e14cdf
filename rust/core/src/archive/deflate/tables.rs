//! Turns code lengths into look-up tables for canonical Huffman codes (RFC 1951 3.2.2).
//!
//! An entry is 32 bits: bits 0..8 the bits of code and extra value together, bits 8..12 the bits of
//! the code alone, bits 12..16 flags, bits 16..31 the value, bit 31 set for a literal. Codes longer
//! than the table's width lead to a second table in the same array; the entries there count the
//! whole code, so that nothing is consumed in between.

/// The entry is a literal byte.
pub(super) const LITERAL: u32 = 1 << 31;
/// The entry is neither literal nor length nor distance; one of the three flags below says what.
pub(super) const EXCEPTION: u32 = 1 << 15;
/// The entry leads to a second table: bits 16..31 its start, bits 8..12 its width.
pub(super) const SUBTABLE: u32 = 1 << 14;
/// The entry ends the block.
pub(super) const END_OF_BLOCK: u32 = 1 << 13;
/// No code leads here.
pub(super) const INVALID: u32 = EXCEPTION | 1 << 12;

/// Width of the first literal/length table: 11 bits hold nearly every code of real blocks and the
/// 8 KiB stay in the first-level cache.
pub(super) const LITLEN_BITS: u32 = 11;
/// Width of the first distance table.
pub(super) const DIST_BITS: u32 = 8;
/// Width of the table of code-length codes, which are at most 7 bits long (RFC 1951 3.2.7).
pub(super) const LENGTHS_BITS: u32 = 7;

/// Entries of the literal/length table with its second tables: at most 2,342 by zlib's `enough`
/// program for 288 symbols, 11 and 15 bits; a power of two lets a mask replace bounds checks.
pub(super) const LITLEN_SIZE: usize = 4096;
/// Entries of the distance table: at most 402 by the same program for 32 symbols, 8 and 15 bits.
pub(super) const DIST_SIZE: usize = 512;

const LONGEST: usize = 15;

/// (base, extra bits) of length symbols 257..=285 (RFC 1951 3.2.5).
const LENGTHS: [(u32, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The tables of one compressed block.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) litlen: Box<[u32; LITLEN_SIZE]>,
    pub(super) dist: Box<[u32; DIST_SIZE]>,
    /// Whether lengths have so long codes that few are to be expected.
    pub(super) mostly_literals: bool,
    fixed: bool,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            litlen: Box::new([INVALID; LITLEN_SIZE]),
            dist: Box::new([INVALID; DIST_SIZE]),
            mostly_literals: false,
            fixed: false,
        }
    }
}

impl Tables {
    /// The tables of a dynamic block; fails with what is wrong with the lengths.
    pub(super) fn set(&mut self, litlen: &[u8], dist: &[u8]) -> Result<(), &'static str> {
        self.fixed = false;
        if litlen.get(256).is_none_or(|&length| length == 0) {
            return Err("a block's code has no end-of-block symbol");
        }
        build(
            &mut self.litlen[..],
            LITLEN_BITS,
            litlen,
            Incomplete::OneCode,
            litlen_entry,
        )
        .map_err(|()| "a block's literal and length code is over-subscribed or incomplete")?;
        self.mostly_literals = share_of_lengths(litlen) <= ONE / 16;
        build(
            &mut self.dist[..],
            DIST_BITS,
            dist,
            Incomplete::OneCode,
            dist_entry,
        )
        .map_err(|()| "a block's distance code is over-subscribed or incomplete")
    }

    /// The tables of a block with fixed codes (RFC 1951 3.2.6).
    pub(super) fn set_fixed(&mut self) {
        if self.fixed {
            return;
        }
        let mut lengths = [8u8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        let litlen = build(
            &mut self.litlen[..],
            LITLEN_BITS,
            &lengths,
            Incomplete::OneCode,
            litlen_entry,
        );
        let dist = build(
            &mut self.dist[..],
            DIST_BITS,
            &[5; 32],
            Incomplete::OneCode,
            dist_entry,
        );
        debug_assert!(
            litlen.is_ok() && dist.is_ok(),
            "both fixed codes are complete"
        );
        self.mostly_literals = false;
        self.fixed = true;
    }
}

/// The table of code-length codes (RFC 1951 3.2.7).
pub(super) fn code_lengths_table(
    lengths: &[u8; 19],
) -> Result<[u32; 1 << LENGTHS_BITS], &'static str> {
    let mut table = [INVALID; 1 << LENGTHS_BITS];
    build(
        &mut table,
        LENGTHS_BITS,
        lengths,
        Incomplete::Never,
        |symbol| symbol << 16,
    )
    .map_err(|()| "a block's code of code lengths is over-subscribed or incomplete")?;
    Ok(table)
}

/// A share of 1 in [`share_of_lengths`].
const ONE: u32 = 1 << LONGEST;

/// The share of symbols that are lengths, if the code fits what it codes: of bits at random, a code
/// of n bits begins one time in 2^n.
fn share_of_lengths(litlen: &[u8]) -> u32 {
    let lengths = litlen.get(257..).unwrap_or_default();
    lengths
        .iter()
        .filter(|&&length| length > 0)
        .map(|&length| ONE >> length)
        .sum()
}

fn litlen_entry(symbol: u32) -> u32 {
    match symbol {
        0..256 => LITERAL | symbol << 16,
        256 => EXCEPTION | END_OF_BLOCK,
        _ => match LENGTHS.get(symbol as usize - 257) {
            Some((base, extra)) => base << 16 | extra,
            None => INVALID,
        },
    }
}

fn dist_entry(symbol: u32) -> u32 {
    match symbol {
        0..4 => (symbol + 1) << 16,
        4..30 => {
            let extra = symbol / 2 - 1;
            ((2 + symbol % 2) << extra).wrapping_add(1) << 16 | extra
        }
        _ => INVALID,
    }
}

/// Which incomplete codes pass; zlib's rule, so that both accept the same streams.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Incomplete {
    /// One code of one bit (the other bit is invalid), or no code at all.
    OneCode,
    /// None, except no code at all, which fails later when a code is needed.
    Never,
}

fn build(
    table: &mut [u32],
    root: u32,
    lengths: &[u8],
    incomplete: Incomplete,
    entry: impl Fn(u32) -> u32,
) -> Result<(), ()> {
    let mut counts = [0u32; LONGEST + 1];
    for &length in lengths {
        counts[length as usize & LONGEST] += 1;
    }
    counts[0] = 0;
    let longest = (1..=LONGEST)
        .rev()
        .find(|&length| counts[length] > 0)
        .unwrap_or(0);
    table.fill(INVALID);
    if longest == 0 {
        return Ok(());
    }
    let mut left = 1i32;
    for &count in &counts[1..] {
        left = (left << 1) - count as i32;
        if left < 0 {
            return Err(());
        }
    }
    if left > 0 && (incomplete == Incomplete::Never || longest != 1) {
        return Err(());
    }

    // Symbols in the order of their codes: by length, then by number.
    let mut starts = [0u32; LONGEST + 2];
    for length in 1..=LONGEST {
        starts[length + 1] = starts[length] + counts[length];
    }
    let mut sorted = [0u16; 288];
    for (symbol, &length) in lengths.iter().enumerate() {
        if length > 0 {
            let slot = &mut starts[length as usize];
            sorted[*slot as usize] = symbol as u16;
            *slot += 1;
        }
    }
    let total: u32 = counts.iter().sum();
    fill(
        table,
        root,
        &sorted[..total as usize],
        lengths,
        counts,
        longest as u32,
        entry,
    );
    Ok(())
}

/// Writes the entries of a checked code; codes are kept bit-reversed, as the stream has them.
fn fill(
    table: &mut [u32],
    root: u32,
    sorted: &[u16],
    lengths: &[u8],
    mut counts: [u32; LONGEST + 1],
    longest: u32,
    entry: impl Fn(u32) -> u32,
) {
    let mut code = 0u32;
    let mut previous = 0u32;
    let mut next_free = 1usize << root;
    // (low bits that lead here, start, width) of the second table being filled.
    let mut second = (u32::MAX, 0usize, 0u32);
    for &symbol in sorted {
        let length = u32::from(lengths[symbol as usize]);
        code <<= length - previous;
        previous = length;
        let reversed = code.reverse_bits() >> (32 - length);
        code += 1;
        let value = entry(symbol.into());
        let value = if value & INVALID == INVALID {
            value
        } else {
            value + (length << 8) + length
        };
        if length <= root {
            for slot in (reversed as usize..1 << root).step_by(1 << length) {
                table[slot] = value;
            }
        } else {
            let low = reversed & ((1 << root) - 1);
            if second.0 != low {
                let width = second_width(&counts, length, root, longest);
                table[low as usize] = EXCEPTION | SUBTABLE | (next_free as u32) << 16 | width << 8;
                second = (low, next_free, width);
                next_free += 1 << width;
            }
            let first = (reversed >> root) as usize;
            for slot in (first..1 << second.2).step_by(1 << (length - root)) {
                table[second.1 + slot] = value;
            }
        }
        counts[length as usize] -= 1;
    }
}

/// The width of the second table whose first code has `length` bits: wide enough for all codes
/// that share its first `root` bits, which are the next ones in order.
fn second_width(counts: &[u32; LONGEST + 1], length: u32, root: u32, longest: u32) -> u32 {
    let mut width = length - root;
    let mut left = 1i32 << width;
    while width + root < longest {
        left -= counts[(width + root) as usize] as i32;
        if left <= 0 {
            break;
        }
        width += 1;
        left <<= 1;
    }
    width
}
