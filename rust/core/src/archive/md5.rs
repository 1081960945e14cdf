//! Turns the bytes of a file into its md5 (RFC 1321), with a state that can be stored and taken up
//! again.
//!
//! The rounds are `fast-md5`'s: md5 is one chain of dependent steps and bounds an indexing pass, and
//! compilers order these steps worse than its assembly has them. Padding is here because that crate
//! does not give its state away.

use fast_md5::{BLOCK_SIZE, transform};

/// The state before the first byte (RFC 1321 3.3).
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// An md5 in progress.
#[derive(Clone, Debug)]
pub(crate) struct Md5 {
    state: [u32; 4],
    length: u64,
    /// The bytes behind the last whole block; the first `length % 64` of them count.
    rest: [u8; BLOCK_SIZE],
}

impl Default for Md5 {
    fn default() -> Self {
        Self {
            state: START,
            length: 0,
            rest: [0; BLOCK_SIZE],
        }
    }
}

impl Md5 {
    /// Length of a [`snapshot`](Self::snapshot).
    pub(crate) const SNAPSHOT_BYTES: usize = 16 + 8 + BLOCK_SIZE;

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        let held = self.held();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if held > 0 {
            let some = bytes.len().min(BLOCK_SIZE - held);
            self.rest[held..held + some].copy_from_slice(&bytes[..some]);
            bytes = &bytes[some..];
            if held + some < BLOCK_SIZE {
                return;
            }
            transform(&mut self.state, &self.rest);
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK_SIZE>();
        for block in blocks {
            transform(&mut self.state, block);
        }
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// The md5 of all bytes.
    pub(crate) fn finish(mut self) -> [u8; 16] {
        let bits = self.length.wrapping_mul(8);
        let zeros = (2 * BLOCK_SIZE - 9 - self.held()) % BLOCK_SIZE;
        let mut padding = [0; BLOCK_SIZE + 8];
        padding[0] = 0x80;
        padding[1 + zeros..][..8].copy_from_slice(&bits.to_le_bytes());
        self.update(&padding[..zeros + 9]);
        words(self.state)
    }

    /// The bytes from which [`restore`](Self::restore) goes on.
    pub(crate) fn snapshot(&self) -> [u8; Self::SNAPSHOT_BYTES] {
        let mut out = [0; Self::SNAPSHOT_BYTES];
        out[..16].copy_from_slice(&words(self.state));
        out[16..24].copy_from_slice(&self.length.to_le_bytes());
        let held = self.held();
        out[24..24 + held].copy_from_slice(&self.rest[..held]);
        out
    }

    /// An md5 that goes on from a [`snapshot`](Self::snapshot).
    pub(crate) fn restore(snapshot: &[u8; Self::SNAPSHOT_BYTES]) -> Self {
        let mut md5 = Self::default();
        let (words, tail) = snapshot.split_at(16);
        for (word, bytes) in md5.state.iter_mut().zip(words.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let (length, rest) = tail.split_at(8);
        md5.length = length
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u64::from(byte));
        md5.rest.copy_from_slice(rest);
        md5
    }

    /// How many bytes it has taken.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    fn held(&self) -> usize {
        (self.length % BLOCK_SIZE as u64) as usize
    }
}

fn words(state: [u32; 4]) -> [u8; 16] {
    let mut out = [0; 16];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::hexadecimal;
    use super::*;

    /// The test suite of RFC 1321, A.5, and lengths on either side of a block's end.
    #[test]
    fn it_is_the_md5_of_the_rfc_and_survives_being_stored() {
        let known = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        for (text, expected) in known {
            for cut in 0..=text.len() {
                let mut md5 = Md5::default();
                md5.update(&text.as_bytes()[..cut]);
                let mut md5 = Md5::restore(&md5.snapshot());
                assert_eq!(md5.length(), cut as u64);
                md5.update(&text.as_bytes()[cut..]);
                assert_eq!(hexadecimal(&md5.finish()), expected, "{text}, cut at {cut}");
            }
        }
    }
}
