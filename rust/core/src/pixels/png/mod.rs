//! Turns PNG bytes into the RGB pixels that Pillow makes of them: alpha and transparency dropped, the
//! high byte of 16 bits, but 16 bits of grey clipped to 255; of an animation, the first picture.
//!
//! Not by a library, because what Pillow takes and refuses differs from what others do. Where a
//! stream of pixels is damaged or ends too early, that depends on how it is cut into pieces, and this
//! cuts it in the same way (`ImageFile.py`, `ZipDecode.c`; 13.0).

mod chunks;
mod description;
mod lines;

use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use super::jpeg::check_size;
use super::rows::{Rows, pass_on};
use crate::error::{Error, Result};
use crate::limits::DEFLATE_RATIO;
use chunks::Chunks;
pub(super) use chunks::SIGNATURE;
use description::Description;
use lines::{Colours, Kind, Pass, unfilter};

/// Memory that decoding needs, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pixels: Vec<u8>,
    line: Vec<u8>,
    above: Vec<u8>,
    inflater: Option<Decompress>,
}

/// A PNG whose chunks before the pixels are read.
#[derive(Debug)]
pub(super) struct Png<'a> {
    chunks: Chunks<'a>,
    description: Description<'a>,
    kind: Kind,
}

impl<'a> Png<'a> {
    /// Reads all that comes before the pixels.
    pub(super) fn open(data: &'a [u8]) -> Result<Self> {
        let (chunks, description) = Chunks::open(data)?;
        let Some(kind) = description.kind else {
            return Err(Error::decode(
                "the PNG has no header (IHDR), or one with a bit depth and colour type that do not exist",
            ));
        };
        let (width, height) = description.size;
        check_size(width, height)?;
        Ok(Self {
            chunks,
            description,
            kind,
        })
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.description.size
    }

    /// EXIF and XMP, wherever in the file they are; empty where there is none.
    pub(super) fn metadata(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (mut chunks, mut description) = (self.chunks, self.description.clone());
        chunks.finish(&mut description)?;
        let exif = match (description.exif, description.raw_profile) {
            (Some(exif), _) => exif.to_vec(),
            (None, Some(text)) => from_hexadecimal(&text).unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        Ok((exif, description.xmp.unwrap_or_default()))
    }

    /// Passes the pixels of these columns and rows on to `sink`.
    pub(super) fn decode(
        &self,
        columns: &Range<usize>,
        rows: &Range<usize>,
        scratch: &mut Scratch,
        sink: &mut dyn Rows,
    ) -> Result<()> {
        let (width, height) = self.description.size;
        let stride = width as usize * 3;
        let colours = Colours::new(self.kind, self.description.palette);
        let mut pixels = std::mem::take(&mut scratch.pixels);
        pixels.clear();
        pixels.resize(stride * height as usize, 0);
        if colours.first() != [0; 3] {
            for pixel in pixels.as_chunks_mut::<3>().0 {
                *pixel = colours.first();
            }
        }
        let painted = self.paint(&colours, &mut pixels, scratch);
        if painted.is_ok() {
            pass_on(&pixels, stride, columns, rows, sink);
        }
        scratch.pixels = pixels;
        painted
    }

    /// Writes all pixels to `out`.
    fn paint(&self, colours: &Colours, out: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        let (mut chunks, mut description) = (self.chunks, self.description.clone());
        let (width, height) = description.size;
        let frame = description.frame.unwrap_or([0, 0, width, height]);
        let mut lines = Lines::begin(self.kind, description.interlaced, frame, width, scratch)?;
        lines.reserve(chunks.rest())?;
        while !lines.take(chunks.pixels(&mut description)?, colours, out)? {}
        chunks.finish(&mut description)?;
        // A palette behind the pixels comes too late, a transparent colour there does not.
        let palette = self.description.palette;
        if palette.is_some_and(|palette| palette.len() / 3 > 256) {
            return Err(Error::decode(
                "expected at most 256 colours in the PNG's palette (PLTE), found more",
            ));
        }
        if self.kind.has_palette() && palette.is_none() && description.one_is_transparent {
            return Err(Error::decode(
                "the PNG says which colour of its palette is transparent, but has no palette (PLTE)",
            ));
        }
        Ok(())
    }
}

/// The bytes of a profile that was written as text: three lines of preface, then digits.
fn from_hexadecimal(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .splitn(4, |byte| *byte == b'\n')
        .nth(3)?
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| (*byte as char).to_digit(16).map(|digit| digit as u8))
        .collect();
    let pairs = digits?;
    let (pairs, []) = pairs.as_chunks::<2>() else {
        return None;
    };
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// A stream of pixels on its way to the picture.
#[derive(Debug)]
struct Lines<'a> {
    kind: Kind,
    passes: &'static [Pass],
    /// Left, top, width and height of what is decoded.
    frame: [usize; 4],
    /// Pixels of the picture's rows.
    width: usize,
    /// The next row, counted from the frame's top.
    row: usize,
    /// Bytes of the current line that are here, with the filter's number.
    filled: usize,
    line: &'a mut Vec<u8>,
    above: &'a mut Vec<u8>,
    inflater: &'a mut Decompress,
}

impl<'a> Lines<'a> {
    fn begin(
        kind: Kind,
        interlaced: bool,
        frame: [u32; 4],
        width: u32,
        scratch: &'a mut Scratch,
    ) -> Result<Self> {
        let [left, top, across, down] = frame.map(|length| length as usize);
        if across == 0 || down == 0 {
            return Err(Error::decode("the PNG's first frame has no pixels"));
        }
        let Scratch {
            line,
            above,
            inflater,
            ..
        } = scratch;
        let inflater = inflater.get_or_insert_with(|| Decompress::new(true));
        inflater.reset(true);
        let (passes, left, top): (&'static [Pass], _, _) = if interlaced {
            // Pillow puts interlaced frames into the corner, wherever they should be.
            (&Pass::INTERLACED, 0, 0)
        } else {
            (&Pass::WHOLE, left, top)
        };
        Ok(Self {
            kind,
            passes,
            frame: [left, top, across, down],
            width: width as usize,
            row: 0,
            filled: 0,
            line,
            above,
            inflater,
        })
    }

    /// Makes room for a line, which can come out of `bytes` bytes of the file.
    fn reserve(&mut self, bytes: usize) -> Result<()> {
        let length = self.kind.line_bytes(self.frame[2]) + 1;
        let first = self.kind.line_bytes(self.passes[0].columns(self.frame[2])) + 1;
        if first as u64 > (bytes as u64).saturating_mul(DEFLATE_RATIO) {
            return Err(Error::decode(format!(
                "{bytes} bytes cannot have the {first} bytes of a line of the PNG: it is truncated"
            )));
        }
        for line in [&mut *self.line, &mut *self.above] {
            line.clear();
            line.resize(length, 0);
        }
        Ok(())
    }

    /// Bytes of a line of the current pass, with the filter's number.
    fn length(&self) -> usize {
        self.kind.line_bytes(self.passes[0].columns(self.frame[2])) + 1
    }

    /// Takes a piece of the stream; true if there is no more to come.
    fn take(&mut self, mut piece: &[u8], colours: &Colours, out: &mut [u8]) -> Result<bool> {
        while !piece.is_empty() {
            let length = self.length();
            let (taken, made) = (self.inflater.total_in(), self.inflater.total_out());
            let target = &mut self.line[self.filled..length];
            let status = self
                .inflater
                .decompress(piece, target, FlushDecompress::None)
                .ok()
                .filter(|status| *status != Status::BufError);
            let Some(status) = status else {
                return Err(Error::decode("the PNG's stream of pixels is damaged"));
            };
            piece = &piece[(self.inflater.total_in() - taken) as usize..];
            self.filled += (self.inflater.total_out() - made) as usize;
            if self.filled < length {
                // What follows the end of a stream in a piece is for nothing.
                return Ok(false);
            }
            self.filled = 0;
            if !unfilter(self.kind, &mut self.line[..length], self.above) {
                return Err(Error::decode(format!(
                    "expected a filter from 0 to 4 in the PNG's row {}, found {}",
                    self.row, self.line[0]
                )));
            }
            self.put(&self.line[1..length], colours, out);
            std::mem::swap(self.line, self.above);
            if self.advance() || status == Status::StreamEnd {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn put(&self, line: &[u8], colours: &Colours, out: &mut [u8]) {
        let [left, top, across, _] = self.frame;
        let pass = self.passes[0];
        let row = (top + self.row) * self.width + left;
        let out = &mut out[(row + pass.start.0) * 3..(row + across) * 3];
        self.kind.paint(line, colours, out, pass.step.0);
    }

    /// Goes to the next line; true if there is none.
    fn advance(&mut self) -> bool {
        let [_, _, across, down] = self.frame;
        self.row += self.passes[0].step.1;
        while self.row >= down || self.passes[0].columns(across) == 0 {
            self.passes = &self.passes[1..];
            let Some(pass) = self.passes.first() else {
                return true;
            };
            self.row = pass.start.1;
            self.above.fill(0);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::SIGNATURE;
    use crate::pixels::Decoder;

    const NAMES: [[u8; 4]; 16] = [
        *b"IHDR", *b"PLTE", *b"IDAT", *b"IEND", *b"tRNS", *b"gAMA", *b"cHRM", *b"iCCP", *b"tEXt",
        *b"zTXt", *b"iTXt", *b"eXIf", *b"acTL", *b"fcTL", *b"fdAT", *b"DDAT",
    ];

    fn chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&name);
        hasher.update(body);
        let length = (body.len() as u32).to_be_bytes();
        [&length, &name, body, &hasher.finalize().to_be_bytes()].concat()
    }

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::fast();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A chunk with the right checksum, and maybe a body that means something.
    fn any_chunk() -> impl Strategy<Value = Vec<u8>> {
        let small = prop_oneof![0..20_u32, any::<u32>()];
        let header = (small, 0..9_u32, 0..5_u32, 0..7_u8, 0..2_u8);
        let body = vec(any::<u8>(), 0..40);
        (0..NAMES.len(), body, header, 0..4).prop_map(|(name, body, header, how)| {
            let (width, height, bits, colour, interlaced) = header;
            match how {
                0 => chunk(NAMES[name], &body),
                1 => chunk(NAMES[name], &compressed(&body)),
                2 => {
                    let fields = [body.len() as u32 % 3, width, height, bits, 1, 1];
                    let fields = fields.map(u32::to_be_bytes).concat();
                    chunk(NAMES[name], &[&fields[..], &[0; 8]].concat())
                }
                _ => {
                    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
                    let rest = [1_u8 << bits, colour, 0, 0, interlaced];
                    chunk(*b"IHDR", &[&sides[..], &rest].concat())
                }
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn any_chunks_give_pixels_or_an_error(
            chunks in vec(any_chunk(), 1..7),
            cut in 0..4_usize,
        ) {
            let mut data = [SIGNATURE, &chunks.concat()].concat();
            data.truncate(data.len() - cut);
            if let Ok((width, height)) = Decoder::size(&data)
                && u64::from(width) * u64::from(height) < 1 << 20
                && let Ok(image) = Decoder::default().decode(&data)
            {
                prop_assert_eq!(image.data.len(), width as usize * height as usize * 3);
            }
        }
    }
}
