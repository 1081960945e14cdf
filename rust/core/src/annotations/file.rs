//! Turns one annotation file into columns, one row a record, in the order of the file.
//!
//! Not here: whether the lists agree with each other ([`super::table`]).

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::extras::Extras;
use super::parse::{self, Document, Interner};
use super::records::{AnnotationRow, CategoryRow, Flag, ImageRow, InfoRow, LicenseRow};
use super::source::Source;
use super::text::Text;
use crate::error::{Error, Result};
use crate::limits;

/// What stands for a null or missing number that cannot be negative.
pub const MISSING: i64 = -1;

/// The lists of one file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `info`: keys with values as text, JSON text where they are no strings; nulls are left out.
    pub info: Vec<(String, String)>,
    /// The keys of the file that hold no lists, `info` too, and their values as JSON text.
    pub more: Vec<(String, String)>,
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
    /// Further keys of the records.
    pub extras: Extras,
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
    /// Further keys of the records.
    pub extras: Extras,
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
    /// Ids of the annotations, or [`MISSING`]; only as long as no annotation has a box.
    pub ids: Vec<i64>,
    /// Further keys of the records; only as long as no annotation has a box.
    pub extras: Extras,
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
    /// Further keys of the records.
    pub extras: Extras,
}

impl File {
    /// Reads a file in the format of `train2017.json`; every list may be missing.
    pub fn read(source: &Source) -> Result<Self> {
        source.read(limits::ANNOTATION_BYTES, |json| {
            let mut reading = Reading::default();
            let found = parse::object(json, &mut reading)?;
            reading.file.images.holder_names = reading.holders.into_names();
            reading.file.has_images = found[0];
            Ok(reading.file)
        })
    }
}

impl Categories {
    /// Reads a list of categories, by itself or under the key `categories` of an object.
    pub fn read(source: &Source) -> Result<Self> {
        source.read(limits::ANNOTATION_BYTES, |json| {
            let mut list = CategoryList::default();
            match parse::object_or_list(json, &mut list)?[..] {
                [true] => Ok(list.0),
                _ => Err(Error::annotation(
                    "there is no list `categories`, so this is not a file of categories",
                )),
            }
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
    const LISTS: &'static [&'static str] = &["images", "categories", "annotations", "licenses"];

    fn row(&mut self, list: usize, text: &[u8]) -> serde_json::Result<usize> {
        let Self { file, holders } = self;
        match list {
            0 => take(text, |row| file.images.push(&row, holders)),
            1 => take(text, |row| file.categories.push(&row)),
            2 => take(text, |row| file.annotations.push(&row)),
            _ => take(text, |row| file.licenses.push(&row)),
        }
    }

    fn other(&mut self, key: &str, text: &[u8]) -> serde_json::Result<usize> {
        let (value, used) = parse::first::<&RawValue>(text)?;
        self.file
            .more
            .push((key.to_owned(), value.get().to_owned()));
        if key == "info" {
            let (info, _) = parse::first::<Option<InfoRow<'_>>>(text)?;
            self.file.info = info.map(|info| info.more.into_pairs()).unwrap_or_default();
        }
        Ok(used)
    }
}

#[derive(Default)]
struct CategoryList(Categories);

impl Document for CategoryList {
    const LISTS: &'static [&'static str] = &["categories"];

    fn row(&mut self, _list: usize, text: &[u8]) -> serde_json::Result<usize> {
        take(text, |row| self.0.push(&row))
    }
}

/// Parses the row that `text` begins with, calls `push` with it, and returns its length.
pub(crate) fn take<'a, T: Deserialize<'a>>(
    text: &'a [u8],
    push: impl FnOnce(T) -> Result<()>,
) -> serde_json::Result<usize> {
    let (row, used) = parse::first(text)?;
    push(row).map_err(|error| serde_json::Error::custom(error.message()))?;
    Ok(used)
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

    fn push(&mut self, row: &ImageRow<'_>, holders: &mut Interner) -> Result<()> {
        self.extras.push(self.ids.len(), &row.more)?;
        self.ids.push(row.id);
        self.widths.push(row.width.unwrap_or(MISSING as i32));
        self.heights.push(row.height.unwrap_or(MISSING as i32));
        self.file_names.push(row.file_name.as_bytes());
        self.licenses
            .push(row.license.map_or(MISSING, |license| license.0));
        let holder = row.rights_holder.as_ref();
        let holder = holder.map(|holder| holders.number(holder.as_bytes()));
        self.holders.push(holder.unwrap_or(MISSING as i32));
        Ok(())
    }

    /// Adds the images of another file behind these.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        self.extras.append(self.ids.len(), &other.extras)?;
        let mut holders = Interner::from_names(std::mem::take(&mut self.holder_names));
        let numbers: Vec<i32> = other
            .holder_names
            .iter()
            .map(|name| holders.number(name))
            .collect();
        self.ids.extend(&other.ids);
        self.widths.extend(&other.widths);
        self.heights.extend(&other.heights);
        self.file_names.append(&other.file_names);
        self.licenses.extend(&other.licenses);
        self.holders.extend(
            other
                .holders
                .iter()
                .map(|&holder| usize::try_from(holder).map_or(holder, |holder| numbers[holder])),
        );
        self.holder_names = holders.into_names();
        Ok(())
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
    /// The categories with these numbers, in this order, without further keys.
    #[must_use]
    pub fn select(&self, numbers: &[u32]) -> Self {
        Self {
            ids: select(&self.ids, numbers),
            names: self.names.select(numbers),
            supercategories: self.supercategories.select(numbers),
            extras: Extras::default(),
        }
    }

    /// Number of categories.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no category.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn push(&mut self, row: &CategoryRow<'_>) -> Result<()> {
        self.extras.push(self.ids.len(), &row.more)?;
        self.ids.push(row.id);
        self.names.push(row.name.as_bytes());
        let above = row.supercategory.as_deref().unwrap_or_default();
        self.supercategories.push(above.as_bytes());
        Ok(())
    }
}

impl Annotations {
    fn push(&mut self, row: &AnnotationRow<'_>) -> Result<()> {
        if row.bbox.is_some() && self.boxes.is_empty() {
            self.ids = Vec::new();
            self.extras = Extras::default();
            self.boxes = vec![f64::NAN; self.image_ids.len() * 4];
            self.areas = vec![f64::NAN; self.image_ids.len()];
            self.crowds = vec![false; self.image_ids.len()];
        }
        if row.bbox.is_some() || !self.boxes.is_empty() {
            self.boxes.extend(row.bbox.unwrap_or([f64::NAN; 4]));
            self.areas.push(row.area.unwrap_or(f64::NAN));
            self.crowds.push(row.iscrowd.is_some_and(Flag::is_set));
        } else {
            self.extras.push(self.image_ids.len(), &row.more)?;
            self.ids.push(row.id.unwrap_or(MISSING));
        }
        self.image_ids.push(row.image_id);
        self.category_ids.push(row.category_id);
        Ok(())
    }
}

impl Licenses {
    fn push(&mut self, row: &LicenseRow<'_>) -> Result<()> {
        self.extras.push(self.ids.len(), &row.more)?;
        self.ids.push(row.id);
        self.names
            .push(row.name.as_deref().unwrap_or_default().as_bytes());
        self.urls
            .push(row.url.as_deref().unwrap_or_default().as_bytes());
        Ok(())
    }
}
