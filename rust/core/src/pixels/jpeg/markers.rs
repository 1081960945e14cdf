//! Turns the bytes of a JPEG into its segments, up to one scan header after the other, as
//! libjpeg-turbo reads them (`jdmarker.c`).
//!
//! Garbage between segments is passed over, as are segments that say nothing about pixels; what
//! libjpeg-turbo cannot go on after is an error.
//!
//! Not here: the entropy-coded bytes of a scan (`bits.rs`).

use super::definitions::Tables;
use super::layout::{Coding, Layout};
use crate::error::{Error, Result};
use crate::limits;

/// The component of a scan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// Its place in the frame.
    pub(super) component: usize,
    /// Number of its DC code.
    pub(super) dc: usize,
    /// Number of its AC code.
    pub(super) ac: usize,
}

/// What the header of a scan says (T.81 B.2.3).
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// One to four components.
    pub(super) parts: Vec<Part>,
    /// First coefficient, in the order of the stream ("Ss").
    pub(super) first: usize,
    /// Last coefficient ("Se").
    pub(super) last: usize,
    /// Bit position of the scan before this one ("Ah").
    pub(super) high: u8,
    /// Bit position of this scan ("Al").
    pub(super) low: u8,
}

/// Where reading segments stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// Before the entropy-coded bytes of a scan.
    Scan(Scan),
    /// Behind the end-of-image marker.
    End,
}

/// A reader of segments, with all that the segments so far have said.
#[derive(Clone, Debug)]
pub(super) struct Markers<'a> {
    data: &'a [u8],
    at: usize,
    begun: bool,
    segments: u32,
    /// Quantisation tables, codes, the restart interval.
    pub(super) tables: Tables,
    /// The frame, once its header was read.
    pub(super) layout: Option<Layout>,
    /// Whether there was a JFIF segment.
    pub(super) jfif: bool,
    /// The transform that an Adobe segment named.
    pub(super) adobe: Option<u8>,
    /// Scan headers so far.
    pub(super) scans: u32,
}

/// The error of a file that ends too early.
pub(super) fn cut() -> Error {
    Error::decode("the JPEG is truncated: the data end before the last pixel").truncated()
}

/// The error of a file that is damaged beyond what libjpeg-turbo mends.
pub(super) fn damaged(what: impl std::fmt::Display) -> Error {
    Error::decode(format!("the JPEG is damaged: {what}"))
}

/// Place behind the next marker at or behind `at`, and its code, which is neither 0 nor 0xFF
/// (`next_marker`).
pub(super) fn next_marker(data: &[u8], mut at: usize) -> Option<(usize, u8)> {
    loop {
        at += memchr::memchr(0xFF, data.get(at..)?)?;
        while data.get(at) == Some(&0xFF) {
            at += 1;
        }
        let code = *data.get(at)?;
        at += 1;
        if code != 0 {
            return Some((at, code));
        }
    }
}

/// Refuses a file that is cut off or has more scans than the limit, without decoding any.
pub(super) fn check_scans(data: &[u8]) -> Result<()> {
    let (mut at, mut scans, mut others) = (2, 0, 0);
    while let Some((next, code)) = next_marker(data, at) {
        at = next;
        match code {
            0xD9 if scans > 0 => return Ok(()),
            ..0xC0 | 0xD0..=0xD9 => continue,
            0xDA => scans += 1,
            _ => others += 1,
        }
        if scans > limits::IMAGE_SCANS {
            return Err(Error::decode(format!(
                "the JPEG has more scans than the limit of {}",
                limits::IMAGE_SCANS
            )));
        }
        if others > limits::IMAGE_SEGMENTS {
            return Err(too_many_segments());
        }
        let Some(&[high, low]) = data.get(at..at + 2) else {
            break;
        };
        at += usize::from(u16::from_be_bytes([high, low])).max(2);
    }
    Err(cut())
}

fn too_many_segments() -> Error {
    Error::decode(format!(
        "the JPEG has more segments than the limit of {}",
        limits::IMAGE_SEGMENTS
    ))
}

impl<'a> Markers<'a> {
    /// A reader at the start of a file.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            begun: false,
            segments: 0,
            tables: Tables::default(),
            layout: None,
            jfif: false,
            adobe: None,
            scans: 0,
        }
    }

    /// The whole file.
    pub(super) fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Where the bytes are that come next.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on at another place.
    pub(super) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    /// Reads segments up to a scan or the end (`read_markers`).
    pub(super) fn next(&mut self) -> Result<Stop> {
        loop {
            let (at, code) = self.marker()?;
            self.at = at;
            self.segments += 1;
            if self.segments > limits::IMAGE_SEGMENTS && self.scans == 0 {
                return Err(too_many_segments());
            }
            match code {
                0xC0..=0xC3 | 0xC9..=0xCB => self.read_frame(code)?,
                0xC5..=0xC7 | 0xCD..=0xCF => {
                    return Err(Error::decode(
                        "expected a plain or progressive JPEG, found a hierarchical one",
                    ));
                }
                0xC4 => {
                    let (body, length) = self.start("of Huffman codes")?;
                    self.tables.read_codes(body, length)?;
                }
                0xCC => {
                    let (rest, length) = self.start("of arithmetic conditioning")?;
                    check_conditioning(rest, length)?;
                }
                0xDB => {
                    let (body, length) = self.start("of quantisation tables")?;
                    self.tables.read_quantisation(body, length)?;
                }
                0xDD => {
                    if self
                        .data
                        .get(self.at..self.at + 2)
                        .is_some_and(|size| size != [0, 4])
                    {
                        return Err(damaged("a restart interval of other than 2 bytes"));
                    }
                    if let &[high, low] = self.body("with the restart interval")? {
                        self.tables.restart = u16::from_be_bytes([high, low]);
                    }
                }
                0xDA => {
                    let scan = self.read_scan()?;
                    self.scans += 1;
                    return Ok(Stop::Scan(scan));
                }
                0xD9 if self.layout.is_none() => self.begun = false,
                0xD9 if self.scans == 0 => {
                    return Err(damaged("the image ends before its first scan"));
                }
                0xD9 => return Ok(Stop::End),
                0xE0..=0xEF | 0xFE | 0xDC => self.read_application(code)?,
                0xD0..=0xD7 => {}
                // Pillow's own look at the header, before libjpeg-turbo's, refuses these.
                0x01 if self.scans > 0 => {}
                0xD8 => return Err(damaged("a second start of image")),
                _ => return Err(damaged(format!("an unknown marker ff {code:02x}"))),
            }
        }
    }

    fn marker(&mut self) -> Result<(usize, u8)> {
        if self.begun {
            return next_marker(self.data, self.at).ok_or_else(cut);
        }
        match self.data.get(self.at..) {
            Some([0xFF, 0xD8, ..]) => {
                // What a start of image resets (`get_soi`); tables outlive it.
                self.begun = true;
                self.tables.restart = 0;
                (self.jfif, self.adobe) = (false, None);
                self.at += 2;
                next_marker(self.data, self.at).ok_or_else(cut)
            }
            Some([_, _, ..]) => Err(damaged("no start of image where one was expected")),
            _ => Err(cut()),
        }
    }

    /// What follows the length of a segment, whose length counts.
    fn body(&mut self, which: &str) -> Result<&'a [u8]> {
        let (rest, length) = self.start(which)?;
        rest.get(..length).ok_or_else(cut)
    }

    /// All that follows the length of a segment, which is passed over, and that length.
    fn start(&mut self, which: &str) -> Result<(&'a [u8], usize)> {
        let length = self.length()?;
        let Some(length) = length.checked_sub(2) else {
            return Err(damaged(format!("a segment {which} of {length} bytes")));
        };
        let rest = &self.data[self.at..];
        self.at = self.data.len().min(self.at + length);
        Ok((rest, length))
    }

    fn length(&mut self) -> Result<usize> {
        let Some(&[high, low]) = self.data.get(self.at..self.at + 2) else {
            return Err(cut());
        };
        self.at += 2;
        Ok(usize::from(u16::from_be_bytes([high, low])))
    }

    /// A segment that only matters if it is JFIF's or Adobe's; its length may be nonsense.
    fn read_application(&mut self, code: u8) -> Result<()> {
        let length = self.length()?.saturating_sub(2);
        let body = self.data.get(self.at..self.at + length).ok_or_else(cut)?;
        self.at += length;
        if code == 0xE0 && body.len() >= 14 && body.starts_with(b"JFIF\0") {
            self.jfif = true;
        }
        if code == 0xEE && body.len() >= 12 && body.starts_with(b"Adobe") {
            self.adobe = Some(body[11]);
        }
        Ok(())
    }

    fn read_frame(&mut self, code: u8) -> Result<()> {
        if self.layout.is_some() {
            return Err(damaged("a second frame header"));
        }
        let coding = match code {
            0xC0 | 0xC1 => Coding::Sequential,
            0xC2 => Coding::Progressive,
            0xC3 => Coding::Lossless,
            0xC9 | 0xCA => Coding::Arithmetic,
            _ => {
                return Err(Error::decode(
                    "expected a JPEG with a DCT or in Huffman codes, found a lossless one in arithmetic coding",
                ));
            }
        };
        self.layout = Some(Layout::read(self.body("with the frame header")?, coding)?);
        Ok(())
    }

    /// `get_sos`.
    fn read_scan(&mut self) -> Result<Scan> {
        let (body, length) = self.start("with a scan header")?;
        let Some(layout) = &self.layout else {
            return Err(damaged("a scan before the frame header"));
        };
        let count = usize::from(*body.first().ok_or_else(cut)?);
        if !(1..=4).contains(&count) || length != 4 + 2 * count {
            return Err(damaged(format!(
                "a scan header of {length} bytes for {count} components"
            )));
        }
        let mut parts: Vec<Part> = Vec::with_capacity(count);
        for entry in body[1..].as_chunks::<2>().0.iter().take(count) {
            let id = entry[0];
            // Among components of the same name, libjpeg takes the first one at whose place in the
            // scan there is nothing yet.
            let component = (0..layout.components.len())
                .find(|&place| layout.components[place].id == id && place >= parts.len());
            let Some(component) = component else {
                return Err(damaged(format!("a scan of an unknown component {id}")));
            };
            if parts.iter().any(|part| part.component == component) {
                return Err(damaged(format!("a scan of component {id} twice")));
            }
            parts.push(Part {
                component,
                dc: usize::from(entry[1] >> 4),
                ac: usize::from(entry[1] & 15),
            });
        }
        let Some(&[first, last, bits]) = body.get(1 + 2 * count..length) else {
            return Err(cut());
        };
        Ok(Scan {
            parts,
            first: usize::from(first),
            last: usize::from(last),
            high: bits >> 4,
            low: bits & 15,
        })
    }
}

/// `get_dac`; the values matter to the library only.
fn check_conditioning(rest: &[u8], length: usize) -> Result<()> {
    let wrong = |&[index, value]: &[u8; 2]| index >= 32 || (index < 16 && value & 15 > value >> 4);
    let pairs = rest.as_chunks::<2>().0.iter().take(length.div_ceil(2));
    if pairs.clone().any(wrong) {
        return Err(damaged("bad arithmetic conditioning"));
    }
    match (pairs.len() < length.div_ceil(2), length.is_multiple_of(2)) {
        (true, _) => Err(cut()),
        (_, true) => Ok(()),
        _ => Err(damaged("half a pair of arithmetic conditioning")),
    }
}
