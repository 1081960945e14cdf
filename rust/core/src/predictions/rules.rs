//! Turns what is known of a competition into what a row of a submission must be.

use std::collections::HashMap;

/// What a submission must be.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The first line.
    pub header: &'a str,
    /// Labels in a row; None means as many as the first row has.
    pub k: Option<usize>,
    /// How many categories there are, if that is known: a label must be smaller.
    pub categories: Option<usize>,
    /// The images that must be there, and no others, if that is known.
    pub images: Option<&'a Images>,
}

/// The images that must be predicted.
#[derive(Clone, Debug)]
pub struct Images {
    ids: Vec<i64>,
    rows: HashMap<i64, usize>,
}

impl Images {
    /// Keeps the ids; one that is there twice counts once.
    pub fn new(ids: Vec<i64>) -> Self {
        let rows = ids.iter().copied().zip(0..).collect();
        Self { ids, rows }
    }

    /// What is wrong with a row of the image `id`, if it is none of these.
    pub(super) fn unknown(&self, id: i64) -> Option<String> {
        (!self.rows.contains_key(&id)).then(|| {
            let n = self.rows.len();
            format!("id `{id}` is not among the {n} images that are asked for")
        })
    }

    /// What is wrong if only the images in `there` have a row.
    pub(super) fn missing<T>(&self, there: &HashMap<i64, T>) -> Option<String> {
        let mut missing = self.ids.iter().filter(|id| !there.contains_key(id));
        let first = missing.next()?;
        Some(format!(
            "{} of the {} images that are asked for have no row, the first is id {first}",
            1 + missing.count(),
            self.rows.len()
        ))
    }
}

/// The label that a number of a row is, behind the labels `before` it; or what is wrong with it.
pub(super) fn label_of(
    number: i64,
    before: &[i32],
    categories: Option<usize>,
) -> Result<i32, String> {
    let label = i32::try_from(number)
        .ok()
        .filter(|&label| label >= 0)
        .ok_or_else(|| format!("label `{number}` is not a category id, 0 or more"))?;
    if before.contains(&label) {
        return Err(format!("label `{label}` is there twice"));
    }
    match categories {
        Some(categories) if label as usize >= categories => Err(format!(
            "label `{label}` is not among the {categories} categories, numbered from 0"
        )),
        _ => Ok(label),
    }
}
