//! Turns the one scan of a plain baseline JPEG into blocks of coefficients, only as far as a region
//! needs them.
//!
//! Blocks outside the region are passed over without storing coefficients; rows below it are not
//! read at all. Damage gives [`Unusual`], and a decoder that knows what libjpeg does then takes the
//! whole image.

use std::ops::Range;

use super::entropy::{Bits, Block, Tables};
use super::frame::Frame;
use super::huffman::Unusual;
use super::points::ScanPoints;
use super::tables::{AcTable, DcTable};
use super::unstuffed::Unstuffed;

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
    unstuffed: Unstuffed,
    dc_tables: [DcTable; 4],
    ac_tables: [AcTable; 4],
}

impl Stream {
    /// Decodes the wanted MCUs of the frame's scan into `blocks`, starting where `points` say that
    /// it can, and adding to them.
    ///
    /// Points that turn out to be wrong give [`Unusual`] and are forgotten.
    pub(super) fn decode<B: Blocks>(
        &mut self,
        frame: &Frame<'_>,
        wanted: &Mcus,
        mut points: Option<&mut ScanPoints>,
        blocks: &mut B,
    ) -> Result<(), Unusual> {
        let (across, down) = frame.mcu();
        let width = (frame.width as usize).div_ceil(across);
        let height = (frame.height as usize).div_ceil(down);
        if let Some(points) = &mut points {
            let length = if frame.restart > 0 {
                usize::MAX
            } else {
                frame.scan.len()
            };
            points.expect(width, height, frame.components.len(), length);
        }
        let known = points.as_ref().map_or(0, |points| points.rows());
        // A row without points starts where the one before ends.
        let first_row = wanted.rows.start.min(known.saturating_sub(1));
        let point = |row| Some(points.as_ref()?.at(row, 0)?.0.bit as usize / 8);
        // Some bytes more than are needed, because they are loaded before they are asked for.
        let end = point(wanted.rows.end).map(|byte| (byte + 16).min(frame.scan.len()));
        let start = point(first_row).unwrap_or(0);
        self.unstuffed.fill(frame.scan, start, end)?;
        let skips = wanted.rows.start > 0 || wanted.columns != (0..width);
        // From a known point to the crop it is so near that tables for it would cost more.
        let grouped = (skips || points.is_some()) && wanted.rows.end > known;
        self.build_tables(frame, grouped)?;
        let mut walk = Walk {
            unstuffed: &self.unstuffed,
            order: self.order(frame),
            restart: frame.restart,
            width,
            bits: Bits::new(self.unstuffed.bytes(), 0, self.unstuffed.intervals[0]),
            dc: [0; 4],
            interval: 0,
            until_restart: frame.restart,
            known,
            grouped,
            points,
        };
        let walked = walk.run(first_row, wanted, blocks);
        if let Some(points) = walk.points {
            match walked {
                Ok(()) => points.end(),
                Err(Unusual) => points.clear(),
            }
        }
        walked
    }

    /// The blocks of an MCU in their order (T.81 A.2.3).
    fn order(&self, frame: &Frame<'_>) -> Vec<Turn<'_>> {
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
        order
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
struct Walk<'a, 'p> {
    unstuffed: &'a Unstuffed,
    order: Vec<Turn<'a>>,
    restart: usize,
    /// MCUs of a row.
    width: usize,
    bits: Bits<'a>,
    /// The last DC coefficient of every component.
    dc: [i32; 4],
    interval: usize,
    until_restart: usize,
    /// Rows that had points before.
    known: usize,
    /// Whether there are tables for passing over blocks.
    grouped: bool,
    points: Option<&'p mut ScanPoints>,
}

impl Walk<'_, '_> {
    fn run<B: Blocks>(
        &mut self,
        first_row: usize,
        wanted: &Mcus,
        blocks: &mut B,
    ) -> Result<(), Unusual> {
        for row in first_row..wanted.rows.end {
            let columns = if wanted.rows.contains(&row) {
                wanted.columns.clone()
            } else {
                self.width..self.width
            };
            let start = self.jump(row, columns.start)?;
            self.walk(row, start..columns.start, None::<&mut B>)?;
            self.walk(row, columns.clone(), Some(&mut *blocks))?;
            // The rest of the row is of use to find the next one, or to remember its points.
            let finds = row + 1 >= self.known && row + 1 < wanted.rows.end;
            if finds || row >= self.known && self.points.is_some() {
                self.walk(row, columns.end..self.width, None::<&mut B>)?;
            }
            if !columns.is_empty() {
                blocks.end_row(row);
            }
        }
        if self.bits.is_beyond_end() {
            return Err(Unusual);
        }
        Ok(())
    }

    /// Goes to the last point of a row that is not behind `column`, and returns its column; where
    /// the row has no points, this is its start already.
    fn jump(&mut self, row: usize, column: usize) -> Result<usize, Unusual> {
        let column = column.min(self.width - 1);
        let Some((point, start)) = self
            .points
            .as_ref()
            .and_then(|points| points.at(row, column))
        else {
            return Ok(0);
        };
        self.bits = self.unstuffed.bits_at(point.bit)?;
        self.dc = point.dc.map(i32::from);
        Ok(start)
    }

    /// Passes over MCUs of a row, or decodes them into `blocks`.
    fn walk<B: Blocks>(
        &mut self,
        row: usize,
        columns: Range<usize>,
        mut blocks: Option<&mut B>,
    ) -> Result<(), Unusual> {
        let step = match &self.points {
            Some(points) if points.is_on() => points.step(),
            _ => self.width,
        };
        let mut column = columns.start;
        while column < columns.end {
            if column.is_multiple_of(step) {
                self.pass_point(row, column)?;
            }
            let end = (column / step + 1).saturating_mul(step).min(columns.end);
            match &mut blocks {
                Some(blocks) => self.decode(row, column..end, *blocks)?,
                None => self.skip(end - column)?,
            }
            column = end;
        }
        Ok(())
    }

    /// Remembers where an MCU starts, or checks what is remembered.
    fn pass_point(&mut self, row: usize, column: usize) -> Result<(), Unusual> {
        let Some(points) = self.points.as_mut().filter(|points| points.is_on()) else {
            return Ok(());
        };
        let place = self.unstuffed.place(&self.bits);
        if row >= self.known {
            return points.push(place, &self.dc);
        }
        match points.at(row, column) {
            Some((point, _))
                if point.bit as usize == place && point.dc.map(i32::from) == self.dc =>
            {
                Ok(())
            }
            _ => Err(Unusual),
        }
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
                let intervals = &self.unstuffed.intervals;
                let end = *intervals.get(self.interval).ok_or(Unusual)?;
                self.bits = Bits::new(self.unstuffed.bytes(), intervals[self.interval - 1], end);
                self.dc = [0; 4];
                self.until_restart = self.restart;
            }
            self.until_restart -= 1;
        }
        Ok(())
    }

    fn skip(&mut self, mcus: usize) -> Result<(), Unusual> {
        let mut unwanted = Block::ZERO;
        for _ in 0..mcus {
            self.begin_mcu()?;
            for turn in &self.order {
                let dc = &mut self.dc[turn.component];
                if self.grouped {
                    self.bits.skip(&turn.tables, dc)?;
                } else {
                    self.bits.block(&turn.tables, dc, &mut unwanted)?;
                }
            }
        }
        Ok(())
    }

    fn decode<B: Blocks>(
        &mut self,
        row: usize,
        columns: Range<usize>,
        blocks: &mut B,
    ) -> Result<(), Unusual> {
        for column in columns {
            self.begin_mcu()?;
            for turn in &self.order {
                let dc = &mut self.dc[turn.component];
                let space = blocks.space(turn.component);
                let last = self.bits.block(&turn.tables, dc, space)?;
                let (x, y) = (column * turn.across + turn.x, row * turn.down + turn.y);
                blocks.put(turn.component, x, y, last);
            }
        }
        Ok(())
    }
}
