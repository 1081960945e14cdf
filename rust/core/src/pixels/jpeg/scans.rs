//! Turns all scans of a JPEG into the coefficients of its frame, damaged data as libjpeg-turbo does
//! (`jdcoefct.c`, `jdinput.c`, `jdapistd.c`).
//!
//! A segment without enough data leaves the rest of its blocks as they were. A file that ends
//! before its image does is an error, as it is for Pillow.

use super::bits::Bits;
use super::coefficients::{Block, Coefficients};
use super::layout::{Coding, Layout};
use super::markers::{Markers, Scan, Stop, check_scans, cut, damaged};
use super::progressive::{Knowledge, Progressive};
use super::sequential::{Sequential, mcu_blocks};
use super::suspension::Reader;
use crate::error::Result;

/// What a scan does to each block.
pub(super) trait Pass {
    /// Decodes one block of the scan's component `part`.
    fn block(&mut self, bits: &mut Bits<'_>, part: usize, block: &mut Block) -> Result<()>;

    /// Forgets what does not outlive a restart marker.
    fn restart(&mut self);
}

/// Most blocks of an interleaved MCU (T.81 B.2.3).
const MCU_BLOCKS: usize = 10;

/// Reads all scans, of which the first one's header was read; `bytes` is memory to use.
pub(super) fn read(
    markers: &mut Markers<'_>,
    first: Scan,
    coefficients: &mut Coefficients,
    bytes: &mut Vec<u8>,
) -> Result<Knowledge> {
    let layout = markers.layout.as_ref().ok_or_else(cut)?;
    let coding = layout.coding;
    let several = coding == Coding::Progressive || first.parts.len() < layout.components.len();
    if several {
        check_scans(markers.data())?;
    }
    coefficients.lay_out(layout);
    if coding == Coding::Sequential {
        markers.tables.complete();
    }
    let mut knowledge = Knowledge::default();
    let mut scan = first;
    loop {
        let walk = latch(&scan, markers)?;
        let mut bits = Bits::new(markers.data(), markers.at(), bytes);
        let mut work = Work {
            walk: &walk,
            bits: &mut bits,
            coefficients,
            last_row: &mut knowledge.last_row,
        };
        if coding == Coding::Sequential {
            let mut pass = Sequential::new(&scan, &markers.tables)?;
            let segment = work.run(&mut pass)?;
            if !several {
                let segment = (segment, bits.start());
                let cut_off = bits.is_cut();
                markers.seek(bits.end());
                check_trailer(markers, cut_off, || {
                    walk.end(&mut pass, bits.file(), segment)
                })?;
                return Ok(knowledge);
            }
        } else {
            match Progressive::new(&scan, &markers.tables)? {
                Progressive::DcFirst(mut pass) => work.run(&mut pass)?,
                Progressive::DcRefine(mut pass) => work.run(&mut pass)?,
                Progressive::AcFirst(mut pass) => work.run(&mut pass)?,
                Progressive::AcRefine(mut pass) => work.run(&mut pass)?,
            };
            knowledge.note(&scan, markers.scans);
        }
        markers.seek(bits.end());
        match markers.next()? {
            Stop::Scan(next) => scan = next,
            Stop::End => return Ok(knowledge),
        }
    }
}

/// Reads what follows a single scan, `cut_off` if nothing does. Pillow has all pixels by then and
/// does not look beyond the bytes that it has handed over so far: up to `end`, if they were enough.
fn check_trailer(
    markers: &mut Markers<'_>,
    cut_off: bool,
    end: impl FnOnce() -> Result<usize>,
) -> Result<()> {
    if cut_off {
        return end().map(|_| ());
    }
    let error = match markers.next() {
        Ok(Stop::Scan(_)) => damaged("a second scan of what the first one had all of"),
        Err(error) if !error.is_truncated() => error,
        _ => return Ok(()),
    };
    if end()? >= markers.at() {
        return Err(error);
    }
    Ok(())
}

/// Prepares a scan: keeps the quantisation tables of the components whose first one it is
/// (`latch_quant_tables`).
fn latch(scan: &Scan, markers: &mut Markers<'_>) -> Result<Walk> {
    let layout = markers.layout.as_mut().ok_or_else(cut)?;
    let walk = Walk::new(layout, scan, usize::from(markers.tables.restart))?;
    for part in &scan.parts {
        let component = &mut layout.components[part.component];
        if component.quantisation.is_none() {
            let table = markers.tables.quantisation.get(component.table);
            let table = table.and_then(Clone::clone).ok_or_else(|| {
                let number = component.table;
                damaged(format!(
                    "a scan needs quantisation table {number}, which is not there"
                ))
            })?;
            component.quantisation = Some(table);
        }
    }
    Ok(walk)
}

/// Where a block of an MCU belongs.
#[derive(Debug)]
struct Place {
    part: usize,
    component: usize,
    /// Its column and row in the MCU.
    at: (usize, usize),
    /// Blocks from one MCU to the next, across and down.
    step: (usize, usize),
}

/// The order in which a scan goes through blocks.
#[derive(Debug)]
struct Walk {
    places: Vec<Place>,
    columns: usize,
    rows: usize,
    /// Rows in one row of interleaved MCUs.
    group: usize,
    restart: usize,
}

impl Walk {
    /// `per_scan_setup`.
    fn new(layout: &Layout, scan: &Scan, restart: usize) -> Result<Self> {
        if let [part] = scan.parts[..] {
            let component = &layout.components[part.component];
            let place = Place {
                part: 0,
                component: part.component,
                at: (0, 0),
                step: (1, 1),
            };
            return Ok(Self {
                places: vec![place],
                columns: component.blocks.0,
                rows: component.blocks.1,
                group: component.sampling.1,
                restart,
            });
        }
        let blocks = mcu_blocks(layout, scan);
        if blocks > MCU_BLOCKS {
            return Err(damaged(format!(
                "MCUs of {blocks} blocks, more than {MCU_BLOCKS}"
            )));
        }
        let mut places = Vec::with_capacity(blocks);
        for (number, part) in scan.parts.iter().enumerate() {
            let step = layout.components[part.component].sampling;
            for y in 0..step.1 {
                places.extend((0..step.0).map(|x| Place {
                    part: number,
                    component: part.component,
                    at: (x, y),
                    step,
                }));
            }
        }
        Ok(Self {
            places,
            columns: layout.mcus.0,
            rows: layout.mcus.1,
            group: 1,
            restart,
        })
    }

    /// How many bytes of the file Pillow has handed over when the last segment is decoded, of which
    /// the first MCU and byte are `segment`; an error where it asks for more.
    fn end(&self, pass: &mut Sequential, file: &[u8], segment: (usize, usize)) -> Result<usize> {
        let mut reader = Reader::new(file, segment.1);
        let mut block = [0; 64];
        for _ in segment.0..self.rows * self.columns {
            let whole = reader.mcu(self.places.len(), self.restart > 0, |reader| {
                for place in &self.places {
                    pass.decode(reader, place.part, &mut block);
                }
            });
            if !whole {
                return Err(cut());
            }
        }
        Ok(reader.end())
    }
}

/// What decoding a scan reads and writes.
struct Work<'w, 'a> {
    walk: &'w Walk,
    bits: &'w mut Bits<'a>,
    coefficients: &'w mut Coefficients,
    /// The last row of interleaved MCUs for which there were data.
    last_row: &'w mut usize,
}

impl Work<'_, '_> {
    /// Decodes the scan; the number of the MCU with which its last segment begins.
    fn run<P: Pass>(&mut self, pass: &mut P) -> Result<usize> {
        let walk = self.walk;
        let mut segment = 0;
        let mut until_restart = walk.restart;
        // "insufficient_data": the segment has ended too early.
        let mut ended = false;
        for row in 0..walk.rows {
            for column in 0..walk.columns {
                if !ended {
                    *self.last_row = row / walk.group;
                }
                if walk.restart > 0 {
                    if until_restart == 0 {
                        if self.bits.restart()? {
                            ended = false;
                        }
                        pass.restart();
                        until_restart = walk.restart;
                        segment = row * walk.columns + column;
                    }
                    until_restart -= 1;
                }
                if ended {
                    if walk.restart == 0 || self.bits.is_at_last_marker() {
                        return Ok(segment);
                    }
                    continue;
                }
                for place in &walk.places {
                    let plane = &mut self.coefficients.planes[place.component];
                    let x = column * place.step.0 + place.at.0;
                    let y = row * place.step.1 + place.at.1;
                    let block = &mut plane.blocks[y * plane.stride + x];
                    pass.block(self.bits, place.part, block)?;
                }
                ended = self.bits.is_beyond_end();
                if ended && self.bits.is_cut() {
                    return Err(cut());
                }
            }
        }
        Ok(segment)
    }
}
