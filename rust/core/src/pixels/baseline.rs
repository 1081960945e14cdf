//! Turns a plain baseline JPEG into planes of samples, only as far as a region needs them.
//!
//! Plain means: sequential DCT, 8 bits, Huffman codes, grey or YCbCr in one scan, chroma sampled
//! at most by two. Anything else, and any damage, gives [`Unusual`], and the decoder library does
//! the whole image. Blocks outside the region are passed over without storing coefficients; rows
//! below it are not read at all.

use std::ops::Range;

use super::huffman::{AcTable, Bits, Block, Code, DcTable, PADDING, Tables, Unusual, natural};

/// One component of the frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Component {
    id: u8,
    /// Blocks of one MCU, across and down.
    pub(super) blocks: (usize, usize),
    quantisation: usize,
    dc: usize,
    ac: usize,
}

/// What the header says of a plain baseline JPEG.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// One component, or Y, Cb and Cr.
    pub(super) components: Vec<Component>,
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<&'a [u8]>; 4],
    ac: [Option<&'a [u8]>; 4],
    restart: usize,
    /// From the first entropy-coded byte to the end of the file.
    scan: &'a [u8],
    jfif: bool,
    adobe: Option<u8>,
}

/// Reads two bytes, high one first.
fn word(data: &[u8], at: usize) -> Result<usize, Unusual> {
    match data.get(at..at + 2) {
        Some(&[high, low]) => Ok(usize::from(high) << 8 | usize::from(low)),
        _ => Err(Unusual),
    }
}

impl<'a> Frame<'a> {
    /// Reads the header up to the first scan.
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Unusual> {
        let mut frame = Self {
            width: 0,
            height: 0,
            components: Vec::new(),
            quantisation: [None; 4],
            dc: [None; 4],
            ac: [None; 4],
            restart: 0,
            scan: &[],
            jfif: false,
            adobe: None,
        };
        let mut at = 2;
        loop {
            let (0xFF, marker) = (
                *data.get(at).ok_or(Unusual)?,
                *data.get(at + 1).ok_or(Unusual)?,
            ) else {
                return Err(Unusual);
            };
            let length = word(data, at + 2)?;
            let segment = data.get(at + 4..at + 2 + length.max(2)).ok_or(Unusual)?;
            at += 2 + length;
            match marker {
                0xC0 | 0xC1 => frame.read_frame(segment)?,
                0xC4 => frame.read_codes(segment)?,
                0xDB => frame.read_quantisation(segment)?,
                0xDD => frame.restart = word(segment, 0)?,
                0xE0 => frame.jfif |= segment.starts_with(b"JFIF\0") && segment.len() >= 14,
                0xEE if segment.starts_with(b"Adobe") && segment.len() >= 12 => {
                    frame.adobe = Some(segment[11]);
                }
                0xE1..=0xEF | 0xFE => {}
                0xDA => {
                    frame.read_scan(segment)?;
                    frame.scan = &data[at..];
                    return Ok(frame);
                }
                _ => return Err(Unusual),
            }
        }
    }

    fn read_frame(&mut self, segment: &[u8]) -> Result<(), Unusual> {
        let count = usize::from(*segment.get(5).ok_or(Unusual)?);
        if segment[0] != 8 || !self.components.is_empty() || segment.len() != 6 + 3 * count {
            return Err(Unusual);
        }
        self.height = word(segment, 1)? as u32;
        self.width = word(segment, 3)? as u32;
        if self.width == 0 || self.height == 0 || !matches!(count, 1 | 3) {
            return Err(Unusual);
        }
        for entry in segment[6..].chunks_exact(3) {
            let blocks = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            let quantisation = usize::from(entry[2]);
            if quantisation > 3 {
                return Err(Unusual);
            }
            self.components.push(Component {
                id: entry[0],
                blocks,
                quantisation,
                dc: 0,
                ac: 0,
            });
        }
        let usual = match self.components.as_mut_slice() {
            [grey] => {
                // A scan of one component has no interleaving, whatever its sampling (T.81 A.2.2).
                let usual = (1..=4).contains(&grey.blocks.0) && (1..=4).contains(&grey.blocks.1);
                grey.blocks = (1, 1);
                usual
            }
            [y, cb, cr] => {
                let sampled = matches!(y.blocks, (1 | 2, 1 | 2));
                // Pictures this narrow are upsampled in another way by libjpeg-turbo.
                let wide = y.blocks.0 == 1 || self.width > 4;
                sampled && wide && cb.blocks == (1, 1) && cr.blocks == (1, 1)
            }
            _ => false,
        };
        if usual { Ok(()) } else { Err(Unusual) }
    }

    fn read_codes(&mut self, mut segment: &'a [u8]) -> Result<(), Unusual> {
        while !segment.is_empty() {
            let counts = segment.get(1..17).ok_or(Unusual)?;
            let symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (table, rest) = segment.split_at_checked(17 + symbols).ok_or(Unusual)?;
            let slot = usize::from(segment[0] & 15);
            let tables = match segment[0] >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(Unusual),
            };
            *tables.get_mut(slot).ok_or(Unusual)? = Some(&table[1..]);
            segment = rest;
        }
        Ok(())
    }

    fn read_quantisation(&mut self, mut segment: &[u8]) -> Result<(), Unusual> {
        while !segment.is_empty() {
            let (table, rest) = segment.split_at_checked(65).ok_or(Unusual)?;
            // A high half would mean 16-bit entries.
            let slot = self
                .quantisation
                .get_mut(usize::from(table[0]))
                .ok_or(Unusual)?;
            let mut values = [0; 64];
            for (at, &value) in table[1..].iter().enumerate() {
                values[natural(at)] = u16::from(value);
            }
            *slot = Some(values);
            segment = rest;
        }
        Ok(())
    }

    fn read_scan(&mut self, segment: &[u8]) -> Result<(), Unusual> {
        let count = self.components.len();
        if count == 0 || segment.len() != 4 + 2 * count || usize::from(segment[0]) != count {
            return Err(Unusual);
        }
        for (component, entry) in self.components.iter_mut().zip(segment[1..].chunks_exact(2)) {
            (component.dc, component.ac) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            if component.id != entry[0] || component.dc > 3 || component.ac > 3 {
                return Err(Unusual);
            }
        }
        // What libjpeg takes for YCbCr without having to guess.
        let ids: Vec<u8> = self
            .components
            .iter()
            .map(|component| component.id)
            .collect();
        let colour =
            self.jfif || self.adobe == Some(1) || (self.adobe.is_none() && ids == [1, 2, 3]);
        if segment[1 + 2 * count..] != [0, 63, 0] || (count == 3 && !colour) {
            return Err(Unusual);
        }
        Ok(())
    }

    /// Pixels of one MCU, across and down.
    pub(super) fn mcu(&self) -> (usize, usize) {
        let (across, down) = self.components[0].blocks;
        (across * 8, down * 8)
    }
}

/// The planes of the MCUs that a region needs.
#[derive(Debug, Default)]
pub(super) struct Planes {
    /// Columns of MCUs.
    pub(super) columns: Range<usize>,
    /// Rows of MCUs.
    pub(super) rows: Range<usize>,
    /// Samples of every component.
    pub(super) samples: [Vec<u8>; 3],
    /// Samples from one row to the next, for every component.
    pub(super) strides: [usize; 3],
}

/// Memory that decoding needs, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    bytes: Vec<u8>,
    /// Where each restart interval ends in `bytes`.
    intervals: Vec<usize>,
    dc_tables: [DcTable; 4],
    ac_tables: [AcTable; 4],
    dc_codes: [Option<Code>; 4],
    ac_codes: [Option<Code>; 4],
    /// The result.
    pub(super) planes: Planes,
}

/// Dequantises and transforms one block.
pub(super) type Idct = fn(&[i16; 64], &[u16; 64], &mut [u8; 64]);

impl Workspace {
    /// Decodes the MCUs `columns` of the MCU rows `rows` into `self.planes`.
    pub(super) fn decode(
        &mut self,
        frame: &Frame<'_>,
        columns: Range<usize>,
        rows: Range<usize>,
        idct: Idct,
    ) -> Result<(), Unusual> {
        self.unstuff(frame.scan)?;
        self.build_tables(frame)?;
        self.lay_out(frame, columns, rows);
        let Self {
            bytes,
            intervals,
            dc_tables,
            ac_tables,
            dc_codes,
            ac_codes,
            planes,
        } = self;
        let mut tables = Vec::with_capacity(3);
        let mut quantisation = Vec::with_capacity(3);
        for component in &frame.components {
            tables.push(Tables {
                dc: &dc_tables[component.dc],
                ac: &ac_tables[component.ac],
                dc_code: dc_codes[component.dc].as_ref().ok_or(Unusual)?,
                ac_code: ac_codes[component.ac].as_ref().ok_or(Unusual)?,
            });
            quantisation.push(
                frame.quantisation[component.quantisation]
                    .as_ref()
                    .ok_or(Unusual)?,
            );
        }
        let walk = Walk {
            frame,
            bytes,
            intervals,
            tables,
            quantisation,
            idct,
        };
        walk.run(planes)
    }

    /// Copies the scan without stuffed zeros (T.81 F.1.2.3) up to the end-of-image marker.
    ///
    /// A file without that marker is left to the library, which then reads it to its end: so a
    /// truncated file fails whatever region is asked for.
    fn unstuff(&mut self, scan: &[u8]) -> Result<(), Unusual> {
        self.bytes.clear();
        self.intervals.clear();
        let mut rest = scan;
        loop {
            let at = memchr::memchr(0xFF, rest).ok_or(Unusual)?;
            match rest.get(at + 1) {
                Some(0) => {
                    self.bytes.extend_from_slice(&rest[..=at]);
                }
                Some(&marker) => {
                    self.bytes.extend_from_slice(&rest[..at]);
                    self.intervals.push(self.bytes.len());
                    if marker == 0xD9 {
                        break;
                    }
                    if marker & 0xF8 != 0xD0 {
                        return Err(Unusual);
                    }
                    if usize::from(marker & 7) != (self.intervals.len() - 1) & 7 {
                        return Err(Unusual);
                    }
                }
                None => return Err(Unusual),
            }
            rest = &rest[at + 2..];
        }
        self.bytes.resize(self.bytes.len() + PADDING, 0);
        Ok(())
    }

    fn build_tables(&mut self, frame: &Frame<'_>) -> Result<(), Unusual> {
        let code = |segment: Option<&[u8]>| {
            let (counts, symbols) = segment.ok_or(Unusual)?.split_first_chunk().ok_or(Unusual)?;
            Code::new(counts, symbols)
        };
        for component in &frame.components {
            let dc = code(frame.dc[component.dc])?;
            if self.dc_codes[component.dc].as_ref() != Some(&dc) {
                self.dc_codes[component.dc] = None;
                self.dc_tables[component.dc].build(&dc)?;
                self.dc_codes[component.dc] = Some(dc);
            }
            let ac = code(frame.ac[component.ac])?;
            if self.ac_codes[component.ac].as_ref() != Some(&ac) {
                self.ac_codes[component.ac] = None;
                self.ac_tables[component.ac].build(&ac)?;
                self.ac_codes[component.ac] = Some(ac);
            }
        }
        Ok(())
    }

    fn lay_out(&mut self, frame: &Frame<'_>, columns: Range<usize>, rows: Range<usize>) {
        let planes = &mut self.planes;
        for (index, component) in frame.components.iter().enumerate() {
            planes.strides[index] = columns.len() * component.blocks.0 * 8;
            let height = rows.len() * component.blocks.1 * 8;
            planes.samples[index].resize(planes.strides[index] * height, 0);
        }
        (planes.columns, planes.rows) = (columns, rows);
    }
}

/// Everything that one pass over a scan reads.
struct Walk<'a> {
    frame: &'a Frame<'a>,
    bytes: &'a [u8],
    intervals: &'a [usize],
    tables: Vec<Tables<'a>>,
    quantisation: Vec<&'a [u16; 64]>,
    idct: Idct,
}

impl Walk<'_> {
    fn run(&self, planes: &mut Planes) -> Result<(), Unusual> {
        let (across, _) = self.frame.mcu();
        let width = (self.frame.width as usize).div_ceil(across);
        let mut interval = 0;
        let mut bits = Bits::new(self.bytes, 0, self.intervals[0]);
        let mut dc = [0; 3];
        let mut until_restart = self.frame.restart;
        for row in 0..planes.rows.end {
            for column in 0..width {
                if self.frame.restart > 0 {
                    if until_restart == 0 {
                        interval += 1;
                        let end = *self.intervals.get(interval).ok_or(Unusual)?;
                        bits = Bits::new(self.bytes, self.intervals[interval - 1], end);
                        dc = [0; 3];
                        until_restart = self.frame.restart;
                    }
                    until_restart -= 1;
                }
                if planes.rows.contains(&row) && planes.columns.contains(&column) {
                    self.decode_mcu(&mut bits, &mut dc, planes, row, column)?;
                } else {
                    self.skip_mcu(&mut bits, &mut dc)?;
                }
                if bits.is_beyond_end() {
                    return Err(Unusual);
                }
            }
        }
        Ok(())
    }

    fn skip_mcu(&self, bits: &mut Bits<'_>, dc: &mut [i32; 3]) -> Result<(), Unusual> {
        for (index, component) in self.frame.components.iter().enumerate() {
            for _ in 0..component.blocks.0 * component.blocks.1 {
                bits.skip(&self.tables[index], &mut dc[index])?;
            }
        }
        Ok(())
    }

    fn decode_mcu(
        &self,
        bits: &mut Bits<'_>,
        dc: &mut [i32; 3],
        planes: &mut Planes,
        row: usize,
        column: usize,
    ) -> Result<(), Unusual> {
        let mut block: Block = [0; 65];
        let mut samples = [0; 64];
        for (index, component) in self.frame.components.iter().enumerate() {
            let stride = planes.strides[index];
            let top = (row - planes.rows.start) * component.blocks.1 * 8;
            let left = (column - planes.columns.start) * component.blocks.0 * 8;
            for y in 0..component.blocks.1 {
                for x in 0..component.blocks.0 {
                    bits.block(&self.tables[index], &mut dc[index], &mut block)?;
                    let (coefficients, _) = block.split_first_chunk().ok_or(Unusual)?;
                    (self.idct)(coefficients, self.quantisation[index], &mut samples);
                    let start = (top + y * 8) * stride + left + x * 8;
                    let target = &mut planes.samples[index][start..];
                    for (line, eight) in samples.as_chunks::<8>().0.iter().enumerate() {
                        target[line * stride..line * stride + 8].copy_from_slice(eight);
                    }
                }
            }
        }
        Ok(())
    }
}
