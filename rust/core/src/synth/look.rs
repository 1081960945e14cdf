//! Turns a class into what its pictures have in common: palette, stripes, grain.

use super::noise::Noise;

/// What every picture of a class shares.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Red, green and blue of the subject, 0..=255.
    pub(super) subject: [f32; 3],
    /// Red, green and blue of where it lives.
    pub(super) habitat: [f32; 3],
    /// Stripes across the longer side of the picture.
    pub(super) stripes: f32,
    /// Direction of the stripes, in turns.
    pub(super) direction: f32,
    /// Greatest deviation by the stripes, in levels.
    pub(super) contrast: f32,
    /// Grain of the class against the average, as a factor.
    pub(super) grain: f32,
}

/// The golden ratio and its higher relatives (the roots of x^(d+1) = x + 1) step through the unit
/// interval so that any number of consecutive classes lie apart.
const HUE_STEP: f32 = 0.618_034;
const LIGHT_STEP: f32 = 0.754_878;
const HABITAT_STEP: f32 = 0.569_840;

impl Look {
    /// The look of `class`, whose relatives share the `group`.
    pub(super) fn new(seed: u64, class: u64, group: u64) -> Self {
        let mut kin = Noise::new(seed ^ group, 1);
        let mut own = Noise::new(seed ^ class, 2);
        let place = (class % 65_536) as f32;
        let hue = (place * HUE_STEP).fract();
        let light = 0.45 + 0.5 * (place * LIGHT_STEP).fract();
        let habitat_hue = 0.75 * kin.between(0.0, 1.0) + 0.25 * (place * HABITAT_STEP).fract();
        Self {
            subject: colour(hue, own.between(0.45, 0.95), light),
            habitat: colour(habitat_hue, own.between(0.2, 0.6), own.between(0.35, 0.8)),
            stripes: own.between(6.0, 40.0),
            direction: own.between(0.0, 0.5),
            contrast: own.between(8.0, 36.0),
            grain: own.between(0.7, 1.3),
        }
    }
}

/// Red, green and blue (0..=255) of a hue, saturation and value in 0..=1.
fn colour(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    [5.0, 3.0, 1.0].map(|offset| {
        let sector = (offset + hue * 6.0) % 6.0;
        let dip = sector.min(4.0 - sector).clamp(0.0, 1.0);
        255.0 * value * (1.0 - saturation * dip)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_agree_with_the_corners_of_the_cube() {
        assert_eq!(colour(0.0, 1.0, 1.0), [255.0, 0.0, 0.0]);
        assert_eq!(colour(1.0 / 3.0, 1.0, 1.0), [0.0, 255.0, 0.0]);
        assert_eq!(colour(0.3, 0.0, 0.5), [127.5; 3]);
    }
}
