//! Turns the keys of records that have no column of their own into columns.

use serde::de::{Error as _, MapAccess};
use serde_json::value::RawValue;

use super::file::select;
use super::parse::Str;
use super::text::Text;
use crate::error::{Error, Result};
use crate::limits::{ANNOTATION_CELLS, ANNOTATION_KEYS};

/// The further keys of one record, with what they hold.
#[derive(Debug, Default)]
pub(crate) struct More<'a>(Vec<(Str<'a>, Cell<'a>)>);

#[derive(Debug)]
struct Cell<'a> {
    kind: Kind,
    text: Str<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Nested,
}

impl<'de> More<'de> {
    /// Takes the value of `key`.
    pub(crate) fn take<M: MapAccess<'de>>(
        &mut self,
        key: Str<'de>,
        map: &mut M,
    ) -> Result<(), M::Error> {
        let raw: &'de RawValue = map.next_value()?;
        let text = raw.get();
        let kind = match text.as_bytes().first() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'"') => Kind::Text,
            Some(b'{' | b'[') => Kind::Nested,
            _ => Kind::Number,
        };
        let text = match kind {
            Kind::Null => Str("".into()),
            Kind::Text => serde_json::from_str(text).map_err(M::Error::custom)?,
            _ => Str(text.into()),
        };
        if self.0.iter().any(|(known, _)| **known == *key) {
            return Err(M::Error::custom(format!("the key `{}` comes twice", &*key)));
        }
        if self.0.len() == ANNOTATION_KEYS {
            return Err(M::Error::custom(format!(
                "more than {ANNOTATION_KEYS} keys"
            )));
        }
        self.0.push((key, Cell { kind, text }));
        Ok(())
    }
}

impl More<'_> {
    /// Keys and values as texts, but for those that are null.
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        let known = self
            .0
            .into_iter()
            .filter(|(_, cell)| cell.kind != Kind::Null);
        known
            .map(|(key, cell)| (key.0.into_owned(), cell.text.0.into_owned()))
            .collect()
    }
}

/// The further keys of the records of a list, each a column; a record may lack a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    columns: Vec<(String, Cells)>,
}

/// The values of one key as texts, up to the last record that has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cells {
    kinds: Vec<Kind>,
    text: Text,
}

/// The values of one key of all records.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers, or null (NaN).
    Numbers(Vec<f64>),
    /// Integers in all records.
    Integers(Vec<i64>),
    /// True or false in all records.
    Booleans(Vec<bool>),
    /// All else: null is empty, other values that are no strings are JSON text.
    Text(Text),
}

impl Extras {
    /// Adds what record number `row` has.
    pub(crate) fn push(&mut self, row: usize, more: &More<'_>) -> Result<()> {
        for (place, (key, cell)) in more.0.iter().enumerate() {
            // The keys of a record mostly come in the order of the one before.
            let here = self.columns.get(place);
            let number = if here.is_some_and(|(name, _)| **name == **key) {
                place
            } else {
                self.number(key)?
            };
            let cells = &mut self.columns[number].1;
            cells.pad(row);
            cells.kinds.push(cell.kind);
            cells.text.push(cell.text.as_bytes());
        }
        Ok(())
    }

    fn number(&mut self, key: &str) -> Result<usize> {
        if let Some(number) = self.columns.iter().position(|(name, _)| name == key) {
            return Ok(number);
        }
        if self.columns.len() == ANNOTATION_KEYS {
            return Err(Error::annotation(format!(
                "its records have more than {ANNOTATION_KEYS} different keys"
            )));
        }
        self.columns.push((key.to_owned(), Cells::default()));
        Ok(self.columns.len() - 1)
    }

    /// Adds those of the `rows` records of another list behind the first `row` records.
    pub(crate) fn append(&mut self, row: usize, other: &Self) -> Result<()> {
        for (key, more) in &other.columns {
            let number = self.number(key)?;
            let cells = &mut self.columns[number].1;
            cells.pad(row);
            cells.kinds.extend(&more.kinds);
            more.text.iter().for_each(|text| cells.text.push(text));
        }
        Ok(())
    }

    /// Those of the records with these numbers, in this order.
    pub(crate) fn select(&self, numbers: &[u32]) -> Self {
        let columns = self.columns.iter().map(|(key, cells)| {
            let mut selected = Cells::default();
            for &number in numbers {
                let number = number as usize;
                let kind = cells.kinds.get(number);
                selected.kinds.push(kind.copied().unwrap_or(Kind::Null));
                let text = kind.map_or(&b""[..], |_| cells.text.get(number));
                selected.text.push(text);
            }
            (key.clone(), selected)
        });
        Self {
            columns: columns.collect(),
        }
    }

    /// The columns with their keys, in the order in which these came first.
    pub fn into_columns(self, rows: usize) -> Result<Vec<(String, Column)>> {
        self.check(rows)?;
        let columns = self.columns.into_iter();
        Ok(columns
            .map(|(key, mut cells)| {
                cells.pad(rows);
                (key, cells.into_column())
            })
            .collect())
    }

    /// The columns as texts with a flag for null.
    pub(crate) fn into_texts(self, rows: usize) -> Result<Vec<(String, Text, Vec<bool>)>> {
        self.check(rows)?;
        let columns = self.columns.into_iter();
        Ok(columns
            .map(|(key, mut cells)| {
                cells.pad(rows);
                let nulls = cells.kinds.iter().map(|kind| *kind == Kind::Null).collect();
                (key, cells.text, nulls)
            })
            .collect())
    }

    /// Keys that few records have must not take memory without bounds.
    fn check(&self, rows: usize) -> Result<()> {
        let cells = rows.saturating_mul(self.columns.len());
        if cells > ANNOTATION_CELLS {
            return Err(Error::annotation(format!(
                "{rows} records with {} unknown keys are more than the {ANNOTATION_CELLS} values \
                 that are kept",
                self.columns.len()
            )));
        }
        Ok(())
    }
}

impl Cells {
    fn pad(&mut self, rows: usize) {
        while self.kinds.len() < rows {
            self.kinds.push(Kind::Null);
            self.text.push(b"");
        }
    }

    fn into_column(self) -> Column {
        let all = |kind| self.kinds.iter().all(|found| *found == kind);
        if all(Kind::Boolean) && !self.kinds.is_empty() {
            return Column::Booleans(self.text.iter().map(|text| text == b"true").collect());
        }
        let is_number = |kind: &Kind| matches!(kind, Kind::Number | Kind::Null);
        if !self.kinds.iter().all(is_number) {
            return Column::Text(self.text);
        }
        let integers = self.text.iter().map(parsed::<i64>);
        if let Some(integers) = integers.collect::<Option<Vec<_>>>() {
            return Column::Integers(integers);
        }
        let numbers = self
            .kinds
            .iter()
            .zip(self.text.iter())
            .map(|cell| match cell {
                (Kind::Null, _) => Some(f64::NAN),
                (_, text) => exact(text),
            });
        match numbers.collect::<Option<Vec<_>>>() {
            Some(numbers) => Column::Numbers(numbers),
            None => Column::Text(self.text),
        }
    }
}

fn parsed<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The number nearest to a decimal; none where an integer would become another one.
fn exact(text: &[u8]) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    let number: f64 = parsed(text)?;
    let is_integer = text
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'-');
    let is_exact = !is_integer || parsed::<i64>(text)?.unsigned_abs() <= EXACT;
    (number.is_finite() && is_exact).then_some(number)
}

impl Column {
    /// The values with these numbers, in this order.
    #[must_use]
    pub fn select(&self, numbers: &[u32]) -> Self {
        match self {
            Self::Numbers(column) => Self::Numbers(select(column, numbers)),
            Self::Integers(column) => Self::Integers(select(column, numbers)),
            Self::Booleans(column) => Self::Booleans(select(column, numbers)),
            Self::Text(column) => Self::Text(column.select(numbers)),
        }
    }
}
