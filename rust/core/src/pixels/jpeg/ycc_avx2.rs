//! Turns rows of components into RGB pixels as [`super::ycc`] does, 32 pixels at once.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and calls that a proof of the feature allows"
    )
)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{grey, to_rgb};

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::{grey, to_rgb};

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use crate::pixels::cpu::Avx2;

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn to_rgb(avx2: Avx2, _: &[u8], _: &[u8], _: &[u8], _: &mut [u8]) {
        match avx2 {}
    }

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn grey(avx2: Avx2, _: &[u8], _: &mut [u8]) {
        match avx2 {}
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    #[allow(
        clippy::wildcard_imports,
        reason = "the names of intrinsics say where they come from"
    )]
    use std::arch::x86_64::*;

    use crate::pixels::cpu::Avx2;
    use crate::pixels::jpeg::ycc::{B_OF_CB, G_OF_CB, G_OF_CR, R_OF_CR};

    /// Pixels of one turn.
    const TURN: usize = 32;

    /// Converts `y.len()` pixels.
    ///
    /// # Panics
    /// If another slice is too short.
    pub(in crate::pixels::jpeg) fn to_rgb(_: Avx2, y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
        // SAFETY: the argument proves AVX2.
        unsafe { row_to_rgb(y, cb, cr, out) }
    }

    #[target_feature(enable = "avx2")]
    fn row_to_rgb(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
        each_turn([y, cb, cr], out, |[y, cb, cr], out| turn(y, cb, cr, out));
    }

    /// Copies `y.len()` samples to three bytes each.
    ///
    /// # Panics
    /// If `out` is too short.
    pub(in crate::pixels::jpeg) fn grey(_: Avx2, y: &[u8], out: &mut [u8]) {
        // SAFETY: the argument proves AVX2.
        unsafe { row_of_grey(y, out) }
    }

    #[target_feature(enable = "avx2")]
    fn row_of_grey(y: &[u8], out: &mut [u8]) {
        each_turn([y], out, |[y], out| {
            let y = load(y);
            store_pixels(y, y, y, out);
        });
    }

    /// Calls `turn` until every pixel is done: the last turn of a row does pixels again that were
    /// done before it; a row shorter than one turn is done in memory of its own.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn each_turn<const N: usize>(
        planes: [&[u8]; N],
        out: &mut [u8],
        turn: impl Fn([&[u8; TURN]; N], &mut [u8; TURN * 3]),
    ) {
        let length = planes[0].len();
        let planes = planes.map(|plane| &plane[..length]);
        let out = &mut out[..length * 3];
        if length < TURN {
            let (mut rows, mut pixels) = ([[0; TURN]; N], [0; TURN * 3]);
            for (row, plane) in rows.iter_mut().zip(planes) {
                row[..length].copy_from_slice(plane);
            }
            turn(rows.each_ref(), &mut pixels);
            out.copy_from_slice(&pixels[..length * 3]);
            return;
        }
        let mut at = 0;
        loop {
            let mut parts = [&[0; TURN]; N];
            for (part, plane) in parts.iter_mut().zip(planes) {
                // SAFETY: `at + TURN` is at most `length`, which is how long every plane is.
                *part = unsafe { &*plane.as_ptr().add(at).cast() };
            }
            // SAFETY: `at + TURN` is at most `length`, and there are 3 bytes for each.
            let pixels = unsafe { &mut *out.as_mut_ptr().add(at * 3).cast() };
            turn(parts, pixels);
            if at + TURN == length {
                return;
            }
            at = (at + TURN).min(length - TURN);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(samples: &[u8; TURN]) -> __m256i {
        // SAFETY: that is 32 bytes.
        unsafe { _mm256_loadu_si256(samples.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn turn(y: &[u8; TURN], cb: &[u8; TURN], cr: &[u8; TURN], out: &mut [u8; TURN * 3]) {
        let (y, cb, cr) = (load(y), load(cb), load(cr));
        // Within each lane, the first and the last 8 pixels; packing restores the order.
        let zero = _mm256_setzero_si256();
        let low = colours(
            _mm256_unpacklo_epi8(y, zero),
            _mm256_unpacklo_epi8(cb, zero),
            _mm256_unpacklo_epi8(cr, zero),
        );
        let high = colours(
            _mm256_unpackhi_epi8(y, zero),
            _mm256_unpackhi_epi8(cb, zero),
            _mm256_unpackhi_epi8(cr, zero),
        );
        store_pixels(
            _mm256_packus_epi16(low.0, high.0),
            _mm256_packus_epi16(low.1, high.1),
            _mm256_packus_epi16(low.2, high.2),
            out,
        );
    }

    /// Red, green and blue of 16 pixels, before they are clamped.
    ///
    /// `vpmulhrsw` rounds a product shifted right by 15, so that it wants half of each constant.
    /// The one for red is odd; its half rounded down gives the same for all 256 values.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn colours(y: __m256i, cb: __m256i, cr: __m256i) -> (__m256i, __m256i, __m256i) {
        let centre = _mm256_set1_epi16(128);
        let (cb, cr) = (_mm256_sub_epi16(cb, centre), _mm256_sub_epi16(cr, centre));
        let of_cr = _mm256_mulhrs_epi16(cr, _mm256_set1_epi16(R_OF_CR / 2));
        let red = _mm256_add_epi16(_mm256_add_epi16(y, cr), of_cr);
        let of_cb = _mm256_mulhrs_epi16(cb, _mm256_set1_epi16(B_OF_CB / 2));
        let blue = _mm256_add_epi16(_mm256_add_epi16(y, _mm256_add_epi16(cb, cb)), of_cb);
        let factors = _mm256_set1_epi32(i32::from(G_OF_CB as u16) | i32::from(G_OF_CR) << 16);
        let half = _mm256_set1_epi32(1 << 15);
        let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(cb, cr), factors);
        let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(cb, cr), factors);
        let low = _mm256_srai_epi32::<16>(_mm256_add_epi32(low, half));
        let high = _mm256_srai_epi32::<16>(_mm256_add_epi32(high, half));
        let of_both = _mm256_packs_epi32(low, high);
        let green = _mm256_add_epi16(_mm256_sub_epi16(y, cr), of_both);
        (red, green, blue)
    }

    /// Interleaves three colours.
    ///
    /// The bytes of 16 pixels fill three vectors of 16 bytes. As 3 and 16 have no common divisor,
    /// the 16 bytes of a colour have 16 different places in those vectors: one shuffle moves each
    /// to its place, then the vectors are put together by masks.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn store_pixels(red: __m256i, green: __m256i, blue: __m256i, out: &mut [u8; TURN * 3]) {
        let red = _mm256_shuffle_epi8(red, places(0));
        let green = _mm256_shuffle_epi8(green, places(1));
        let blue = _mm256_shuffle_epi8(blue, places(2));
        // Of three neighbouring bytes, the first, the second and the third.
        let first = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1,
        ));
        let second = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0,
        ));
        let third = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0,
        ));
        let a = _mm256_blendv_epi8(_mm256_blendv_epi8(red, green, second), blue, third);
        let b = _mm256_blendv_epi8(_mm256_blendv_epi8(red, green, first), blue, second);
        let c = _mm256_blendv_epi8(_mm256_blendv_epi8(red, green, third), blue, first);
        let to = out.as_mut_ptr();
        // SAFETY: three times 32 bytes.
        unsafe {
            let ab = _mm256_permute2x128_si256::<0x20>(a, b);
            let ca = _mm256_blend_epi32::<0b1111_0000>(c, a);
            let bc = _mm256_permute2x128_si256::<0x31>(b, c);
            _mm256_storeu_si256(to.cast(), ab);
            _mm256_storeu_si256(to.add(32).cast(), ca);
            _mm256_storeu_si256(to.add(64).cast(), bc);
        }
    }

    /// For every place, the pixel whose byte of `colour` belongs there: the one for which
    /// `3 * pixel + colour` is the place, modulo 16; 11 is the inverse of 3.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn places(colour: i32) -> __m256i {
        let mut pixels = [0_i8; 16];
        for (place, pixel) in pixels.iter_mut().enumerate() {
            *pixel = ((place as i32 - colour + 16) * 11 % 16) as i8;
        }
        // SAFETY: `pixels` is 16 bytes.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(pixels.as_ptr().cast()) })
    }
}
