//! Turns a Huffman code into a table for looking it up, and refuses what is no code
//! (`jpeg_make_d_derived_tbl` of `jdhuff.c`).

use super::definitions::Definition;
use super::markers::damaged;
use crate::error::Result;

/// Bits that the table looks at.
pub(super) const LOOK_BITS: u32 = 9;

/// Bits that a sequence takes which is no code; it stands for the symbol 0
/// (`jpeg_huff_decode` stops only there).
pub(super) const BAD_LENGTH: u32 = 17;

/// A Huffman code, ready for decoding.
#[derive(Debug)]
pub(super) struct Lookup {
    /// For every beginning: symbol in the high byte, length in the low one; 0 where it is longer.
    short: [u16; 1 << LOOK_BITS],
    /// For every length the greatest code, or -1 (T.81 figure F.15).
    greatest: [i32; 17],
    /// For every length, what to add to a code to get its symbol's place.
    offsets: [i32; 17],
    symbols: [u8; 256],
}

impl Lookup {
    /// For DC coefficients (`dc`), whose symbols are sizes, or for AC ones.
    pub(super) fn new(definition: &Definition, dc: bool) -> Result<Self> {
        let mut lookup = Self {
            short: [0; 1 << LOOK_BITS],
            greatest: [-1; 17],
            offsets: [0; 17],
            symbols: definition.symbols,
        };
        let (mut code, mut place, mut filled) = (0_u32, 0_usize, 0_usize);
        for length in 1..=16_u32 {
            let count = usize::from(definition.counts[length as usize - 1]);
            let symbols = definition
                .symbols
                .get(place..place + count)
                .ok_or_else(|| damaged("a Huffman code of more than 256 symbols"))?;
            if count > 0 {
                lookup.offsets[length as usize] = place as i32 - code as i32;
                code += count as u32;
                // No code may be all ones, of any length (T.81 C.2).
                if code >= 1 << length {
                    return Err(damaged("a Huffman code of more codes than there can be"));
                }
                lookup.greatest[length as usize] = code as i32 - 1;
            }
            if dc && symbols.iter().any(|&size| size > 15) {
                return Err(damaged("a Huffman code of DC sizes above 15"));
            }
            if length <= LOOK_BITS {
                for &symbol in symbols {
                    let next = filled + (1 << (LOOK_BITS - length));
                    lookup.short[filled..next].fill(u16::from(symbol) << 8 | length as u16);
                    filled = next;
                }
            }
            place += count;
            code <<= 1;
        }
        Ok(lookup)
    }

    /// Symbol and length of the code that `window`, 16 bits, begins with.
    #[inline]
    pub(super) fn find(&self, window: u32) -> (u8, u32) {
        let entry = self.short[(window >> (16 - LOOK_BITS)) as usize & ((1 << LOOK_BITS) - 1)];
        if entry != 0 {
            return ((entry >> 8) as u8, u32::from(entry & 255));
        }
        self.find_long(window)
    }

    #[cold]
    fn find_long(&self, window: u32) -> (u8, u32) {
        (1..=16)
            .find_map(|length| {
                let symbol = self.symbol((window >> (16 - length)) as i32, length)?;
                Some((symbol, length))
            })
            .unwrap_or((0, BAD_LENGTH))
    }

    /// The symbol of a code of this length, if `code` is one.
    pub(super) fn symbol(&self, code: i32, length: u32) -> Option<u8> {
        if code > self.greatest[length as usize] {
            return None;
        }
        let place = (code + self.offsets[length as usize]) & 255;
        Some(self.symbols[place as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(counts: &[(usize, u8)]) -> Definition {
        let mut definition = Definition {
            counts: [0; 16],
            symbols: std::array::from_fn(|place| place as u8),
        };
        for &(length, count) in counts {
            definition.counts[length - 1] = count;
        }
        definition
    }

    #[test]
    fn codes_of_every_length_are_found() {
        // Codes 0, 10, 110 and so on.
        let counts: Vec<(usize, u8)> = (1..=16).map(|length| (length, 1)).collect();
        let lookup = Lookup::new(&definition(&counts), true).unwrap();
        for length in 1..=16_u32 {
            let window = 0xFFFF_u32 << (17 - length) & 0xFFFF;
            assert_eq!(lookup.find(window), (length as u8 - 1, length));
        }
        assert_eq!(lookup.find(0xFFFF), (0, BAD_LENGTH));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for (counts, right) in [
            (&[(1, 1)][..], true),
            (&[(1, 2)], false),
            (&[(1, 1), (2, 2)], false),
            (&[(2, 3), (3, 1)], true),
            (&[(2, 3), (3, 2)], false),
            (&[(8, 255), (9, 1)], true),
            (&[(8, 255), (9, 2)], false),
            (&[], true),
        ] {
            assert_eq!(
                Lookup::new(&definition(counts), false).is_ok(),
                right,
                "{counts:?}"
            );
        }
        // The 17th symbol is 16, which no DC difference has bits for.
        assert!(Lookup::new(&definition(&[(8, 17)]), true).is_err());
        assert!(Lookup::new(&definition(&[(8, 17)]), false).is_ok());
    }
}
