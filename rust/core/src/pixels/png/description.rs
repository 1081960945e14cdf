//! Turns the chunks around a PNG's pixels into what decoding and orientation need of them.

use flate2::{Decompress, FlushDecompress, Status};

use super::lines::Kind;
use crate::error::{Error, Result};
use crate::limits::{PNG_TEXT_BYTES, PNG_TEXTS_BYTES};

/// What a PNG says of its pixels.
#[derive(Clone, Debug, Default)]
pub(super) struct Description<'a> {
    /// Width and height.
    pub(super) size: (u32, u32),
    /// What a sample is; `None` if that is no combination of the standard's.
    pub(super) kind: Option<Kind>,
    /// Whether the pixels come in seven passes (Adam7).
    pub(super) interlaced: bool,
    /// Red, green and blue of every colour that a palette has.
    pub(super) palette: Option<&'a [u8]>,
    /// Whether just one colour of the palette is transparent.
    pub(super) one_is_transparent: bool,
    /// Left, top, width and height of the first frame of an animation.
    pub(super) frame: Option<[u32; 4]>,
    /// How many frames an animation has.
    frames: Option<u32>,
    /// Whether there are frames beside the first, as far as is known where the pixels begin.
    pub(super) is_animated: bool,
    /// The number of the last chunk of an animation.
    number: Option<u32>,
    /// Letters of texts until now.
    letters: u64,
    /// Where Pillow looks for an orientation, best first.
    pub(super) exif: Option<&'a [u8]>,
    /// An EXIF structure in hexadecimal digits, as `ImageMagick` writes it.
    pub(super) raw_profile: Option<Vec<u8>>,
    /// XMP, in XML.
    pub(super) xmp: Option<Vec<u8>>,
}

fn word(body: &[u8], at: usize) -> u32 {
    let bytes = body.iter().skip(at).take(4);
    bytes.fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// The parts before and after the first zero byte.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let zero = memchr::memchr(0, bytes)?;
    Some((&bytes[..zero], &bytes[zero + 1..]))
}

impl<'a> Description<'a> {
    /// Takes any chunk that has no pixels.
    pub(super) fn take(&mut self, name: [u8; 4], body: &'a [u8]) -> Result<()> {
        let least = match &name {
            b"IHDR" => 13,
            b"tRNS" => self.kind.map_or(0, Kind::transparency_bytes),
            b"gAMA" => 4,
            b"cHRM" => 32,
            b"sRGB" => 1,
            b"pHYs" => 9,
            b"acTL" => 8,
            b"fcTL" => 26,
            _ => 0,
        };
        if body.len() < least {
            return Err(Error::decode(format!(
                "expected {least} bytes or more in the PNG's chunk {}, found {}",
                String::from_utf8_lossy(&name),
                body.len()
            )));
        }
        match &name {
            b"IHDR" => self.take_header(body)?,
            b"PLTE" if self.kind.is_some_and(Kind::has_palette) => self.palette = Some(body),
            b"tRNS" if self.kind.is_some_and(Kind::has_palette) => {
                // The expression that Pillow matches ends in `$`, which allows a line feed.
                let entries = body.strip_suffix(b"\n").unwrap_or(body);
                let mut others = entries.iter().filter(|alpha| **alpha != 255);
                self.one_is_transparent = others.next() == Some(&0) && others.next().is_none();
            }
            b"iCCP" => check_profile(body)?,
            b"tEXt" => {
                let (key, text) = split(body).unwrap_or((body, b""));
                self.take_text(key, text)?;
            }
            b"zTXt" => self.take_compressed_text(body)?,
            b"iTXt" => self.take_international_text(body)?,
            b"eXIf" => self.exif = Some(body),
            b"acTL" => {
                let frames = word(body, 0);
                if self.frames.is_some() {
                    self.frames = None;
                } else if (1..=0x8000_0000).contains(&frames) {
                    self.frames = Some(frames);
                }
            }
            b"fcTL" => self.take_frame(body)?,
            _ => {}
        }
        Ok(())
    }

    fn take_header(&mut self, body: &[u8]) -> Result<()> {
        self.size = (word(body, 0), word(body, 4));
        if let Some(kind) = Kind::new(body[8], body[9]) {
            self.kind = Some(kind);
        }
        self.interlaced |= body[12] != 0;
        if body[11] != 0 {
            return Err(Error::decode(format!(
                "expected the PNG's filter method 0, found {}",
                body[11]
            )));
        }
        Ok(())
    }

    /// Places the first frame of an animation (its third edition of the standard, 11.3.6).
    fn take_frame(&mut self, body: &[u8]) -> Result<()> {
        let number = word(body, 0);
        if self.number.map_or(0, |last| last.wrapping_add(1)) != number {
            return Err(Error::decode(format!(
                "expected the PNG's animation to go on after {:?}, found {number}",
                self.number
            )));
        }
        self.number = Some(number);
        let [width, height, left, top] = [4, 8, 12, 16].map(|at| word(body, at));
        let fits = |start: u32, length, whole| {
            start
                .checked_add(length)
                .is_some_and(|end: u32| end <= whole)
        };
        if !fits(left, width, self.size.0) || !fits(top, height, self.size.1) {
            return Err(Error::decode(format!(
                "expected a frame within {} x {} pixels, found {width} x {height} at {left}, {top}",
                self.size.0, self.size.1
            )));
        }
        self.frame = Some([left, top, width, height]);
        Ok(())
    }

    /// Checks the number that a later frame's pixels begin with.
    pub(super) fn number_frame_data(&mut self, body: &[u8]) -> Result<()> {
        let number = (body.len() == 4).then(|| word(body, 0));
        let expected = self.number.and_then(|last| last.checked_add(1));
        if number.is_none() || number != expected {
            return Err(Error::decode(format!(
                "expected pixels (fdAT) numbered {expected:?} in the PNG, found {number:?}"
            )));
        }
        self.number = number;
        Ok(())
    }

    /// The pixels begin here.
    pub(super) fn begin_pixels(&mut self) {
        // Pixels that are not placed are no frame, but a picture for those who know no animations.
        let frames = u64::from(self.frames.unwrap_or(1));
        self.is_animated = self.frames.is_some() && frames + u64::from(self.frame.is_none()) > 1;
    }

    fn take_text(&mut self, key: &[u8], text: &[u8]) -> Result<()> {
        if key.is_empty() {
            return Ok(());
        }
        self.keep(key, text);
        self.count(text.len())
    }

    fn keep(&mut self, key: &[u8], text: &[u8]) {
        match key {
            b"Raw profile type exif" => self.raw_profile = Some(text.to_vec()),
            b"XML:com.adobe.xmp" => self.xmp = Some(text.to_vec()),
            _ => {}
        }
    }

    fn count(&mut self, letters: usize) -> Result<()> {
        self.letters += letters as u64;
        if self.letters > PNG_TEXTS_BYTES {
            return Err(Error::decode(format!(
                "the PNG's texts have more than {PNG_TEXTS_BYTES} letters, which is the limit"
            )));
        }
        Ok(())
    }

    fn take_compressed_text(&mut self, body: &[u8]) -> Result<()> {
        let (key, rest) = split(body).unwrap_or((body, b""));
        let (method, stream) = rest.split_first().unwrap_or((&0, b""));
        check_method(*method)?;
        let text = inflate(stream)?.unwrap_or_default();
        self.take_text(key, &text)
    }

    fn take_international_text(&mut self, body: &[u8]) -> Result<()> {
        let parts = split(body).and_then(|(key, rest)| {
            let (&[compressed, method], rest) = rest.split_first_chunk::<2>()?;
            let (language, rest) = split(rest)?;
            let (translated, text) = split(rest)?;
            Some((key, compressed, method, [language, translated], text))
        });
        let Some((key, compressed, method, names, text)) = parts else {
            return Ok(());
        };
        let inflated;
        let text = if compressed == 0 {
            text
        } else {
            if method != 0 {
                return Ok(());
            }
            let Some(bytes) = inflate(text)? else {
                return Ok(());
            };
            inflated = bytes;
            &inflated
        };
        if key == b"XML:com.adobe.xmp" {
            self.xmp = Some(text.to_vec());
        }
        if names.iter().any(|name| std::str::from_utf8(name).is_err()) {
            return Ok(());
        }
        let Ok(letters) = std::str::from_utf8(text) else {
            return Ok(());
        };
        self.keep(key, text);
        self.count(letters.chars().count())
    }
}

fn check_method(method: u8) -> Result<()> {
    if method != 0 {
        return Err(Error::decode(format!(
            "expected deflate (0) in a compressed chunk of the PNG, found method {method}"
        )));
    }
    Ok(())
}

fn check_profile(body: &[u8]) -> Result<()> {
    // Without a name, Pillow finds the method in the first byte.
    let method = memchr::memchr(0, body).map_or(0, |zero| zero + 1);
    let Some((&number, stream)) = body.get(method..).and_then(<[u8]>::split_first) else {
        return Err(Error::decode(
            "the PNG's colour profile (iCCP) ends before it begins",
        ));
    };
    check_method(number)?;
    inflate(stream).map(drop)
}

/// What a zlib stream has, as far as it goes, or `None` if it is damaged.
fn inflate(stream: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut inflater = Decompress::new(true);
    let mut out = Vec::new();
    loop {
        let rest = &stream[inflater.total_in() as usize..];
        out.reserve(out.len().max(1 << 12).min(PNG_TEXT_BYTES - out.len()));
        // The vector may have more room than was asked for.
        let before = out.len();
        let room = (out.capacity() - before).min(PNG_TEXT_BYTES - before);
        out.resize(before + room, 0);
        let status = inflater.decompress(rest, &mut out[before..], FlushDecompress::None);
        out.truncate(inflater.total_out() as usize);
        let Ok(status) = status else {
            return Ok(None);
        };
        let has_more = inflater.total_in() < stream.len() as u64;
        if status == Status::StreamEnd || (!has_more && out.len() < before + room) {
            return Ok(Some(out));
        }
        if out.len() == PNG_TEXT_BYTES {
            if !has_more {
                return Ok(Some(out));
            }
            return Err(Error::decode(format!(
                "a compressed text or profile of the PNG has more than {PNG_TEXT_BYTES} bytes"
            )));
        }
        if status == Status::BufError {
            return Ok(Some(out));
        }
    }
}
