//! Turns a PNG's filtered lines into RGB pixels (ISO/IEC 15948 7.2, 9.2), as Pillow converts them.

/// What a sample is: bits and colour type (ISO/IEC 15948 11.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    bits: u8,
    colour: u8,
}

const GREY: u8 = 0;
const TRUE_COLOUR: u8 = 2;
const PALETTE: u8 = 3;
const GREY_ALPHA: u8 = 4;
const TRUE_COLOUR_ALPHA: u8 = 6;

impl Kind {
    /// A combination that the standard has; `None` for others.
    pub(super) fn new(bits: u8, colour: u8) -> Option<Self> {
        let exists = match colour {
            GREY => matches!(bits, 1 | 2 | 4 | 8 | 16),
            PALETTE => matches!(bits, 1 | 2 | 4 | 8),
            TRUE_COLOUR | GREY_ALPHA | TRUE_COLOUR_ALPHA => matches!(bits, 8 | 16),
            _ => false,
        };
        exists.then_some(Self { bits, colour })
    }

    /// Whether samples are numbers of colours.
    pub(super) fn has_palette(self) -> bool {
        self.colour == PALETTE
    }

    /// The least bytes of a transparent colour.
    pub(super) fn transparency_bytes(self) -> usize {
        match self.colour {
            GREY => 2,
            TRUE_COLOUR => 6,
            _ => 0,
        }
    }

    fn pixel_bits(self) -> usize {
        let samples = match self.colour {
            TRUE_COLOUR => 3,
            GREY_ALPHA => 2,
            TRUE_COLOUR_ALPHA => 4,
            _ => 1,
        };
        samples * usize::from(self.bits)
    }

    /// Bytes of a line of so many pixels, without its filter.
    pub(super) fn line_bytes(self, pixels: usize) -> usize {
        (pixels * self.pixel_bits()).div_ceil(8)
    }

    /// How far filters look back, in bytes.
    fn back(self) -> usize {
        self.pixel_bits().div_ceil(8)
    }

    /// Writes a line's pixels to every `step`-th pixel of `out`.
    pub(super) fn paint(self, line: &[u8], colours: &Colours, out: &mut [u8], step: usize) {
        let pixels = out.chunks_mut(step * 3);
        if self.bits < 8 {
            let (bits, mask) = (usize::from(self.bits), (1 << self.bits) - 1);
            for (at, pixel) in pixels.enumerate() {
                let shift = 8 - bits - at * bits % 8;
                let sample = line[at * bits / 8] >> shift & mask;
                pixel[..3].copy_from_slice(&colours.0[usize::from(sample)]);
            }
            return;
        }
        let samples = line.chunks_exact(self.back());
        match (self.colour, self.bits) {
            (TRUE_COLOUR, 8) if step == 1 => {
                let length = out.len();
                out.copy_from_slice(&line[..length]);
            }
            (TRUE_COLOUR | TRUE_COLOUR_ALPHA, 8) => {
                for (pixel, sample) in pixels.zip(samples) {
                    pixel[..3].copy_from_slice(&sample[..3]);
                }
            }
            (TRUE_COLOUR | TRUE_COLOUR_ALPHA, _) => {
                for (pixel, sample) in pixels.zip(samples) {
                    pixel[..3].copy_from_slice(&[sample[0], sample[2], sample[4]]);
                }
            }
            (GREY, 16) => {
                // Pillow's conversion from its mode I;16 clips, it does not scale.
                for (pixel, sample) in pixels.zip(samples) {
                    let grey = if sample[0] == 0 { sample[1] } else { 255 };
                    pixel[..3].fill(grey);
                }
            }
            (GREY_ALPHA, 16) => {
                for (pixel, sample) in pixels.zip(samples) {
                    pixel[..3].fill(sample[0]);
                }
            }
            _ => {
                for (pixel, sample) in pixels.zip(samples) {
                    pixel[..3].copy_from_slice(&colours.0[usize::from(sample[0])]);
                }
            }
        }
    }
}

/// The colours of all samples of up to 8 bits.
#[derive(Clone)]
pub(super) struct Colours([[u8; 3]; 256]);

impl std::fmt::Debug for Colours {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Colours").finish_non_exhaustive()
    }
}

impl Colours {
    /// Those of a palette, black where it has none; or shades of grey.
    pub(super) fn new(kind: Kind, palette: Option<&[u8]>) -> Self {
        let mut colours = [[0; 3]; 256];
        if kind.has_palette() {
            let entries = palette.unwrap_or_default().as_chunks().0;
            for (colour, entry) in colours.iter_mut().zip(entries) {
                *colour = *entry;
            }
        } else {
            let factor = match kind.bits {
                1 => 255,
                2 => 85,
                4 => 17,
                _ => 1,
            };
            for (sample, colour) in colours.iter_mut().enumerate() {
                *colour = [(sample * factor) as u8; 3];
            }
        }
        Self(colours)
    }

    /// What pixels are that nothing is said of.
    pub(super) fn first(&self) -> [u8; 3] {
        self.0[0]
    }
}

/// Undoes a line's filter (9.2), `line` and the one above it starting with the filter's number;
/// false if there is no such filter.
pub(super) fn unfilter(kind: Kind, line: &mut [u8], above: &[u8]) -> bool {
    let Some((&mut filter, line)) = line.split_first_mut() else {
        return false;
    };
    let above = &above[1..=line.len()];
    let back = kind.back().min(line.len());
    match filter {
        0 => {}
        1 => {
            for at in back..line.len() {
                line[at] = line[at].wrapping_add(line[at - back]);
            }
        }
        2 => {
            for (byte, above) in line.iter_mut().zip(above) {
                *byte = byte.wrapping_add(*above);
            }
        }
        3 => {
            for (byte, above) in line[..back].iter_mut().zip(above) {
                *byte = byte.wrapping_add(above / 2);
            }
            for at in back..line.len() {
                let mean = u16::from(line[at - back]).midpoint(u16::from(above[at]));
                line[at] = line[at].wrapping_add(mean as u8);
            }
        }
        4 => {
            for (byte, above) in line[..back].iter_mut().zip(above) {
                *byte = byte.wrapping_add(*above);
            }
            for at in back..line.len() {
                let predicted = paeth(line[at - back], above[at], above[at - back]);
                line[at] = line[at].wrapping_add(predicted);
            }
        }
        _ => return false,
    }
    true
}

/// Whichever neighbour is nearest to `left + above - corner` (9.4).
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let (to_left, to_above, to_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
    if to_left <= to_above && to_left <= to_corner {
        left
    } else if to_above <= to_corner {
        above
    } else {
        corner
    }
}

/// One of the passes in which interlaced pixels come (8.2); a picture that is not interlaced has
/// [`Pass::WHOLE`] alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// First column and row.
    pub(super) start: (usize, usize),
    /// From one column, and one row, to the next.
    pub(super) step: (usize, usize),
}

impl Pass {
    /// Every pixel.
    pub(super) const WHOLE: [Self; 1] = [Self::new((0, 0), (1, 1))];

    /// Adam7.
    pub(super) const INTERLACED: [Self; 7] = [
        Self::new((0, 0), (8, 8)),
        Self::new((4, 0), (8, 8)),
        Self::new((0, 4), (4, 8)),
        Self::new((2, 0), (4, 4)),
        Self::new((0, 2), (2, 4)),
        Self::new((1, 0), (2, 2)),
        Self::new((0, 1), (1, 2)),
    ];

    const fn new(start: (usize, usize), step: (usize, usize)) -> Self {
        Self { start, step }
    }

    /// How many pixels a line has where the picture has `width`.
    pub(super) fn columns(self, width: usize) -> usize {
        width.saturating_sub(self.start.0).div_ceil(self.step.0)
    }
}
