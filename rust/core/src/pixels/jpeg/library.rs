//! Turns JPEGs that this crate does not decode itself into pixels, by `libjpeg-turbo-rs`.
//!
//! The only file that talks to the decoder of that library. Unwinding out of it is caught and
//! becomes an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use super::check_size;
use crate::error::{Error, Result};
use crate::limits;

/// An image that the decoder library decodes, always whole.
pub(super) struct Library<'a> {
    decoder: Decoder<'a>,
    pub(super) width: u32,
    pub(super) height: u32,
    components: usize,
}

impl<'a> Library<'a> {
    /// Reads the header.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        let limits = DecodeLimits {
            max_width: u16::MAX as usize,
            max_height: u16::MAX as usize,
            max_pixels: limits::IMAGE_PIXELS,
            max_scans: limits::IMAGE_SCANS as usize,
            max_memory: None,
        };
        let mut decoder = guarded(|| Decoder::new_with_limits(data, limits))?;
        let header = decoder.header();
        let (width, height) = (header.width() as u32, header.height() as u32);
        let (components, precision) = (header.components.len(), header.precision);
        check_size(width, height)?;
        if precision != 8 {
            return Err(Error::decode(format!(
                "expected 8 bits a sample, found {precision}"
            )));
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(Error::decode(format!(
                "expected 1, 3 or 4 components, found {components}"
            )));
        }
        let format = if components == 4 {
            PixelFormat::Cmyk
        } else {
            PixelFormat::Rgb
        };
        decoder.set_output_format(format);
        decoder.set_block_smoothing(true);
        Ok(Self {
            decoder,
            width,
            height,
            components,
        })
    }

    /// Writes the whole image, 3 bytes a pixel, to `out`.
    pub(super) fn decode(&self, out: &mut [u8]) -> Result<()> {
        if self.components == 4 {
            let mut inks = vec![0; self.width as usize * self.height as usize * 4];
            guarded(|| self.decoder.decode_image_into(&mut inks))?;
            inks_to_rgb(&inks, out);
        } else {
            guarded(|| self.decoder.decode_image_into(out))?;
        }
        Ok(())
    }
}

/// Converts as Pillow does: `CMYK;I` (Adobe stores inks inverted), then `cmyk2rgb` of
/// `src/libImaging/Convert.c`.
pub(super) fn inks_to_rgb(inks: &[u8], out: &mut [u8]) {
    for (rgb, cmyk) in out
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(inks.as_chunks::<4>().0)
    {
        let light = u32::from(cmyk[3]);
        for (colour, ink) in rgb.iter_mut().zip(cmyk) {
            let scaled = (255 - u32::from(*ink)) * light + 128;
            *colour = light.saturating_sub(((scaled >> 8) + scaled) >> 8) as u8;
        }
    }
}

/// Calls the library; an unwinding panic becomes an error.
fn guarded<T>(call: impl FnOnce() -> std::result::Result<T, JpegError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(explain(&error)),
        Err(_) => Err(Error::decode(
            "the JPEG is damaged in a way that the decoder cannot handle",
        )),
    }
}

fn explain(error: &JpegError) -> Error {
    match error {
        JpegError::UnexpectedEof => {
            Error::decode("the JPEG is truncated: the data end before the last pixel")
        }
        other => Error::decode(format!("the JPEG cannot be decoded: {other}")),
    }
}
