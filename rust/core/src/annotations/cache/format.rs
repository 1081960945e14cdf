//! Turns a table into bytes whose columns can be used where they lie, and finds them again.

use serde::{Deserialize, Serialize};

use super::key::Key;
use crate::annotations::extras::Column;
use crate::annotations::table::Table;

const MAGIC: [u8; 8] = *b"PTCOL\r\n\x1a";
const VERSION: u32 = 2;
/// Bytes before the first column.
const HEADER: usize = 64;
/// The checksum covers what is behind it.
const SUMMED: usize = 16;
/// Columns begin at multiples of this.
const ALIGNMENT: usize = 64;

/// Keys and values.
type Pairs = Vec<(String, String)>;

/// What the bytes hold, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Directory {
    /// The files that the table is of.
    pub key: Key,
    /// As [`Table::info`].
    pub info: Pairs,
    /// As [`Table::more`].
    pub more: Pairs,
    /// What is wrong if a category has two folders.
    pub folders_problem: Option<String>,
    /// The columns.
    pub columns: Vec<Entry>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What its rows are, as `images` or `categories`, or whose further keys.
    pub list: String,
    /// Its name in there.
    pub name: String,
    /// The type of a value.
    pub kind: Kind,
    /// Position of the first value, or of the bytes of all strings.
    pub at: u64,
    /// Number of values.
    pub count: u64,
    /// Of strings, the position of `count + 1` offsets into their bytes.
    pub offsets: Option<u64>,
    /// Of strings that may be null, the position of `count` flags.
    pub nulls: Option<u64>,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// Four bytes.
    I32,
    /// Eight bytes.
    I64,
    /// Eight bytes.
    F64,
    /// UTF-8.
    Text,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Text => "text",
        }
    }

    fn bytes(self) -> u64 {
        match self {
            Self::Bool | Self::Text => 1,
            Self::I32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// The bytes of a table whose images are brought into an order.
pub fn encode(table: Table, order: &[u32], key: Key) -> Vec<u8> {
    let (folders, problem) = table.folders_in(order.iter().map(|row| *row as usize));
    let Table { images, .. } = table;
    let mut writer = Writer::new(images.len(), images.file_names.bytes().len());
    let names = order.iter().map(|&row| images.file_names.get(row as usize));
    writer.text("images", "file_names", names, None);
    drop(images.file_names);
    let mut integers = |name, values: &[i64]| {
        let values = order.iter().map(|&row| values[row as usize].to_le_bytes());
        writer.values(("images", name, Kind::I64), values);
    };
    integers("image_ids", &images.ids);
    integers("category_ids", &table.categories_of_images);
    integers("license_ids", &images.licenses);
    integers("annotation_ids", &table.annotation_ids);
    let mut small = |name, values: &[i32]| {
        let values = order.iter().map(|&row| values[row as usize].to_le_bytes());
        writer.values(("images", name, Kind::I32), values);
    };
    small("widths", &images.widths);
    small("heights", &images.heights);
    small("holders", &images.holders);
    writer.text("holders", "names", images.holder_names.iter(), None);
    for (key, column) in &table.meta {
        writer.column("meta", key, &column.select(order));
    }
    for (key, column) in &table.annotation_meta {
        writer.column("annotation_meta", key, &column.select(order));
    }
    let categories = &table.categories;
    writer.integers("categories", "ids", &categories.ids);
    writer.text("categories", "names", categories.names.iter(), None);
    let above = categories.supercategories.iter();
    writer.text("categories", "supercategories", above, None);
    writer.text("categories", "folders", folders.iter(), None);
    writer.integers("categories", "positions", &table.positions);
    writer.integers("categories", "first_seen", &table.first_seen);
    for (key, text, nulls) in &table.category_columns {
        writer.text("category_columns", key, text.iter(), Some(nulls));
    }
    let licenses = &table.licenses;
    writer.integers("licenses", "ids", &licenses.ids);
    writer.text("licenses", "names", licenses.names.iter(), None);
    writer.text("licenses", "urls", licenses.urls.iter(), None);
    for (key, text, nulls) in &table.license_columns {
        writer.text("license_columns", key, text.iter(), Some(nulls));
    }
    writer.finish(
        key,
        (table.info, table.more),
        problem.map(|error| error.to_string()),
    )
}

struct Writer {
    bytes: Vec<u8>,
    columns: Vec<Entry>,
}

impl Writer {
    fn new(images: usize, name_bytes: usize) -> Self {
        // File names and the eight columns of numbers; what else there is mostly is short.
        let mut bytes = Vec::with_capacity(HEADER + name_bytes + images * 56 + (1 << 20));
        bytes.resize(HEADER, 0);
        Self {
            bytes,
            columns: Vec::new(),
        }
    }

    fn begin(&mut self) -> u64 {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        self.bytes.len() as u64
    }

    fn values<const N: usize>(
        &mut self,
        (list, name, kind): (&str, &str, Kind),
        values: impl ExactSizeIterator<Item = [u8; N]>,
    ) {
        let (at, count) = (self.begin(), values.len() as u64);
        values.for_each(|value| self.bytes.extend_from_slice(&value));
        self.add(list, name, kind, at, count);
    }

    fn add(&mut self, list: &str, name: &str, kind: Kind, at: u64, count: u64) {
        self.columns.push(Entry {
            list: list.to_owned(),
            name: name.to_owned(),
            kind,
            at,
            count,
            offsets: None,
            nulls: None,
        });
    }

    fn integers(&mut self, list: &str, name: &str, values: &[i64]) {
        let values = values.iter().map(|value| value.to_le_bytes());
        self.values((list, name, Kind::I64), values);
    }

    fn text<'a>(
        &mut self,
        list: &str,
        name: &str,
        strings: impl ExactSizeIterator<Item = &'a [u8]>,
        nulls: Option<&[bool]>,
    ) {
        let at = self.begin();
        let count = strings.len();
        let mut ends = Vec::with_capacity(count + 1);
        ends.push(0);
        for string in strings {
            self.bytes.extend_from_slice(string);
            ends.push(self.bytes.len() as u64 - at);
        }
        let offsets = self.begin();
        for end in ends {
            self.bytes.extend_from_slice(&end.to_le_bytes());
        }
        let nulls = nulls.map(|nulls| {
            let at = self.begin();
            self.bytes.extend(nulls.iter().map(|null| u8::from(*null)));
            at
        });
        self.add(list, name, Kind::Text, at, count as u64);
        if let Some(entry) = self.columns.last_mut() {
            entry.offsets = Some(offsets);
            entry.nulls = nulls;
        }
    }

    fn column(&mut self, list: &str, name: &str, column: &Column) {
        match column {
            Column::Integers(values) => self.integers(list, name, values),
            Column::Text(text) => self.text(list, name, text.iter(), None),
            Column::Numbers(values) => {
                let values = values.iter().map(|value| value.to_le_bytes());
                self.values((list, name, Kind::F64), values);
            }
            Column::Booleans(values) => {
                let values = values.iter().map(|value| [u8::from(*value)]);
                self.values((list, name, Kind::Bool), values);
            }
        }
    }

    fn finish(
        mut self,
        key: Key,
        (info, more): (Pairs, Pairs),
        folders_problem: Option<String>,
    ) -> Vec<u8> {
        let at = self.begin();
        let directory = Directory {
            key,
            info,
            more,
            folders_problem,
            columns: self.columns,
        };
        let mut bytes = self.bytes;
        // Its maps have keys that are strings and its numbers are integers, so this cannot fail; and
        // where it did, the file would be one that is not read.
        let text = serde_json::to_vec(&directory).unwrap_or_default();
        bytes.extend_from_slice(&text);
        let length = bytes.len() as u64;
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        bytes[24..32].copy_from_slice(&at.to_le_bytes());
        let sum = crc32fast::hash(&bytes[SUMMED..]);
        bytes[12..16].copy_from_slice(&sum.to_le_bytes());
        bytes
    }
}

/// The directory of what [`encode`] made; none if the bytes are damaged, of another version, or of
/// other files than those of `key`. Without a key the checksum is not checked.
pub fn decode(bytes: &[u8], key: Option<&Key>) -> Option<Directory> {
    let number = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let small = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    if !bytes.starts_with(&MAGIC) || small(8)? != VERSION || number(16)? != bytes.len() as u64 {
        return None;
    }
    // The directory first: it is short, and mostly tells a stale file.
    let at = usize::try_from(number(24)?).ok()?;
    let directory: Directory = serde_json::from_slice(bytes.get(at..)?).ok()?;
    if let Some(key) = key {
        let is_whole = || Some(small(12)? == crc32fast::hash(&bytes[SUMMED..]));
        if directory.key != *key || !is_whole()? {
            return None;
        }
    }
    let fits = |entry: &Entry| is_inside(bytes, entry);
    directory.columns.iter().all(fits).then_some(directory)
}

/// Whether a column lies in the bytes, and its strings in theirs.
fn is_inside(bytes: &[u8], entry: &Entry) -> bool {
    let part = |at: u64, count: u64, size: u64| {
        let end = count.checked_mul(size)?.checked_add(at)?;
        bytes.get(usize::try_from(at).ok()?..usize::try_from(end).ok()?)
    };
    if entry.kind != Kind::Text {
        return part(entry.at, entry.count, entry.kind.bytes()).is_some();
    }
    let strings = || {
        let offsets = part(entry.offsets?, entry.count.checked_add(1)?, 8)?;
        let (offsets, _) = offsets.as_chunks::<8>();
        let mut before = 0;
        let grows = offsets.iter().all(|offset| {
            let offset = u64::from_le_bytes(*offset);
            let grows = offset >= before;
            before = offset;
            grows
        });
        let nulls = entry
            .nulls
            .map_or(Some(&[][..]), |at| part(at, entry.count, 1))?;
        let flags = nulls.iter().all(|flag| *flag < 2);
        Some(grows && flags && part(entry.at, before, 1).is_some())
    };
    strings().unwrap_or(false)
}
