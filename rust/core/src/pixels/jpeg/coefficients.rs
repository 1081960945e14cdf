//! Turns the sizes of a frame into room for all its coefficients, kept from one image to the next.

use super::layout::Layout;

/// A block of coefficients in the order of rows.
pub(super) type Block = [i16; 64];

/// The coefficients of one component.
#[derive(Debug, Default)]
pub(super) struct Plane {
    /// Blocks from left to right, row after row.
    pub(super) blocks: Vec<Block>,
    /// Blocks of a row: as many as its interleaved MCUs have.
    pub(super) stride: usize,
    /// Rows: as many as its interleaved MCUs have.
    pub(super) rows: usize,
}

impl Plane {
    /// One row of blocks.
    pub(super) fn row(&self, row: usize) -> &[Block] {
        &self.blocks[row * self.stride..(row + 1) * self.stride]
    }
}

/// The coefficients of all components of a frame.
#[derive(Debug, Default)]
pub(super) struct Coefficients {
    /// By component.
    pub(super) planes: [Plane; 4],
}

/// Most bytes of one plane that are kept for the next image.
const KEPT_BYTES: usize = 64 << 20;

impl Coefficients {
    /// Makes room for the coefficients of a frame, whose size was checked, all of them zero.
    pub(super) fn lay_out(&mut self, layout: &Layout) {
        for (plane, component) in self.planes.iter_mut().zip(&layout.components) {
            plane.stride = layout.mcus.0 * component.sampling.0;
            plane.rows = layout.mcus.1 * component.sampling.1;
            let length = plane.stride * plane.rows;
            if plane.blocks.capacity() < length {
                // Memory that comes zeroed costs nothing until it is used.
                plane.blocks = vec![[0; 64]; length];
            } else {
                plane.blocks.clear();
                plane.blocks.resize(length, [0; 64]);
            }
        }
    }

    /// Gives back what a huge image needed.
    pub(super) fn trim(&mut self) {
        for plane in &mut self.planes {
            if plane.blocks.capacity() * size_of::<Block>() > KEPT_BYTES {
                plane.blocks = Vec::new();
            }
        }
    }
}
