//! Rows of RGB pixels on their way from a decoder, a few at a time, to whoever wants them.

use std::ops::Range;

/// Takes the rows of a picture's window from top to bottom.
pub(super) trait Rows {
    /// Rows are about to come; those that came before were for nothing.
    fn begin(&mut self);

    /// Memory for these rows, which are the next ones, and the bytes from one row to the next.
    fn space(&mut self, rows: Range<usize>) -> (&mut [u8], usize);

    /// The rows that there was space for are written.
    fn filled(&mut self, rows: Range<usize>);
}

/// All rows, one after the other without gaps.
#[derive(Debug)]
pub(super) struct Whole<'a> {
    /// Where they go.
    pub(super) out: &'a mut [u8],
    /// Bytes of a row.
    pub(super) stride: usize,
}

impl Rows for Whole<'_> {
    fn begin(&mut self) {}

    fn space(&mut self, rows: Range<usize>) -> (&mut [u8], usize) {
        (
            &mut self.out[rows.start * self.stride..rows.end * self.stride],
            self.stride,
        )
    }

    fn filled(&mut self, _: Range<usize>) {}
}

/// Passes on the `window`'s columns of rows that were decoded whole, `stride` bytes apart.
pub(super) fn pass_on(
    pixels: &[u8],
    stride: usize,
    columns: &Range<usize>,
    rows: &Range<usize>,
    sink: &mut dyn Rows,
) {
    /// Rows that stay in the first-level cache.
    const BAND: usize = 8;
    sink.begin();
    for start in rows.clone().step_by(BAND) {
        let band = start..(start + BAND).min(rows.end);
        let (out, out_stride) = sink.space(band.clone());
        for (row, out) in band.clone().zip(out.chunks_mut(out_stride)) {
            let from = row * stride + columns.start * 3;
            out[..columns.len() * 3].copy_from_slice(&pixels[from..from + columns.len() * 3]);
        }
        sink.filled(band);
    }
}
