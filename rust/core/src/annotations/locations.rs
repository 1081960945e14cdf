//! Turns a locations file into columns: where and when every photo was taken.

use serde::Deserialize;

use super::file::MISSING;
use super::parse;
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
    /// Dates as stored, `YYYY-MM-DD` in 2017.
    pub dates: Text,
    /// `date_c`: the date as a number, as stored.
    pub date_numbers: Vec<f64>,
    /// Observers.
    pub user_ids: Vec<i64>,
    /// `valid`: 1, 0 or [`MISSING`].
    pub valid: Vec<i8>,
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    lat: Option<f64>,
    lon: Option<f64>,
    loc_uncert: Option<f64>,
    date: Option<String>,
    date_c: Option<f64>,
    user_id: Option<i64>,
    valid: Option<Flag>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Boolean(bool),
    Number(f64),
}

impl Locations {
    /// Reads a file in the format of `train2017_locations.json`: a list of objects.
    pub fn read(source: &Source) -> Result<Self> {
        source.read(limits::ANNOTATION_BYTES, |json| {
            let mut locations = Self::default();
            parse::list(json, source.path(), "locations", |row: Row| {
                locations.push(&row);
            })?;
            Ok(locations)
        })
    }

    fn push(&mut self, row: &Row) {
        self.ids.push(row.id);
        self.latitudes.push(row.lat.unwrap_or(f64::NAN));
        self.longitudes.push(row.lon.unwrap_or(f64::NAN));
        self.uncertainties.push(row.loc_uncert.unwrap_or(f64::NAN));
        self.dates
            .push(row.date.as_deref().unwrap_or_default().as_bytes());
        self.date_numbers.push(row.date_c.unwrap_or(f64::NAN));
        self.user_ids.push(row.user_id.unwrap_or(MISSING));
        self.valid.push(match row.valid {
            None => MISSING as i8,
            Some(Flag::Boolean(valid)) => i8::from(valid),
            Some(Flag::Number(valid)) => i8::from(valid != 0.0),
        });
    }
}
