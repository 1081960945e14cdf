//! Turns many strings into one byte pool with offsets.

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
    /// A pool from its two columns; `None` unless the offsets start at 0, never fall and end at
    /// the end of the bytes.
    pub fn from_parts(bytes: Vec<u8>, offsets: Vec<u64>) -> Option<Self> {
        let whole = offsets.first() == Some(&0) && offsets.last() == Some(&(bytes.len() as u64));
        (whole && offsets.is_sorted()).then_some(Self { bytes, offsets })
    }

    /// Adds a string.
    pub fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.offsets.push(self.bytes.len() as u64);
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

#[cfg(test)]
mod tests {
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
    fn parts_that_do_not_fit_are_refused() {
        assert!(Text::from_parts(b"ab".to_vec(), vec![0, 1, 2]).is_some());
        for offsets in [vec![], vec![0], vec![1, 2], vec![0, 2, 1, 2], vec![0, 3]] {
            assert!(Text::from_parts(b"ab".to_vec(), offsets).is_none());
        }
    }
}
