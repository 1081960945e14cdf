//! Turns the bytes of JPEGs and PNGs and a [`Transform`] into pixels in the caller's memory.

mod boxes;
mod cpu;
mod crop;
mod decoder;
mod format;
pub mod header;
mod image;
mod jpeg;
mod many;
mod orientation;
mod output;
mod png;
mod resample;
mod rows;

pub use crop::{CropBox, SourceBox};
pub use decoder::Decoder;
pub use jpeg::ScanPoints;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use jpeg::greatest_coefficient;
pub use many::render_many;

/// How pixels between pixels are made; Pillow's filters of the same names, antialiased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Triangle filter, support 1.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -0.5, support 2.
    Bicubic,
    /// The mean of the pixels that an output pixel covers, support 1/2; the nearest pixel where the
    /// picture gets larger.
    Box,
    /// A sinc under a Hamming window, support 1: sharper than the triangle at the same cost.
    Hamming,
    /// A sinc under the middle lobe of another, support 3.
    Lanczos,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Bilinear,
        Self::Bicubic,
        Self::Box,
        Self::Hamming,
        Self::Lanczos,
    ];
}

/// How closely the pixels are those that Pillow makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fidelity {
    /// Byte for byte.
    #[default]
    Exact,
    /// Nearly, in less time: blocks are decoded at a fraction of their size where the output is
    /// smaller, and resampled with weights of 14 bits. Only plain baseline JPEGs; others are exact.
    Fast,
}

/// What names the random choices of one sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SampleKey {
    /// The run's seed.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
    /// The sample's number in its data set.
    pub sample: u64,
}

/// What happens between the decoded image and the batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    /// torchvision's `RandomResizedCrop` followed by `RandomHorizontalFlip`.
    RandomResizedCrop {
        /// Output height and width.
        size: (u32, u32),
        /// Least and greatest share of the image's area.
        scale: (f64, f64),
        /// Least and greatest width over height.
        ratio: (f64, f64),
        /// Probability of a horizontal flip.
        hflip: f64,
        /// Resampling filter.
        filter: Filter,
    },
    /// torchvision's `Resize(resize)` followed by `CenterCrop(crop)`.
    ResizeCenterCrop {
        /// Length of the shorter side after resizing.
        resize: u32,
        /// Output height and width.
        crop: (u32, u32),
        /// Resampling filter.
        filter: Filter,
    },
}

impl Transform {
    /// Output height and width.
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::RandomResizedCrop { size, .. } => *size,
            Self::ResizeCenterCrop { crop, .. } => *crop,
        }
    }
}

/// The type of one output value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtype {
    /// 0..=255, not normalised.
    #[default]
    Uint8,
    /// IEEE 754 half precision.
    Float16,
    /// IEEE 754 single precision.
    Float32,
}

impl Dtype {
    /// Bytes of one value.
    pub fn size(self) -> usize {
        match self {
            Self::Uint8 => 1,
            Self::Float16 => 2,
            Self::Float32 => 4,
        }
    }
}

/// The order of an output image's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Height, width, channel.
    #[default]
    Nhwc,
    /// Channel, height, width.
    Nchw,
}

/// What the batch holds: type, layout, normalisation.
///
/// Floats are `(value / 255 - mean) / std` per channel, 0 and 1 where not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// The type of one value.
    pub dtype: Dtype,
    /// The order of the dimensions.
    pub layout: Layout,
    /// Subtracted per channel, in units of 0..1.
    pub mean: [f32; 3],
    /// Divided by per channel, in units of 0..1.
    pub std: [f32; 3],
}

impl Default for Output {
    fn default() -> Self {
        Self {
            dtype: Dtype::Uint8,
            layout: Layout::Nhwc,
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }
}

/// How images become parts of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// Crop, resize, flip.
    pub transform: &'a Transform,
    /// Type, layout, normalisation.
    pub output: &'a Output,
    /// How closely the pixels are Pillow's.
    pub fidelity: Fidelity,
    /// The run's seed.
    pub seed: u64,
    /// The epoch.
    pub epoch: u64,
}

impl Recipe<'_> {
    /// What names the random choices of a sample.
    fn key(&self, sample: u64) -> SampleKey {
        SampleKey {
            seed: self.seed,
            epoch: self.epoch,
            sample,
        }
    }
}

/// A decoded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green, blue of every pixel, row by row.
    pub data: Vec<u8>,
}
