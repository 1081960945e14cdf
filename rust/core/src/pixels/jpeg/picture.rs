//! Turns any JPEG in Huffman codes into blocks of coefficients, and these into a band: several scans,
//! progressive ones, any sampling, CMYK, damaged data, all as Pillow does by libjpeg-turbo.
//!
//! Not here: the fast way for plain files (`stream.rs`, `band.rs`).

use std::ops::Range;

use super::band::{Band, Shape, Window};
use super::coefficients::Coefficients;
use super::frame::Colour;
use super::layout::{Coding, Layout};
use super::markers::{Markers, Scan, Stop, damaged};
use super::scans;
use super::smoothing::Smoothing;
use super::stream::Blocks;
use crate::error::{Error, Result};
use crate::pixels::rows::Rows;

/// Memory that decoding needs, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Room {
    bytes: Vec<u8>,
    coefficients: Coefficients,
}

/// A JPEG whose header is read and within the limits.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// Behind the header of the first scan.
    markers: Markers<'a>,
    scan: Scan,
    colour: Colour,
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// Whether its scans are in arithmetic code or lossless, which is not decoded here.
    pub(super) foreign: bool,
}

impl<'a> Picture<'a> {
    /// Reads the header, up to the first scan.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        let mut markers = Markers::new(data);
        let Stop::Scan(scan) = markers.next()? else {
            return Err(damaged("the image ends before its first scan"));
        };
        let Some(layout) = &markers.layout else {
            return Err(damaged("a scan before the frame header"));
        };
        // Predictor and shift of a lossless scan (T.81 table H.1, `start_pass` of `jdlossls.c`).
        let predicted = (1..=7).contains(&scan.first) && scan.last == 0 && scan.high == 0;
        if layout.coding == Coding::Lossless && !(predicted && scan.low < 8) {
            return Err(damaged(format!(
                "a lossless scan by predictor {}, shifted by {} bits",
                scan.first, scan.low
            )));
        }
        check_sampling(layout)?;
        let ids: Vec<u8> = layout.components.iter().map(|one| one.id).collect();
        Ok(Self {
            colour: Colour::guess(&ids, markers.jfif, markers.adobe),
            size: (layout.width, layout.height),
            foreign: matches!(layout.coding, Coding::Arithmetic | Coding::Lossless),
            scan,
            markers,
        })
    }

    /// Passes the pixels of a window on to `sink`; nothing is made of what is refused.
    pub(super) fn decode(
        &self,
        window: &Window,
        room: &mut Room,
        band: &mut Band,
        sink: &mut dyn Rows,
    ) -> Result<()> {
        if self.foreign {
            return Err(Error::decode(
                "expected Huffman codes of a DCT, found arithmetic coding or a lossless file",
            ));
        }
        let mut markers = self.markers.clone();
        let Room {
            bytes,
            coefficients,
        } = room;
        let read = scans::read(&mut markers, self.scan.clone(), coefficients, bytes);
        if let (Ok(knowledge), Some(layout)) = (&read, &markers.layout) {
            let progressive = layout.coding == Coding::Progressive;
            let smoothing = Smoothing::new(layout, knowledge, markers.scans);
            let blocks = Picked {
                layout,
                coefficients,
                smoothing: smoothing.filter(|_| progressive),
            };
            blocks.put(&shape(layout, self.colour), window, band, sink);
        }
        coefficients.trim();
        read.map(|_| ())
    }
}

/// Refuses components with fractions of samples a pixel, as `jinit_upsampler` does.
fn check_sampling(layout: &Layout) -> Result<()> {
    let (across, down) = layout.sampling;
    for component in &layout.components {
        let (h, v) = component.sampling;
        if across % h != 0 || down % v != 0 {
            return Err(damaged(format!(
                "{h} x {v} samples for {across} x {down} pixels"
            )));
        }
    }
    Ok(())
}

fn shape(layout: &Layout, colour: Colour) -> Shape<'_> {
    // Of a component without any scan nothing is known: all its blocks are zero.
    const NONE: &[u16; 64] = &[0; 64];
    // A scan of one component has no interleaving, whatever its sampling (T.81 A.2.2).
    let alone = layout.components.len() == 1;
    let (across, down) = if alone { (1, 1) } else { layout.sampling };
    Shape {
        size: (layout.width, layout.height),
        mcu: (across * 8, down * 8),
        colour,
        components: layout
            .components
            .iter()
            .map(|component| {
                let blocks = if alone { (1, 1) } else { component.sampling };
                (blocks, component.quantisation.as_deref().unwrap_or(NONE))
            })
            .collect(),
    }
}

/// The coefficients of all scans.
struct Picked<'a> {
    layout: &'a Layout,
    coefficients: &'a Coefficients,
    smoothing: Option<Smoothing<'a>>,
}

impl Picked<'_> {
    /// Puts the blocks of a window into a band.
    fn put(&self, shape: &Shape<'_>, window: &Window, band: &mut Band, sink: &mut dyn Rows) {
        let wanted = window.mcus(shape.mcu, shape.size);
        let mut bands = band.begin(shape, window, &wanted, sink);
        for row in wanted.rows.clone() {
            for (number, &((across, down), _)) in shape.components.iter().enumerate() {
                let columns = wanted.columns.start * across..wanted.columns.end * across;
                for line in row * down..(row + 1) * down {
                    self.put_line(number, line, columns.clone(), &mut bands);
                }
            }
            bands.end_row(row);
        }
    }

    /// Puts these columns of a row of blocks.
    fn put_line(&self, number: usize, line: usize, columns: Range<usize>, bands: &mut impl Blocks) {
        let component = &self.layout.components[number];
        let plane = &self.coefficients.planes[number];
        let mut put = |column: usize, block: &[i16; 64]| {
            bands.space(number).set(block);
            bands.put(number, column, line, 63);
        };
        let shown = component.quantisation.is_some() && line < component.blocks.1;
        let Some(smoothing) = self.smoothing.as_ref().filter(|_| shown) else {
            let row = &plane.row(line)[columns.clone()];
            columns
                .zip(row)
                .for_each(|(column, block)| put(column, block));
            return;
        };
        smoothing
            .component(number, plane)
            .smooth(line, |column, block| {
                if columns.contains(&column) {
                    put(column, block);
                }
            });
        for column in columns.start.max(component.blocks.0)..columns.end {
            put(column, &[0; 64]);
        }
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
