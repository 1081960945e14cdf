//! Turns the header of a plain baseline JPEG into a [`Frame`].
//!
//! Plain means: sequential DCT, 8 bits, Huffman codes, all components in one scan, as many pixels as
//! a sample of every one in either direction. Anything else is [`Unusual`] and left to others.
//!
//! Not here: the header census of an archive (`header.rs`), which takes any JPEG.

use super::entropy::natural;
use super::huffman::Unusual;

/// One component of the frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Component {
    id: u8,
    /// Blocks of one MCU, across and down.
    pub(super) blocks: (usize, usize),
    /// Number of its quantisation table.
    pub(super) quantisation: usize,
    /// Number of its DC code.
    pub(super) dc: usize,
    /// Number of its AC code.
    pub(super) ac: usize,
}

/// What the components are (`default_decompress_parms` of `jdapimin.c`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Colour {
    /// One component.
    #[default]
    Grey,
    /// Luma and two of chroma.
    Ycc,
    /// Red, green, blue.
    Rgb,
    /// Four inks.
    Cmyk,
    /// The same, three of them as luma and chroma.
    Ycck,
}

impl Colour {
    /// What the names of the components and the segments before the frame say they are.
    pub(super) fn guess(ids: &[u8], jfif: bool, adobe: Option<u8>) -> Self {
        match (ids, jfif, adobe) {
            ([_], ..) => Self::Grey,
            ([_, _, _], false, Some(0)) | (b"RGB", false, None) => Self::Rgb,
            ([_, _, _], ..) => Self::Ycc,
            (_, _, None | Some(0)) => Self::Cmyk,
            _ => Self::Ycck,
        }
    }
}

/// What the header says of a plain baseline JPEG.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// What the components are.
    pub(super) colour: Colour,
    /// One, three or four.
    pub(super) components: Vec<Component>,
    /// Quantisation tables in the order of rows.
    pub(super) quantisation: [Option<[u16; 64]>; 4],
    /// DC codes: how many of each length, then the symbols.
    pub(super) dc: [Option<&'a [u8]>; 4],
    /// AC codes, likewise.
    pub(super) ac: [Option<&'a [u8]>; 4],
    /// MCUs from one restart marker to the next; 0 where there are none.
    pub(super) restart: usize,
    /// From the first entropy-coded byte to the end of the file.
    pub(super) scan: &'a [u8],
    jfif: bool,
    adobe: Option<u8>,
}

/// Reads two bytes, high one first.
fn word(data: &[u8], at: usize) -> Result<usize, Unusual> {
    match data.get(at..at + 2) {
        Some(&[high, low]) => Ok(usize::from(high) << 8 | usize::from(low)),
        _ => Err(Unusual),
    }
}

impl<'a> Frame<'a> {
    /// Reads the header up to the first scan.
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Unusual> {
        let mut frame = Self {
            width: 0,
            height: 0,
            colour: Colour::Grey,
            components: Vec::new(),
            quantisation: [None; 4],
            dc: [None; 4],
            ac: [None; 4],
            restart: 0,
            scan: &[],
            jfif: false,
            adobe: None,
        };
        let mut at = 2;
        loop {
            let (0xFF, marker) = (
                *data.get(at).ok_or(Unusual)?,
                *data.get(at + 1).ok_or(Unusual)?,
            ) else {
                return Err(Unusual);
            };
            let length = word(data, at + 2)?;
            let segment = data.get(at + 4..at + 2 + length.max(2)).ok_or(Unusual)?;
            at += 2 + length;
            match marker {
                0xC0 | 0xC1 => frame.read_frame(segment)?,
                0xC4 => frame.read_codes(segment)?,
                0xDB => frame.read_quantisation(segment)?,
                0xDD => frame.restart = word(segment, 0)?,
                0xE0 => frame.jfif |= segment.starts_with(b"JFIF\0") && segment.len() >= 14,
                0xEE if segment.starts_with(b"Adobe") && segment.len() >= 12 => {
                    frame.adobe = Some(segment[11]);
                }
                0xE1..=0xEF | 0xFE => {}
                0xDA => {
                    frame.read_scan(segment)?;
                    frame.scan = &data[at..];
                    return Ok(frame);
                }
                _ => return Err(Unusual),
            }
        }
    }

    fn read_frame(&mut self, segment: &[u8]) -> Result<(), Unusual> {
        let count = usize::from(*segment.get(5).ok_or(Unusual)?);
        if segment[0] != 8 || !self.components.is_empty() || segment.len() != 6 + 3 * count {
            return Err(Unusual);
        }
        self.height = word(segment, 1)? as u32;
        self.width = word(segment, 3)? as u32;
        if self.width == 0 || self.height == 0 || !matches!(count, 1 | 3 | 4) {
            return Err(Unusual);
        }
        for entry in segment[6..].chunks_exact(3) {
            let blocks = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            let quantisation = usize::from(entry[2]);
            if quantisation > 3 {
                return Err(Unusual);
            }
            self.components.push(Component {
                id: entry[0],
                blocks,
                quantisation,
                dc: 0,
                ac: 0,
            });
        }
        let factors = |component: &Component| {
            (1..=4).contains(&component.blocks.0) && (1..=4).contains(&component.blocks.1)
        };
        if !self.components.iter().all(factors) {
            return Err(Unusual);
        }
        if let [grey] = self.components.as_mut_slice() {
            // A scan of one component has no interleaving, whatever its sampling (T.81 A.2.2).
            grey.blocks = (1, 1);
        }
        let (across, down) = self.mcu();
        let whole = self.components.iter().all(|component| {
            (across / 8).is_multiple_of(component.blocks.0)
                && (down / 8).is_multiple_of(component.blocks.1)
        });
        let blocks = self
            .components
            .iter()
            .map(|each| each.blocks.0 * each.blocks.1);
        // T.81 B.2.3 allows ten blocks in an MCU.
        if whole && blocks.sum::<usize>() <= 10 {
            Ok(())
        } else {
            Err(Unusual)
        }
    }

    fn read_codes(&mut self, mut segment: &'a [u8]) -> Result<(), Unusual> {
        while !segment.is_empty() {
            let counts = segment.get(1..17).ok_or(Unusual)?;
            let symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let (table, rest) = segment.split_at_checked(17 + symbols).ok_or(Unusual)?;
            let slot = usize::from(segment[0] & 15);
            let tables = match segment[0] >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(Unusual),
            };
            *tables.get_mut(slot).ok_or(Unusual)? = Some(&table[1..]);
            segment = rest;
        }
        Ok(())
    }

    fn read_quantisation(&mut self, mut segment: &[u8]) -> Result<(), Unusual> {
        while !segment.is_empty() {
            let (table, rest) = segment.split_at_checked(65).ok_or(Unusual)?;
            // A high half would mean 16-bit entries.
            let slot = self
                .quantisation
                .get_mut(usize::from(table[0]))
                .ok_or(Unusual)?;
            let mut values = [0; 64];
            for (at, &value) in table[1..].iter().enumerate() {
                values[natural(at)] = u16::from(value);
            }
            *slot = Some(values);
            segment = rest;
        }
        Ok(())
    }

    fn read_scan(&mut self, segment: &[u8]) -> Result<(), Unusual> {
        let count = self.components.len();
        if count == 0 || segment.len() != 4 + 2 * count || usize::from(segment[0]) != count {
            return Err(Unusual);
        }
        for (component, entry) in self.components.iter_mut().zip(segment[1..].chunks_exact(2)) {
            (component.dc, component.ac) = (usize::from(entry[1] >> 4), usize::from(entry[1] & 15));
            if component.id != entry[0] || component.dc > 3 || component.ac > 3 {
                return Err(Unusual);
            }
        }
        if segment[1 + 2 * count..] != [0, 63, 0] {
            return Err(Unusual);
        }
        self.colour = self.find_colour()?;
        Ok(())
    }

    /// A transform that libjpeg warns of is left to the other decoder.
    fn find_colour(&self) -> Result<Colour, Unusual> {
        let ids: Vec<u8> = self
            .components
            .iter()
            .map(|component| component.id)
            .collect();
        if (1..ids.len()).any(|place| ids[..place].contains(&ids[place])) {
            return Err(Unusual);
        }
        let known = match ids.len() {
            1 => true,
            3 => self.jfif || matches!(self.adobe, None | Some(0 | 1)),
            _ => matches!(self.adobe, None | Some(0 | 2)),
        };
        if known {
            Ok(Colour::guess(&ids, self.jfif, self.adobe))
        } else {
            Err(Unusual)
        }
    }

    /// Pixels of one MCU, across and down.
    pub(super) fn mcu(&self) -> (usize, usize) {
        let blocks = self.components.iter().map(|component| component.blocks);
        let greatest = blocks.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)));
        greatest.map_or((8, 8), |(across, down)| (across * 8, down * 8))
    }
}
