//! Turns any bytes, taken as a JPEG or PNG, into what our decoder and `libjpeg-turbo-rs` make of them.

use libjpeg_turbo_rs::{DecodeLimits, Decoder as Theirs, PixelFormat};

use crate::pixels::{
    Decoder, Fidelity, Filter, Output, Recipe, ScanPoints, Transform, greatest_coefficient,
};

/// Larger pictures take longer than a fuzzer waits for, and find nothing else.
const PIXELS: u64 = 1 << 18;

/// The greatest coefficient, dequantised, for which the library's inverse DCT is that of
/// libjpeg-turbo with AVX2: beyond, sums wrap at 16 bits in the one and not in the other.
const COEFFICIENT: u32 = 4096;

/// Checks that both decoders make the same pixels, and that parts of a picture are those of the
/// whole, whatever is remembered of its scan.
///
/// The two differ on purpose in these things:
///
/// * Damaged data: ours recovers as libjpeg does where the library refuses or recovers in another
///   way; `tests/test_jpeg_odd.py` holds that against Pillow. So pixels are compared only where the
///   decoder for plain files without damage took the file.
/// * Where the library refuses such a file: it is stricter with what is around the scan.
/// * Four components, which the library leaves to its caller, and what is beyond [`COEFFICIENT`].
///
/// # Panics
/// If they differ in anything else.
pub fn jpeg(bytes: &[u8]) {
    let Ok((width, height)) = Decoder::size(bytes) else {
        return;
    };
    if u64::from(width) * u64::from(height) > PIXELS {
        return;
    }
    let mut decoder = Decoder::default();
    let whole = decoder.decode(bytes);
    parts(bytes, &mut decoder, whole.is_ok());
    let (Ok(ours), Some(greatest)) = (whole, greatest_coefficient(bytes)) else {
        return;
    };
    let theirs = std::panic::catch_unwind(|| by_library(bytes));
    if let (Ok(Some(theirs)), true) = (theirs, greatest <= COEFFICIENT) {
        assert!(ours.data == theirs, "other pixels, {width} x {height}");
    }
}

/// Some crops, exact and fast, with and without points.
fn parts(bytes: &[u8], decoder: &mut Decoder, sound: bool) {
    let transform = Transform::RandomResizedCrop {
        size: (9, 11),
        scale: (0.01, 1.0),
        ratio: (0.3, 3.0),
        hflip: 0.5,
        filter: Filter::Bilinear,
    };
    let output = Output::default();
    let mut points = ScanPoints::default();
    for epoch in 0..3 {
        let mut recipe = Recipe {
            transform: &transform,
            output: &output,
            fidelity: Fidelity::Exact,
            seed: u64::from(crc32fast::hash(bytes)),
            epoch,
        };
        let mut render = |recipe: &Recipe<'_>, points: Option<&mut ScanPoints>| {
            let mut out = vec![0; 9 * 11 * 3];
            decoder
                .render(bytes, recipe, 0, points, &mut out)
                .map(|()| out)
        };
        let (plain, pointed) = (render(&recipe, None), render(&recipe, Some(&mut points)));
        assert!(plain.is_ok() || !sound, "a part of a sound picture fails");
        assert_eq!(plain.ok(), pointed.ok(), "points change pixels");
        recipe.fidelity = Fidelity::Fast;
        let fast = render(&recipe, None);
        assert!(
            fast.is_ok() || !sound,
            "a part of a sound picture fails fast"
        );
    }
}

fn by_library(bytes: &[u8]) -> Option<Vec<u8>> {
    let limits = DecodeLimits {
        max_width: usize::from(u16::MAX),
        max_height: usize::from(u16::MAX),
        max_pixels: PIXELS,
        max_scans: 100,
        max_memory: None,
    };
    let mut decoder = Theirs::new_with_limits(bytes, limits).ok()?;
    if !matches!(decoder.header().components.len(), 1 | 3) {
        return None;
    }
    let (width, height) = (decoder.header().width(), decoder.header().height());
    decoder.set_output_format(PixelFormat::Rgb);
    let mut out = vec![0; width * height * 3];
    decoder.decode_image_into(&mut out).ok()?;
    Some(out)
}
