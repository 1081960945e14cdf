//! Turns the place from which a pass can go on into bytes, and back.

use super::format::{Stamp, uint};
use super::members::{IMAGE_BYTES, PLACE_BYTES, Place, decode_image, encode_image};
use crate::archive::deflate::WINDOW;
use crate::archive::md5::Md5;
use crate::pixels::header::Header;

/// A place from which a pass over an archive can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// Members before it.
    pub(crate) members: u64,
    /// Bytes of their windows.
    pub(crate) window_bytes: u64,
    /// Where parsing goes on in the tar: at the next member's first header, or inside its data.
    pub(crate) tar_offset: u64,
    /// Blocks of zeros before it.
    pub(crate) zero_blocks: u64,
    /// Pax records for what global headers before it have said.
    pub(crate) global: Vec<u8>,
    /// The member whose data it is inside of.
    pub(crate) inside: Option<Inside>,
    /// What had been read of the file.
    pub(crate) read: Stamp,
    /// The md5 in progress, if one is wanted.
    pub(crate) md5: Option<[u8; Md5::SNAPSHOT_BYTES]>,
    /// Where decoding starts, if the tar is compressed.
    pub(crate) gzip: Option<GzipStart>,
}

/// A member of whose data a part has gone by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inside {
    pub(crate) name: Vec<u8>,
    /// Its place; the CRC32 is that of the data before the checkpoint.
    pub(crate) place: Place,
    /// Its header, which is whole.
    pub(crate) image: Header,
}

/// A seek point with all that decoding everything behind it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GzipStart {
    pub(crate) bit: u64,
    /// Where the block's header is, if the point is inside the block; else 0.
    pub(crate) header_bit: u64,
    /// Position in the tar.
    pub(crate) tar_offset: u64,
    /// CRC32 and length of the gzip member up to here.
    pub(crate) crc: u32,
    pub(crate) length: u64,
    /// At most 32 KiB before the point.
    pub(crate) window: Vec<u8>,
}

impl Checkpoint {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let stamp = &self.read;
        for number in [
            self.members,
            self.window_bytes,
            self.tar_offset,
            self.zero_blocks,
            stamp.size,
            stamp.head_crc.into(),
            stamp.tail_crc.into(),
            stamp.samples_crc.into(),
        ] {
            out.extend(number.to_le_bytes());
        }
        out.push(u8::from(self.md5.is_some()));
        out.extend(self.md5.unwrap_or([0; Md5::SNAPSHOT_BYTES]));
        put(&self.global, &mut out);
        put(
            &self.inside.as_ref().map(Inside::encode).unwrap_or_default(),
            &mut out,
        );
        if let Some(gzip) = &self.gzip {
            for number in [
                gzip.bit,
                gzip.header_bit,
                gzip.tar_offset,
                gzip.crc.into(),
                gzip.length,
            ] {
                out.extend(number.to_le_bytes());
            }
            out.extend_from_slice(&gzip.window);
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.split_at_checked(64)?;
        let number = |at: usize| uint(&numbers[8 * at..8 * at + 8]);
        let (&has_md5, rest) = rest.split_first()?;
        let (md5, rest) = rest.split_first_chunk::<{ Md5::SNAPSHOT_BYTES }>()?;
        let (global, rest) = take(rest)?;
        let (inside, rest) = take(rest)?;
        let inside = match inside {
            [] => None,
            inside => Some(Inside::decode(inside)?),
        };
        let tar_offset = number(2);
        if inside.as_ref().is_some_and(|at| !at.has(tar_offset)) {
            return None;
        }
        Some(Self {
            members: number(0),
            window_bytes: number(1),
            tar_offset,
            zero_blocks: number(3),
            global: global.to_vec(),
            inside,
            read: Stamp {
                size: number(4),
                head_crc: number(5) as u32,
                tail_crc: number(6) as u32,
                samples_crc: number(7) as u32,
            },
            md5: (has_md5 == 1).then_some(*md5),
            gzip: match rest {
                [] => None,
                rest => Some(GzipStart::decode(rest)?),
            },
        })
    }
}

/// Writes `bytes` behind their length.
fn put(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What [`put`] wrote, and the bytes behind.
fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

impl Inside {
    /// Whether this byte of the tar is one of its data.
    fn has(&self, tar_offset: u64) -> bool {
        let behind = tar_offset.checked_sub(self.place.tar_offset);
        behind.is_some_and(|behind| behind < self.place.size)
            && u64::from(self.place.gap) <= self.place.tar_offset
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.place.encode(&mut out);
        let mut image = [0; IMAGE_BYTES];
        encode_image(&self.image, &mut image);
        out.extend(image);
        out.extend_from_slice(&self.name);
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (place, rest) = bytes.split_at_checked(PLACE_BYTES)?;
        let (image, name) = rest.split_at_checked(IMAGE_BYTES)?;
        Some(Self {
            name: name.to_vec(),
            place: Place::decode(place),
            image: decode_image(image)?,
        })
    }
}

impl GzipStart {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, window) = bytes.split_at_checked(40)?;
        let number = |at: usize| uint(&numbers[8 * at..8 * at + 8]);
        Some(Self {
            bit: number(0),
            header_bit: number(1),
            tar_offset: number(2),
            crc: number(3) as u32,
            length: number(4),
            window: (window.len() <= WINDOW).then(|| window.to_vec())?,
        })
    }
}
