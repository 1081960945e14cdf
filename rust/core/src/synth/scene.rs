//! Turns a [`Look`] and a key into pixels: two colour fields, an oval subject, stripes, grain.

use super::look::Look;
use super::noise::{GRAIN_DEVIATION, Noise};

/// Fraction bits of the levels while they are summed.
const FRACTION: u32 = 10;
const ONE: f32 = (1_u32 << FRACTION) as f32;

/// Control points of a colour field across and down.
const ACROSS: usize = 8;
const DOWN: usize = 7;

/// Smooth colours over the whole picture: a few control points, linear in between.
struct Field([[[f32; ACROSS]; DOWN]; 3]);

impl Field {
    fn new(colour: [f32; 3], spread: f32, noise: &mut Noise) -> Self {
        let mut points = [[[0.0; ACROSS]; DOWN]; 3];
        for place in 0..DOWN * ACROSS {
            let light = noise.between(-spread, spread);
            for (points, level) in points.iter_mut().zip(colour) {
                points[place / ACROSS][place % ACROSS] =
                    level + light + noise.between(-spread, spread) * 0.4;
            }
        }
        Self(points)
    }

    /// Writes the columns `from..from + out.len()` of row `y`, in levels with fraction bits.
    fn fill(&self, channel: usize, y: f32, from: usize, width: usize, out: &mut [i32]) {
        let place = y * (DOWN - 1) as f32;
        let above = (place as usize).min(DOWN - 2);
        let share = place - above as f32;
        let rows = &self.0[channel];
        let mut line = [0.0; ACROSS];
        for (point, (top, bottom)) in line
            .iter_mut()
            .zip(rows[above].iter().zip(&rows[above + 1]))
        {
            *point = (top + (bottom - top) * share) * ONE;
        }
        let step = (ACROSS - 1) as f32 / width as f32;
        let mut rest = out;
        let mut x = from;
        while !rest.is_empty() {
            let left = ((x as f32 * step) as usize).min(ACROSS - 2);
            // The last column before the next control point; the loop below has no branch.
            let end = (((left + 1) as f32 / step).ceil() as usize).max(x + 1) - x;
            let (cell, behind) = rest.split_at_mut(end.min(rest.len()));
            let slope = line[left + 1] - line[left];
            for (place, value) in (x as u32..).zip(cell.iter_mut()) {
                *value = (line[left] + slope * (place as f32 * step - left as f32)) as i32;
            }
            x += cell.len();
            rest = behind;
        }
    }
}

/// Stripes as a wave whose phase is a 32-bit fraction of a turn.
struct Stripes {
    start: u32,
    across: u32,
    down: u32,
    wave: [i32; 256],
}

impl Stripes {
    fn new(look: &Look, longer_side: u32, noise: &mut Noise) -> Self {
        let turn = 65_536.0 * 65_536.0;
        let (sine, cosine) = (look.direction * std::f32::consts::TAU).sin_cos();
        let per_pixel = look.stripes * noise.between(0.9, 1.1) / longer_side as f32;
        let phase = |value: f32| (value * turn) as i64 as u32;
        let mut wave = [0; 256];
        for (place, value) in wave.iter_mut().enumerate() {
            let angle = place as f32 / 256.0 * std::f32::consts::TAU;
            *value = (angle.sin() * look.contrast * ONE).round() as i32;
        }
        Self {
            start: noise.next() as u32,
            across: phase(cosine * per_pixel),
            down: phase(sine * per_pixel),
            wave,
        }
    }

    fn add(&self, y: u32, from: usize, out: &mut [i32]) {
        let row = self.start.wrapping_add(self.down.wrapping_mul(y));
        for (x, value) in out.iter_mut().enumerate() {
            let phase = row.wrapping_add(self.across.wrapping_mul((from + x) as u32));
            *value += self.wave[(phase >> 24) as usize];
        }
    }
}

/// An ellipse, in shares of the width and the height.
struct Oval {
    centre: (f32, f32),
    radius: (f32, f32),
}

impl Oval {
    /// The columns it covers in row `y` (a share of the height) of a picture `width` wide.
    fn columns(&self, y: f32, width: usize) -> (usize, usize) {
        let across = 1.0 - ((y - self.centre.1) / self.radius.1).powi(2);
        let half = self.radius.0 * across.max(0.0).sqrt();
        let column = |share: f32| (share.clamp(0.0, 1.0) * width as f32) as usize;
        (column(self.centre.0 - half), column(self.centre.0 + half))
    }
}

/// The colour of one individual: up to `most` of another colour in it, in the picture's light.
fn stray(colour: [f32; 3], most: f32, light: f32, noise: &mut Noise) -> [f32; 3] {
    let share = noise.between(0.0, most);
    colour.map(|level| light * (level * (1.0 - share) + noise.between(20.0, 235.0) * share))
}

/// Everything one picture is painted from.
pub(super) struct Scene {
    background: Field,
    subject: Field,
    oval: Oval,
    stripes: Stripes,
    grain: i32,
    noise: Noise,
    width: usize,
    height: u32,
}

impl Scene {
    /// The scene of one picture; `grain` is the standard deviation of the average class' grain.
    pub(super) fn new(look: &Look, key: u64, width: u32, height: u32, grain: f32) -> Self {
        let mut noise = Noise::new(key, 3);
        let light = noise.between(0.6, 1.25);
        let habitat = stray(look.habitat, 0.8, light, &mut noise);
        let subject = stray(look.subject, 0.75, light, &mut noise);
        Self {
            background: Field::new(habitat, 38.0, &mut noise),
            subject: Field::new(subject, 24.0, &mut noise),
            oval: Oval {
                centre: (noise.between(0.35, 0.65), noise.between(0.35, 0.65)),
                radius: (noise.between(0.28, 0.48), noise.between(0.28, 0.48)),
            },
            stripes: Stripes::new(look, width.max(height), &mut noise),
            grain: (look.grain * grain / GRAIN_DEVIATION * ONE).round() as i32,
            noise,
            width: width as usize,
            height,
        }
    }

    /// Where the subject is: x, y, width, height in pixels, inside the picture.
    pub(super) fn subject_box(&self) -> [f32; 4] {
        let (width, height) = (self.width as f32, self.height as f32);
        let left = ((self.oval.centre.0 - self.oval.radius.0) * width).max(0.0);
        let top = ((self.oval.centre.1 - self.oval.radius.1) * height).max(0.0);
        let right = ((self.oval.centre.0 + self.oval.radius.0) * width).min(width);
        let bottom = ((self.oval.centre.1 + self.oval.radius.1) * height).min(height);
        [left, top, right - left, bottom - top]
    }

    /// Paints the picture, `channels` bytes a pixel: 3 for red, green, blue; 1 for grey; 4 for
    /// CMYK as Adobe stores it in JPEG, inverted, so that red, green and blue come first there too.
    pub(super) fn paint(mut self, channels: usize) -> Vec<u8> {
        let mut pixels = vec![255; self.width * self.height as usize * channels];
        let mut grain = vec![0; self.width];
        let mut line = vec![0; self.width];
        for (y, row) in (0..).zip(pixels.chunks_exact_mut(self.width * channels)) {
            self.noise.fill_grain(&mut grain);
            for channel in 0..channels.min(3) {
                // The grey picture shows the green of the coloured one.
                let shown = if channels == 1 { 1 } else { channel };
                self.fill_line(shown, y, &mut line);
                let levels = line.iter().zip(&grain);
                for (pixel, (level, grain)) in row.chunks_exact_mut(channels).zip(levels) {
                    let level = (level + grain * self.grain) >> FRACTION;
                    pixel[channel] = level.clamp(0, 255) as u8;
                }
            }
        }
        pixels
    }

    fn fill_line(&self, channel: usize, y: u32, line: &mut [i32]) {
        let share = y as f32 / self.height as f32;
        let (from, to) = self.oval.columns(share, self.width);
        self.background
            .fill(channel, share, 0, self.width, &mut line[..from]);
        self.subject
            .fill(channel, share, from, self.width, &mut line[from..to]);
        self.stripes.add(y, from, &mut line[from..to]);
        self.background
            .fill(channel, share, to, self.width, &mut line[to..]);
    }
}
