//! Turns the entropy-coded bytes of a baseline JPEG into coefficients (T.81 F.2.2).
//!
//! Made for data without damage: whatever is unusual ends with [`Unusual`], and the caller hands
//! the whole image to the decoder library, which knows what to do.
#![expect(
    clippy::inline_always,
    reason = "the inner loops keep their state in registers only where nothing is called"
)]

use super::huffman::{
    AcTable, Code, DC_BITS, DcTable, END, LENGTH_BOTH, LENGTH_ONE, PAIR_BITS, RUN_ONE, RUN_TWO,
    SKIP_BITS, SKIP_END, SKIP_SLOW, SLOW, Unusual, extend,
};

/// Bytes of zeros behind the data: one block reads at most 64 codes of 27 bits.
pub(super) const PADDING: usize = 256;

/// From the order of the stream to that of the rows (T.81 figure A.6). A run that leaves the block
/// writes to the entry behind it, which nobody reads.
const NATURAL: [u8; 128] = {
    const ZIGZAG: [u8; 64] = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
        20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
    let mut table = [64; 128];
    let mut at = 0;
    while at < 64 {
        table[at] = ZIGZAG[at];
        at += 1;
    }
    table
};

/// The order of quantisation tables in the file.
pub(super) fn natural(at: usize) -> usize {
    NATURAL[at] as usize
}

/// Bits of one restart interval, stuffing removed, with [`PADDING`] zeros behind the data.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// Where the next bytes are loaded from.
    at: usize,
    /// The next bits, the first one on top.
    window: u64,
    /// How many of them are there.
    count: u32,
    /// Bytes of `data` that are not padding.
    end: usize,
}

/// The codes that one component of a scan uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    /// DC, for looking up.
    pub(super) dc: &'a DcTable,
    /// AC, for looking up.
    pub(super) ac: &'a AcTable,
    /// DC, for codes longer than the table is wide.
    pub(super) dc_code: &'a Code,
    /// AC, for codes longer than the table is wide.
    pub(super) ac_code: &'a Code,
}

/// Coefficients in the order of rows, and a place for what a damaged run writes.
pub(super) type Block = [i16; 65];

impl<'a> Bits<'a> {
    /// The bits of `data[start..end]`; [`PADDING`] bytes must follow.
    pub(super) fn new(data: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            data,
            at: start,
            window: 0,
            count: 0,
            end,
        }
    }

    /// Makes at least 56 bits available.
    #[inline(always)]
    fn refill(&mut self) {
        let bytes = self.data.get(self.at..self.at + 8);
        let next = bytes.map_or(0, |bytes| {
            u64::from_be_bytes(bytes.try_into().unwrap_or([0; 8]))
        });
        self.window |= next >> self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= 0b11_1000;
    }

    #[inline(always)]
    fn consume(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }

    /// Whether more bits were read than there are.
    pub(super) fn is_beyond_end(&self) -> bool {
        self.at * 8 - self.count as usize > self.end * 8
    }

    /// The difference of a block's DC coefficient to the one before.
    #[inline(always)]
    fn dc(&mut self, tables: &Tables<'_>) -> Result<i32, Unusual> {
        self.refill();
        let entry = tables.dc.entries[(self.window >> (64 - DC_BITS)) as usize];
        let (size, length) = if entry != 0 {
            (u32::from(entry & 15), u32::from(entry >> 4))
        } else {
            let (size, length) = tables
                .dc_code
                .look((self.window >> 48) as u32)
                .ok_or(Unusual)?;
            (u32::from(size), length)
        };
        let bits = ((self.window << length) >> 1) >> (63 - size);
        self.consume(length + size);
        Ok(extend(bits as u32, size))
    }

    /// A symbol whose bits are more than a table is wide: run, value, and whether the block ends.
    #[cold]
    #[inline(never)]
    fn long(&mut self, code: &Code) -> Result<(usize, i16, bool), Unusual> {
        let (byte, length) = code.look((self.window >> 48) as u32).ok_or(Unusual)?;
        let (run, size) = (usize::from(byte >> 4), u32::from(byte & 15));
        let bits = ((self.window << length) >> 1) >> (63 - size);
        self.consume(length + size);
        Ok((run, extend(bits as u32, size) as i16, byte == 0))
    }

    /// Decodes one block; `dc` is the component's last DC coefficient, before and after.
    #[inline(always)]
    pub(super) fn block(
        &mut self,
        tables: &Tables<'_>,
        dc: &mut i32,
        block: &mut Block,
    ) -> Result<(), Unusual> {
        *block = [0; 65];
        *dc += self.dc(tables)?;
        block[0] = *dc as i16;
        let pairs: &[u64; 1 << PAIR_BITS] =
            tables.ac.pairs.as_slice().try_into().map_err(|_| Unusual)?;
        let mut k = 1;
        while k < 64 {
            self.refill();
            let entry = pairs[(self.window >> (64 - PAIR_BITS)) as usize];
            if entry & SLOW != 0 {
                let (run, value, end) = self.long(tables.ac_code)?;
                if end {
                    return Ok(());
                }
                k += run;
                block[NATURAL[k & 127] as usize] = value;
                k += 1;
                continue;
            }
            let one = k + (entry >> RUN_ONE & 63) as usize;
            block[NATURAL[one & 127] as usize] = entry as i16;
            if one >= 63 {
                // A block may be full without an end-of-block code: what follows is the next one's.
                self.consume((entry >> LENGTH_ONE & 63) as u32);
                return if one == 63 { Ok(()) } else { Err(Unusual) };
            }
            let two = one + (entry >> RUN_TWO & 63) as usize;
            block[NATURAL[two & 127] as usize] = (entry >> 16) as i16;
            self.consume((entry >> LENGTH_BOTH & 63) as u32);
            if entry & END != 0 {
                return Ok(());
            }
            k = two + 1;
        }
        if k == 64 { Ok(()) } else { Err(Unusual) }
    }

    /// Passes over one block, keeping only its DC coefficient.
    #[inline(always)]
    pub(super) fn skip(&mut self, tables: &Tables<'_>, dc: &mut i32) -> Result<(), Unusual> {
        *dc += self.dc(tables)?;
        let skips: &[u16; 1 << SKIP_BITS] =
            tables.ac.skips.as_slice().try_into().map_err(|_| Unusual)?;
        let mut k = 1;
        while k < 64 {
            self.refill();
            let entry = skips[(self.window >> (64 - SKIP_BITS)) as usize];
            let next = k + usize::from(entry >> 5 & 63);
            if entry & SKIP_SLOW != 0 || next >= 64 {
                // One symbol at a time where the group might reach into the next block.
                let (run, _, end) = self.long(tables.ac_code)?;
                if end {
                    return Ok(());
                }
                k += run + 1;
                continue;
            }
            self.consume(u32::from(entry & 31));
            if entry & SKIP_END != 0 {
                return Ok(());
            }
            k = next;
        }
        if k == 64 { Ok(()) } else { Err(Unusual) }
    }
}
