//! Turns (seed, epoch, sample, purpose) into random numbers that do not depend on who asks first.
//!
//! The generator is Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
//! SC 2011), the one `numpy.random.Philox` uses: a pure function of a key and a counter, so every
//! sample has its own stream whatever the number of threads or ranks.

/// What a stream is for; streams of different purposes never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The crop box and the flip of one sample.
    Crop = 1,
    /// The order of an epoch.
    Order = 2,
    /// Images drawn again, for an interval.
    Bootstrap = 3,
}

const MULTIPLIERS: [u64; 2] = [0xD2E7_470E_E14C_6C93, 0xCA5A_8263_9512_1157];
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];

/// One block of Philox4x64-10.
fn philox(mut counter: [u64; 4], mut key: [u64; 2]) -> [u64; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let low = u128::from(MULTIPLIERS[0]) * u128::from(counter[0]);
        let high = u128::from(MULTIPLIERS[1]) * u128::from(counter[2]);
        counter = [
            (high >> 64) as u64 ^ counter[1] ^ key[0],
            high as u64,
            (low >> 64) as u64 ^ counter[3] ^ key[1],
            low as u64,
        ];
    }
    counter
}

/// A stream of random numbers for one (seed, epoch, sample, purpose).
///
/// Equal to `numpy.random.Philox(key=[seed, purpose], counter=[0, epoch, sample, 0])`, whose first
/// block is that of counter `[1, epoch, sample, 0]`.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u64; 2],
    counter: [u64; 4],
    block: [u64; 4],
    used: usize,
}

impl Stream {
    /// The stream of one sample of one epoch.
    pub fn new(seed: u64, epoch: u64, sample: u64, purpose: Purpose) -> Self {
        Self {
            key: [seed, purpose as u64],
            counter: [0, epoch, sample, 0],
            block: [0; 4],
            used: 4,
        }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        if self.used == self.block.len() {
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.block = philox(self.counter, self.key);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// A number in [0, 1) with 53 random bits, as `numpy.random.Generator.random` makes it.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A number in [0, bound), without bias (Lemire, "Fast random integer generation in an
    /// interval", 2019).
    ///
    /// # Panics
    /// If `bound` is 0: an empty range has no numbers.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "an empty range has no numbers");
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the Random123 distribution's known-answer file (`kat_vectors`, philox4x64 10).
    #[test]
    fn philox_agrees_with_random123() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [
                0x1655_4d9e_ca36_314c,
                0xdb20_fe9d_672d_0fdc,
                0xd7e7_72ce_e186_176b,
                0x7e68_b68a_ec7b_a23b
            ]
        );
    }

    #[test]
    fn below_covers_its_range() {
        let mut stream = Stream::new(7, 0, 0, Purpose::Order);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[stream.below(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
    }
}
