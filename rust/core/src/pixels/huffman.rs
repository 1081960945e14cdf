//! Turns the entropy-coded bytes of a baseline JPEG into coefficients (T.81 F.2.2).
//!
//! Made for damage-free data: whatever is unusual ends with [`Unusual`], and the caller hands the
//! whole image to the decoder library, which knows what to do.
#![expect(
    clippy::inline_always,
    reason = "the inner loops keep their state in registers only where nothing is called"
)]

/// The data are damaged, or use something that this decoder leaves to the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusual;

/// Bits that the table of pairs looks at.
const PAIR_BITS: u32 = 10;

/// Bits that the table for skipping looks at.
const SKIP_BITS: u32 = 11;

/// Bits that the table of DC codes looks at.
const DC_BITS: u32 = 9;

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
    fn look(&self, window: u32) -> Option<(u8, u32)> {
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
fn extend(bits: u32, size: u32) -> i32 {
    if size == 0 {
        return 0;
    }
    let bits = bits as i32;
    bits + (((bits - (1 << (size - 1))) >> 31) & ((-1 << size) + 1))
}

/// A table of DC codes: size in the low 4 bits, length above; 0 where the code is longer.
#[derive(Debug, Default)]
pub(super) struct DcTable {
    entries: Vec<u8>,
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
const RUN_ONE: u32 = 32;
const RUN_TWO: u32 = 38;
const LENGTH_BOTH: u32 = 44;
const LENGTH_ONE: u32 = 50;
const END: u64 = 1 << 56;
const SLOW: u64 = 1 << 57;

/// A table of AC codes with their values, up to two an entry.
#[derive(Debug, Default)]
pub(super) struct AcTable {
    pairs: Vec<u64>,
    /// Length in the low 5 bits, coefficients in the next 6, then whether the block ends and
    /// whether the first code is longer than the table is wide.
    skips: Vec<u16>,
}

const SKIP_END: u16 = 1 << 11;
const SKIP_SLOW: u16 = 1 << 12;

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
