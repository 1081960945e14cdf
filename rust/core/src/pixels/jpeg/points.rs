//! Remembers where decoding may start within a scan, and the DC predictors there, so that a later
//! decoding of the same photo begins at its crop.
//!
//! Not here: keeping the points of an archive's photos in a file.

use super::huffman::Unusual;

/// Bytes of a scan from one point to the next, about: passing over half of them takes a microsecond.
const SPACING: usize = 1024;

/// Most points of a photo; where that is too few, they are further apart.
const POINTS: usize = 1024;

/// A place where an MCU starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Point {
    /// Bits from the start of the scan as it is stored, stuffed zeros counted.
    pub(super) bit: u32,
    /// The last DC coefficient of every component.
    pub(super) dc: [i16; 4],
}

/// Places in the scan of one photo: in every row of MCUs that was passed so far, the first MCU and
/// others at the same distance from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanPoints {
    /// What the points are of: MCUs of a row, rows of them, components, bytes of the scan.
    scan: [u32; 4],
    /// MCUs from one point of a row to the next.
    step: u32,
    points: Vec<Point>,
}

/// Bytes before the points when encoded.
const HEADER: usize = 4 * 4 + 4;

impl ScanPoints {
    /// Forgets everything, but keeps the memory.
    pub fn clear(&mut self) {
        self.points.clear();
        self.scan = [0; 4];
        self.step = 0;
    }

    /// Rows of MCUs that have points.
    pub fn rows(&self) -> usize {
        self.points.len() / self.per_row().max(1)
    }

    /// Rows of MCUs that the photo has; 0 where nothing is known of it.
    pub fn rows_in_all(&self) -> usize {
        self.scan[1] as usize
    }

    /// Appends the points as bytes: 20 that tell the scan, then 4 and 2 for every component a point.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for value in self.scan.iter().chain([&self.step]) {
            out.extend(value.to_le_bytes());
        }
        let components = self.components();
        for point in &self.points {
            out.extend(point.bit.to_le_bytes());
            for dc in &point.dc[..components] {
                out.extend(dc.to_le_bytes());
            }
        }
    }

    /// Takes what [`ScanPoints::encode`] wrote; nothing is kept of bytes that it cannot have written.
    pub fn decode(&mut self, bytes: &[u8]) {
        self.clear();
        let Some((header, points)) = bytes.split_first_chunk::<HEADER>() else {
            return;
        };
        let word = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (scan, step) = ([word(0), word(4), word(8), word(12)], word(16));
        let size = 4 + 2 * scan[2] as usize;
        if step == 0 || !(1..=4).contains(&scan[2]) || points.len() % size != 0 {
            return;
        }
        (self.scan, self.step) = (scan, step);
        self.points.extend(points.chunks_exact(size).map(|bytes| {
            let (bit, predictors) = bytes.split_at(4);
            let mut dc = [0; 4];
            for (dc, bytes) in dc.iter_mut().zip(predictors.as_chunks().0) {
                *dc = i16::from_le_bytes(*bytes);
            }
            Point {
                bit: bit.try_into().map_or(0, u32::from_le_bytes),
                dc,
            }
        }));
        let rows = self.rows();
        if rows * self.per_row() != self.points.len() || rows > scan[1] as usize {
            self.clear();
        }
    }

    fn components(&self) -> usize {
        self.scan[2] as usize
    }

    /// Points of a row.
    fn per_row(&self) -> usize {
        match self.step {
            0 => 0,
            step => self.scan[0].div_ceil(step) as usize,
        }
    }

    /// Makes sure that the points are of this scan, if there are any.
    pub(super) fn expect(&mut self, width: usize, rows: usize, components: usize, bytes: usize) {
        let scan = [width, rows, components, bytes].map(|value| value as u32);
        if self.scan == scan && self.step > 0 {
            return;
        }
        self.clear();
        // Bits are counted in 32 bits.
        if bytes < (1 << 28) {
            let most = (POINTS / rows).max(1);
            let wanted = (bytes / rows / SPACING).clamp(1, most);
            self.scan = scan;
            self.step = width.div_ceil(wanted) as u32;
        }
    }

    /// The distance of points, in MCUs.
    pub(super) fn step(&self) -> usize {
        self.step.max(1) as usize
    }

    /// Whether points can be taken at all.
    pub(super) fn is_on(&self) -> bool {
        self.step > 0
    }

    /// The point at or before a column of a row, if that row has points, and its column.
    pub(super) fn at(&self, row: usize, column: usize) -> Option<(Point, usize)> {
        if row >= self.rows() {
            return None;
        }
        let number = column / self.step();
        let point = self.points.get(row * self.per_row() + number)?;
        Some((*point, number * self.step()))
    }

    /// Adds the next point.
    pub(super) fn push(&mut self, bit: usize, dc: &[i32; 4]) -> Result<(), Unusual> {
        let mut point = Point {
            bit: u32::try_from(bit).map_err(|_| Unusual)?,
            dc: [0; 4],
        };
        for (place, &value) in point.dc.iter_mut().zip(dc) {
            *place = i16::try_from(value).map_err(|_| Unusual)?;
        }
        self.points.push(point);
        Ok(())
    }

    /// Drops the points of the last row if there are not all of them.
    pub(super) fn end(&mut self) {
        let whole = self.rows() * self.per_row();
        self.points.truncate(whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Decoder, Fidelity, Filter, Output, Recipe, Transform};
    use crate::synth::{Camera, Pictures};

    fn photos() -> Vec<Vec<u8>> {
        let pictures = Pictures {
            classes: &[0, 1, 2, 3],
            groups: &[0, 1, 2, 3],
            keys: &[0, 1, 2, 3],
            widths: &[240, 133, 320, 17],
            heights: &[180, 201, 64, 33],
            components: &[3, 3, 1, 3],
        };
        Camera::new(1, 4.9)
            .unwrap()
            .photograph(&pictures, 1)
            .unwrap()
    }

    const CROP: Transform = Transform::RandomResizedCrop {
        size: (32, 32),
        scale: (0.02, 0.6),
        ratio: (0.5, 2.0),
        hflip: 0.5,
        filter: Filter::Bilinear,
    };

    fn render_as(
        data: &[u8],
        transform: &Transform,
        epoch: u64,
        points: Option<&mut ScanPoints>,
    ) -> Vec<u8> {
        let output = Output::default();
        let recipe = Recipe {
            transform,
            output: &output,
            fidelity: Fidelity::Exact,
            seed: 5,
            epoch,
        };
        let mut out = vec![0; output.bytes(transform.size()).unwrap()];
        Decoder::default()
            .render(data, &recipe, 1, points, &mut out)
            .unwrap();
        out
    }

    fn render(data: &[u8], epoch: u64, points: Option<&mut ScanPoints>) -> Vec<u8> {
        render_as(data, &CROP, epoch, points)
    }

    #[test]
    fn crops_are_the_same_with_points_of_earlier_crops() {
        for data in photos() {
            let mut points = ScanPoints::default();
            let mut rows = 0;
            for epoch in 0..60 {
                let expected = render(&data, epoch, None);
                assert_eq!(render(&data, epoch, Some(&mut points)), expected);
                assert!(points.rows() >= rows);
                rows = points.rows();
                let mut bytes = Vec::new();
                points.encode(&mut bytes);
                let mut again = ScanPoints::default();
                again.decode(&bytes);
                assert_eq!(again, points);
            }
            assert!(rows > 2);
        }
    }

    #[test]
    fn points_of_another_photo_are_forgotten() {
        let photos = photos();
        for data in &photos {
            for other in &photos {
                let mut points = ScanPoints::default();
                render(other, 0, Some(&mut points));
                assert_eq!(render(data, 1, Some(&mut points)), render(data, 1, None));
            }
        }
    }

    #[test]
    fn a_point_that_is_passed_is_checked() {
        let data = &photos()[0];
        let whole = Transform::ResizeCenterCrop {
            resize: 180,
            crop: (180, 240),
            filter: Filter::Bilinear,
        };
        let render = |points: Option<&mut ScanPoints>| render_as(data, &whole, 0, points);
        let mut points = ScanPoints::default();
        let expected = render(Some(&mut points));
        assert_eq!(expected, render(None));
        for number in 1..points.points.len() {
            for way in 0..3 {
                let mut wrong = points.clone();
                let point = &mut wrong.points[number];
                match way {
                    0 => point.bit += 1,
                    1 => point.bit = point.bit.saturating_sub(800),
                    _ => point.dc[1] ^= 4,
                }
                // The first of a row is where decoding starts; the row above does not pass it.
                if !number.is_multiple_of(points.per_row()) {
                    assert_eq!(render(Some(&mut wrong)), expected, "{number} {way}");
                }
            }
        }
    }

    proptest::proptest! {
        /// Whoever keeps the bytes has a checksum on them; if that fails to see a change, the pixels
        /// may be wrong, but nothing else.
        #[test]
        fn changed_bytes_do_no_harm(
            changes in proptest::collection::vec((0_usize..4000, proptest::num::u8::ANY), 1..9)
        ) {
            static MADE: std::sync::OnceLock<(Vec<u8>, Vec<u8>)> = std::sync::OnceLock::new();
            let (data, bytes) = MADE.get_or_init(|| {
                let data = photos().swap_remove(0);
                let mut points = ScanPoints::default();
                (0..9).for_each(|epoch| drop(render(&data, epoch, Some(&mut points))));
                let mut bytes = Vec::new();
                points.encode(&mut bytes);
                (data, bytes)
            });
            let mut bytes = bytes.clone();
            let length = bytes.len();
            for (at, byte) in changes {
                bytes[at % length] = byte;
            }
            let mut points = ScanPoints::default();
            points.decode(&bytes);
            render(data, 20, Some(&mut points));
        }
    }
}
