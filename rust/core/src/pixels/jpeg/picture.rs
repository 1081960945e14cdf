//! Turns any JPEG in Huffman codes into RGB pixels: several scans, progressive ones, any sampling,
//! CMYK, damaged data, all as Pillow does by libjpeg-turbo.
//!
//! Not here: the fast way for plain files (`baseline.rs`).

use libjpeg_turbo_rs::simd::SimdRoutines;

use super::coefficients::Coefficients;
use super::idct::Idct;
use super::layout::{Coding, Layout};
use super::library::inks_to_rgb;
use super::markers::{Markers, Scan, Stop, damaged};
use super::samples::{Enlargements, Samples};
use super::scans;
use super::smoothing::Smoothing;
use crate::error::{Error, Result};

/// What the components mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Grey,
    Rgb,
    YCbCr,
    Cmyk,
    Ycck,
}

impl Colour {
    /// The guess of `default_decompress_parms`.
    fn guess(markers: &Markers<'_>, layout: &Layout) -> Self {
        let names: Vec<u8> = layout.components.iter().map(|one| one.id).collect();
        match (names.as_slice(), markers.jfif, markers.adobe) {
            ([_], ..) => Self::Grey,
            ([_, _, _], false, Some(0)) | (b"RGB", false, None) => Self::Rgb,
            ([_, _, _], ..) => Self::YCbCr,
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
    inks: Vec<u8>,
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
    /// Whether its scans are in arithmetic code, which is not decoded here.
    pub(super) arithmetic: bool,
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
        Ok(Self {
            enlargements: Enlargements::new(layout)?,
            colour: Colour::guess(&markers, layout),
            size: (layout.width, layout.height),
            arithmetic: layout.coding == Coding::Arithmetic,
            scan,
            markers,
        })
    }

    /// Makes `out` the whole image, 3 bytes a pixel; nothing is made of what is refused.
    pub(super) fn decode(
        &self,
        room: &mut Room,
        kernels: &SimdRoutines,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if self.arithmetic {
            return Err(Error::decode(
                "expected Huffman codes, found arithmetic coding",
            ));
        }
        let mut markers = self.markers.clone();
        let Room {
            bytes,
            coefficients,
            samples,
            inks,
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
            self.paint(layout, samples, kernels, inks, out);
        }
        coefficients.trim();
        read.map(|_| ())
    }

    /// Writes rows of pixels.
    fn paint(
        &self,
        layout: &Layout,
        samples: &mut Samples,
        kernels: &SimdRoutines,
        inks: &mut Vec<u8>,
        out: &mut [u8],
    ) {
        let width = layout.width as usize;
        for (row, out) in out.chunks_exact_mut(width * 3).enumerate() {
            samples.enlarge(layout, &self.enlargements, row);
            let [first, second, third, fourth] = &samples.rows;
            match self.colour {
                Colour::Grey => {
                    for (pixel, &grey) in out.as_chunks_mut::<3>().0.iter_mut().zip(first) {
                        *pixel = [grey; 3];
                    }
                }
                Colour::YCbCr => kernels.ycbcr_to_rgb_row(first, second, third, out, width),
                Colour::Rgb => {
                    let pixels = out.as_chunks_mut::<3>().0.iter_mut();
                    let colours = first.iter().zip(second).zip(third);
                    for (pixel, ((&red, &green), &blue)) in pixels.zip(colours) {
                        *pixel = [red, green, blue];
                    }
                }
                Colour::Cmyk | Colour::Ycck => {
                    inks.clear();
                    if self.colour == Colour::Ycck {
                        kernels.ycbcr_to_rgb_row(first, second, third, out, width);
                        let colours = out.as_chunks::<3>().0.iter().zip(fourth);
                        // The inks of YCCK are what the colours leave (`ycck_cmyk_convert`).
                        inks.extend(colours.flat_map(|(rgb, &k)| [!rgb[0], !rgb[1], !rgb[2], k]));
                    } else {
                        let colours = first.iter().zip(second).zip(third).zip(fourth);
                        inks.extend(colours.flat_map(|(((&c, &m), &y), &k)| [c, m, y, k]));
                    }
                    inks_to_rgb(inks, out);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
