//! Turns the Huffman codes of a header (DHT segments) into tables that decode several symbols at a
//! look (T.81 annex C and F.2.2.3).
//!
//! Not here: reading bits with them (`entropy.rs`).

/// The data are damaged, or use something that this decoder leaves to the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusual;

/// Bits that the table of pairs looks at.
pub(super) const PAIR_BITS: u32 = 10;

/// Bits that the table for skipping looks at.
pub(super) const SKIP_BITS: u32 = 11;

/// Bits that the table of DC codes looks at.
pub(super) const DC_BITS: u32 = 9;

/// One Huffman code as a DHT segment gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    /// Symbols, shortest code first.
    symbols: Vec<u8>,
    /// For every length: one more than the greatest code of that length, left-aligned in 16 bits.
    limits: [u32; 17],
    /// For every length: what to add to a code to get its place in `symbols`.
    offsets: [i32; 17],
    /// For every beginning of [`SKIP_BITS`] bits: symbol in the high byte, length in the low one;
    /// 0 where the code is longer.
    short: Vec<u16>,
}

impl Code {
    /// From the number of codes of each length 1..=16 and the symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Unusual> {
        let mut limits = [0; 17];
        let mut offsets = [0; 17];
        let (mut code, mut place) = (0_u32, 0_u32);
        for (index, &count) in counts.iter().enumerate() {
            let length = index + 1;
            offsets[length] = place as i32 - code as i32;
            code += u32::from(count);
            place += u32::from(count);
            // A code of all ones is not allowed (T.81 C.2), nor are more codes than fit.
            if code > (1 << length) || (code == (1 << length) && count > 0 && length == 16) {
                return Err(Unusual);
            }
            limits[length] = code << (16 - length);
            code <<= 1;
        }
        if place as usize != symbols.len() {
            return Err(Unusual);
        }
        let mut short = Vec::with_capacity(1 << SKIP_BITS);
        let mut place = 0;
        for length in 1..=SKIP_BITS {
            for _ in 0..counts[length as usize - 1] {
                let filled = short.len() + (1 << (SKIP_BITS - length));
                short.resize(filled, u16::from(symbols[place]) << 8 | length as u16);
                place += 1;
            }
        }
        short.resize(1 << SKIP_BITS, 0);
        Ok(Self {
            symbols: symbols.to_vec(),
            limits,
            offsets,
            short,
        })
    }

    /// Symbol and length of the code that `window`, 16 bits, starts with, if it is short.
    fn look_short(&self, window: u32) -> Option<(u8, u32)> {
        let entry = self.short[(window >> (16 - SKIP_BITS)) as usize];
        (entry != 0).then_some(((entry >> 8) as u8, u32::from(entry & 255)))
    }

    /// Symbol and length of the code that `window`, 16 bits, starts with.
    pub(super) fn look(&self, window: u32) -> Option<(u8, u32)> {
        (1..=16_u32)
            .find(|&length| window < self.limits[length as usize])
            .and_then(|length| {
                let code = (window >> (16 - length)) as i32;
                let place = usize::try_from(code + self.offsets[length as usize]).ok()?;
                Some((*self.symbols.get(place)?, length))
            })
    }
}

/// A number of `size` bits as T.81 F.2.2.1 extends it.
pub(super) fn extend(bits: u32, size: u32) -> i32 {
    if size == 0 {
        return 0;
    }
    let bits = bits as i32;
    bits + (((bits - (1 << (size - 1))) >> 31) & ((-1 << size) + 1))
}

/// A table of DC codes: size in the low 4 bits, length above; 0 where the code is longer.
#[derive(Debug, Default)]
pub(super) struct DcTable {
    pub(super) entries: Vec<u8>,
}

impl DcTable {
    /// Fills the table for `code`.
    pub(super) fn build(&mut self, code: &Code) -> Result<(), Unusual> {
        if code.symbols.iter().any(|&size| size > 11) {
            return Err(Unusual);
        }
        self.entries.clear();
        self.entries.extend((0..1_u32 << DC_BITS).map(|index| {
            match code.look_short(index << (16 - DC_BITS)) {
                Some((size, length)) if length <= DC_BITS => size | ((length as u8) << 4),
                _ => 0,
            }
        }));
        Ok(())
    }
}

// An entry of the table of pairs: two values, how far each lies from the place before it, the
// length of the first symbol and of both, and what comes then.
pub(super) const RUN_ONE: u32 = 32;
pub(super) const RUN_TWO: u32 = 38;
pub(super) const LENGTH_BOTH: u32 = 44;
pub(super) const LENGTH_ONE: u32 = 50;
pub(super) const END: u64 = 1 << 56;
pub(super) const SLOW: u64 = 1 << 57;

/// A table of AC codes with their values, up to two an entry.
#[derive(Debug, Default)]
pub(super) struct AcTable {
    pub(super) pairs: Vec<u64>,
    /// Length in the low 5 bits, coefficients in the next 6, then whether the block ends and
    /// whether the first code is longer than the table is wide.
    pub(super) skips: Vec<u16>,
}

pub(super) const SKIP_END: u16 = 1 << 11;
pub(super) const SKIP_SLOW: u16 = 1 << 12;

/// The symbol that a window starts with, if all its bits are among the first `known`.
struct Symbol {
    run: u32,
    value: i32,
    length: u32,
    end: bool,
}

fn symbol(code: &Code, window: u32, known: u32) -> Option<Symbol> {
    let (byte, length) = code.look_short(window)?;
    let (run, size) = (u32::from(byte >> 4), u32::from(byte & 15));
    if length + size > known {
        return None;
    }
    let bits = (window << length & 0xFFFF) >> (16 - size);
    let end = size == 0 && run == 0;
    Some(Symbol {
        run,
        value: extend(bits, size),
        length: length + size,
        end,
    })
}

impl AcTable {
    /// Fills the tables for `code`.
    pub(super) fn build(&mut self, code: &Code) -> Result<(), Unusual> {
        let unusual = |byte: u8| match (byte >> 4, byte & 15) {
            (run, 0) => !matches!(run, 0 | 15),
            (_, size) => size > 10,
        };
        if code.symbols.iter().any(|&byte| unusual(byte)) {
            return Err(Unusual);
        }
        self.pairs.clear();
        self.pairs
            .extend((0..1_u32 << PAIR_BITS).map(|index| pair(code, index)));
        self.skips.clear();
        self.skips
            .extend((0..1_u32 << SKIP_BITS).map(|index| skip(code, index)));
        Ok(())
    }
}

fn pair(code: &Code, index: u32) -> u64 {
    let window = index << (16 - PAIR_BITS);
    let Some(one) = symbol(code, window, PAIR_BITS) else {
        return SLOW;
    };
    let value = |value: i32| u64::from(value as i16 as u16);
    let first =
        value(one.value) | u64::from(one.run) << RUN_ONE | u64::from(one.length) << LENGTH_ONE;
    let single = first | value(one.value) << 16 | u64::from(one.length) << LENGTH_BOTH;
    if one.end {
        return single | END;
    }
    match symbol(code, window << one.length & 0xFFFF, PAIR_BITS - one.length) {
        None => single,
        Some(two) if two.end => {
            let both = u64::from(one.length + two.length) << LENGTH_BOTH;
            first | value(one.value) << 16 | both | END
        }
        Some(two) => {
            let both = u64::from(one.length + two.length) << LENGTH_BOTH;
            first | value(two.value) << 16 | u64::from(two.run + 1) << RUN_TWO | both
        }
    }
}

fn skip(code: &Code, index: u32) -> u16 {
    let mut window = index << (16 - SKIP_BITS);
    let (mut used, mut coefficients) = (0, 0);
    while used < SKIP_BITS {
        let Some((byte, length)) = code.look_short(window) else {
            break;
        };
        let next = coefficients + u32::from(byte >> 4) + 1;
        if used + length > SKIP_BITS || next > 62 {
            break;
        }
        used += length + u32::from(byte & 15);
        if byte == 0 {
            return (used | coefficients << 5) as u16 | SKIP_END;
        }
        coefficients = next;
        window = window
            .checked_shl(length + u32::from(byte & 15))
            .unwrap_or(0)
            & 0xFFFF;
    }
    if used == 0 {
        SKIP_SLOW
    } else {
        (used | coefficients << 5) as u16
    }
}
