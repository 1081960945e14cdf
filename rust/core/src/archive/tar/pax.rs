//! Turns the records of a pax extended header into overrides of the next member's header
//! (POSIX.1-2017, pax, "pax Extended Header").

/// What extended headers say instead of the header proper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// The data is a GNU sparse file's (any of the three pax formats).
    pub(super) sparse: bool,
    sparse_name: bool,
}

impl Overrides {
    /// These, and `global`'s where these are silent.
    pub(super) fn or(self, global: &Self) -> Self {
        Self {
            path: self.path.or_else(|| global.path.clone()),
            link: self.link.or_else(|| global.link.clone()),
            size: self.size.or(global.size),
            sparse: self.sparse || global.sparse,
            sparse_name: false,
        }
    }
}

/// Records from which [`read`] makes these overrides again; none where there are none.
pub(super) fn write(overrides: &Overrides) -> Vec<u8> {
    let mut out = Vec::new();
    let size = overrides.size.map(|size| size.to_string().into_bytes());
    if overrides.sparse {
        record(b"GNU.sparse.major", b"1", &mut out);
    }
    let path: &[u8] = if overrides.sparse_name {
        b"GNU.sparse.name"
    } else {
        b"path"
    };
    for (key, value) in [
        (path, &overrides.path),
        (b"linkpath", &overrides.link),
        (b"size", &size),
    ] {
        if let Some(value) = value {
            record(key, value, &mut out);
        }
    }
    out
}

/// Writes a record, whose length counts its own digits.
fn record(key: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} ").as_bytes());
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Reads records `length key=value\n`; fails with what is wrong with them.
pub(super) fn read(mut bytes: &[u8], overrides: &mut Overrides) -> Result<(), String> {
    // Some writers pad with zero bytes inside the recorded size.
    while bytes.first().is_some_and(|&byte| byte != 0) {
        let space = bytes
            .iter()
            .position(|&byte| byte == b' ')
            .ok_or("a record without length")?;
        let length = decimal(&bytes[..space])
            .and_then(|length| usize::try_from(length).ok())
            .filter(|&length| length > space + 1 && length <= bytes.len())
            .ok_or_else(|| {
                format!(
                    "a pax record of a wrong length: `{}`",
                    bytes[..space.min(20)].escape_ascii()
                )
            })?;
        let (record, rest) = bytes.split_at(length);
        bytes = rest;
        let record = record[space + 1..]
            .strip_suffix(b"\n")
            .ok_or("a pax record without end")?;
        let equals = record
            .iter()
            .position(|&byte| byte == b'=')
            .ok_or("a pax record without `=`")?;
        set(&record[..equals], &record[equals + 1..], overrides)?;
    }
    Ok(())
}

fn set(key: &[u8], value: &[u8], overrides: &mut Overrides) -> Result<(), String> {
    // An empty value deletes the override.
    let text = (!value.is_empty()).then(|| value.to_vec());
    match key {
        b"path" if !overrides.sparse_name => overrides.path = text,
        b"linkpath" => overrides.link = text,
        b"size" if value.is_empty() => overrides.size = None,
        b"size" => {
            overrides.size = Some(decimal(value).ok_or_else(|| {
                format!("a pax size that is no number: `{}`", value.escape_ascii())
            })?);
        }
        b"GNU.sparse.name" => {
            overrides.sparse = true;
            overrides.sparse_name = true;
            overrides.path = text;
        }
        _ if key.starts_with(b"GNU.sparse.") => overrides.sparse = true,
        _ => {}
    }
    Ok(())
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_bad_ones_are_refused() {
        let mut found = Overrides::default();
        read(
            b"11 path=a/\n14 size=00123\n18 mtime=1.5\xff\xff\xff\xff\xff\n\0\0",
            &mut found,
        )
        .unwrap();
        assert_eq!(found.path.as_deref(), Some(&b"a/"[..]));
        assert_eq!(found.size, Some(123));
        // A length of three digits, because it counts them.
        let long = format!("101 linkpath={:087}\n", 7);
        for more in [&b""[..], long.as_bytes(), b"21 GNU.sparse.name=b\n"] {
            let mut again = Overrides::default();
            read(more, &mut found).unwrap();
            read(&write(&found), &mut again).unwrap();
            assert_eq!(again, found);
        }
        for bad in [
            &b"12 path=a\n"[..],
            b"x path=a\n",
            b"3 a",
            b"9 path-a\n",
            b"10 size=-1\n",
        ] {
            assert!(
                read(bad, &mut Overrides::default()).is_err(),
                "{}",
                bad.escape_ascii()
            );
        }
    }
}
