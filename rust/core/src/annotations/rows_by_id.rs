//! Turns a column of ids into the row of every id.

use std::collections::HashMap;

use crate::error::{Error, Result};

/// How much longer than the column a list may be that is indexed by id.
const SPREAD: u64 = 4;

/// The row of every id.
#[derive(Debug)]
pub(crate) enum RowsById {
    /// Ids near each other, as those of images are: row plus one, from the least id on.
    Near { least: i64, rows: Vec<u32> },
    /// Any ids.
    Far(HashMap<i64, u32>),
}

impl RowsById {
    /// The row of an id.
    pub(crate) fn get(&self, id: i64) -> Option<u32> {
        match self {
            Self::Near { least, rows } => {
                let place = usize::try_from(id.checked_sub(*least)?).ok()?;
                rows.get(place)?.checked_sub(1)
            }
            Self::Far(rows) => rows.get(&id).copied(),
        }
    }
}

/// The row of every id; an id that comes twice is an error that names the list.
pub(crate) fn rows_by_id(ids: &[i64], list: &str) -> Result<RowsById> {
    let twice = |before: u32, row: usize| {
        Error::annotation(format!(
            "`{list}[{before}]` and `{list}[{row}]` have the same id {}; download the file again",
            ids[row]
        ))
    };
    let (least, most) = (ids.iter().min(), ids.iter().max());
    let (least, most) = (least.copied().unwrap_or(0), most.copied().unwrap_or(0));
    if most.abs_diff(least) / SPREAD > ids.len() as u64 {
        let mut rows = HashMap::with_capacity(ids.len());
        for (row, &id) in ids.iter().enumerate() {
            if let Some(before) = rows.insert(id, row as u32) {
                return Err(twice(before, row));
            }
        }
        return Ok(RowsById::Far(rows));
    }
    let mut rows = vec![0; most.abs_diff(least) as usize + 1];
    for (row, &id) in ids.iter().enumerate() {
        let slot: &mut u32 = &mut rows[id.abs_diff(least) as usize];
        if *slot > 0 {
            return Err(twice(*slot - 1, row));
        }
        *slot = row as u32 + 1;
    }
    Ok(RowsById::Near { least, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far_ids_have_their_rows() {
        for ids in [vec![7, 5, 6], vec![i64::MAX, i64::MIN, 0], vec![-1], vec![]] {
            let rows = rows_by_id(&ids, "images").unwrap();
            for (row, &id) in ids.iter().enumerate() {
                assert_eq!(rows.get(id), Some(row as u32));
            }
            assert_eq!([4, 8, -5, i64::MAX - 1].map(|id| rows.get(id)), [None; 4]);
        }
    }

    #[test]
    fn an_id_that_comes_twice_is_named_with_its_rows() {
        for ids in [vec![3, 4, 3], vec![3, 1 << 60, 3]] {
            let error = rows_by_id(&ids, "images").unwrap_err();
            let message = "`images[0]` and `images[2]` have the same id 3; download the file again";
            assert_eq!(error.message(), message);
        }
    }
}
