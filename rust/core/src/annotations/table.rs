//! Turns annotation files into one category for every image, sorted by file name.
//!
//! The order is that of the bytes of `file_name`: it depends on the files alone, not on a file
//! system or on the order of the JSON lists.

use std::thread;

use super::extras::{Column, Extras};
use super::file::{Annotations, Categories, File, Images, Licenses, MISSING, select};
use super::rows_by_id::{RowsById, rows_by_id};
use super::source::Source;
use super::text::Text;
use crate::error::{Error, Result};

/// The images of one split, or of several together.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// `info` of the first file.
    pub info: Vec<(String, String)>,
    /// The images, sorted by file name; every id and every name comes once.
    pub images: Images,
    /// The category id of every image; all [`MISSING`] for a file without annotations.
    pub categories_of_images: Vec<i64>,
    /// The id of the annotation of every image, [`MISSING`] where it has none.
    pub annotation_ids: Vec<i64>,
    /// Further keys of the annotations, a row an image.
    pub annotation_meta: Vec<(String, Column)>,
    /// The categories, sorted by id; every id comes once.
    pub categories: Categories,
    /// For every category, its place in the list of the first file, [`MISSING`] where it has none.
    pub positions: Vec<i64>,
    /// For every category, how many others come before it in the annotations of the first file,
    /// [`MISSING`] where it does not come in there.
    pub first_seen: Vec<i64>,
    /// Further keys of the categories: texts, and whether they are null.
    pub category_columns: Vec<(String, Text, Vec<bool>)>,
    /// Further keys of the images.
    pub meta: Vec<(String, Column)>,
    /// The licences.
    pub licenses: Licenses,
    /// Further keys of the licences: texts, and whether they are null.
    pub license_columns: Vec<(String, Text, Vec<bool>)>,
    /// As [`File::more`] of the first file.
    pub more: Vec<(String, String)>,
    /// Further keys of the annotations, before they are columns.
    annotation_extras: Extras,
}

/// A list of categories that stands for those of the files.
struct Given {
    categories: Categories,
    /// The file's name, for messages.
    name: String,
}

impl Given {
    fn read(source: &Source) -> Result<Self> {
        let categories = Categories::read(source)?;
        let name = source.path().file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Self { categories, name })
    }
}

impl Table {
    /// Reads and checks `sources`, which share their categories.
    ///
    /// `categories` is a file whose list of categories stands for theirs.
    pub fn read(sources: &[Source], categories: Option<&Source>) -> Result<Self> {
        let (mut table, order) = Self::join(sources, categories)?;
        table.select(&order);
        Ok(table)
    }

    /// As [`read`](Self::read), but the images are in the order of their files; the second is the
    /// order to bring them into.
    pub fn join(sources: &[Source], categories: Option<&Source>) -> Result<(Self, Vec<u32>)> {
        let given = categories.map(Given::read).transpose()?;
        let mut table = Self::default();
        let files = read_at_once(sources)?;
        for (number, (source, file)) in sources.iter().zip(files).enumerate() {
            table
                .add(file, number == 0, given.as_ref())
                .map_err(|error| source.locate(error))?;
        }
        let order = table.finish(given).map_err(|error| match sources {
            [source] => source.locate(error),
            [first, ..] => error.with_path(first.path()),
            [] => error,
        })?;
        Ok((table, order))
    }

    /// Checks a file by itself and against the files before it, and adds its images.
    fn add(&mut self, file: File, first: bool, given: Option<&Given>) -> Result<()> {
        if !file.has_images {
            return Err(Error::annotation(
                "there is no list `images`, so this is not an annotation file",
            ));
        }
        let own = rows_by_id(&file.categories.ids, "categories")?;
        let known = match given {
            Some(given) => &rows_by_id(&given.categories.ids, "categories")?,
            None => &own,
        };
        let place = given.map_or_else(String::new, |given| format!(" of `{}`", given.name));
        let annotations = annotated(&file.images, &file.annotations, known, &place)?;
        self.annotate(&file, &annotations)?;
        if first {
            self.info = file.info;
            self.more = file.more;
            self.images = file.images;
            self.first_seen = first_seen(&file.annotations, known);
            self.categories = file.categories;
            self.licenses = file.licenses;
            return Ok(());
        }
        if given.is_none() {
            self.expect_categories(&file.categories, &own)?;
        }
        self.images.append(&file.images)
    }

    /// Adds what the annotations with these numbers say of the images of a file, in their order.
    fn annotate(&mut self, file: &File, numbers: &[u32]) -> Result<()> {
        let own = &file.annotations;
        let end = self.categories_of_images.len() + file.images.len();
        let row = self.categories_of_images.len();
        let categories = select(&own.category_ids, numbers);
        self.categories_of_images.extend(categories);
        self.categories_of_images.resize(end, MISSING);
        if own.boxes.is_empty() {
            self.annotation_ids.extend(select(&own.ids, numbers));
            let extras = own.extras.select(numbers);
            self.annotation_extras.append(row, &extras)?;
        }
        self.annotation_ids.resize(end, MISSING);
        Ok(())
    }

    fn expect_categories(&self, others: &Categories, rows: &RowsById) -> Result<()> {
        let ours = &self.categories;
        let same = |(row, &id): (usize, &i64)| {
            rows.get(id).is_some_and(|other| {
                let other = other as usize;
                ours.names.get(row) == others.names.get(other)
                    && ours.supercategories.get(row) == others.supercategories.get(other)
            })
        };
        if ours.len() == others.len() && ours.ids.iter().enumerate().all(same) {
            return Ok(());
        }
        Err(Error::annotation(format!(
            "its {} categories are not the {} of the other split; the files are of different \
             releases: give files of one release",
            others.len(),
            ours.len()
        )))
    }

    fn finish(&mut self, given: Option<Given>) -> Result<Vec<u32>> {
        rows_by_id(&self.images.ids, "images")?;
        let own = rows_by_id(&self.categories.ids, "categories")?;
        if let Some(given) = given {
            self.categories = given.categories;
        }
        let mut order: Vec<u32> = (0..self.categories.len() as u32).collect();
        order.sort_by_key(|&row| self.categories.ids[row as usize]);
        let extras = std::mem::take(&mut self.categories.extras);
        self.categories = self.categories.select(&order);
        self.first_seen.resize(order.len(), MISSING);
        self.first_seen = select(&self.first_seen, &order);
        let place = |&id: &i64| own.get(id).map_or(MISSING, i64::from);
        self.positions = self.categories.ids.iter().map(place).collect();
        self.category_columns = extras
            .into_texts(order.len())?
            .into_iter()
            .map(|(key, text, nulls)| (key, text.select(&order), select(&nulls, &order)))
            .collect();
        let extras = std::mem::take(&mut self.images.extras);
        self.meta = extras.into_columns(self.images.len())?;
        let extras = std::mem::take(&mut self.annotation_extras);
        self.annotation_meta = extras.into_columns(self.images.len())?;
        let extras = std::mem::take(&mut self.licenses.extras);
        self.license_columns = extras.into_texts(self.licenses.ids.len())?;
        self.order()
    }

    /// The images, sorted by file name.
    fn order(&self) -> Result<Vec<u32>> {
        let images = &self.images;
        let order = images.file_names.sorted();
        for pair in order.windows(2) {
            let [first, second] = [pair[0] as usize, pair[1] as usize];
            if images.file_names.get(first) == images.file_names.get(second) {
                return Err(Error::annotation(format!(
                    "images {} and {} have the same file name `{}`; download the file again",
                    images.ids[first],
                    images.ids[second],
                    String::from_utf8_lossy(images.file_names.get(first))
                )));
            }
        }
        Ok(order)
    }

    fn select(&mut self, order: &[u32]) {
        let images = &mut self.images;
        images.file_names = images.file_names.select(order);
        images.ids = select(&images.ids, order);
        images.widths = select(&images.widths, order);
        images.heights = select(&images.heights, order);
        images.licenses = select(&images.licenses, order);
        images.holders = select(&images.holders, order);
        self.categories_of_images = select(&self.categories_of_images, order);
        self.annotation_ids = select(&self.annotation_ids, order);
        for (_, column) in self.meta.iter_mut().chain(&mut self.annotation_meta) {
            *column = column.select(order);
        }
    }

    /// The folder (`Aves/Ardea alba`) that holds the images of every category, empty for a
    /// category without images here; and the problem that a category has two folders, if one has.
    ///
    /// It is not the category's name: five of 2017 have a `×` that their folder lacks.
    pub fn folders(&self) -> (Text, Option<Error>) {
        self.folders_in(0..self.images.len())
    }

    /// As [`folders`](Self::folders), with the images in this order.
    pub(super) fn folders_in(&self, order: impl Iterator<Item = usize>) -> (Text, Option<Error>) {
        let rows = rows_by_id(&self.categories.ids, "categories");
        let mut folders: Vec<&[u8]> = vec![b""; self.categories.ids.len()];
        let mut problem = None;
        for image in order {
            let category = self.categories_of_images[image];
            let Some(row) = rows.as_ref().ok().and_then(|rows| rows.get(category)) else {
                continue;
            };
            let folder = folder(self.images.file_names.get(image));
            let known = &mut folders[row as usize];
            if known.is_empty() {
                *known = folder;
            } else if *known != folder && problem.is_none() {
                problem = Some(Error::annotation(format!(
                    "category {category} has images in two folders, `{}` and `{}`",
                    String::from_utf8_lossy(known),
                    String::from_utf8_lossy(folder)
                )));
            }
        }
        (folders.into_iter().collect(), problem)
    }
}

/// Reads each file on a thread of its own.
fn read_at_once(sources: &[Source]) -> Result<Vec<File>> {
    thread::scope(|scope| {
        let readers: Vec<_> = sources
            .iter()
            .map(|source| {
                thread::Builder::new()
                    .spawn_scoped(scope, || File::read(source))
                    .map_err(|error| Error::io(error, source.path()))
            })
            .collect();
        let files = readers.into_iter().map(|reader| match reader?.join() {
            Ok(file) => file,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        files.collect()
    })
}

/// The last two folders of a path: super category and category.
fn folder(file_name: &[u8]) -> &[u8] {
    let slashes: Vec<usize> = file_name
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'/')
        .map(|(at, _)| at)
        .take(3)
        .collect();
    match slashes[..] {
        [end, _, start] => &file_name[start + 1..end],
        [end, ..] => &file_name[..end],
        [] => b"",
    }
}

/// The number of an annotation of every image; none where there are no annotations (test).
fn annotated(
    images: &Images,
    annotations: &Annotations,
    categories: &RowsById,
    place: &str,
) -> Result<Vec<u32>> {
    if annotations.image_ids.is_empty() {
        return Ok(Vec::new());
    }
    let images_by_id = rows_by_id(&images.ids, "images")?;
    // The annotation of every image, plus one.
    let mut labelled: Vec<u32> = vec![0; images.len()];
    for (row, &image) in annotations.image_ids.iter().enumerate() {
        let category = annotations.category_ids[row];
        let Some(image_row) = images_by_id.get(image) else {
            return Err(dangling(row, "image_id", image, "in `images`"));
        };
        if categories.get(category).is_none() {
            let among = format!("among the {} `categories`{place}", categories.len());
            return Err(dangling(row, "category_id", category, &among));
        }
        let slot = &mut labelled[image_row as usize];
        if let Some(before) = slot.checked_sub(1) {
            let other = annotations.category_ids[before as usize];
            // A box file has an annotation for each box.
            if annotations.boxes.is_empty() || other != category {
                return Err(Error::annotation(format!(
                    "`annotations[{before}]` (category {other}) and `annotations[{row}]` \
                     (category {category}) are both of image {image}, expected one; keep one of them"
                )));
            }
        }
        *slot = row as u32 + 1;
    }
    let numbers = labelled.into_iter().enumerate().map(|(row, annotation)| {
        annotation.checked_sub(1).ok_or_else(|| {
            Error::annotation(format!(
                "image {} (`{}`) has no annotation, expected one; download the file again",
                images.ids[row],
                String::from_utf8_lossy(images.file_names.get(row))
            ))
        })
    });
    numbers.collect()
}

/// The order in which the categories first come in annotations, whose categories are all known.
fn first_seen(annotations: &Annotations, categories: &RowsById) -> Vec<i64> {
    let mut places = vec![MISSING; categories.len()];
    let mut seen = 0;
    for &category in &annotations.category_ids {
        let place = categories
            .get(category)
            .and_then(|row| places.get_mut(row as usize));
        if let Some(place) = place.filter(|place| **place == MISSING) {
            *place = seen;
            seen += 1;
        }
    }
    places
}

/// The error of a reference to nothing.
pub(crate) fn dangling(row: usize, key: &str, id: i64, place: &str) -> Error {
    Error::annotation(format!(
        "`annotations[{row}]` has {key} {id}, which is not {place}; download the file again"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_last_two_parts_before_the_name() {
        assert_eq!(
            folder(b"train_val_images/Aves/Ardea alba/0.jpg"),
            b"Aves/Ardea alba"
        );
        assert_eq!(folder(b"./a/b/c/0.jpg"), b"b/c");
        assert_eq!(folder(b"b/c/0.jpg"), b"b/c");
        assert_eq!(folder(b"c/0.jpg"), b"c");
        assert_eq!(folder(b"0.jpg"), b"");
    }
}
