//! Turns a key into random numbers, fast enough for one a pixel.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    /// The stream of one purpose of one key; near keys give unrelated streams.
    pub(super) fn new(key: u64, purpose: u64) -> Self {
        let mut mixed = Self(key ^ purpose.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        Self(mixed.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number in [low, high).
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.next() >> 40) as f32 / (1_u32 << 24) as f32)
    }

    /// Fills `grain` with values in -255..=255 that crowd around 0: the sum of two bytes, whose
    /// standard deviation is [`GRAIN_DEVIATION`].
    pub(super) fn fill_grain(&mut self, grain: &mut [i32]) {
        for four in grain.chunks_mut(4) {
            let bytes = self.next().to_le_bytes();
            for (value, pair) in four.iter_mut().zip(bytes.chunks_exact(2)) {
                *value = i32::from(pair[0]) + i32::from(pair[1]) - 255;
            }
        }
    }
}

/// Of the sum of two bytes: each has the variance (256^2 - 1) / 12.
pub(super) const GRAIN_DEVIATION: f32 = 104.51;
