//! Turns one annotation file into columns, one row a record, in the order of the file.
//!
//! Not here: whether the lists agree with each other ([`super::table`]).

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use super::parse::{self, Document, Interner, Place};
use super::source::Source;
use super::text::Text;
use crate::error::Result;
use crate::limits;

/// What stands for a null or missing number that cannot be negative.
pub const MISSING: i64 = -1;

/// The lists of one file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `info`, key and value as text, keys that are null left out.
    pub info: Vec<(String, String)>,
    /// Whether there is a list `images`: without it this is hardly an annotation file.
    pub has_images: bool,
    /// `images`.
    pub images: Images,
    /// `categories`.
    pub categories: Categories,
    /// `annotations`.
    pub annotations: Annotations,
    /// `licenses`.
    pub licenses: Licenses,
}

/// The `images` list.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// Image ids.
    pub ids: Vec<i64>,
    /// Widths in pixels, or [`MISSING`].
    pub widths: Vec<i32>,
    /// Heights in pixels, or [`MISSING`].
    pub heights: Vec<i32>,
    /// Path of the image inside the archive, or its base name alone (test split).
    pub file_names: Text,
    /// Licence ids, or [`MISSING`].
    pub licenses: Vec<i64>,
    /// Numbers into `holder_names`, or [`MISSING`].
    pub holders: Vec<i32>,
    /// Every rights holder once.
    pub holder_names: Text,
}

/// The `categories` list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    /// Category ids.
    pub ids: Vec<i64>,
    /// Names, mostly binomials.
    pub names: Text,
    /// Super categories; empty where there is none.
    pub supercategories: Text,
}

/// The `annotations` list, with boxes where the file has them.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    /// The image of every annotation.
    pub image_ids: Vec<i64>,
    /// The category of every annotation.
    pub category_ids: Vec<i64>,
    /// Four numbers an annotation (x, y, width, height in pixels, from the upper left), NaN where
    /// it has no box; empty where no annotation of the file has one.
    pub boxes: Vec<f64>,
    /// Areas as stored (half of width times height), NaN where missing; as long as there are boxes.
    pub areas: Vec<f64>,
    /// Whether a box is around many individuals; as long as there are boxes.
    pub crowds: Vec<bool>,
}

/// The `licenses` list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licenses {
    /// Licence ids.
    pub ids: Vec<i64>,
    /// Names.
    pub names: Text,
    /// Addresses of the texts.
    pub urls: Text,
}

#[derive(Deserialize)]
struct ImageRow {
    id: i64,
    file_name: String,
    width: Option<i32>,
    height: Option<i32>,
    license: Option<i64>,
    rights_holder: Option<String>,
}

#[derive(Deserialize)]
struct CategoryRow {
    id: i64,
    name: String,
    supercategory: Option<String>,
}

#[derive(Deserialize)]
struct AnnotationRow {
    image_id: i64,
    category_id: i64,
    bbox: Option<[f64; 4]>,
    area: Option<f64>,
    iscrowd: Option<u8>,
}

#[derive(Deserialize)]
struct LicenseRow {
    id: i64,
    name: Option<String>,
    url: Option<String>,
}

#[derive(Default, Deserialize)]
struct InfoRow {
    year: Option<Scalar>,
    version: Option<Scalar>,
    description: Option<String>,
    contributor: Option<String>,
    url: Option<String>,
    date_created: Option<String>,
}

/// A value that the format writes as a number in one year and as text in another.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Integer(i64),
    Number(f64),
    Text(String),
}

impl File {
    /// Reads a file in the format of `train2017.json`; every list may be missing.
    pub fn read(source: &Source) -> Result<Self> {
        source.read(limits::ANNOTATION_BYTES, |json| {
            let mut reading = Reading::default();
            parse::object(json, source.path(), &mut reading)?;
            reading.file.images.holder_names = reading.holders.into_names();
            Ok(reading.file)
        })
    }
}

/// A file, half read.
#[derive(Default)]
struct Reading {
    file: File,
    holders: Interner,
}

impl Document for Reading {
    fn take<'de, M: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut M,
        place: &Place,
    ) -> Result<(), M::Error> {
        let Self { file, holders } = self;
        match key {
            "images" => {
                file.has_images = true;
                place.rows("images", map, |row| file.images.push(row, holders))
            }
            "categories" => place.rows("categories", map, |row| file.categories.push(&row)),
            "annotations" => place.rows("annotations", map, |row| file.annotations.push(&row)),
            "licenses" => place.rows("licenses", map, |row| file.licenses.push(&row)),
            "info" => {
                let info: Option<InfoRow> = map.next_value()?;
                file.info = info.unwrap_or_default().into_pairs();
                Ok(())
            }
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

impl Images {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn push(&mut self, row: ImageRow, holders: &mut Interner) {
        self.ids.push(row.id);
        self.widths.push(row.width.unwrap_or(MISSING as i32));
        self.heights.push(row.height.unwrap_or(MISSING as i32));
        self.file_names.push(row.file_name.as_bytes());
        self.licenses.push(row.license.unwrap_or(MISSING));
        let holder = row.rights_holder.map(|holder| holders.number(holder));
        self.holders.push(holder.unwrap_or(MISSING as i32));
    }

    /// The images with these numbers, in this order.
    #[must_use]
    pub fn select(&self, numbers: &[u32]) -> Self {
        Self {
            ids: select(&self.ids, numbers),
            widths: select(&self.widths, numbers),
            heights: select(&self.heights, numbers),
            file_names: self.file_names.select(numbers),
            licenses: select(&self.licenses, numbers),
            holders: select(&self.holders, numbers),
            holder_names: self.holder_names.clone(),
        }
    }

    /// Adds the images of another file behind these.
    pub fn append(&mut self, other: &Self) {
        let mut holders = Interner::from_names(&self.holder_names);
        let numbers: Vec<i32> = other
            .holder_names
            .iter()
            .map(|name| holders.number(String::from_utf8_lossy(name).into_owned()))
            .collect();
        self.ids.extend(&other.ids);
        self.widths.extend(&other.widths);
        self.heights.extend(&other.heights);
        other
            .file_names
            .iter()
            .for_each(|name| self.file_names.push(name));
        self.licenses.extend(&other.licenses);
        self.holders.extend(
            other
                .holders
                .iter()
                .map(|&holder| usize::try_from(holder).map_or(holder, |holder| numbers[holder])),
        );
        self.holder_names = holders.into_names();
    }
}

/// The elements with these numbers, in this order.
pub(crate) fn select<T: Copy>(column: &[T], numbers: &[u32]) -> Vec<T> {
    numbers
        .iter()
        .map(|&number| column[number as usize])
        .collect()
}

impl Categories {
    fn push(&mut self, row: &CategoryRow) {
        self.ids.push(row.id);
        self.names.push(row.name.as_bytes());
        self.supercategories
            .push(row.supercategory.as_deref().unwrap_or_default().as_bytes());
    }

    /// The categories with these numbers, in this order.
    #[must_use]
    pub fn select(&self, numbers: &[u32]) -> Self {
        Self {
            ids: select(&self.ids, numbers),
            names: self.names.select(numbers),
            supercategories: self.supercategories.select(numbers),
        }
    }
}

impl Annotations {
    fn push(&mut self, row: &AnnotationRow) {
        if row.bbox.is_some() && self.boxes.is_empty() {
            self.boxes = vec![f64::NAN; self.image_ids.len() * 4];
            self.areas = vec![f64::NAN; self.image_ids.len()];
            self.crowds = vec![false; self.image_ids.len()];
        }
        if row.bbox.is_some() || !self.boxes.is_empty() {
            self.boxes.extend(row.bbox.unwrap_or([f64::NAN; 4]));
            self.areas.push(row.area.unwrap_or(f64::NAN));
            self.crowds
                .push(row.iscrowd.is_some_and(|crowd| crowd != 0));
        }
        self.image_ids.push(row.image_id);
        self.category_ids.push(row.category_id);
    }
}

impl Licenses {
    fn push(&mut self, row: &LicenseRow) {
        self.ids.push(row.id);
        self.names
            .push(row.name.as_deref().unwrap_or_default().as_bytes());
        self.urls
            .push(row.url.as_deref().unwrap_or_default().as_bytes());
    }
}

impl InfoRow {
    fn into_pairs(self) -> Vec<(String, String)> {
        let pairs = [
            ("year", self.year.map(Scalar::into_text)),
            ("version", self.version.map(Scalar::into_text)),
            ("description", self.description),
            ("contributor", self.contributor),
            ("url", self.url),
            ("date_created", self.date_created),
        ];
        pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    }
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}
