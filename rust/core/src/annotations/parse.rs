//! Turns JSON text into rows, one at a time, so that memory holds columns and never a tree.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{BufReader, Read};
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::source::read_error;
use super::text::Text;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 1 << 16;

/// A file whose top level is an object of lists.
pub(crate) trait Document {
    /// Takes the value of `key` from `map`, one row at a time.
    fn take<'de, M: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut M,
        place: &Place,
    ) -> Result<(), M::Error>;
}

/// Which row is being parsed, for the message of an error.
#[derive(Debug, Default)]
pub(crate) struct Place {
    row: Cell<Option<(&'static str, usize)>>,
}

impl Place {
    /// Calls `push` with every row of the next value, a list called `list`; null is an empty list.
    pub(crate) fn rows<'de, M: MapAccess<'de>, T: Deserialize<'de>>(
        &self,
        list: &'static str,
        map: &mut M,
        push: impl FnMut(T),
    ) -> Result<(), M::Error> {
        map.next_value_seed(Rows {
            list,
            place: self,
            push,
            row: PhantomData,
        })
    }
}

/// Parses `json`, an object, into `document`.
pub(crate) fn object(json: &mut dyn Read, path: &Path, document: &mut impl Document) -> Result<()> {
    whole(json, path, |json, place| {
        json.deserialize_map(Object { document, place })
    })
}

/// Parses `json`, a list, and calls `push` with every row.
pub(crate) fn list<T: for<'de> Deserialize<'de>>(
    json: &mut dyn Read,
    path: &Path,
    name: &'static str,
    push: impl FnMut(T),
) -> Result<()> {
    whole(json, path, |json, place| {
        json.deserialize_seq(Rows {
            list: name,
            place,
            push,
            row: PhantomData,
        })
    })
}

type Json<'a> = serde_json::Deserializer<serde_json::de::IoRead<BufReader<&'a mut dyn Read>>>;

/// Parses all of `json`: reading to the end also makes the zip check its CRC32.
fn whole(
    json: &mut dyn Read,
    path: &Path,
    parse: impl FnOnce(&mut Json<'_>, &Place) -> serde_json::Result<()>,
) -> Result<()> {
    let reader = BufReader::with_capacity(BUFFER_BYTES, json);
    let mut json = serde_json::Deserializer::from_reader(reader);
    let place = Place::default();
    let parsed = parse(&mut json, &place).and_then(|()| json.end());
    parsed.map_err(|error| explain(error, &place, path))
}

fn explain(error: serde_json::Error, place: &Place, path: &Path) -> Error {
    if error.is_io() {
        return read_error(error.into(), path);
    }
    let text = error.to_string();
    let what = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(what, _)| what);
    let (line, column) = (error.line(), error.column());
    let row = place
        .row
        .get()
        .map(|(list, row)| format!(", `{list}[{row}]`"))
        .unwrap_or_default();
    let advice = if error.is_eof() {
        "; the file is cut short, download it again"
    } else {
        ""
    };
    Error::annotation(format!("line {line}, column {column}{row}: {what}{advice}"))
}

/// The top-level object.
struct Object<'a, D> {
    document: &'a mut D,
    place: &'a Place,
}

impl<'de, D: Document> Visitor<'de> for Object<'_, D> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with lists such as `images` and `annotations`")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            self.document.take(&key, &mut map, self.place)?;
            self.place.row.set(None);
            // A list that comes twice would silently double or replace the first.
            if let Some(key) = seen.replace(key) {
                return Err(M::Error::custom(format!("the key `{key}` comes twice")));
            }
        }
        Ok(())
    }
}

/// A list, row by row.
struct Rows<'a, T, F> {
    list: &'static str,
    place: &'a Place,
    push: F,
    row: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Rows<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Rows<'_, T, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the list `{}`", self.list)
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut rows: S) -> Result<(), S::Error> {
        for row in 0.. {
            self.place.row.set(Some((self.list, row)));
            match rows.next_element()? {
                Some(row) => (self.push)(row),
                None => break,
            }
        }
        self.place.row.set(None);
        Ok(())
    }
}

/// Turns strings that repeat into numbers.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    numbers: HashMap<String, i32>,
    names: Text,
}

impl Interner {
    /// The number of `name`, the next free one where it is new.
    pub(crate) fn number(&mut self, name: String) -> i32 {
        let next = self.names.len() as i32;
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.names.push(name.as_bytes());
            next
        })
    }

    /// An interner that has given `names` their numbers already.
    pub(crate) fn from_names(names: &Text) -> Self {
        let numbers = names
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        Self {
            numbers: numbers.zip(0..).collect(),
            names: names.clone(),
        }
    }

    /// Every name, at its number.
    pub(crate) fn into_names(self) -> Text {
        self.names
    }
}
