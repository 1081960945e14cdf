//! Turns the segments of quantisation tables and Huffman codes (DQT, DHT) into the tables that are
//! in force when a scan begins (`get_dqt`, `get_dht`).
//!
//! Not here: tables for looking codes up (`lookup.rs`).

use super::entropy::natural;
use super::markers::{cut, damaged};
use crate::error::Result;

/// One Huffman code as its segment gives it; whether it is one is only asked when it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    /// How many codes of each length 1..=16 there are.
    pub(super) counts: [u8; 16],
    /// The symbols, shortest code first; zeros behind them.
    pub(super) symbols: [u8; 256],
}

impl Definition {
    fn new(counts: [u8; 16], symbols: &[u8]) -> Self {
        let mut all = [0; 256];
        all[..symbols.len()].copy_from_slice(symbols);
        Self {
            counts,
            symbols: all,
        }
    }
}

/// All tables in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    /// Quantisation tables in the order of rows.
    pub(super) quantisation: [Option<Box<[u16; 64]>>; 4],
    /// DC codes.
    pub(super) dc: [Option<Box<Definition>>; 4],
    /// AC codes.
    pub(super) ac: [Option<Box<Definition>>; 4],
    /// MCUs from one restart marker to the next; 0 where there are none.
    pub(super) restart: u16,
}

impl Tables {
    /// From a segment of `length` bytes, at which `body` begins; it goes on to the end of the file.
    /// What is wrong is found before bytes are missed.
    pub(super) fn read_quantisation(&mut self, mut body: &[u8], mut length: usize) -> Result<()> {
        while length > 0 {
            let (&head, rest) = body.split_first().ok_or_else(cut)?;
            let number = usize::from(head & 15);
            let wide = head >> 4 != 0;
            let Some(slot) = self.quantisation.get_mut(number) else {
                return Err(damaged(format!("a quantisation table number {number}")));
            };
            let size = if wide { 128 } else { 64 };
            let (values, rest) = rest.split_at_checked(size).ok_or_else(cut)?;
            length = length
                .checked_sub(1 + size)
                .ok_or_else(|| damaged("a quantisation table that its segment cuts off"))?;
            let mut table = Box::new([0; 64]);
            for at in 0..64 {
                table[natural(at)] = if wide {
                    u16::from_be_bytes([values[2 * at], values[2 * at + 1]])
                } else {
                    u16::from(values[at])
                };
            }
            *slot = Some(table);
            body = rest;
        }
        Ok(())
    }

    /// Likewise.
    pub(super) fn read_codes(&mut self, mut body: &[u8], mut length: usize) -> Result<()> {
        // Up to 16 bytes cannot hold a code and are not looked at, but must not be there.
        while length > 16 {
            let (head, rest) = body.split_at_checked(17).ok_or_else(cut)?;
            length -= 17;
            let mut counts = [0; 16];
            counts.copy_from_slice(&head[1..]);
            let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
            if total > 256 || total > length {
                return Err(damaged(format!("a Huffman code of {total} symbols")));
            }
            let (symbols, rest) = rest.split_at_checked(total).ok_or_else(cut)?;
            let (codes, number) = if head[0] & 0x10 == 0 {
                (&mut self.dc, head[0])
            } else {
                (&mut self.ac, head[0] - 0x10)
            };
            let Some(slot) = codes.get_mut(usize::from(number)) else {
                return Err(damaged(format!("a Huffman code number {number}")));
            };
            *slot = Some(Box::new(Definition::new(counts, symbols)));
            (body, length) = (rest, length - total);
        }
        if length == 0 {
            Ok(())
        } else {
            Err(damaged("a segment of Huffman codes with bytes left over"))
        }
    }

    /// Puts the codes of T.81 K.3 where there are none: frames of motion JPEG come without
    /// (`std_huff_tables`).
    pub(super) fn complete(&mut self) {
        for (slot, (counts, symbols)) in self.dc.iter_mut().zip(STANDARD_DC) {
            slot.get_or_insert_with(|| Box::new(Definition::new(counts, symbols)));
        }
        for (slot, (counts, symbols)) in self.ac.iter_mut().zip(STANDARD_AC) {
            slot.get_or_insert_with(|| Box::new(Definition::new(counts, symbols)));
        }
    }
}

type Standard = ([u8; 16], &'static [u8]);

/// T.81 tables K.3 and K.4.
const STANDARD_DC: [Standard; 2] = [
    (
        [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    ),
    (
        [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    ),
];

/// T.81 tables K.5 and K.6.
#[rustfmt::skip]
const STANDARD_AC: [Standard; 2] = [
    (
        [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
        &AC_LUMINANCE,
    ),
    (
        [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
        &AC_CHROMINANCE,
    ),
];

#[rustfmt::skip]
const AC_LUMINANCE: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];

#[rustfmt::skip]
const AC_CHROMINANCE: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0,
    0x15, 0x62, 0x72, 0xd1, 0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
    0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5,
    0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8,
    0xf9, 0xfa,
];
