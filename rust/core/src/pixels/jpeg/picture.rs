//! Turns any JPEG in Huffman codes into RGB pixels: several scans, progressive ones, any sampling,
//! CMYK, damaged data, all as Pillow does by libjpeg-turbo.
//!
//! Not here: the fast way for plain files (`stream.rs`, `band.rs`).

use super::coefficients::Coefficients;
use super::frame::Colour;
use super::idct::Idct;
use super::layout::{Coding, Layout};
use super::markers::{Markers, Scan, Stop, damaged};
use super::samples::{Enlargements, Samples};
use super::scans;
use super::smoothing::Smoothing;
use super::ycc;
use crate::error::{Error, Result};

impl Colour {
    /// The guess of `default_decompress_parms` for any file.
    fn guess(markers: &Markers<'_>, layout: &Layout) -> Self {
        let names: Vec<u8> = layout.components.iter().map(|one| one.id).collect();
        match (names.as_slice(), markers.jfif, markers.adobe) {
            ([_], ..) => Self::Grey,
            ([_, _, _], false, Some(0)) | (b"RGB", false, None) => Self::Rgb,
            ([_, _, _], ..) => Self::Ycc,
            (_, _, None | Some(0)) => Self::Cmyk,
            _ => Self::Ycck,
        }
    }
}

/// Memory that decoding needs, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Room {
    bytes: Vec<u8>,
    coefficients: Coefficients,
    samples: Samples,
    idct: Option<Idct>,
}

/// A JPEG whose header is read and within the limits.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    /// Behind the header of the first scan.
    markers: Markers<'a>,
    scan: Scan,
    enlargements: Enlargements,
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
        Ok(Self {
            enlargements: Enlargements::new(layout)?,
            colour: Colour::guess(&markers, layout),
            size: (layout.width, layout.height),
            foreign: matches!(layout.coding, Coding::Arithmetic | Coding::Lossless),
            scan,
            markers,
        })
    }

    /// Makes `out` the whole image, 3 bytes a pixel; nothing is made of what is refused.
    pub(super) fn decode(&self, room: &mut Room, out: &mut Vec<u8>) -> Result<()> {
        if self.foreign {
            return Err(Error::decode(
                "expected Huffman codes of a DCT, found arithmetic coding or a lossless file",
            ));
        }
        let mut markers = self.markers.clone();
        let Room {
            bytes,
            coefficients,
            samples,
            idct,
        } = room;
        let read = scans::read(&mut markers, self.scan.clone(), coefficients, bytes);
        if let (Ok(knowledge), Some(layout)) = (&read, &markers.layout) {
            let progressive = layout.coding == Coding::Progressive;
            let smoothing = Smoothing::new(layout, knowledge, markers.scans);
            let smoothing = smoothing.filter(|_| progressive);
            samples.transform(
                layout,
                coefficients,
                smoothing.as_ref(),
                *idct.get_or_insert_with(Idct::new),
            );
            out.resize(layout.width as usize * layout.height as usize * 3, 0);
            self.paint(layout, samples, out);
        }
        coefficients.trim();
        read.map(|_| ())
    }

    /// Writes rows of pixels.
    fn paint(&self, layout: &Layout, samples: &mut Samples, out: &mut [u8]) {
        let width = layout.width as usize;
        for (row, out) in out.chunks_exact_mut(width * 3).enumerate() {
            samples.enlarge(layout, &self.enlargements, row);
            let [first, second, third, fourth] = samples.rows.each_ref().map(Vec::as_slice);
            match self.colour {
                Colour::Grey => ycc::grey(first, out),
                Colour::Ycc => ycc::to_rgb(first, second, third, out),
                Colour::Rgb => ycc::interleave(first, second, third, out),
                Colour::Cmyk => ycc::cmyk_to_rgb([first, second, third, fourth], out),
                Colour::Ycck => ycc::ycck_to_rgb([first, second, third, fourth], out),
            }
        }
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
