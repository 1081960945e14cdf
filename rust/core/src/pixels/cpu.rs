//! Turns the question whether this processor has AVX2 into a proof that kernels carry with them.

/// Proof that this processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(in crate::pixels) struct Avx2(());

/// Proof that this processor has AVX2: there is none on this architecture.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub(in crate::pixels) enum Avx2 {}

impl Avx2 {
    /// The proof, if the processor has it. The answer is kept by the standard library, so asking
    /// again costs a load.
    pub(in crate::pixels) fn detect() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        let proof = is_x86_feature_detected!("avx2").then_some(Self(()));
        #[cfg(not(target_arch = "x86_64"))]
        let proof = None;
        proof
    }
}
