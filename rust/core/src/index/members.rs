//! Turns where a member is and what its image says into rows of fixed width, and back.
//!
//! While an index is made, such rows go to temporary files; the index itself has columns.

use super::format::uint;
use crate::pixels::header::{Format, Header};

/// Whether a member can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It can.
    #[default]
    Whole,
    /// It is stored as a sparse file, which is not supported.
    Sparse,
    /// It is a hard link to something that is not a member before it.
    Dangling,
}

/// Where a member's bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Position of the first byte in the (uncompressed) tar; 0 in a folder.
    pub tar_offset: u64,
    /// Bytes of the member.
    pub size: u64,
    /// CRC32 of the member.
    pub crc32: u32,
    /// Whether it can be read.
    pub status: Status,
    /// Where decoding starts, in bits from the start of the file (gzip only, as what follows).
    pub point_bit: u64,
    /// Output bytes between there and the member.
    pub gap: u32,
    /// Bytes of the file that are needed, from the one with `point_bit` on.
    pub compressed_size: u64,
    /// Position of the point's window in the section of windows.
    pub(crate) window: u64,
    /// Position of the name in the section of names.
    pub(crate) name: u64,
}

/// Width of a place while an index is made, in bytes.
pub(super) const PLACE_BYTES: usize = 43;

/// Width of an image row, in bytes: width and height, then what many images share.
pub(super) const IMAGE_BYTES: usize = 20;

/// Widths of a place's numbers: offsets of 6 bytes reach 256 TiB, bit offsets of 7 bytes as far.
const WIDTHS: [usize; 9] = [6, 6, 4, 1, 7, 4, 5, 5, 5];

impl Status {
    pub(super) fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Whole,
            1 => Self::Sparse,
            _ => Self::Dangling,
        }
    }
}

impl Place {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let numbers = [
            self.tar_offset,
            self.size,
            u64::from(self.crc32),
            self.status as u64,
            self.point_bit,
            u64::from(self.gap),
            self.compressed_size,
            self.window,
            self.name,
        ];
        for (number, width) in numbers.into_iter().zip(WIDTHS) {
            out.extend_from_slice(&number.to_le_bytes()[..width]);
        }
    }

    pub(super) fn decode(row: &[u8]) -> Self {
        let mut rest = row;
        let mut widths = WIDTHS.into_iter();
        let mut next = || {
            let (field, behind) = rest.split_at(widths.next().unwrap_or(0));
            rest = behind;
            uint(field)
        };
        Self {
            tar_offset: next(),
            size: next(),
            crc32: next() as u32,
            status: Status::from_number(next()),
            point_bit: next(),
            gap: next() as u32,
            compressed_size: next(),
            window: next(),
            name: next(),
        }
    }
}

/// What of an image row many images share, in bytes.
pub(super) const KIND_BYTES: usize = IMAGE_BYTES - 8;

pub(super) fn encode_image(header: &Header, row: &mut [u8]) {
    row[..4].copy_from_slice(&header.width.to_le_bytes());
    row[4..8].copy_from_slice(&header.height.to_le_bytes());
    row[8..12].copy_from_slice(&header.sampling.to_le_bytes());
    row[12..14].copy_from_slice(&header.restart_interval.to_le_bytes());
    row[14..].copy_from_slice(&[
        header.components,
        header.sof,
        header.precision,
        header.orientation,
        header.format as u8,
        header.adobe,
    ]);
}

/// What [`encode_image`] wrote; `None` if it is too short.
pub(super) fn decode_image(row: &[u8]) -> Option<Header> {
    let (width, rest) = row.split_first_chunk::<4>()?;
    let (height, kind) = rest.split_first_chunk::<4>()?;
    let (width, height) = (u32::from_le_bytes(*width), u32::from_le_bytes(*height));
    (kind.len() == KIND_BYTES).then(|| decode_kind(kind, width, height))
}

pub(super) fn decode_kind(kind: &[u8], width: u32, height: u32) -> Header {
    Header {
        width,
        height,
        sampling: uint(&kind[..4]) as u32,
        restart_interval: uint(&kind[4..6]) as u16,
        components: kind[6],
        sof: kind[7],
        precision: kind[8],
        orientation: kind[9],
        format: Format::from_number(kind[10]),
        adobe: kind[11],
    }
}
