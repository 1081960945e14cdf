//! Turns the JSON objects of the lists into rows, with the keys that nobody knows in [`More`].

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::extras::More;
use super::parse::{Str, needed, once};

/// A record that is built key by key.
pub(crate) trait Record<'de>: Sized {
    /// Takes all keys of one object.
    fn from_map<M: MapAccess<'de>>(map: M) -> Result<Self, M::Error>;
}

/// The [`Visitor`] of a [`Record`].
pub(crate) struct RecordVisitor<T>(PhantomData<T>);

impl<'de, T: Record<'de>> Visitor<'de> for RecordVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        T::from_map(map)
    }
}

/// Parses a [`Record`].
pub(crate) fn record<'de, T: Record<'de>, D: Deserializer<'de>>(json: D) -> Result<T, D::Error> {
    json.deserialize_map(RecordVisitor(PhantomData))
}

/// A row of `images`.
pub(crate) struct ImageRow<'a> {
    pub(crate) id: i64,
    pub(crate) file_name: Str<'a>,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) license: Option<Whole>,
    pub(crate) rights_holder: Option<Str<'a>>,
    pub(crate) more: More<'a>,
}

impl<'de> Record<'de> for ImageRow<'de> {
    fn from_map<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let (mut id, mut file_name, mut license) = (None, None, None);
        let (mut width, mut height, mut rights_holder) = (None, None, None);
        let mut more = More::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key {
                "id" => once(&mut id, "id", &mut map)?,
                "file_name" => once(&mut file_name, "file_name", &mut map)?,
                "width" => once(&mut width, "width", &mut map)?,
                "height" => once(&mut height, "height", &mut map)?,
                "license" => once(&mut license, "license", &mut map)?,
                "rights_holder" => once(&mut rights_holder, "rights_holder", &mut map)?,
                _ => more.take(key, &mut map)?,
            }
        }
        Ok(Self {
            id: needed(id, "id")?,
            file_name: needed(file_name, "file_name")?,
            width: width.flatten(),
            height: height.flatten(),
            license: license.flatten(),
            rights_holder: rights_holder.flatten(),
            more,
        })
    }
}

impl<'de> Deserialize<'de> for ImageRow<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        record(json)
    }
}

/// A row of `categories`.
pub(crate) struct CategoryRow<'a> {
    pub(crate) id: i64,
    pub(crate) name: Str<'a>,
    pub(crate) supercategory: Option<Str<'a>>,
    pub(crate) more: More<'a>,
}

impl<'de> Record<'de> for CategoryRow<'de> {
    fn from_map<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let (mut id, mut name, mut supercategory) = (None, None, None);
        let mut more = More::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key {
                "id" => once(&mut id, "id", &mut map)?,
                "name" => once(&mut name, "name", &mut map)?,
                "supercategory" => once(&mut supercategory, "supercategory", &mut map)?,
                _ => more.take(key, &mut map)?,
            }
        }
        Ok(Self {
            id: needed(id, "id")?,
            name: needed(name, "name")?,
            supercategory: supercategory.flatten(),
            more,
        })
    }
}

impl<'de> Deserialize<'de> for CategoryRow<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        record(json)
    }
}

/// A row of a locations file.
pub(crate) struct LocationRow<'a> {
    pub(crate) id: i64,
    pub(crate) lat: Option<f64>,
    pub(crate) lon: Option<f64>,
    pub(crate) loc_uncert: Option<f64>,
    pub(crate) date: Option<Str<'a>>,
    pub(crate) date_c: Option<f64>,
    pub(crate) user_id: Option<Whole>,
    pub(crate) valid: Option<Flag>,
    pub(crate) more: More<'a>,
}

impl<'de> Record<'de> for LocationRow<'de> {
    fn from_map<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let (mut id, mut user_id, mut valid, mut date) = (None, None, None, None);
        let (mut lat, mut lon, mut loc_uncert, mut date_c) = (None, None, None, None);
        let mut more = More::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key {
                "id" => once(&mut id, "id", &mut map)?,
                "lat" => once(&mut lat, "lat", &mut map)?,
                "lon" => once(&mut lon, "lon", &mut map)?,
                "loc_uncert" => once(&mut loc_uncert, "loc_uncert", &mut map)?,
                "date" => once(&mut date, "date", &mut map)?,
                "date_c" => once(&mut date_c, "date_c", &mut map)?,
                "user_id" => once(&mut user_id, "user_id", &mut map)?,
                "valid" => once(&mut valid, "valid", &mut map)?,
                _ => more.take(key, &mut map)?,
            }
        }
        Ok(Self {
            id: needed(id, "id")?,
            lat: lat.flatten(),
            lon: lon.flatten(),
            loc_uncert: loc_uncert.flatten(),
            date: date.flatten(),
            date_c: date_c.flatten(),
            user_id: user_id.flatten(),
            valid: valid.flatten(),
            more,
        })
    }
}

impl<'de> Deserialize<'de> for LocationRow<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        record(json)
    }
}

/// `info`.
pub(crate) struct InfoRow<'a> {
    pub(crate) more: More<'a>,
}

impl<'de> Record<'de> for InfoRow<'de> {
    fn from_map<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut more = More::default();
        while let Some(key) = map.next_key()? {
            more.take(key, &mut map)?;
        }
        Ok(Self { more })
    }
}

impl<'de> Deserialize<'de> for InfoRow<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        record(json)
    }
}

/// A row of `annotations`.
pub(crate) struct AnnotationRow<'a> {
    pub(crate) id: Option<i64>,
    pub(crate) image_id: i64,
    pub(crate) category_id: i64,
    pub(crate) bbox: Option<[f64; 4]>,
    pub(crate) area: Option<f64>,
    pub(crate) iscrowd: Option<Flag>,
    pub(crate) more: More<'a>,
}

impl<'de> Record<'de> for AnnotationRow<'de> {
    fn from_map<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let (mut id, mut image_id, mut category_id) = (None, None, None);
        let (mut bbox, mut area, mut iscrowd) = (None, None, None);
        let mut more = More::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key {
                "id" => once(&mut id, "id", &mut map)?,
                "image_id" => once(&mut image_id, "image_id", &mut map)?,
                "category_id" => once(&mut category_id, "category_id", &mut map)?,
                "bbox" => once(&mut bbox, "bbox", &mut map)?,
                "area" => once(&mut area, "area", &mut map)?,
                "iscrowd" => once(&mut iscrowd, "iscrowd", &mut map)?,
                _ => more.take(key, &mut map)?,
            }
        }
        Ok(Self {
            id: id.flatten(),
            image_id: needed(image_id, "image_id")?,
            category_id: needed(category_id, "category_id")?,
            bbox: bbox.flatten(),
            area: area.flatten(),
            iscrowd: iscrowd.flatten(),
            more,
        })
    }
}

impl<'de> Deserialize<'de> for AnnotationRow<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        record(json)
    }
}

/// A row of `licenses`.
pub(crate) struct LicenseRow<'a> {
    pub(crate) id: i64,
    pub(crate) name: Option<Str<'a>>,
    pub(crate) url: Option<Str<'a>>,
    pub(crate) more: More<'a>,
}

impl<'de> Record<'de> for LicenseRow<'de> {
    fn from_map<M: MapAccess<'de>>(mut map: M) -> Result<Self, M::Error> {
        let (mut id, mut name, mut url) = (None, None, None);
        let mut more = More::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key {
                "id" => once(&mut id, "id", &mut map)?,
                "name" => once(&mut name, "name", &mut map)?,
                "url" => once(&mut url, "url", &mut map)?,
                _ => more.take(key, &mut map)?,
            }
        }
        Ok(Self {
            id: needed(id, "id")?,
            name: name.flatten(),
            url: url.flatten(),
            more,
        })
    }
}

impl<'de> Deserialize<'de> for LicenseRow<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        record(json)
    }
}

/// An integer that may be null, which some programs then write as `5.0`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole(pub(crate) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_i64(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("i64")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
        let fits = i64::try_from(number).map(Whole);
        fits.map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
        const EXACT: f64 = (1_u64 << 53) as f64;
        if number.fract() == 0.0 && number.abs() <= EXACT {
            return Ok(Whole(number as i64));
        }
        Err(E::invalid_type(Unexpected::Float(number), &self))
    }
}

/// True or false, which some files write as 1 and 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag(bool);

impl Flag {
    /// As a Boolean.
    pub(crate) fn is_set(self) -> bool {
        self.0
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("true, false, 1 or 0")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
        Ok(Flag(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Flag, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Flag, E> {
        match number {
            0.0 => Ok(Flag(false)),
            1.0 => Ok(Flag(true)),
            _ => Err(E::invalid_value(Unexpected::Float(number), &self)),
        }
    }
}
