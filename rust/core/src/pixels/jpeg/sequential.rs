//! Turns the bits of a sequential scan into coefficients (T.81 F.2.2, `jdhuff.c`).

use super::bits::{Bits, Source, coefficient};
use super::coefficients::Block;
use super::definitions::{Definition, Tables};
use super::entropy::natural;
use super::layout::Layout;
use super::lookup::Lookup;
use super::markers::{Scan, damaged};
use super::scans::Pass;
use crate::error::Result;

/// The codes of a scan and its predictions.
#[derive(Debug)]
pub(super) struct Sequential {
    dc: Vec<Lookup>,
    ac: Vec<Lookup>,
    predictions: [i32; 4],
}

/// The code of this number, ready for decoding.
pub(super) fn lookup(
    codes: &[Option<Box<Definition>>; 4],
    number: usize,
    dc: bool,
) -> Result<Lookup> {
    let kind = if dc { "DC" } else { "AC" };
    let definition = codes.get(number).and_then(Option::as_ref).ok_or_else(|| {
        damaged(format!(
            "a scan needs {kind} code {number}, which is not there"
        ))
    })?;
    Lookup::new(definition, dc)
}

impl Sequential {
    /// For a scan of a frame; its spectral selection is ignored, as libjpeg-turbo does.
    pub(super) fn new(scan: &Scan, tables: &Tables) -> Result<Self> {
        let dc = scan
            .parts
            .iter()
            .map(|part| lookup(&tables.dc, part.dc, true));
        let ac = scan
            .parts
            .iter()
            .map(|part| lookup(&tables.ac, part.ac, false));
        Ok(Self {
            dc: dc.collect::<Result<_>>()?,
            ac: ac.collect::<Result<_>>()?,
            predictions: [0; 4],
        })
    }

    /// Decodes one block of the scan's component `part` over what is there.
    #[inline]
    pub(super) fn decode<S: Source>(&mut self, source: &mut S, part: usize, block: &mut Block) {
        let size = source.symbol(&self.dc[part]);
        let difference = coefficient(source, u32::from(size));
        let prediction = &mut self.predictions[part];
        *prediction = prediction.wrapping_add(difference);
        block[0] = *prediction as i16;
        let lookup = &self.ac[part];
        let mut k = 1;
        while k < 64 {
            let symbol = source.symbol(lookup);
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            if size != 0 {
                k += run;
                let value = coefficient(source, size);
                block[place(k)] = value as i16;
            } else if run == 15 {
                k += 15;
            } else {
                break;
            }
            k += 1;
        }
    }
}

/// The place of a coefficient; all those behind the last one are the last one
/// (`jpeg_natural_order`).
#[inline]
pub(super) fn place(k: usize) -> usize {
    natural(k.min(63)) & 63
}

impl Pass for Sequential {
    #[inline]
    fn block(&mut self, bits: &mut Bits<'_>, part: usize, block: &mut Block) -> Result<()> {
        self.decode(bits, part, block);
        Ok(())
    }

    fn restart(&mut self) {
        self.predictions = [0; 4];
    }
}

/// How many blocks an MCU of this scan has.
pub(super) fn mcu_blocks(layout: &Layout, scan: &Scan) -> usize {
    if scan.parts.len() == 1 {
        return 1;
    }
    let blocks = scan.parts.iter().map(|part| {
        let (h, v) = layout.components[part.component].sampling;
        h * v
    });
    blocks.sum()
}
