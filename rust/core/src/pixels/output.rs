//! Turns RGB bytes into the type, layout and normalisation that an [`Output`] asks for.

use half::f16;

use super::{Dtype, Layout, Output};
use crate::error::{Error, Result};

impl Output {
    /// Whether the normalisation can be done: finite, no division by zero, none for bytes.
    pub fn check(&self) -> Result<()> {
        if self.mean.iter().any(|mean| !mean.is_finite()) {
            return Err(Error::argument(format!(
                "`mean` must be finite, not {:?}",
                self.mean
            )));
        }
        if self.std.iter().any(|std| !std.is_finite() || *std == 0.0) {
            return Err(Error::argument(format!(
                "`std` must be finite and not 0, not {:?}",
                self.std
            )));
        }
        let plain = Self {
            dtype: self.dtype,
            layout: self.layout,
            ..Self::default()
        };
        if self.dtype == Dtype::Uint8 && *self != plain {
            return Err(Error::argument(
                "`mean` and `std` need a `dtype` of float16 or float32, not uint8",
            ));
        }
        Ok(())
    }

    /// Bytes of one image of `size` (height, width), or an error where that overflows.
    pub fn bytes(&self, size: (u32, u32)) -> Result<usize> {
        (size.0 as usize)
            .checked_mul(size.1 as usize)
            .and_then(|pixels| pixels.checked_mul(3 * self.dtype.size()))
            .ok_or_else(|| {
                Error::argument(format!("an image of {} x {} is too large", size.0, size.1))
            })
    }

    /// The value that `byte` of `channel` becomes: `(byte / 255 - mean) / std`, every step rounded
    /// to single precision, as `NumPy` does it.
    fn value(&self, channel: usize, byte: u8) -> f32 {
        (f32::from(byte) / 255.0 - self.mean[channel]) / self.std[channel]
    }
}

/// The bytes of every value a byte can become, per channel, remembered for the last [`Output`].
#[derive(Debug, Default)]
pub(super) struct Table {
    output: Option<Output>,
    singles: Vec<[[u8; 4]; 256]>,
    halves: Vec<[[u8; 2]; 256]>,
}

impl Table {
    fn prepare(&mut self, output: &Output) {
        if self.output.as_ref() == Some(output) {
            return;
        }
        self.singles.clear();
        self.halves.clear();
        for channel in 0..3 {
            let value = |byte: usize| output.value(channel, byte as u8);
            match output.dtype {
                Dtype::Uint8 => {}
                Dtype::Float16 => self.halves.push(std::array::from_fn(|byte| {
                    f16::from_f32(value(byte)).to_ne_bytes()
                })),
                Dtype::Float32 => {
                    self.singles
                        .push(std::array::from_fn(|byte| value(byte).to_ne_bytes()));
                }
            }
        }
        self.output = Some(*output);
    }

    /// Writes `rgb`, whole pixels, to `out` as `output` says.
    pub(super) fn write(&mut self, rgb: &[u8], output: &Output, out: &mut [u8]) {
        self.prepare(output);
        match output.dtype {
            Dtype::Uint8 => arrange(rgb, output.layout, out, |_, byte| [byte]),
            Dtype::Float16 => {
                let table = &self.halves;
                arrange(rgb, output.layout, out, |channel, byte| {
                    table[channel][byte as usize]
                });
            }
            Dtype::Float32 => {
                let table = &self.singles;
                arrange(rgb, output.layout, out, |channel, byte| {
                    table[channel][byte as usize]
                });
            }
        }
    }
}

fn arrange<const N: usize>(
    rgb: &[u8],
    layout: Layout,
    out: &mut [u8],
    value: impl Fn(usize, u8) -> [u8; N],
) {
    let (values, _) = out.as_chunks_mut::<N>();
    let (pixels, _) = rgb.as_chunks::<3>();
    match layout {
        Layout::Nhwc => {
            let (rows, _) = values.as_chunks_mut::<3>();
            for (target, pixel) in rows.iter_mut().zip(pixels) {
                for channel in 0..3 {
                    target[channel] = value(channel, pixel[channel]);
                }
            }
        }
        Layout::Nchw => {
            if pixels.is_empty() {
                return;
            }
            for (channel, plane) in values.chunks_exact_mut(pixels.len()).enumerate().take(3) {
                for (target, pixel) in plane.iter_mut().zip(pixels) {
                    *target = value(channel, pixel[channel]);
                }
            }
        }
    }
}
