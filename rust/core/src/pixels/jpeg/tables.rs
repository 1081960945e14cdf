//! Turns the Huffman codes of a header into tables that decode several symbols at a look.
//!
//! Not here: reading bits with them (`entropy.rs`).

use super::huffman::{Code, SHORT_BITS, Unusual, extend};

const _: () = assert!(PAIR_BITS <= SHORT_BITS && GROUP_BITS <= SHORT_BITS);

/// Bits that the table of pairs looks at.
pub(super) const PAIR_BITS: u32 = 10;

/// Most bits of an entry: those that the table looks at, and then bits of the last value alone.
pub(super) const PAIR_LENGTH: u32 = 14;

/// Bits that the table of groups looks at.
pub(super) const GROUP_BITS: u32 = 11;

/// Most bits of a group, the values' too, so that three fit into one load of bits.
const GROUP_LENGTH: u32 = 18;

/// Bits that the table of DC codes looks at.
pub(super) const DC_BITS: u32 = 9;

/// The tables of one DHT segment of the DC class.
#[derive(Debug, Default)]
pub(super) struct DcTable {
    segment: Vec<u8>,
    /// For codes longer than the table is wide.
    pub(super) code: Option<Code>,
    /// Size in the low 4 bits, length above; 0 where the code is longer.
    pub(super) entries: Vec<u8>,
}

impl DcTable {
    /// Fills the table for a segment: how many codes there are of each length, then the symbols.
    pub(super) fn build(&mut self, segment: &[u8]) -> Result<(), Unusual> {
        if self.segment == segment && self.code.is_some() {
            return Ok(());
        }
        self.code = None;
        let code = code(segment)?;
        if code.symbols().iter().any(|&size| size > 11) {
            return Err(Unusual);
        }
        self.entries.clear();
        self.entries.extend((0..1_u32 << DC_BITS).map(|index| {
            match code.look_short(index << (16 - DC_BITS)) {
                Some((size, length)) if length <= DC_BITS => size | ((length as u8) << 4),
                _ => 0,
            }
        }));
        self.code = Some(code);
        segment.clone_into(&mut self.segment);
        Ok(())
    }
}

fn code(segment: &[u8]) -> Result<Code, Unusual> {
    let (counts, symbols) = segment.split_first_chunk().ok_or(Unusual)?;
    Code::new(counts, symbols)
}

/// The tables of one DHT segment of the AC class.
#[derive(Debug, Default)]
pub(super) struct AcTable {
    segment: Vec<u8>,
    /// For codes longer than the tables are wide.
    pub(super) code: Option<Code>,
    /// See [`Pair`].
    pub(super) pairs: Vec<u64>,
    /// See [`Group`]; empty until asked for.
    pub(super) groups: Vec<u16>,
    /// One symbol an entry, as in `pairs`.
    singles: Vec<u64>,
}

/// Where the last symbol of an entry ends the block, or the table is too narrow for the first, the
/// step is so great that the place leaves the block: a loop has one question to ask a look.
const END: u32 = 0x80;
const LONG: u32 = 0xC0;

/// One look at the table of pairs, from the lowest bits up:
///
/// | bits | of an entry of one or two symbols | where the table is too narrow for the first symbol |
/// |---|---|---|
/// | 0..8 | length of the whole entry | of its code; 0 where that is longer too |
/// | 8..16 | step from the last coefficient to the last one of the entry, or [`END`] | [`LONG`] |
/// | 16..32 | value of the first symbol, where there are two | run |
/// | 32..48 | value of the last symbol, less the bits of the whole entry | size |
/// | 48..56 | step to the first symbol's coefficient; [`END`] where there is none | [`LONG`] |
/// | 56..64 | length of the first symbol | |
///
/// The length comes first because the next look has to wait for it. Of the last value the table
/// needs to see the sign only: a value is its bits plus a number that the sign and the size decide
/// (T.81 F.2.2.1), and adding all bits of the entry puts in those that the table has not seen.
#[derive(Clone, Copy)]
pub(super) struct Pair(pub(super) u64);

impl Pair {
    fn pack(values: (i32, i32), steps: (u32, u32), lengths: (u32, u32)) -> u64 {
        let word = |value: i32| u64::from(value as i16 as u16);
        u64::from(lengths.1)
            | u64::from(steps.1) << 8
            | word(values.0) << 16
            | word(values.1) << 32
            | u64::from(steps.0) << 48
            | u64::from(lengths.0) << 56
    }

    /// Bits of the whole entry.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        (self.0 & 255) as u32
    }

    /// Coefficients up to the last value's, or out of any block.
    #[inline(always)]
    pub(super) fn step_two(self) -> usize {
        (self.0 >> 8 & 255) as usize
    }

    /// The first value.
    #[inline(always)]
    pub(super) fn one(self) -> i16 {
        (self.0 >> 16) as i16
    }

    /// The last value, less the bits of the entry.
    #[inline(always)]
    pub(super) fn two(self) -> i16 {
        (self.0 >> 32) as i16
    }

    /// The last value; `window` has the bits of the entry on top.
    #[inline(always)]
    pub(super) fn last_value(self, window: u64) -> i16 {
        let bits = window >> (self.length().wrapping_neg() & 63);
        self.two().wrapping_add(bits as i16)
    }

    /// Coefficients up to the first value's, or out of any block.
    #[inline(always)]
    pub(super) fn step_one(self) -> usize {
        (self.0 >> 48 & 255) as usize
    }

    /// Bits of the first symbol.
    #[inline(always)]
    pub(super) fn length_one(self) -> u32 {
        (self.0 >> 56) as u32
    }

    /// Whether the first symbol needs more bits than the table looks at.
    #[inline(always)]
    pub(super) fn is_long(self) -> bool {
        self.step_two() == LONG as usize
    }

    /// Whether the last symbol is the end of the block.
    #[inline(always)]
    pub(super) fn is_end(self) -> bool {
        self.step_two() == END as usize
    }

    /// Coefficients up to the first value's, 0 if there is none.
    #[inline(always)]
    pub(super) fn step_before_end(self) -> usize {
        self.step_one() & (END as usize - 1)
    }
}

/// One look at the table of groups: coefficients and bits of as many symbols as fit.
#[derive(Clone, Copy)]
pub(super) struct Group(pub(super) u16);

impl Group {
    /// Coefficients of the group, or out of any block.
    #[inline(always)]
    pub(super) fn step(self) -> usize {
        usize::from(self.0 >> 8)
    }

    /// Bits of the group.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        u32::from(self.0 & 255)
    }

    /// Coefficients before the end of the block, if the group ends with it.
    pub(super) fn end(self) -> Option<usize> {
        let step = self.step();
        (END as usize..LONG as usize)
            .contains(&step)
            .then(|| step - END as usize)
    }
}

impl AcTable {
    /// Fills the table of pairs for a segment: how many codes there are of each length, then the
    /// symbols.
    pub(super) fn build(&mut self, segment: &[u8]) -> Result<(), Unusual> {
        if self.segment == segment && self.code.is_some() {
            return Ok(());
        }
        self.code = None;
        self.groups.clear();
        let code = code(segment)?;
        let unusual = |byte: u8| match (byte >> 4, byte & 15) {
            (run, 0) => !matches!(run, 0 | 15),
            (_, size) => size > 10,
        };
        if code.symbols().iter().any(|&byte| unusual(byte)) {
            return Err(Unusual);
        }
        self.fill_singles(segment);
        self.fill_pairs();
        self.code = Some(code);
        segment.clone_into(&mut self.segment);
        Ok(())
    }

    /// Fills the table of groups, if that was not done yet.
    pub(super) fn build_groups(&mut self) {
        if let (Some(code), true) = (&self.code, self.groups.is_empty()) {
            self.groups
                .extend((0..1_u32 << GROUP_BITS).map(|index| group(code, index)));
        }
    }

    /// Codes in their order fill the table from its beginning; unseen bits of a value count as 0.
    ///
    /// The length of the first symbol is that of its code alone here.
    fn fill_singles(&mut self, segment: &[u8]) {
        self.singles.clear();
        let (counts, mut symbols) = segment.split_at(16);
        for (length, &count) in (1..=PAIR_BITS).zip(counts) {
            let (now, later) = symbols.split_at(usize::from(count));
            symbols = later;
            for &byte in now {
                let (run, size) = (u32::from(byte >> 4), u32::from(byte & 15));
                let bits = length + size;
                let seen = size.min(PAIR_BITS - length);
                if seen == 0 && size > 0 || bits > PAIR_LENGTH {
                    let filled = self.singles.len() + (1 << (PAIR_BITS - length));
                    let values = (run as i32, size as i32);
                    let entry = Pair::pack(values, (LONG, LONG), (length, length));
                    self.singles.resize(filled, entry);
                    continue;
                }
                let step = if byte == 0 { END } else { run + 1 };
                for value in 0..1_u32 << seen {
                    let value = extend(value << (size - seen), size);
                    let entry = Pair::pack((value, value), (step, step), (length, bits));
                    let filled = self.singles.len() + (1 << (PAIR_BITS - length - seen));
                    self.singles.resize(filled, entry);
                }
            }
        }
        let longer = Pair::pack((0, 0), (LONG, LONG), (0, 0));
        self.singles.resize(1 << PAIR_BITS, longer);
    }

    fn fill_pairs(&mut self) {
        const MASK: usize = (1 << PAIR_BITS) - 1;
        self.pairs.clear();
        let entries = self.singles.iter().enumerate().map(|(index, &entry)| {
            let one = Pair(entry);
            if one.is_long() {
                return entry;
            }
            let pack = |value: i16, steps, length: u32| {
                let bits = (index << 16 >> (PAIR_BITS + 16 - length)) as i32;
                let values = (i32::from(one.one()), i32::from(value) - bits);
                Pair::pack(values, steps, (one.length(), length))
            };
            let steps = (one.step_one() as u32, one.step_two() as u32);
            let alone = pack(one.one(), steps, one.length());
            if one.is_end() || one.length() >= PAIR_BITS {
                return alone;
            }
            let two = Pair(self.singles[(index << one.length()) & MASK]);
            let length = one.length() + two.length();
            let size = two.length() - two.length_one();
            let needed = one.length() + two.length_one() + size.min(1);
            if two.is_long() || needed > PAIR_BITS || length > PAIR_LENGTH {
                return alone;
            }
            let step = if two.is_end() {
                END
            } else {
                (one.step_one() + two.step_one()) as u32
            };
            pack(two.one(), (one.step_one() as u32, step), length)
        });
        self.pairs.extend(entries);
    }
}

fn group(code: &Code, index: u32) -> u16 {
    let mut window = index << (16 - GROUP_BITS);
    let (mut used, mut step) = (0, 0);
    while used < GROUP_BITS {
        let Some((byte, length)) = code.look_short(window) else {
            break;
        };
        let next = step + u32::from(byte >> 4) + 1;
        let bits = length + u32::from(byte & 15);
        if used + length > GROUP_BITS || used + bits > GROUP_LENGTH || (byte != 0 && next > 62) {
            break;
        }
        used += bits;
        if byte == 0 {
            return ((step + END) << 8 | used) as u16;
        }
        step = next;
        window = window.checked_shl(bits).unwrap_or(0) & 0xFFFF;
    }
    if used == 0 {
        step = LONG;
    }
    (step << 8 | used) as u16
}
