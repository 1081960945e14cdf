//! Turns a frame header (SOF) into the sizes of everything: components, blocks, MCUs
//! (`initial_setup` of `jdinput.c`, T.81 A.1 and A.2).

use super::check_size;
use super::markers::damaged;
use crate::error::{Error, Result};

/// How a frame's scans are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Every coefficient once, in Huffman codes.
    Sequential,
    /// Bit by bit or band by band, in Huffman codes.
    Progressive,
    /// Either, in arithmetic code: not decoded here.
    Arithmetic,
    /// Without a DCT, in Huffman codes: not decoded here.
    Lossless,
}

/// One component of a frame.
#[derive(Clone, Debug)]
pub(super) struct Component {
    /// Its name in scan headers.
    pub(super) id: u8,
    /// Blocks of one interleaved MCU, across and down.
    pub(super) sampling: (usize, usize),
    /// Number of its quantisation table.
    pub(super) table: usize,
    /// Blocks that show something, across and down.
    pub(super) blocks: (usize, usize),
    /// The quantisation table that its first scan found.
    pub(super) quantisation: Option<Box<[u16; 64]>>,
}

/// The frame of an image.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// How its scans are coded.
    pub(super) coding: Coding,
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// One, three or four components.
    pub(super) components: Vec<Component>,
    /// The greatest sampling, across and down.
    pub(super) sampling: (usize, usize),
    /// Interleaved MCUs, across and down.
    pub(super) mcus: (usize, usize),
}

/// libjpeg-turbo's `JPEG_MAX_DIMENSION`.
const GREATEST_SIDE: u32 = 65500;

impl Layout {
    /// From what follows the length of the segment.
    pub(super) fn read(body: &[u8], coding: Coding) -> Result<Self> {
        let Some((&[precision, h1, h0, w1, w0, count], entries)) = body.split_first_chunk() else {
            return Err(damaged(format!("a frame header of {} bytes", body.len())));
        };
        if precision != 8 {
            return Err(Error::decode(format!(
                "expected 8 bits a sample, found {precision} bits a sample"
            )));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(Error::decode(format!(
                "expected 1, 3 or 4 components, found {count}"
            )));
        }
        let width = u32::from(u16::from_be_bytes([w1, w0]));
        let height = u32::from(u16::from_be_bytes([h1, h0]));
        check_size(width, height)?;
        if width.max(height) > GREATEST_SIDE {
            return Err(Error::decode(format!(
                "the image is {width} x {height} pixels, more than {GREATEST_SIDE} on one side"
            )));
        }
        if entries.len() != 3 * usize::from(count) {
            return Err(damaged(format!(
                "a frame header of {} bytes for {count} components",
                body.len()
            )));
        }
        let mut sampling = (1, 1);
        for entry in entries.as_chunks::<3>().0 {
            let (h, v) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
                return Err(damaged(format!("a sampling factor of {h} x {v}")));
            }
            sampling = (sampling.0.max(h), sampling.1.max(v));
        }
        let (across, down) = (width as usize, height as usize);
        let components = entries.as_chunks::<3>().0.iter().map(|entry| {
            let (h, v) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            Component {
                id: entry[0],
                sampling: (h, v),
                table: usize::from(entry[2]),
                blocks: (
                    (across * h).div_ceil(8 * sampling.0),
                    (down * v).div_ceil(8 * sampling.1),
                ),
                quantisation: None,
            }
        });
        Ok(Self {
            coding,
            width,
            height,
            components: components.collect(),
            sampling,
            mcus: (
                across.div_ceil(8 * sampling.0),
                down.div_ceil(8 * sampling.1),
            ),
        })
    }
}
