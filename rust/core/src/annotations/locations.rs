//! Turns a locations file into columns: where and when every photo was taken.

use super::extras::{Column, Extras};
use super::file::{MISSING, take};
use super::parse;
use super::records::LocationRow;
use super::source::Source;
use super::text::Text;
use crate::error::Result;
use crate::limits;

/// One row an image that has a record; null is NaN, an empty date or [`MISSING`].
#[derive(Clone, Debug, Default)]
pub struct Locations {
    /// Image ids.
    pub ids: Vec<i64>,
    /// Latitudes in degrees.
    pub latitudes: Vec<f64>,
    /// Longitudes in degrees.
    pub longitudes: Vec<f64>,
    /// Radii of uncertainty in metres, as stored: some are negative or absurd.
    pub uncertainties: Vec<f64>,
    /// Dates as stored: `YYYY-MM-DD` in 2017, with a time in 2018.
    pub dates: Text,
    /// `date_c`: the date as a number, as stored.
    pub date_numbers: Vec<f64>,
    /// Observers.
    pub user_ids: Vec<i64>,
    /// `valid`: 1, 0 or [`MISSING`].
    pub valid: Vec<i8>,
    /// Further keys of the records.
    pub meta: Vec<(String, Column)>,
}

impl Locations {
    /// Reads a file in the format of `train2017_locations.json`: a list of objects.
    pub fn read(source: &Source) -> Result<Self> {
        source.read(limits::ANNOTATION_BYTES, |json| {
            let (mut locations, mut extras) = (Self::default(), Extras::default());
            parse::bare_list(json, "locations", |text| {
                take(text, |row| locations.push(&row, &mut extras))
            })?;
            locations.meta = extras.into_columns(locations.ids.len())?;
            Ok(locations)
        })
    }

    fn push(&mut self, row: &LocationRow<'_>, extras: &mut Extras) -> Result<()> {
        extras.push(self.ids.len(), &row.more)?;
        self.ids.push(row.id);
        self.latitudes.push(row.lat.unwrap_or(f64::NAN));
        self.longitudes.push(row.lon.unwrap_or(f64::NAN));
        self.uncertainties.push(row.loc_uncert.unwrap_or(f64::NAN));
        self.dates
            .push(row.date.as_deref().unwrap_or_default().as_bytes());
        self.date_numbers.push(row.date_c.unwrap_or(f64::NAN));
        self.user_ids
            .push(row.user_id.map_or(MISSING, |user| user.0));
        let valid = row.valid.map(|valid| i8::from(valid.is_set()));
        self.valid.push(valid.unwrap_or(MISSING as i8));
        Ok(())
    }
}
