//! Turns the first bytes of an image file into its [`Header`]: format, size, sampling, orientation.
//!
//! Works while the bytes stream by, keeps no more than one EXIF segment of them and never fails:
//! what cannot be read stays zero. Not here: decoding, and whether the rest of the file is sound.

mod jpeg;
mod other;

/// The file formats that are told apart, by their first bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Format {
    /// None of the others.
    #[default]
    Unknown = 0,
    /// JPEG (ITU T.81).
    Jpeg = 1,
    /// PNG.
    Png = 2,
    /// GIF.
    Gif = 3,
    /// WebP.
    Webp = 4,
    /// Windows bitmap.
    Bmp = 5,
    /// TIFF.
    Tiff = 6,
}

impl Format {
    /// The format of this number, [`Format::Unknown`] where there is none.
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Jpeg,
            2 => Self::Png,
            3 => Self::Gif,
            4 => Self::Webp,
            5 => Self::Bmp,
            6 => Self::Tiff,
            _ => Self::Unknown,
        }
    }
}

/// What an image file says of itself before its pixels; zero where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The file format.
    pub format: Format,
    /// Width in pixels, as stored: not turned by `orientation`.
    pub width: u32,
    /// Height in pixels, as stored.
    pub height: u32,
    /// Number of components: 1 grey, 3 colour, 4 CMYK or YCCK.
    pub components: u8,
    /// Sampling factors, one byte a component, the first one lowest: horizontal * 16 + vertical.
    pub sampling: u32,
    /// The start-of-frame marker's second byte: 0xC0 baseline, 0xC2 progressive (T.81 table B.1).
    pub sof: u8,
    /// Bits of one sample.
    pub precision: u8,
    /// The EXIF orientation 1..=8; 0 where there is none.
    pub orientation: u8,
    /// MCUs between restart markers; 0 without.
    pub restart_interval: u16,
    /// The transform of an Adobe segment plus 1 (1 none, 2 `YCbCr`, 3 YCCK); 0 without segment.
    pub adobe: u8,
}

/// Bytes that are kept of a file that is not a JPEG: all fields lie in the first 32.
const HEAD: usize = 32;

/// Reads a header from bytes that arrive in pieces.
#[derive(Debug, Default)]
pub struct HeaderScanner {
    header: Header,
    state: State,
}

#[derive(Debug)]
enum State {
    Magic { bytes: [u8; HEAD], filled: usize },
    Jpeg(Box<jpeg::Segments>),
    Done,
}

impl Default for State {
    fn default() -> Self {
        Self::Magic {
            bytes: [0; HEAD],
            filled: 0,
        }
    }
}

impl HeaderScanner {
    /// Takes the next bytes of the file.
    pub fn push(&mut self, mut bytes: &[u8]) {
        if let State::Magic {
            bytes: head,
            filled,
        } = &mut self.state
        {
            let some = bytes.len().min(HEAD - *filled);
            head[*filled..*filled + some].copy_from_slice(&bytes[..some]);
            *filled += some;
            if *filled >= 3 && head.starts_with(&[0xff, 0xd8, 0xff]) {
                self.header.format = Format::Jpeg;
                let mut segments = Box::new(jpeg::Segments::default());
                let head = (*head, *filled);
                if !segments.push(&head.0[2..head.1], &mut self.header) {
                    self.state = State::Done;
                    return;
                }
                self.state = State::Jpeg(segments);
                bytes = &bytes[some..];
            } else if *filled == HEAD {
                other::read(head, &mut self.header);
                self.state = State::Done;
            }
        }
        if let State::Jpeg(segments) = &mut self.state
            && !segments.push(bytes, &mut self.header)
        {
            self.state = State::Done;
        }
    }

    /// Whether more bytes can change nothing.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The header, if it is whole.
    pub fn whole(&self) -> Option<Header> {
        self.is_done().then_some(self.header)
    }

    /// A scanner that has found this header.
    pub fn done(header: Header) -> Self {
        Self {
            header,
            state: State::Done,
        }
    }

    /// The header, from the bytes pushed so far; the scanner is ready for another file.
    pub fn finish(&mut self) -> Header {
        if let State::Magic { bytes, filled } = &self.state {
            other::read(&bytes[..*filled], &mut self.header);
        }
        self.state = State::default();
        std::mem::take(&mut self.header)
    }
}

/// Reads the header of a whole file.
pub fn read_header(data: &[u8]) -> Header {
    let mut scanner = HeaderScanner::default();
    scanner.push(data);
    scanner.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], &length[..], body].concat()
    }

    fn jpeg() -> Vec<u8> {
        let exif = [
            b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".as_slice(),
            &[1, 0x0f, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0],
            &[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0],
        ]
        .concat();
        [
            vec![0xff, 0xd8],
            segment(0xe1, &exif),
            vec![0xff, 0xff],
            segment(0xee, b"Adobe\0\x64\0\0\0\0\x01"),
            segment(0xdd, &[0, 9]),
            segment(
                0xc2,
                &[8, 1, 2, 3, 4, 3, 1, 0x21, 0, 2, 0x11, 1, 3, 0x12, 1],
            ),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![1, 2, 3],
        ]
        .concat()
    }

    #[test]
    fn every_field_is_read_from_pieces_of_any_size() {
        let expected = Header {
            format: Format::Jpeg,
            width: 0x304,
            height: 0x102,
            components: 3,
            sampling: 0x12_11_21,
            sof: 0xc2,
            precision: 8,
            orientation: 6,
            restart_interval: 9,
            adobe: 2,
        };
        let data = jpeg();
        for size in 1..data.len() {
            let mut scanner = HeaderScanner::default();
            data.chunks(size).for_each(|piece| scanner.push(piece));
            assert!(scanner.is_done());
            assert_eq!(scanner.finish(), expected, "in pieces of {size}");
        }
        for cut in 0..data.len() {
            read_header(&data[..cut]);
        }
    }

    #[test]
    fn other_formats_are_told_by_their_first_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0\0\0\0\x20\x08\x02\0\0\0";
        let found = read_header(png);
        assert_eq!(
            (found.format, found.width, found.height),
            (Format::Png, 256, 32)
        );
        let found = read_header(b"GIF89a\x05\0\x06\0\0\0\0");
        assert_eq!(
            (found.format, found.width, found.height),
            (Format::Gif, 5, 6)
        );
        assert_eq!(read_header(b"RIFF\0\0\0\0WEBPVP8 ").format, Format::Webp);
        assert_eq!(read_header(b"BM").format, Format::Bmp);
        assert_eq!(read_header(b"II*\0").format, Format::Tiff);
        assert_eq!(read_header(b"").format, Format::Unknown);
        assert_eq!(read_header(b"hello").format, Format::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_some_header(
            data in proptest::collection::vec(proptest::num::u8::ANY, 0..300), size in 1usize..40
        ) {
            let data = [&[0xff, 0xd8, 0xff, 0xe1][..], &data].concat();
            let mut scanner = HeaderScanner::default();
            data.chunks(size).for_each(|piece| scanner.push(piece));
            proptest::prop_assert_eq!(scanner.finish(), read_header(&data));
        }
    }
}
