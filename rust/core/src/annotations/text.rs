//! Turns many strings into one byte pool with offsets.

use crate::error::{Error, Result};

/// Bytes of a string in its sort key.
const KEY_BYTES: usize = 15;

/// Strings one behind the other: string `i` is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    bytes: Vec<u8>,
    offsets: Vec<u64>,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![0],
        }
    }
}

impl Text {
    /// Adds a string.
    pub fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.offsets.push(self.bytes.len() as u64);
    }

    /// Adds the strings of another list behind these.
    pub fn append(&mut self, other: &Self) {
        let before = self.bytes.len() as u64;
        self.bytes.extend_from_slice(&other.bytes);
        let ends = other.offsets[1..].iter();
        self.offsets.extend(ends.map(|end| before + end));
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no string.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `number`.
    ///
    /// # Panics
    /// Where there is no such string.
    pub fn get(&self, number: usize) -> &[u8] {
        &self.bytes[self.offsets[number] as usize..self.offsets[number + 1] as usize]
    }

    /// The strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.offsets
            .windows(2)
            .map(|ends| &self.bytes[ends[0] as usize..ends[1] as usize])
    }

    /// The strings with these numbers, in this order.
    #[must_use]
    pub fn select(&self, numbers: &[u32]) -> Self {
        let mut selected = Self::default();
        selected.offsets.reserve(numbers.len());
        selected.bytes.reserve(
            numbers
                .iter()
                .map(|&number| self.get(number as usize).len())
                .sum(),
        );
        for &number in numbers {
            selected.push(self.get(number as usize));
        }
        selected
    }

    /// The numbers of the strings, sorted by their bytes; of equal strings the first one first.
    pub fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<(u128, u32)> = (0..self.len() as u32).map(|one| (0, one)).collect();
        // Ranges that are to be sorted, whose strings are equal up to a byte.
        let mut ranges = vec![(0..order.len(), 0)];
        while let Some((range, equal)) = ranges.pop() {
            let run = &mut order[range.clone()];
            let Some(behind) = self.set_keys(run, equal) else {
                run.sort_unstable_by_key(|&(_, string)| string);
                continue;
            };
            run.sort_unstable();
            let mut start = range.start;
            for same in run.chunk_by(|(key, _), (other, _)| key == other) {
                let end = start + same.len();
                if same.len() > 1 {
                    ranges.push((start..end, behind));
                }
                start = end;
            }
        }
        order.into_iter().map(|(_, string)| string).collect()
    }

    /// Gives strings that are equal up to byte `equal` keys that sort as the next bytes in which
    /// they differ, and returns the byte behind these; none if the strings are equal.
    ///
    /// Comparing keys needs no look at the strings, which lie all over memory.
    fn set_keys(&self, run: &mut [(u128, u32)], equal: usize) -> Option<usize> {
        let string = |number: u32| self.get(number as usize).get(equal..).unwrap_or_default();
        let first = string(run.first()?.1);
        let shared = |other: &[u8]| first.iter().zip(other).take_while(|(a, b)| a == b).count();
        let (mut common, mut least, mut most) = (usize::MAX, usize::MAX, 0);
        for &(_, number) in run.iter() {
            let string = string(number);
            common = common.min(shared(string));
            least = least.min(string.len());
            most = most.max(string.len());
        }
        if common == least && least == most {
            return None;
        }
        for (key, number) in run {
            let tail = &string(*number)[common..];
            let mut bytes = [0; 16];
            let length = tail.len().min(KEY_BYTES);
            bytes[..length].copy_from_slice(&tail[..length]);
            // A string that ends comes before one that goes on with a zero.
            bytes[KEY_BYTES] = length as u8;
            *key = u128::from_be_bytes(bytes);
        }
        Some(equal + common + KEY_BYTES)
    }

    /// The two columns: bytes and offsets.
    pub fn into_parts(self) -> (Vec<u8>, Vec<u64>) {
        (self.bytes, self.offsets)
    }

    /// The pool.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the strings begin and end: one more than there are strings.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }
}

impl<S: AsRef<[u8]>> FromIterator<S> for Text {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut text = Self::default();
        for string in strings {
            text.push(string.as_ref());
        }
        text
    }
}

/// Some strings of a pool, in any order: string `i` is `bytes[starts[i]..ends[i]]`.
#[derive(Clone, Copy, Debug)]
pub struct Slices<'a> {
    bytes: &'a [u8],
    starts: &'a [u64],
    ends: &'a [u64],
}

impl<'a> Slices<'a> {
    /// The strings between `starts` and `ends`, all of which must lie in `bytes`.
    pub fn new(bytes: &'a [u8], starts: &'a [u64], ends: &'a [u64]) -> Result<Self> {
        let length = bytes.len() as u64;
        let inside = |(start, end): (&u64, &u64)| start <= end && *end <= length;
        if starts.len() != ends.len() || !starts.iter().zip(ends).all(inside) {
            return Err(Error::argument("the strings do not lie inside their bytes"));
        }
        Ok(Self {
            bytes,
            starts,
            ends,
        })
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let bytes = self.bytes;
        let ends = self.starts.iter().zip(self.ends);
        ends.map(move |(&start, &end)| &bytes[start as usize..end as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn strings_come_back_in_any_order() {
        let text: Text = ["a", "", "b\u{e9}"].into_iter().collect();
        assert_eq!(text.len(), 3);
        assert_eq!(
            text.iter().collect::<Vec<_>>(),
            [b"a".as_slice(), b"", b"b\xc3\xa9"]
        );
        assert_eq!(
            text.select(&[2, 0]).iter().collect::<Vec<_>>(),
            [b"b\xc3\xa9".as_slice(), b"a"]
        );
    }

    #[test]
    fn sorting_is_that_of_the_bytes() {
        let text: Text = [
            "p/b",
            "p/",
            "p/a\0",
            "p/a",
            "p/a-longer-than-the-key-1",
            "p/a",
            "p/a-longer-than-the-key-0",
        ]
        .into_iter()
        .collect();
        assert_eq!(text.sorted(), [1, 3, 5, 2, 6, 4, 0]);
        assert!(Text::default().sorted().is_empty());
    }

    proptest! {
        #[test]
        fn any_strings_are_sorted_as_slices_are(
            strings in prop::collection::vec(prop::collection::vec(0_u8..3, 0..40), 0..40)
        ) {
            let text: Text = strings.iter().collect();
            let mut expected: Vec<u32> = (0..strings.len() as u32).collect();
            expected.sort_by_key(|&one| &strings[one as usize]);
            prop_assert_eq!(text.sorted(), expected);
        }
    }

    #[test]
    fn slices_that_do_not_fit_are_refused() {
        let slices = Slices::new(b"abc", &[2, 0], &[3, 2]).unwrap();
        assert_eq!(slices.iter().collect::<Vec<_>>(), [b"c".as_slice(), b"ab"]);
        assert!(Slices::new(b"abc", &[2], &[1]).is_err());
        assert!(Slices::new(b"abc", &[2], &[4]).is_err());
        assert!(Slices::new(b"abc", &[2], &[3, 3]).is_err());
    }
}
