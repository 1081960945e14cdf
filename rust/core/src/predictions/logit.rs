//! Turns a logit's bits into an integer that orders as the number does.
//!
//! With integers neither the CPU nor its flush-to-zero mode can change a result, and 16-bit
//! floats need no conversion.

use std::fmt::Debug;

use bytemuck::Pod;
use half::{bf16, f16};

/// A logit and its order.
pub(super) trait Logit: Copy + Sync {
    /// The integer, as wide as the logit.
    type Key: Pod + Ord + Debug;

    /// Below or equal to every key.
    const LOWEST_KEY: Self::Key;
    /// The key of +0.0: how far the bits of +infinity are from the largest integer.
    const ZERO_KEY: Self::Key;
    /// Below the key of -infinity, and not below that of any NaN.
    const NAN_KEY: Self::Key;

    /// Sign, exponent and mantissa as they are.
    fn bits(self) -> Self::Key;

    /// An integer that orders as the value does; that of -0.0 is just below that of +0.0, those
    /// of NaNs are at most `NAN_KEY`.
    fn key(self) -> Self::Key;

    /// The key that all logits equal to the one of `key` share: that of +0.0 for -0.0, `NAN_KEY`
    /// for a NaN.
    fn shared(key: Self::Key) -> Self::Key;

    /// The largest key below those of all logits equal to the one of `key`, which is no NaN.
    fn below(key: Self::Key) -> Self::Key;
}

/// Implements [`Logit`] for a format of sign, exponent and mantissa (IEEE 754, 3.4; bfloat16).
macro_rules! logit {
    ($type:ty, $key:ty) => {
        impl Logit for $type {
            type Key = $key;

            const LOWEST_KEY: $key = <$key>::MIN;
            const ZERO_KEY: $key = <$key>::MAX - <$type>::INFINITY.to_bits() as $key;
            const NAN_KEY: $key = Self::ZERO_KEY - <$type>::INFINITY.to_bits() as $key - 2;

            #[inline(always)]
            fn bits(self) -> $key {
                self.to_bits() as $key
            }

            #[inline(always)]
            fn key(self) -> $key {
                let bits = self.bits();
                // Negative numbers order backwards: flip all but the sign. Adding the room
                // above +infinity wraps the NaNs that are there to below -infinity.
                let flip = (bits >> (<$key>::BITS - 1)) & <$key>::MAX;
                (bits ^ flip).wrapping_add(Self::ZERO_KEY)
            }

            #[inline(always)]
            fn shared(key: $key) -> $key {
                if key == Self::ZERO_KEY - 1 {
                    Self::ZERO_KEY
                } else {
                    key.max(Self::NAN_KEY)
                }
            }

            #[inline(always)]
            fn below(key: $key) -> $key {
                let shared = Self::shared(key);
                if shared == Self::ZERO_KEY {
                    shared - 2
                } else {
                    shared - 1
                }
            }
        }
    };
}

logit!(f64, i64);
logit!(f32, i32);
logit!(f16, i16);
logit!(bf16, i16);

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "equal is what is tested")]

    use super::*;

    #[test]
    fn keys_order_every_16_bit_float_as_its_value() {
        fn check<T: Logit>(logit: impl Fn(u16) -> (T, f32)) {
            let mut all: Vec<(T, f32)> = (0..=u16::MAX).map(logit).collect();
            all.sort_by_key(|(logit, _)| logit.key());
            let nans = all.iter().take_while(|(_, value)| value.is_nan()).count();
            assert!(
                all[..nans]
                    .iter()
                    .all(|(logit, _)| logit.key() <= T::NAN_KEY)
            );
            assert!(
                all[..nans]
                    .iter()
                    .all(|(logit, _)| T::shared(logit.key()) == T::NAN_KEY)
            );
            assert_eq!(all[nans].1, f32::NEG_INFINITY);
            assert!(all[nans].0.key() > T::NAN_KEY);
            for pair in all[nans..].windows(2) {
                let [lower, higher] = [pair[0].0, pair[1].0].map(|logit| T::shared(logit.key()));
                assert_eq!(lower < higher, pair[0].1 < pair[1].1);
                assert_eq!(lower == higher, pair[0].1 == pair[1].1);
                assert!(T::below(higher) < pair[1].0.key());
                assert_eq!(T::below(higher) >= pair[0].0.key(), pair[0].1 < pair[1].1);
            }
        }
        check(|bits| (f16::from_bits(bits), f16::from_bits(bits).to_f32()));
        check(|bits| (bf16::from_bits(bits), bf16::from_bits(bits).to_f32()));
    }
}
