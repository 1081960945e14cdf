//! Turns bytes up to the next 0xFF into a copy of them, 32 at once.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "loads and stores of whole vectors, and a call that a proof of the feature allows"
    )
)]

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::copy;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use elsewhere::copy;

/// Bytes that are copied at once.
pub(super) const PIECE: usize = 32;

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    use crate::pixels::cpu::Avx2;

    /// Cannot be called: there is no proof.
    pub(in crate::pixels::jpeg) fn copy(avx2: Avx2, _: &[u8], _: &mut [u8]) -> usize {
        match avx2 {}
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{
        _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_set1_epi8,
        _mm256_storeu_si256,
    };

    use super::PIECE;
    use crate::pixels::cpu::Avx2;

    /// Copies bytes up to the first 0xFF, or until fewer than [`PIECE`] are left, and returns how
    /// many. What lies up to [`PIECE`] bytes behind them in `out` may be written over too.
    pub(in crate::pixels::jpeg) fn copy(_: Avx2, bytes: &[u8], out: &mut [u8]) -> usize {
        // SAFETY: the argument proves AVX2.
        unsafe { copy_pieces(bytes, out) }
    }

    #[target_feature(enable = "avx2")]
    fn copy_pieces(bytes: &[u8], out: &mut [u8]) -> usize {
        let marker = _mm256_set1_epi8(-1);
        let pieces = bytes.as_chunks::<PIECE>().0;
        for (number, (piece, target)) in pieces
            .iter()
            .zip(out.as_chunks_mut::<PIECE>().0)
            .enumerate()
        {
            // SAFETY: both are 32 bytes long.
            let found = unsafe {
                let vector = _mm256_loadu_si256(piece.as_ptr().cast());
                _mm256_storeu_si256(target.as_mut_ptr().cast(), vector);
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(vector, marker)) as u32
            };
            if found != 0 {
                return number * PIECE + found.trailing_zeros() as usize;
            }
        }
        pieces.len().min(out.len() / PIECE) * PIECE
    }
}
