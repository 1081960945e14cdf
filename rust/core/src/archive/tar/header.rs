//! Turns one 512-byte block into the fields of a tar header (POSIX.1-2017, pax, "ustar Interchange
//! Format"; GNU tar manual, "Basic Tar Format").

use super::BLOCK;

/// The fields that say where data is and what it is called.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// Kept as a result: an override makes a field that cannot be read harmless.
    pub(super) size: Result<u64, String>,
    pub(super) sparse_map_goes_on: bool,
    /// Whether an extended header says that the data is a sparse file's.
    pub(super) sparse: bool,
}

impl Header {
    /// Checks the checksum and takes the block apart; fails with what is wrong.
    pub(super) fn parse(block: &[u8; BLOCK]) -> Result<Self, String> {
        check_sum(block)?;
        let magic = &block[257..265];
        let posix = magic.starts_with(b"ustar") && &magic[5..] != b"  \0";
        let mut name = text(&block[..100]).to_vec();
        if posix {
            // star keeps times at the end of the prefix and says so in the last four bytes.
            let star = &block[508..] == b"tar\0";
            let prefix = text(&block[345..if star { 476 } else { 500 }]);
            if !prefix.is_empty() {
                name = [prefix, b"/", &name].concat();
            }
        }
        Ok(Self {
            kind: block[156],
            name,
            link: text(&block[157..257]).to_vec(),
            size: number(&block[124..136])
                .and_then(|size| u64::try_from(size).ok())
                .ok_or_else(|| format!("a size that is no number: {}", quoted(&block[124..136]))),
            sparse_map_goes_on: block[482] != 0,
            sparse: false,
        })
    }
}

/// The sum of all bytes, the field itself taken as spaces; some old tars summed signed bytes.
fn check_sum(block: &[u8; BLOCK]) -> Result<(), String> {
    let field = 148..156;
    let others = || block[..field.start].iter().chain(&block[field.end..]);
    let unsigned = 8 * 32 + others().map(|&byte| i64::from(byte)).sum::<i64>();
    let signed = 8 * 32 + others().map(|&byte| i64::from(byte as i8)).sum::<i64>();
    let stored = number(&block[field.clone()])
        .ok_or_else(|| format!("its checksum is no number: {}", quoted(&block[field])))?;
    if stored != unsigned && stored != signed {
        return Err(format!(
            "its checksum says {stored}, its bytes add up to {unsigned}"
        ));
    }
    Ok(())
}

/// A number: octal digits between spaces and NULs, or base 256 with the top bit set (GNU, star).
fn number(field: &[u8]) -> Option<i64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 != 0 {
        let negative = first & 0x40 != 0;
        let mut value = if negative {
            i64::from(first) - 0x100
        } else {
            i64::from(first & 0x3f)
        };
        for &byte in rest {
            value = value.checked_mul(256)?.checked_add(i64::from(byte))?;
        }
        return Some(value);
    }
    let digits = text(field).trim_ascii();
    let mut value = 0i64;
    for &digit in digits {
        if !(b'0'..=b'7').contains(&digit) {
            return None;
        }
        value = value.checked_mul(8)?.checked_add(i64::from(digit - b'0'))?;
    }
    Some(value)
}

fn text(field: &[u8]) -> &[u8] {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    &field[..end]
}

fn quoted(field: &[u8]) -> String {
    format!("`{}`", field.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(number(b"00000000644\0"), Some(0o644));
        assert_eq!(number(b"   644 \0"), Some(0o644));
        assert_eq!(number(b"\0\0\0\0"), Some(0));
        assert_eq!(number(b"00000089"), None);
        assert_eq!(
            number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]),
            Some((2 << 32) + (1))
        );
        assert_eq!(number(&[0xff; 12]), Some(-1));
        assert_eq!(
            number(&[
                0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 1
            ]),
            None
        );
    }
}
