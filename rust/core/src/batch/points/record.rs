//! Turns the scan points of one photo into a record that proves whose they are, and back.
//!
//! A point that is wrong makes wrong pixels, so a record has a CRC32 and a second sum of 64 bits
//! that has nothing in common with it, both over the format's version, the archive, the member's
//! number, size and CRC32, and the points.

use crate::limits::SCAN_POINTS_RECORD_BYTES;

/// Bytes of a record before the points.
pub(super) const HEAD: usize = 40;

/// Bytes of a head that its own checksum covers.
const PLAIN: usize = 24;

/// Goes into every checksum; another one where the points of earlier versions are no good.
pub(super) const VERSION: u32 = 1;

/// Which photo the points are of: a member and what the index says of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Photo {
    /// The member's number.
    pub member: u32,
    /// The CRC32 of its bytes.
    pub crc32: u32,
    /// How many there are.
    pub size: u64,
}

/// What a record says before its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) photo: Photo,
    /// Bytes of the points.
    pub(super) length: u32,
    /// Rows of MCUs that have points.
    pub(super) rows: u32,
}

impl Head {
    /// Takes the head of a record of this archive, if it is whole.
    pub(super) fn decode(bytes: &[u8; HEAD], archive: u64) -> Option<Self> {
        let head = Self {
            length: u32_at(bytes, 0),
            photo: Photo {
                member: u32_at(bytes, 4),
                crc32: u32_at(bytes, 8),
                size: u64_at(bytes, 12),
            },
            rows: u32_at(bytes, 20),
        };
        let whole = crc(archive, &[&bytes[..PLAIN]]) == u32_at(bytes, PLAIN);
        (whole && head.length as usize <= SCAN_POINTS_RECORD_BYTES).then_some(head)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.length.to_le_bytes());
        out.extend(self.photo.member.to_le_bytes());
        out.extend(self.photo.crc32.to_le_bytes());
        out.extend(self.photo.size.to_le_bytes());
        out.extend(self.rows.to_le_bytes());
    }
}

/// The record of a photo; `points` writes its points behind what there is.
pub(super) fn encode(
    archive: u64,
    photo: Photo,
    rows: u32,
    points: impl FnOnce(&mut Vec<u8>),
) -> Option<Vec<u8>> {
    let mut record = vec![0; HEAD];
    points(&mut record);
    let length = record.len() - HEAD;
    if length > SCAN_POINTS_RECORD_BYTES {
        return None;
    }
    let head = Head {
        photo,
        length: length as u32,
        rows,
    };
    let mut bytes = Vec::with_capacity(HEAD);
    head.encode(&mut bytes);
    let parts = [&bytes[..], &record[HEAD..]];
    let (own, whole, mixed) = (
        crc(archive, &parts[..1]),
        crc(archive, &parts),
        mix(archive, &parts),
    );
    bytes.extend(own.to_le_bytes());
    bytes.extend(whole.to_le_bytes());
    bytes.extend(mixed.to_le_bytes());
    record[..HEAD].copy_from_slice(&bytes);
    Some(record)
}

/// The head and the points of a record whose checksums are right.
pub(super) fn check(record: &[u8], archive: u64) -> Option<(Head, &[u8])> {
    let (bytes, points) = record.split_first_chunk::<HEAD>()?;
    let head = Head::decode(bytes, archive)?;
    let parts = [&bytes[..PLAIN], points];
    let whole = head.length as usize == points.len()
        && crc(archive, &parts) == u32_at(bytes, PLAIN + 4)
        && mix(archive, &parts) == u64_at(bytes, PLAIN + 8);
    whole.then_some((head, points))
}

/// The CRC32 of the version, the archive and these bytes.
pub(super) fn crc(archive: u64, parts: &[&[u8]]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&VERSION.to_le_bytes());
    crc.update(&archive.to_le_bytes());
    for part in parts {
        crc.update(part);
    }
    crc.finalize()
}

/// Another sum of the same.
///
/// Every step is one to one in the sum before it and in the word, so that one changed word always
/// changes the sum; the shift brings what the product carries upwards down again.
pub(super) fn mix(archive: u64, parts: &[&[u8]]) -> u64 {
    let step = |sum: u64, word: u64| {
        let sum = (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        sum ^ (sum >> 29)
    };
    let mut sum = step(u64::from(VERSION), archive);
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            sum = step(sum, u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        sum = step(step(sum, u64::from_le_bytes(last)), part.len() as u64);
    }
    step(sum, 0)
}

/// The number at a place where the caller knows that there is one.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

/// The number at a place where the caller knows that there is one.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: Photo = Photo {
        member: 7,
        crc32: 0x1234_5678,
        size: 300_000,
    };

    fn record() -> Vec<u8> {
        encode(5, PHOTO, 3, |out| out.extend(0..=252)).unwrap()
    }

    #[test]
    fn a_record_gives_what_it_was_made_of() {
        let record = record();
        let (head, points) = check(&record, 5).unwrap();
        let expected = Head {
            photo: PHOTO,
            length: 253,
            rows: 3,
        };
        assert_eq!(head, expected);
        assert!(points.iter().copied().eq(0..=252));
        assert_eq!(check(&record, 6), None, "another archive");
    }

    #[test]
    fn no_changed_bit_and_no_cut_passes() {
        let record = record();
        for at in 0..record.len() {
            for bit in 0..8 {
                let mut changed = record.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(check(&changed, 5), None, "byte {at} bit {bit}");
            }
            assert_eq!(check(&record[..at], 5), None, "cut at {at}");
        }
    }

    #[test]
    fn each_sum_alone_sees_every_changed_byte() {
        let bytes: Vec<u8> = (0..99).collect();
        for at in 0..bytes.len() {
            for change in 1..=255 {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                assert_ne!(crc(5, &[&changed]), crc(5, &[&bytes]));
                assert_ne!(mix(5, &[&changed]), mix(5, &[&bytes]));
            }
        }
        assert_ne!(mix(5, &[&[0]]), mix(5, &[&[0, 0]]));
    }

    #[test]
    fn points_that_no_photo_has_make_no_record() {
        let long = |out: &mut Vec<u8>| out.resize(HEAD + SCAN_POINTS_RECORD_BYTES + 1, 0);
        assert_eq!(encode(5, PHOTO, 3, long), None);
    }
}
