//! Turns rows of the components that JPEGs store into RGB pixels, as libjpeg-turbo (`jdcolor.c`)
//! and, for four inks, Pillow do.

use super::ycc_avx2;
use crate::pixels::cpu::Avx2;

/// Fractions of the constants of `jdcolor.c`, times 2^16: what is left where whole numbers are
/// taken out, so that they fit 16 bits: 1.402 = 1 + 0.402, 1.772 = 2 - 0.228, 0.714 = 1 - 0.286.
pub(super) const R_OF_CR: i16 = 26345;
pub(super) const B_OF_CB: i16 = -14942;
pub(super) const G_OF_CB: i16 = -22554;
pub(super) const G_OF_CR: i16 = 18734;

/// Converts as many pixels as `y` has samples; 3 bytes each go to `out`.
///
/// # Panics
/// If another slice is too short.
pub(super) fn to_rgb(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let (cb, cr) = (&cb[..y.len()], &cr[..y.len()]);
    let out = &mut out[..y.len() * 3];
    match Avx2::detect() {
        Some(avx2) => ycc_avx2::to_rgb(avx2, y, cb, cr, out),
        None => to_rgb_scalar(y, cb, cr, out),
    }
}

fn to_rgb_scalar(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let pixels = out.as_chunks_mut::<3>().0;
    for (((pixel, &y), &cb), &cr) in pixels.iter_mut().zip(y).zip(cb).zip(cr) {
        *pixel = rgb(y, cb, cr);
    }
}

/// One pixel; the sum for green is rounded once.
#[inline]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + cr + ((i32::from(R_OF_CR) * cr + HALF) >> 16);
    let green = y - cr + ((i32::from(G_OF_CB) * cb + i32::from(G_OF_CR) * cr + HALF) >> 16);
    let blue = y + 2 * cb + ((i32::from(B_OF_CB) * cb + HALF) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}

/// Puts the samples of three planes beside each other.
///
/// # Panics
/// If another slice is shorter than the first, or `out` too short.
pub(super) fn interleave(red: &[u8], green: &[u8], blue: &[u8], out: &mut [u8]) {
    let pixels = &mut out.as_chunks_mut::<3>().0[..red.len()];
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = [red[at], green[at], blue[at]];
    }
}

/// Copies every sample to all three colours of its pixel.
///
/// # Panics
/// If `out` is too short.
pub(super) fn grey(y: &[u8], out: &mut [u8]) {
    let out = &mut out[..y.len() * 3];
    match Avx2::detect() {
        Some(avx2) => ycc_avx2::grey(avx2, y, out),
        None => grey_scalar(y, out),
    }
}

fn grey_scalar(y: &[u8], out: &mut [u8]) {
    for (pixel, &grey) in out.as_chunks_mut::<3>().0.iter_mut().zip(y) {
        *pixel = [grey; 3];
    }
}

/// Converts rows of four inks as Pillow does: `CMYK;I` (it takes all inks for inverted, as Adobe
/// stores them), then `cmyk2rgb` of `src/libImaging/Convert.c`.
///
/// # Panics
/// If another slice is shorter than the first, or `out` too short.
pub(super) fn cmyk_to_rgb(inks: [&[u8]; 4], out: &mut [u8]) {
    let length = inks[0].len();
    let [c, m, y, k] = inks.map(|ink| &ink[..length]);
    let pixels = out[..length * 3].as_chunks_mut::<3>().0;
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = [c[at], m[at], y[at]].map(|ink| light(ink, k[at]));
    }
}

/// The same for the planes of a YCCK file: Y, Cb and Cr are of the inks' complements
/// (`ycck_cmyk_convert` of `jdcolor.c`).
///
/// # Panics
/// If another slice is shorter than the first, or `out` too short.
pub(super) fn ycck_to_rgb(planes: [&[u8]; 4], out: &mut [u8]) {
    let length = planes[0].len();
    let [y, cb, cr, k] = planes.map(|plane| &plane[..length]);
    let pixels = out[..length * 3].as_chunks_mut::<3>().0;
    for (at, pixel) in pixels.iter_mut().enumerate() {
        *pixel = rgb(y[at], cb[at], cr[at]).map(|value| light(255 - value, k[at]));
    }
}

/// What an ink and black, both inverted, leave of a colour.
#[inline]
fn light(ink: u8, black: u8) -> u8 {
    let light = u32::from(black);
    let scaled = (255 - u32::from(ink)) * light + 128;
    light.saturating_sub(((scaled >> 8) + scaled) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use libjpeg_turbo_rs::simd::detect;

    use super::*;

    /// Every pair of chroma values, each with a luma value that goes through all.
    fn everything() -> [Vec<u8>; 3] {
        let all = 0..1_u32 << 16;
        [
            all.clone().map(|at| (at * 77 + (at >> 8)) as u8).collect(),
            all.clone().map(|at| at as u8).collect(),
            all.map(|at| (at >> 8) as u8).collect(),
        ]
    }

    fn converted(length: usize, convert: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut out = vec![77; length * 3 + 2];
        convert(&mut out);
        assert_eq!(out.split_off(length * 3), [77; 2]);
        out
    }

    #[test]
    fn every_colour_is_that_of_libjpeg_turbo() {
        let [y, cb, cr] = everything();
        let library = detect();
        for luma in [0, 1, 100, 255] {
            let y: Vec<u8> = y.iter().map(|y| y.wrapping_add(luma)).collect();
            let theirs = converted(y.len(), |out| {
                library.ycbcr_to_rgb_row(&y, &cb, &cr, out, y.len());
            });
            assert!(converted(y.len(), |out| to_rgb(&y, &cb, &cr, out)) == theirs);
            let scalar = converted(y.len(), |out| to_rgb_scalar(&y, &cb, &cr, out));
            assert!(scalar == theirs);
        }
    }

    #[test]
    fn rows_of_every_length_are_those_of_the_scalar_code() {
        let [y, cb, cr] = everything();
        for length in 0..=200 {
            for start in [0, 1, 30_000] {
                let part = |plane: &[u8]| plane[start..start + length].to_vec();
                let (y, cb, cr) = (part(&y), part(&cb), part(&cr));
                assert_eq!(
                    converted(length, |out| to_rgb(&y, &cb, &cr, out)),
                    converted(length, |out| to_rgb_scalar(&y, &cb, &cr, out)),
                );
                assert_eq!(
                    converted(length, |out| grey(&y, out)),
                    converted(length, |out| grey_scalar(&y, out)),
                );
            }
        }
    }

    #[test]
    fn short_slices_panic() {
        for lengths in [
            [9, 8, 9, 27],
            [9, 9, 8, 27],
            [9, 9, 9, 26],
            [64, 64, 64, 191],
        ] {
            let result = std::panic::catch_unwind(|| {
                let [y, cb, cr, out] = lengths.map(|length| vec![0; length]);
                let mut out = out;
                to_rgb(&y, &cb, &cr, &mut out);
            });
            assert!(result.is_err());
        }
    }

    /// Pillow 13.0's `Image.frombytes("CMYK", ..., "raw", "CMYK;I").convert("RGB")`.
    #[test]
    fn inks_are_converted_as_pillow_does() {
        let inks = [
            [0, 0, 0, 0],
            [255, 255, 255, 255],
            [0, 128, 255, 255],
            [10, 100, 200, 128],
            [1, 254, 77, 201],
        ];
        let expected = [0, 0, 0, 255, 255, 255, 0, 128, 255, 5, 50, 100, 1, 200, 61];
        let planes: [Vec<u8>; 4] =
            std::array::from_fn(|ink| inks.iter().map(|pixel| pixel[ink]).collect());
        let [c, m, y, k] = &planes;
        assert_eq!(converted(5, |out| cmyk_to_rgb([c, m, y, k], out)), expected);
    }

    #[test]
    fn ycck_is_ycc_of_complements() {
        let [y, cb, cr] = everything();
        let k: Vec<u8> = y.iter().map(|y| y.wrapping_mul(13)).collect();
        let rgb = converted(y.len(), |out| to_rgb(&y, &cb, &cr, out));
        let ink = |colour: usize| -> Vec<u8> {
            rgb[colour..]
                .iter()
                .step_by(3)
                .map(|value| 255 - value)
                .collect()
        };
        assert!(
            converted(y.len(), |out| ycck_to_rgb([&y, &cb, &cr, &k], out))
                == converted(y.len(), |out| cmyk_to_rgb(
                    [&ink(0), &ink(1), &ink(2), &k],
                    out
                ))
        );
    }
}
