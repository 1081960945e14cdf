//! Turns the bits of a progressive scan into more, or more exact, coefficients (T.81 G.2,
//! `jdphuff.c`).

use super::bits::{Bits, Source, coefficient};
use super::coefficients::Block;
use super::definitions::Tables;
use super::layout::Layout;
use super::lookup::Lookup;
use super::markers::{Scan, damaged};
use super::scans::Pass;
use super::sequential::{lookup, place};
use crate::error::Result;

/// How exactly the coefficients of each component are known: the bit position of the last scan, or
/// -1.
#[derive(Clone, Debug)]
pub(super) struct Knowledge {
    /// After the last scan.
    pub(super) now: [[i8; 64]; 4],
    /// Before it.
    pub(super) before: [[i8; 64]; 4],
    /// The last row of interleaved MCUs for which there were data in the last scan.
    pub(super) last_row: usize,
}

impl Default for Knowledge {
    fn default() -> Self {
        Self {
            now: [[-1; 64]; 4],
            before: [[-1; 64]; 4],
            last_row: 0,
        }
    }
}

impl Knowledge {
    /// Notes what a scan, the `number`th, adds (`start_pass_phuff_decoder`).
    pub(super) fn note(&mut self, scan: &Scan, number: u32) {
        for part in &scan.parts {
            let now = &mut self.now[part.component];
            let before = &mut self.before[part.component];
            for k in scan.first.min(1)..=scan.last.max(9) {
                before[k] = if number > 1 { now[k] } else { 0 };
            }
            now[scan.first..=scan.last].fill(scan.low as i8);
        }
    }
}

/// One of the four kinds of progressive scans.
#[derive(Debug)]
pub(super) enum Progressive {
    DcFirst(DcFirst),
    DcRefine(DcRefine),
    AcFirst(AcFirst),
    AcRefine(AcRefine),
}

impl Progressive {
    /// The kind that a scan header asks for, if there is such a scan.
    pub(super) fn new(scan: &Scan, tables: &Tables) -> Result<Self> {
        let band = if scan.first == 0 {
            scan.last == 0
        } else {
            scan.first <= scan.last && scan.last < 64 && scan.parts.len() == 1
        };
        if !band || (scan.high != 0 && scan.low != scan.high - 1) || scan.low > 13 {
            return Err(damaged(format!(
                "a progressive scan of coefficients {} to {}, bits {} to {}, {} components",
                scan.first,
                scan.last,
                scan.high,
                scan.low,
                scan.parts.len()
            )));
        }
        let (low, band) = (u32::from(scan.low), (scan.first, scan.last));
        let one = 1_i16 << low;
        Ok(match (scan.first, scan.high) {
            (0, 0) => {
                let codes = scan
                    .parts
                    .iter()
                    .map(|part| lookup(&tables.dc, part.dc, true));
                Self::DcFirst(DcFirst {
                    lookups: codes.collect::<Result<_>>()?,
                    predictions: [0; 4],
                    low,
                })
            }
            (0, _) => Self::DcRefine(DcRefine { one }),
            (_, high) => {
                let lookup = lookup(&tables.ac, scan.parts[0].ac, false)?;
                let band = Band {
                    lookup,
                    first: band.0,
                    last: band.1,
                    blocks: 0,
                };
                if high == 0 {
                    Self::AcFirst(AcFirst { band, low })
                } else {
                    Self::AcRefine(AcRefine { band, one })
                }
            }
        })
    }
}

/// The first scan of DC coefficients.
#[derive(Debug)]
pub(super) struct DcFirst {
    lookups: Vec<Lookup>,
    predictions: [i32; 4],
    low: u32,
}

impl Pass for DcFirst {
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, part: usize, block: &mut Block) -> Result<()> {
        let size = bits.symbol(&self.lookups[part]);
        let difference = coefficient(bits, u32::from(size));
        let prediction = self.predictions[part]
            .checked_add(difference)
            .ok_or_else(|| damaged("a DC coefficient beyond 32 bits"))?;
        self.predictions[part] = prediction;
        block[0] = (prediction << self.low) as i16;
        Ok(())
    }

    fn restart(&mut self) {
        self.predictions = [0; 4];
    }
}

/// Another bit of DC coefficients.
#[derive(Debug)]
pub(super) struct DcRefine {
    one: i16,
}

impl Pass for DcRefine {
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, block: &mut Block) -> Result<()> {
        if bits.bits(1) != 0 {
            block[0] |= self.one;
        }
        Ok(())
    }

    fn restart(&mut self) {}
}

/// A band of AC coefficients.
#[derive(Debug)]
struct Band {
    lookup: Lookup,
    first: usize,
    last: usize,
    /// Blocks for which the band has ended ("EOBRUN").
    blocks: u32,
}

impl Band {
    /// Starts a run of ended bands: 2 to the power of `size`, and that many bits more.
    fn end(&mut self, bits: &mut Bits<'_>, size: u32) {
        self.blocks = (1 << size) + bits.bits(size);
    }
}

/// The first scan of a band of AC coefficients.
#[derive(Debug)]
pub(super) struct AcFirst {
    band: Band,
    low: u32,
}

impl Pass for AcFirst {
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, block: &mut Block) -> Result<()> {
        let band = &mut self.band;
        if band.blocks > 0 {
            band.blocks -= 1;
            return Ok(());
        }
        let mut k = band.first;
        while k <= band.last {
            let symbol = bits.symbol(&band.lookup);
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size != 0 {
                k += run;
                let value = coefficient(bits, size);
                block[place(k)] = (value << self.low) as i16;
            } else if run == 15 {
                k += 15;
            } else {
                band.end(bits, run as u32);
                band.blocks -= 1;
                break;
            }
            k += 1;
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.band.blocks = 0;
    }
}

/// Another bit of a band of AC coefficients.
#[derive(Debug)]
pub(super) struct AcRefine {
    band: Band,
    one: i16,
}

impl AcRefine {
    /// Reads the next bit of a coefficient that is not zero.
    #[inline]
    fn correct(&self, bits: &mut Bits<'_>, value: &mut i16) {
        if bits.bits(1) != 0 && *value & self.one == 0 {
            let step = if *value >= 0 { self.one } else { -self.one };
            *value = value.wrapping_add(step);
        }
    }
}

impl Pass for AcRefine {
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, _: usize, block: &mut Block) -> Result<()> {
        let mut k = self.band.first;
        let last = self.band.last;
        while self.band.blocks == 0 && k <= last {
            let symbol = bits.symbol(&self.band.lookup);
            let (mut run, size) = (u32::from(symbol >> 4), symbol & 15);
            let mut value = 0;
            if size != 0 {
                // The size must be 1; libjpeg-turbo takes any for it.
                value = if bits.bits(1) != 0 {
                    self.one
                } else {
                    -self.one
                };
            } else if run != 15 {
                self.band.end(bits, run);
                break;
            }
            // Passes over `run` zeros, correcting what is not zero among them.
            while k <= last {
                let known = &mut block[place(k)];
                if *known != 0 {
                    self.correct(bits, known);
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                k += 1;
            }
            if value != 0 {
                block[place(k)] = value;
            }
            k += 1;
        }
        if self.band.blocks > 0 {
            while k <= last {
                let known = &mut block[place(k)];
                if *known != 0 {
                    self.correct(bits, known);
                }
                k += 1;
            }
            self.band.blocks -= 1;
        }
        Ok(())
    }

    fn restart(&mut self) {
        self.band.blocks = 0;
    }
}

/// Whether smoothing may apply to a picture as it is known now.
pub(super) fn is_rough(layout: &Layout, knowledge: &Knowledge) -> bool {
    let known = &knowledge.now[..layout.components.len()];
    known.iter().all(|bits| bits[0] >= 0)
        && known
            .iter()
            .any(|bits| bits[1..10].iter().any(|&bit| bit != 0))
}
