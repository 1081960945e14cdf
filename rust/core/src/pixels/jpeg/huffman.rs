//! Turns the Huffman codes of a header (DHT segments) into look-ups of one symbol (T.81 annex C and
//! F.2.2.3).
//!
//! Not here: tables that decode several symbols at a look (`tables.rs`).

/// The data are damaged, or use something that this decoder leaves to the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusual;

/// Bits that the table of one symbol looks at.
pub(super) const SHORT_BITS: u32 = 11;

/// One Huffman code as a DHT segment gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Code {
    /// Symbols, shortest code first.
    symbols: Vec<u8>,
    /// For every length: one more than the greatest code of that length, left-aligned in 16 bits.
    limits: [u32; 17],
    /// For every length: what to add to a code to get its place in `symbols`.
    offsets: [i32; 17],
    /// For every beginning of [`SHORT_BITS`] bits: symbol in the high byte, length in the low one;
    /// 0 where the code is longer.
    short: Vec<u16>,
}

impl Code {
    /// The symbols, shortest code first.
    pub(super) fn symbols(&self) -> &[u8] {
        &self.symbols
    }

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
        let mut short = Vec::with_capacity(1 << SHORT_BITS);
        let mut place = 0;
        for length in 1..=SHORT_BITS {
            for _ in 0..counts[length as usize - 1] {
                let filled = short.len() + (1 << (SHORT_BITS - length));
                short.resize(filled, u16::from(symbols[place]) << 8 | length as u16);
                place += 1;
            }
        }
        short.resize(1 << SHORT_BITS, 0);
        Ok(Self {
            symbols: symbols.to_vec(),
            limits,
            offsets,
            short,
        })
    }

    /// Symbol and length of the code that `window`, 16 bits, starts with, if it is short.
    pub(super) fn look_short(&self, window: u32) -> Option<(u8, u32)> {
        let entry = self.short[(window >> (16 - SHORT_BITS)) as usize];
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
