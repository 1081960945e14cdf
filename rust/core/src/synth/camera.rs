//! Turns scenes into JPEG files of a wanted density, on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};

use super::look::Look;
use super::scene::Scene;
use crate::error::{Error, Result};
use crate::limits::IMAGE_PIXELS;

/// The colours a file stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Three components.
    #[default]
    Colour,
    /// One component.
    Grey,
    /// Four components, inverted as Adobe's programs write them.
    Cmyk,
}

impl Mode {
    /// The mode of a number of components.
    pub fn of_components(components: u8) -> Result<Self> {
        match components {
            1 => Ok(Self::Grey),
            3 => Ok(Self::Colour),
            4 => Ok(Self::Cmyk),
            _ => Err(Error::argument(format!(
                "a picture has 1, 3 or 4 components, not `{components}`"
            ))),
        }
    }
}

/// Which pictures to take, one array a property, all of the same length.
#[derive(Clone, Copy, Debug)]
pub struct Pictures<'a> {
    /// What each picture shows.
    pub classes: &'a [i64],
    /// The class' kin: classes of a group look related.
    pub groups: &'a [i64],
    /// What tells pictures of a class apart.
    pub keys: &'a [i64],
    /// Pixels across.
    pub widths: &'a [i64],
    /// Pixels down.
    pub heights: &'a [i64],
    /// 1 (grey), 3 (colour) or 4 (CMYK).
    pub components: &'a [u8],
}

struct Picture {
    class: u64,
    group: u64,
    key: u64,
    width: u32,
    height: u32,
    mode: Mode,
}

impl Pictures<'_> {
    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    fn check(&self) -> Result<()> {
        let lengths = [
            self.groups.len(),
            self.keys.len(),
            self.widths.len(),
            self.heights.len(),
            self.components.len(),
        ];
        if lengths.iter().any(|length| *length != self.len()) {
            return Err(Error::argument(
                "the arrays that describe pictures differ in length",
            ));
        }
        Ok(())
    }

    fn get(&self, number: usize) -> Result<Picture> {
        let (width, height) = (self.widths[number], self.heights[number]);
        // T.81 stores both sides in 16 bits.
        let side = |length: i64| {
            u32::try_from(length)
                .ok()
                .filter(|side| (1..=65_535).contains(side))
        };
        match (side(width), side(height)) {
            (Some(width), Some(height)) if u64::from(width) * u64::from(height) <= IMAGE_PIXELS => {
                Ok(Picture {
                    class: self.classes[number] as u64,
                    group: self.groups[number] as u64,
                    key: self.keys[number] as u64,
                    width,
                    height,
                    mode: Mode::of_components(self.components[number])?,
                })
            }
            _ => Err(Error::argument(format!(
                "a picture of {width} x {height} pixels cannot be stored as JPEG"
            ))),
        }
    }
}

/// Takes pictures whose files have a wanted number of bits per pixel on average.
#[derive(Clone, Debug)]
pub struct Camera {
    seed: u64,
    quality: u8,
    grain: f32,
}

/// Trial pictures are this many pixels wide; taller than wide and the reverse cost the same.
const TRIAL_SIDE: u32 = 192;
const TRIAL_CLASSES: u64 = 8;
/// The least share of the pixel count that a header may add before density is hopeless.
const DENSITY: std::ops::RangeInclusive<f32> = 0.5..=9.0;

impl Camera {
    /// A camera of which `seed` decides how classes look. It takes trial pictures to find the
    /// quality and grain that give `bits_per_pixel` (0.5 to 9) of entropy-coded data.
    pub fn new(seed: u64, bits_per_pixel: f32) -> Result<Self> {
        if !DENSITY.contains(&bits_per_pixel) {
            return Err(Error::argument(format!(
                "bits per pixel must be between 0.5 and 9, not `{bits_per_pixel}`"
            )));
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..12 {
            let middle = (low + high) / 2.0;
            let density = Self::with_effort(seed, middle).trial_density()?;
            if density < bits_per_pixel {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(Self::with_effort(seed, high))
    }

    /// Both the quality and the grain grow with the effort, and so do the files.
    fn with_effort(seed: u64, effort: f32) -> Self {
        Self {
            seed,
            quality: (40.0 + 57.0 * effort) as u8,
            grain: 24.0 * effort * effort,
        }
    }

    fn trial_density(&self) -> Result<f32> {
        let (mut bytes, mut pixels) = (0, 0);
        for class in 0..TRIAL_CLASSES {
            let side = TRIAL_SIDE;
            let trial = |width, height| {
                let key = !class;
                self.take(&Picture {
                    class,
                    group: class,
                    key,
                    width,
                    height,
                    mode: Mode::Colour,
                })
            };
            // The difference of two sizes is free of headers and tables.
            bytes += trial(side, side)?.len() - trial(side, side / 2)?.len();
            pixels += side * side / 2;
        }
        Ok(bytes as f32 * 8.0 / pixels as f32)
    }

    fn scene(&self, picture: &Picture) -> Scene {
        let look = Look::new(self.seed, picture.class, picture.group);
        Scene::new(
            &look,
            picture.key,
            picture.width,
            picture.height,
            self.grain,
        )
    }

    fn take(&self, picture: &Picture) -> Result<Vec<u8>> {
        let (channels, format) = match picture.mode {
            Mode::Colour => (3, PixelFormat::Rgb),
            Mode::Grey => (1, PixelFormat::Grayscale),
            Mode::Cmyk => (4, PixelFormat::Cmyk),
        };
        let pixels = self.scene(picture).paint(channels);
        // Half of the files keep full colour resolution, as a collection from many cameras does.
        let subsampling = match picture.mode {
            Mode::Colour if picture.key % 2 == 0 => Subsampling::S420,
            _ => Subsampling::S444,
        };
        Encoder::new(
            &pixels,
            picture.width as usize,
            picture.height as usize,
            format,
        )
        .quality(self.quality)
        .subsampling(subsampling)
        .encode()
        .map_err(|error| Error::argument(format!("the picture cannot be encoded: {error}")))
    }

    /// The JPEG files of `pictures`, in order, made on `threads` threads (at least one).
    ///
    /// The result does not depend on the number of threads.
    pub fn photograph(&self, pictures: &Pictures<'_>, threads: usize) -> Result<Vec<Vec<u8>>> {
        pictures.check()?;
        let next = AtomicUsize::new(0);
        let taken: Vec<_> = pictures.classes.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            while let number = next.fetch_add(1, Ordering::Relaxed)
                && number < taken.len()
            {
                let file = pictures.get(number).and_then(|picture| self.take(&picture));
                *taken[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(taken.len()) {
                scope.spawn(work);
            }
            work();
        });
        taken
            .into_iter()
            .map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
            .map(|file| file.unwrap_or_else(|| Err(Error::argument("a picture was not taken"))))
            .collect()
    }

    /// Where the subject of each picture is: x, y, width, height in pixels.
    pub fn subject_boxes(&self, pictures: &Pictures<'_>) -> Result<Vec<[f32; 4]>> {
        pictures.check()?;
        (0..pictures.len())
            .map(|number| Ok(self.scene(&pictures.get(number)?).subject_box()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sixteen(components: u8, run: impl FnOnce(&Pictures<'_>)) {
        let classes: Vec<i64> = (0..16).map(|number| number % 5).collect();
        let keys: Vec<i64> = (100..116).collect();
        run(&Pictures {
            classes: &classes,
            groups: &classes,
            keys: &keys,
            widths: &[320; 16],
            heights: &[240; 16],
            components: &[components; 16],
        });
    }

    #[test]
    fn files_have_the_density_asked_for() {
        for wanted in [1.5, 4.9, 8.0] {
            let camera = Camera::new(7, wanted).unwrap();
            sixteen(3, |pictures| {
                let files = camera.photograph(pictures, 2).unwrap();
                let bits = files.iter().map(Vec::len).sum::<usize>() * 8;
                let found = bits as f32 / (16.0 * 320.0 * 240.0);
                assert!(
                    (found / wanted - 1.0).abs() < 0.15,
                    "wanted {wanted}, found {found}"
                );
            });
        }
    }

    #[test]
    fn any_number_of_threads_makes_the_same_files() {
        let camera = Camera::new(7, 4.9).unwrap();
        sixteen(3, |pictures| {
            let one = camera.photograph(pictures, 1).unwrap();
            assert_eq!(one, camera.photograph(pictures, 3).unwrap());
            assert_ne!(one[0], one[5], "two pictures of a class must differ");
        });
    }

    #[test]
    fn every_mode_decodes_to_its_size() {
        let camera = Camera::new(7, 4.9).unwrap();
        for components in [1, 3, 4] {
            sixteen(components, |pictures| {
                for file in camera.photograph(pictures, 1).unwrap() {
                    let image = libjpeg_turbo_rs::decompress(&file).unwrap();
                    assert_eq!((image.width, image.height), (320, 240));
                }
            });
        }
    }

    #[test]
    fn impossible_pictures_are_refused() {
        assert!(Camera::new(0, 0.0).is_err());
        assert!(Camera::new(0, f32::NAN).is_err());
        let camera = Camera::new(0, 4.9).unwrap();
        for (width, components) in [(0, 3), (70_000, 3), (16, 2)] {
            let pictures = Pictures {
                classes: &[0],
                groups: &[0],
                keys: &[0],
                widths: &[width],
                heights: &[16],
                components: &[components],
            };
            assert!(camera.photograph(&pictures, 1).is_err());
        }
    }
}
