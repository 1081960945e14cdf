//! Turns the entropy-coded bytes of a baseline JPEG into coefficients (T.81 F.2.2).
//!
//! Made for data without damage: whatever is unusual ends with [`Unusual`], and the caller hands
//! the whole image to the decoder library, which knows what to do.
use super::huffman::{Code, Unusual, extend};
use super::tables::{AcTable, DC_BITS, DcTable, GROUP_BITS, Group, PAIR_BITS, PAIR_LENGTH, Pair};

/// What one block may read: 64 codes of at most 27 bits, and the 8 bytes that are loaded at once.
const REACH: usize = 256 + 8;

/// Bytes of zeros behind the data.
pub(super) const PADDING: usize = 2 * REACH;

/// From the order of the stream to that of the rows (T.81 figure A.6). A run that leaves the block
/// writes to the entry behind it, which nobody reads.
const NATURAL: [u8; 256] = {
    const ZIGZAG: [u8; 64] = [
        0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
        20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
        58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ];
    let mut table = [64; 256];
    let mut at = 0;
    while at < 64 {
        table[at] = ZIGZAG[at];
        at += 1;
    }
    table
};

/// Looks at the table of pairs after each load of bits.
const LOOKS: usize = 4;

const _: () = assert!(LOOKS as u32 * PAIR_LENGTH <= 56);

/// The order of quantisation tables in the file.
pub(super) fn natural(at: usize) -> usize {
    NATURAL[at] as usize
}

/// Bits of one restart interval, stuffing removed, with [`PADDING`] zeros behind the data.
#[derive(Clone, Copy, Debug)]
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
    /// For DC coefficients.
    pub(super) dc: &'a DcTable,
    /// For AC coefficients.
    pub(super) ac: &'a AcTable,
}

/// Coefficients in the order of rows, and a place for what a damaged run writes.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Block([i16; 80]);

impl Block {
    /// All zeros.
    pub(super) const ZERO: Self = Self([0; 80]);

    /// Takes these coefficients.
    pub(super) fn set(&mut self, coefficients: &[i16; 64]) {
        self.0[..64].copy_from_slice(coefficients);
    }

    /// The coefficients.
    #[inline(always)]
    pub(super) fn coefficients(&self) -> &[i16; 64] {
        let Some(coefficients) = self.0.first_chunk() else {
            unreachable!("80 are more than 64")
        };
        coefficients
    }
}

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

    /// Whether more bits were read than there are.
    pub(super) fn is_beyond_end(&self) -> bool {
        self.place() > self.end * 8
    }

    /// Where the next bit is, in bits from the start of the data.
    pub(super) fn place(&self) -> usize {
        self.at * 8 - self.count as usize
    }

    /// The same without the first `bits`, fewer than 8.
    pub(super) fn after(mut self, bits: u32) -> Result<Self, Unusual> {
        let mut block = self.block_bits()?;
        block.refill();
        block.consume(bits);
        self.advance(&block);
        Ok(self)
    }

    /// The bits of one block.
    #[inline(always)]
    fn block_bits(&self) -> Result<BlockBits<'a>, Unusual> {
        let bytes = self.data.get(self.at..).and_then(<[u8]>::first_chunk);
        Ok(BlockBits {
            bytes: bytes.ok_or(Unusual)?,
            at: 0,
            window: self.window,
            count: self.count,
        })
    }

    #[inline(always)]
    fn advance(&mut self, block: &BlockBits<'_>) {
        self.at += block.at;
        (self.window, self.count) = (block.window, block.count);
    }
}

/// The bits of one block, which need no question whether there are any.
#[derive(Clone, Copy)]
struct BlockBits<'a> {
    bytes: &'a [u8; REACH],
    /// Where the next bytes are loaded from.
    at: usize,
    /// The next bits, the first one on top.
    window: u64,
    /// How many of them are there.
    count: u32,
}

impl BlockBits<'_> {
    /// Makes at least 56 bits available.
    #[inline(always)]
    fn refill(&mut self) {
        let at = self.at & 255;
        let next: &[u8; 8] = self.bytes[at..at + 8].try_into().unwrap_or(&[0; 8]);
        self.window |= u64::from_be_bytes(*next) >> self.count;
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= 0b11_1000;
    }

    #[inline(always)]
    fn consume(&mut self, bits: u32) {
        self.window <<= bits;
        self.count -= bits;
    }

    /// The difference of a block's DC coefficient to the one before.
    #[inline(always)]
    fn dc(&mut self, tables: &Tables<'_>) -> Result<i32, Unusual> {
        self.refill();
        let entry = tables.dc.entries[(self.window >> (64 - DC_BITS)) as usize];
        let (size, length) = if entry != 0 {
            (u32::from(entry & 15), u32::from(entry >> 4))
        } else {
            let (size, length) = long_code(self.window, tables.dc.code.as_ref())?;
            (u32::from(size), length)
        };
        let bits = ((self.window << length) >> 1) >> (63 - size);
        self.consume(length + size);
        Ok(extend(bits as u32, size))
    }

    /// A symbol whose bits are more than a table is wide: run, value, and whether the block ends.
    #[inline(always)]
    fn long(&mut self, table: &AcTable) -> Result<(usize, i16, bool), Unusual> {
        self.refill();
        let window = (self.window >> 48) as u32;
        let short = table.code.as_ref().and_then(|code| code.look_short(window));
        let (byte, length) = match short {
            Some(found) => found,
            None => long_code(self.window, table.code.as_ref())?,
        };
        let (run, size) = (usize::from(byte >> 4), u32::from(byte & 15));
        let bits = ((self.window << length) >> 1) >> (63 - size);
        self.consume(length + size);
        Ok((run, extend(bits as u32, size) as i16, byte == 0))
    }

    /// A symbol of which the entry has the code, but not the value.
    #[inline(always)]
    fn rest(&mut self, entry: Pair) -> (usize, i16, bool) {
        self.refill();
        let (length, size) = (entry.length(), entry.two() as u32);
        let bits = ((self.window << length) >> 1) >> (63 - size);
        self.consume(length + size);
        (
            entry.one() as usize,
            extend(bits as u32, size) as i16,
            false,
        )
    }
}

impl Bits<'_> {
    /// Decodes one block into zeros; `dc` is the component's last DC coefficient, before and after.
    ///
    /// Returns the place of the last coefficient, in the order of the stream, that may not be zero.
    #[inline(always)]
    pub(super) fn block(
        &mut self,
        tables: &Tables<'_>,
        dc: &mut i32,
        Block(block): &mut Block,
    ) -> Result<usize, Unusual> {
        let mut bits = self.block_bits()?;
        *dc = dc.wrapping_add(bits.dc(tables)?);
        block[0] = *dc as i16;
        let pairs: &[u64; 1 << PAIR_BITS] =
            tables.ac.pairs.as_slice().try_into().map_err(|_| Unusual)?;
        let mut last = 0;
        'block: loop {
            let (entry, two) = 'looks: {
                bits.refill();
                for _ in 0..LOOKS {
                    let entry = Pair(pairs[(bits.window >> (64 - PAIR_BITS)) as usize]);
                    let (one, two) = (last + entry.step_one(), last + entry.step_two());
                    block[usize::from(NATURAL[one & 255])] = entry.one();
                    block[usize::from(NATURAL[two & 255])] = entry.last_value(bits.window);
                    if two >= 63 {
                        break 'looks (entry, two);
                    }
                    bits.consume(entry.length());
                    last = two;
                }
                continue 'block;
            };
            if entry.is_long() {
                let (run, value, end) = if entry.length() > 0 {
                    bits.rest(entry)
                } else {
                    bits.long(tables.ac)?
                };
                if end {
                    break;
                }
                last += run + 1;
                block[usize::from(NATURAL[last & 255])] = value;
                if last < 63 {
                    continue;
                }
                if last > 63 {
                    return Err(Unusual);
                }
                break;
            }
            last += entry.step_before_end();
            if last >= 63 {
                if last > 63 {
                    return Err(Unusual);
                }
                // A full block has no end-of-block code: what follows is the next one's.
                bits.consume(entry.length_one());
                break;
            }
            bits.consume(entry.length());
            if !entry.is_end() {
                if two != 63 {
                    return Err(Unusual);
                }
                last = 63;
            }
            break;
        }
        self.advance(&bits);
        Ok(last)
    }

    /// Passes over one block, keeping only its DC coefficient.
    #[inline(always)]
    pub(super) fn skip(&mut self, tables: &Tables<'_>, dc: &mut i32) -> Result<(), Unusual> {
        let mut bits = self.block_bits()?;
        *dc = dc.wrapping_add(bits.dc(tables)?);
        let groups: &[u16; 1 << GROUP_BITS] = tables
            .ac
            .groups
            .as_slice()
            .try_into()
            .map_err(|_| Unusual)?;
        let mut last = 0;
        'block: loop {
            let entry = 'looks: {
                bits.refill();
                for _ in 0..3 {
                    let entry = Group(groups[(bits.window >> (64 - GROUP_BITS)) as usize]);
                    let next = last + entry.step();
                    if next >= 63 {
                        break 'looks entry;
                    }
                    bits.consume(entry.length());
                    last = next;
                }
                continue 'block;
            };
            if entry.end().is_some_and(|step| last + step < 63) {
                bits.consume(entry.length());
                break;
            }
            // One symbol at a time where the group might reach into the next block.
            let (run, _, end) = bits.long(tables.ac)?;
            if end {
                break;
            }
            last += run + 1;
            if last < 63 {
                continue;
            }
            if last > 63 {
                return Err(Unusual);
            }
            break;
        }
        self.advance(&bits);
        Ok(())
    }
}

/// A code that no table has: its symbol and length.
#[cold]
#[inline(never)]
fn long_code(window: u64, code: Option<&Code>) -> Result<(u8, u32), Unusual> {
    code.and_then(|code| code.look((window >> 48) as u32))
        .ok_or(Unusual)
}
