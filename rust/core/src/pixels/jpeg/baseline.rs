//! Turns a plain baseline JPEG into planes of samples, only as far as a region needs them.
//!
//! Blocks outside the region are passed over without storing coefficients; rows below it are not
//! read at all. Damage gives [`Unusual`], and the decoder library does the whole image.

use std::ops::Range;

use super::entropy::{Bits, Block, PADDING, Tables};
use super::frame::Frame;
use super::huffman::{AcTable, Code, DcTable, Unusual};

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
