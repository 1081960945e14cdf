//! Turns the one scan of a plain baseline JPEG into blocks of coefficients, only as far as a region
//! needs them.
//!
//! Blocks outside the region are passed over without storing coefficients; rows below it are not
//! read at all. Damage gives [`Unusual`], and a decoder that knows what libjpeg does then takes the
//! whole image.

use std::ops::Range;

use super::entropy::{Bits, Block, PADDING, Tables};
use super::frame::Frame;
use super::huffman::Unusual;
use super::tables::{AcTable, DcTable};

/// Takes blocks as they are decoded: the components of an MCU in turn, MCUs from left to right.
pub(super) trait Blocks {
    /// Memory for the next block of a component, all zeros.
    fn space(&mut self, component: usize) -> &mut Block;

    /// That memory now has the block in this column and row of the component's blocks; no
    /// coefficient behind the `last`, in the order of the stream, is other than zero.
    fn put(&mut self, component: usize, column: usize, row: usize, last: usize);

    /// All blocks of this row of MCUs were put.
    fn end_row(&mut self, row: usize);
}

/// The MCUs that are wanted.
#[derive(Clone, Debug)]
pub(super) struct Mcus {
    /// Columns of MCUs.
    pub(super) columns: Range<usize>,
    /// Rows of MCUs.
    pub(super) rows: Range<usize>,
}

/// Memory that decoding needs, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Stream {
    bytes: Vec<u8>,
    /// Where each restart interval ends in `bytes`.
    intervals: Vec<usize>,
    dc_tables: [DcTable; 4],
    ac_tables: [AcTable; 4],
}

impl Stream {
    /// Decodes the wanted MCUs of the frame's scan into `blocks`.
    pub(super) fn decode<B: Blocks>(
        &mut self,
        frame: &Frame<'_>,
        wanted: &Mcus,
        blocks: &mut B,
    ) -> Result<(), Unusual> {
        self.unstuff(frame.scan)?;
        let (across, _) = frame.mcu();
        let width = (frame.width as usize).div_ceil(across);
        let skips = wanted.rows.start > 0 || wanted.columns != (0..width);
        self.build_tables(frame, skips)?;
        let mut order = Vec::with_capacity(10);
        for (index, component) in frame.components.iter().enumerate() {
            let tables = Tables {
                dc: &self.dc_tables[component.dc],
                ac: &self.ac_tables[component.ac],
            };
            let (across, down) = component.blocks;
            for block in 0..across * down {
                order.push(Turn {
                    component: index,
                    tables,
                    across,
                    down,
                    x: block % across,
                    y: block / across,
                });
            }
        }
        Walk {
            bytes: &self.bytes,
            intervals: &self.intervals,
            order,
            restart: frame.restart,
            width,
            bits: Bits::new(&self.bytes, 0, self.intervals[0]),
            dc: [0; 4],
            interval: 0,
            until_restart: frame.restart,
        }
        .run(wanted, blocks)
    }

    /// Copies the scan without stuffed zeros (T.81 F.1.2.3) up to the end-of-image marker.
    ///
    /// A file without that marker is left to the other decoder, which then reads it to its end: so
    /// a truncated file fails whatever region is asked for.
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

    fn build_tables(&mut self, frame: &Frame<'_>, groups: bool) -> Result<(), Unusual> {
        for component in &frame.components {
            self.dc_tables[component.dc].build(frame.dc[component.dc].ok_or(Unusual)?)?;
            let table = &mut self.ac_tables[component.ac];
            table.build(frame.ac[component.ac].ok_or(Unusual)?)?;
            if groups {
                table.build_groups();
            }
        }
        Ok(())
    }
}

/// One block of every MCU.
struct Turn<'a> {
    component: usize,
    tables: Tables<'a>,
    /// Blocks of the component in an MCU.
    across: usize,
    down: usize,
    /// Which of them this is.
    x: usize,
    y: usize,
}

/// One pass over a scan.
struct Walk<'a> {
    bytes: &'a [u8],
    intervals: &'a [usize],
    order: Vec<Turn<'a>>,
    restart: usize,
    /// MCUs of a row.
    width: usize,
    bits: Bits<'a>,
    /// The last DC coefficient of every component.
    dc: [i32; 4],
    interval: usize,
    until_restart: usize,
}

impl Walk<'_> {
    fn run<B: Blocks>(&mut self, wanted: &Mcus, blocks: &mut B) -> Result<(), Unusual> {
        for row in 0..wanted.rows.end {
            let columns = if wanted.rows.contains(&row) {
                wanted.columns.clone()
            } else {
                self.width..self.width
            };
            self.skip(columns.start)?;
            for column in columns.clone() {
                self.begin_mcu()?;
                self.decode_mcu(blocks, column, row)?;
            }
            self.skip(self.width - columns.end)?;
            if !columns.is_empty() {
                blocks.end_row(row);
            }
        }
        Ok(())
    }

    /// Starts the next restart interval where it is time, and looks whether the one before was as
    /// long as it had to be.
    #[inline(always)]
    fn begin_mcu(&mut self) -> Result<(), Unusual> {
        if self.bits.is_beyond_end() {
            return Err(Unusual);
        }
        if self.restart > 0 {
            if self.until_restart == 0 {
                self.interval += 1;
                let end = *self.intervals.get(self.interval).ok_or(Unusual)?;
                self.bits = Bits::new(self.bytes, self.intervals[self.interval - 1], end);
                self.dc = [0; 4];
                self.until_restart = self.restart;
            }
            self.until_restart -= 1;
        }
        Ok(())
    }

    fn skip(&mut self, mcus: usize) -> Result<(), Unusual> {
        for _ in 0..mcus {
            self.begin_mcu()?;
            for turn in &self.order {
                self.bits.skip(&turn.tables, &mut self.dc[turn.component])?;
            }
        }
        if self.bits.is_beyond_end() {
            return Err(Unusual);
        }
        Ok(())
    }

    #[inline(always)]
    fn decode_mcu<B: Blocks>(
        &mut self,
        blocks: &mut B,
        column: usize,
        row: usize,
    ) -> Result<(), Unusual> {
        for turn in &self.order {
            let dc = &mut self.dc[turn.component];
            let last = self
                .bits
                .block(&turn.tables, dc, blocks.space(turn.component))?;
            let (x, y) = (column * turn.across + turn.x, row * turn.down + turn.y);
            blocks.put(turn.component, x, y, last);
        }
        Ok(())
    }
}
