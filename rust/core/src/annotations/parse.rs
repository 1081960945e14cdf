//! Turns JSON text into rows, one at a time, so that memory holds columns and never a tree.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};

use super::text::Text;
use super::window::Window;
use crate::error::Result;
use crate::limits::ANNOTATION_KEYS;

/// A file whose top level is an object of lists of objects.
pub(crate) trait Document {
    /// The lists that are read.
    const LISTS: &'static [&'static str];

    /// Takes the object that `text` begins with, a row of a list, and returns its length.
    fn row(&mut self, list: usize, text: &[u8]) -> serde_json::Result<usize>;

    /// Takes the value of another key, which `text` begins with, and returns its length.
    fn other(&mut self, _key: &str, text: &[u8]) -> serde_json::Result<usize> {
        pass_over(text)
    }
}

/// Parses `json`, an object, into `document`; says for each list whether it is there.
pub(crate) fn object<D: Document>(json: &mut Window<'_>, document: &mut D) -> Result<Vec<bool>> {
    let mut found = vec![false; D::LISTS.len()];
    begin(json, b'{', "an object with lists such as `images`")?;
    let mut seen = HashSet::new();
    let mut more = json.peek()? != Some(b'}');
    if !more {
        json.pass();
    }
    while more {
        if json.peek()? != Some(b'"') {
            return Err(json.unexpected("expected a key in quotes"));
        }
        let key = json.value(|text| first::<String>(text))?;
        if json.peek()? != Some(b':') {
            return Err(json.unexpected("expected `:` behind the key"));
        }
        json.pass();
        let list = D::LISTS.iter().position(|name| *name == key);
        if let Some(list) = list {
            found[list] = true;
            rows(json, D::LISTS[list], |text| document.row(list, text))?;
        } else {
            other(json, &key, document)?;
        }
        // A list that comes twice would silently double or replace the first.
        if let Some(key) = seen.replace(key) {
            return Err(json.unexpected(&format!("the key `{key}` comes twice")));
        }
        if seen.len() > ANNOTATION_KEYS {
            return Err(json.unexpected(&format!("more than {ANNOTATION_KEYS} keys")));
        }
        more = json.either(b',', b'}')?;
    }
    end(json)?;
    Ok(found)
}

/// Parses `json`, a list of objects; `row` takes the one its text begins with and returns its length.
pub(crate) fn bare_list(
    json: &mut Window<'_>,
    name: &'static str,
    row: impl FnMut(&[u8]) -> serde_json::Result<usize>,
) -> Result<()> {
    begin(json, b'[', &format!("the list `{name}`"))?;
    rows(json, name, row)?;
    end(json)
}

/// Parses `json`, an object with one list or that list by itself.
pub(crate) fn object_or_list<D: Document>(
    json: &mut Window<'_>,
    document: &mut D,
) -> Result<Vec<bool>> {
    if json.peek()? == Some(b'[') {
        bare_list(json, D::LISTS[0], |text| document.row(0, text))?;
        return Ok(vec![true]);
    }
    object(json, document)
}

/// The value that `text` begins with, and its length.
pub(crate) fn first<'a, T: Deserialize<'a>>(text: &'a [u8]) -> serde_json::Result<(T, usize)> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter();
    match values.next() {
        Some(value) => Ok((value?, values.byte_offset())),
        None => Err(serde_json::from_slice::<IgnoredAny>(b"").unwrap_err()),
    }
}

/// The length of the value that `text` begins with.
pub(crate) fn pass_over(text: &[u8]) -> serde_json::Result<usize> {
    first::<IgnoredAny>(text).map(|(_, used)| used)
}

fn begin(json: &mut Window<'_>, bracket: u8, what: &str) -> Result<()> {
    match json.peek()? {
        Some(byte) if byte == bracket => {
            if bracket == b'{' {
                json.pass();
            }
            Ok(())
        }
        Some(0xef | 0xfe | 0xff) => Err(json.unexpected(
            "expected UTF-8 without a byte order mark, found a mark; save it as plain UTF-8",
        )),
        _ => Err(json.unexpected(&format!("expected {what}"))),
    }
}

fn end(json: &mut Window<'_>) -> Result<()> {
    match json.peek()? {
        None => Ok(()),
        Some(_) => Err(json.unexpected("expected the end of the text")),
    }
}

/// A list of objects; null is an empty one.
fn rows(
    json: &mut Window<'_>,
    name: &'static str,
    mut take: impl FnMut(&[u8]) -> serde_json::Result<usize>,
) -> Result<()> {
    elements(json, name, |json| {
        // A struct could also be a list of its fields, for serde.
        if json.peek()? != Some(b'{') {
            return Err(json.unexpected("expected an object"));
        }
        json.value(|text| take(text).map(|used| ((), used)))
    })
}

/// The elements of a list; null is an empty one.
fn elements<'a>(
    json: &mut Window<'a>,
    name: &'static str,
    mut take: impl FnMut(&mut Window<'a>) -> Result<()>,
) -> Result<()> {
    match json.peek()? {
        Some(b'n') => return json.value(|text| first::<()>(text)),
        Some(b'[') => json.pass(),
        _ => return Err(json.unexpected(&format!("expected the list `{name}`"))),
    }
    if json.peek()? == Some(b']') {
        json.pass();
        return Ok(());
    }
    for row in 0.. {
        json.set_row(Some((name, row)));
        take(json)?;
        if !json.either(b',', b']')? {
            break;
        }
    }
    json.set_row(None);
    Ok(())
}

fn other<D: Document>(json: &mut Window<'_>, key: &str, document: &mut D) -> Result<()> {
    if json.peek()? == Some(b'[') {
        // Lists may be as long as the file; their elements may not.
        return elements(json, "an unknown list", |json| {
            json.value(|text| pass_over(text).map(|used| ((), used)))
        });
    }
    json.value(|text| document.other(key, text).map(|used| ((), used)))
}

/// A string that lies in the text, unless it has escapes.
#[derive(Clone, Debug)]
pub(crate) struct Str<'a>(pub(crate) Cow<'a, str>);

impl Deref for Str<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Str<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StrVisitor)
    }
}

struct StrVisitor;

impl<'de> Visitor<'de> for StrVisitor {
    type Value = Str<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, string: &'de str) -> Result<Str<'de>, E> {
        Ok(Str(Cow::Borrowed(string)))
    }

    fn visit_str<E>(self, string: &str) -> Result<Str<'de>, E> {
        Ok(Str(Cow::Owned(string.to_owned())))
    }
}

/// Takes the value of a key into `slot`, which it may fill once.
pub(crate) fn once<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    slot: &mut Option<T>,
    key: &'static str,
    map: &mut M,
) -> Result<(), M::Error> {
    match slot.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(M::Error::duplicate_field(key)),
    }
}

/// What a slot holds, or the error that its key is missing.
pub(crate) fn needed<T, E: de::Error>(slot: Option<T>, key: &'static str) -> Result<T, E> {
    slot.ok_or_else(|| E::missing_field(key))
}

/// Turns strings that repeat into numbers.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    numbers: HashMap<Box<[u8]>, i32>,
    names: Text,
}

impl Interner {
    /// The number of `name`, the next free one where it is new.
    pub(crate) fn number(&mut self, name: &[u8]) -> i32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as i32;
        self.numbers.insert(name.into(), number);
        self.names.push(name);
        number
    }

    /// An interner that has given `names` their numbers already.
    pub(crate) fn from_names(names: Text) -> Self {
        let numbers = names.iter().map(Box::from).zip(0..).collect();
        Self { numbers, names }
    }

    /// Every name, at its number.
    pub(crate) fn into_names(self) -> Text {
        self.names
    }
}
