//! Turns annotation files into one category for every image, sorted by file name.
//!
//! The order is that of the bytes of `file_name`: it depends on the files alone, not on a file
//! system or on the order of the JSON lists.

use std::collections::HashMap;

use super::file::{Annotations, Categories, File, Images, Licenses, MISSING, select};
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
    /// The categories, sorted by id; every id comes once.
    pub categories: Categories,
    /// The licences.
    pub licenses: Licenses,
}

impl Table {
    /// Reads and checks `sources`, which share their categories.
    pub fn read(sources: &[Source]) -> Result<Self> {
        let mut table = Self::default();
        for (number, source) in sources.iter().enumerate() {
            let file = File::read(source)?;
            table
                .add(file, number == 0)
                .map_err(|error| source.locate(error))?;
        }
        table.sort()?;
        Ok(table)
    }

    /// Checks a file by itself and against the files before it, and adds its images.
    fn add(&mut self, file: File, first: bool) -> Result<()> {
        if !file.has_images {
            return Err(Error::annotation(
                "there is no list `images`, so this is not an annotation file",
            ));
        }
        let categories = sorted(&file.categories)?;
        let labels = labels(&file.images, &file.annotations, &categories)?;
        if first {
            self.info = file.info;
            self.images = file.images;
            self.categories_of_images = labels;
            self.categories = categories;
            self.licenses = file.licenses;
            return Ok(());
        }
        if categories != self.categories {
            return Err(Error::annotation(format!(
                "its {} categories are not the {} of the other split; the files are of different \
                 releases",
                categories.ids.len(),
                self.categories.ids.len()
            )));
        }
        self.images.append(&file.images);
        self.categories_of_images.extend(labels);
        rows_by_id(&self.images.ids, "images").map(drop)
    }

    fn sort(&mut self) -> Result<()> {
        let names = &self.images.file_names;
        let order = names.sorted();
        for pair in order.windows(2) {
            let [first, second] = [pair[0] as usize, pair[1] as usize];
            if names.get(first) == names.get(second) {
                return Err(Error::annotation(format!(
                    "images {} and {} have the same file name `{}`",
                    self.images.ids[first],
                    self.images.ids[second],
                    String::from_utf8_lossy(names.get(first))
                )));
            }
        }
        self.images = self.images.select(&order);
        self.categories_of_images = select(&self.categories_of_images, &order);
        Ok(())
    }

    /// The folder (`Aves/Ardea alba`) that holds the images of every category, empty for a
    /// category without images here; and the problem that a category has two folders, if one has.
    ///
    /// It is not the category's name: five of 2017 have a `×` that their folder lacks.
    pub fn folders(&self) -> (Text, Option<Error>) {
        let rows: HashMap<i64, usize> = self.categories.ids.iter().copied().zip(0..).collect();
        let mut folders: Vec<&[u8]> = vec![b""; self.categories.ids.len()];
        let mut problem = None;
        for (image, category) in self.categories_of_images.iter().enumerate() {
            let Some(&row) = rows.get(category) else {
                continue;
            };
            let folder = folder(self.images.file_names.get(image));
            let known = &mut folders[row];
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

/// The row of every id; an id that comes twice is an error.
pub(crate) fn rows_by_id(ids: &[i64], list: &str) -> Result<HashMap<i64, u32>> {
    let mut rows = HashMap::with_capacity(ids.len());
    for (row, &id) in ids.iter().enumerate() {
        if let Some(before) = rows.insert(id, row as u32) {
            return Err(Error::annotation(format!(
                "`{list}[{before}]` and `{list}[{row}]` have the same id {id}"
            )));
        }
    }
    Ok(rows)
}

fn sorted(categories: &Categories) -> Result<Categories> {
    rows_by_id(&categories.ids, "categories")?;
    let mut order: Vec<u32> = (0..categories.ids.len() as u32).collect();
    order.sort_by_key(|&row| categories.ids[row as usize]);
    Ok(categories.select(&order))
}

/// The one category of every image; [`MISSING`] for all where there are no annotations (test).
fn labels(images: &Images, annotations: &Annotations, categories: &Categories) -> Result<Vec<i64>> {
    let images_by_id = rows_by_id(&images.ids, "images")?;
    let categories_by_id = rows_by_id(&categories.ids, "categories")?;
    let mut labels: Vec<Option<i64>> = vec![None; images.len()];
    let pairs = annotations.image_ids.iter().zip(&annotations.category_ids);
    for (row, (image, &category)) in pairs.enumerate() {
        let Some(&image_row) = images_by_id.get(image) else {
            return Err(Error::annotation(format!(
                "`annotations[{row}]` has image_id {image}, which is not in `images`"
            )));
        };
        if !categories_by_id.contains_key(&category) {
            return Err(Error::annotation(format!(
                "`annotations[{row}]` has category_id {category}, which is not among the {} \
                 `categories`",
                categories.ids.len()
            )));
        }
        match labels[image_row as usize].replace(category) {
            Some(before) if before != category => {
                return Err(Error::annotation(format!(
                    "image {image} has two categories, {before} and {category}"
                )));
            }
            _ => {}
        }
    }
    if annotations.image_ids.is_empty() {
        return Ok(vec![MISSING; images.len()]);
    }
    let labels = labels.into_iter().enumerate().map(|(row, label)| {
        label.ok_or_else(|| {
            let (id, name) = (images.ids[row], images.file_names.get(row));
            Error::annotation(format!(
                "image {id} (`{}`) has no annotation",
                String::from_utf8_lossy(name)
            ))
        })
    });
    labels.collect()
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
