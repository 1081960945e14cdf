//! Turns a member's name into the number of its directory and a short form of the rest, and back.
//!
//! The rest is one byte that says its form, then the form's bytes. File names that are 128 random
//! bits (iNaturalist's: 32 hexadecimal digits in 2017 to 2019, a UUID in 2021) take 17 bytes.

/// The rest of the name as it is.
const PLAIN: u8 = 0;
/// 16 bytes that stand for 32 lower-case hexadecimal digits and `.jpg`.
const HEXADECIMAL: u8 = 1;
/// 16 bytes that stand for a lower-case UUID (RFC 9562 4) and `.jpg`.
const UUID: u8 = 2;

const SUFFIX: &[u8] = b".jpg";
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// Where a UUID has its dashes.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// The directory with its slash, and the rest.
pub(super) fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let slash = name.iter().rposition(|&byte| byte == b'/');
    name.split_at(slash.map_or(0, |slash| slash + 1))
}

/// Writes the short form of `rest` behind `out`.
pub(super) fn encode(rest: &[u8], out: &mut Vec<u8>) {
    let stem = rest.strip_suffix(SUFFIX).unwrap_or_default();
    if let Some(bytes) = digits(stem) {
        out.push(HEXADECIMAL);
        out.extend_from_slice(&bytes);
    } else if let Some(bytes) = without_dashes(stem).and_then(|stem| digits(&stem)) {
        out.push(UUID);
        out.extend_from_slice(&bytes);
    } else {
        out.push(PLAIN);
        out.extend_from_slice(rest);
    }
}

/// Writes what `form` stands for behind `out`; `None` if it is malformed.
pub(super) fn decode(form: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (&kind, bytes) = form.split_first()?;
    match kind {
        PLAIN => out.extend_from_slice(bytes),
        HEXADECIMAL | UUID if bytes.len() == 16 => {
            for (at, byte) in bytes.iter().enumerate() {
                if kind == UUID && matches!(at, 4 | 6 | 8 | 10) {
                    out.push(b'-');
                }
                out.extend([
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                ]);
            }
            out.extend_from_slice(SUFFIX);
        }
        _ => return None,
    }
    Some(())
}

fn digits(stem: &[u8]) -> Option<[u8; 16]> {
    let stem: &[u8; 32] = stem.try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(stem.as_chunks::<2>().0) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The value of a lower-case digit: upper case would not come back as it was.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn without_dashes(stem: &[u8]) -> Option<Vec<u8>> {
    let right = stem.len() == 36 && DASHES.iter().all(|&at| stem[at] == b'-');
    right.then(|| stem.iter().copied().filter(|&byte| byte != b'-').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(rest: &[u8]) -> usize {
        let (mut form, mut back) = (Vec::new(), b"dir/".to_vec());
        encode(rest, &mut form);
        decode(&form, &mut back).unwrap();
        assert_eq!(&back[4..], rest, "{}", rest.escape_ascii());
        form.len()
    }

    #[test]
    fn every_name_comes_back_and_random_ones_are_short() {
        assert_eq!(stored(b"0123456789abcdef0123456789abcdef.jpg"), 17);
        assert_eq!(stored(b"01234567-89ab-cdef-0123-456789abcdef.jpg"), 17);
        for other in [
            &b"0123456789ABCDEF0123456789abcdef.jpg"[..],
            b"0123456789abcdef0123456789abcdef.png",
            b"0123456789abcdef0123456789abcde.jpg",
            b"01234567-89ab-cdef-0123-456789abcde-.jpg",
            b"0123456789ab-cdef-0123-456789abcdef-.jpg",
            b"\xff\xfe.jpg",
            b".jpg",
            b"",
        ] {
            assert_eq!(stored(other), 1 + other.len());
        }
        for bad in [&b""[..], b"\x01short", b"\x03"] {
            assert!(decode(bad, &mut Vec::new()).is_none());
        }
    }

    #[test]
    fn a_directory_keeps_its_slash() {
        assert_eq!(split(b"a/b/c"), (&b"a/b/"[..], &b"c"[..]));
        assert_eq!(split(b"c"), (&b""[..], &b"c"[..]));
        assert_eq!(split(b"/"), (&b"/"[..], &b""[..]));
    }
}
