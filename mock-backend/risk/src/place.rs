//! Places on the earth, the distance of two, and places of countries and cities by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::key::Key;

/// Countries: ISO 3166 code, middle in whole degrees, radius in kilometres, and English name. Middles are those of the time zones of
/// tzdata (public domain), or, of large countries, rough ones; a radius reaches most people of the country, not its last island.
const COUNTRIES: &str = include_str!("../data/countries.csv");
/// Cities: name, country, latitude and longitude to a tenth of a degree. From the time zones of tzdata, with some others.
const CITIES: &str = include_str!("../data/cities.csv");

/// Radius within which a place of latitude and longitude is right, as databases of addresses have it, in kilometres.
const COORDINATES_MARGIN_KM: f32 = 50.0;
/// Mean radius of the earth in kilometres.
const EARTH_KM: f64 = 6_371.0;

/// A place, no more precise than its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    latitude: f32,
    longitude: f32,
    margin_km: f32,
}

impl Place {
    /// Makes the place of two coordinates in degrees. Returns `None` if there is no such place.
    pub fn at(latitude: f64, longitude: f64) -> Option<Self> {
        let exists = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        exists.then_some(Self {
            latitude: latitude as f32,
            longitude: longitude as f32,
            margin_km: COORDINATES_MARGIN_KM,
        })
    }

    /// Returns the least distance that two places may have, in kilometres: that of their middles (haversine formula) without their
    /// margins.
    pub fn least_km(&self, other: &Self) -> f64 {
        let radians = |degrees: f32| f64::from(degrees).to_radians();
        let (a, b) = (radians(self.latitude), radians(other.latitude));
        let (north, east) = (b - a, radians(other.longitude) - radians(self.longitude));
        let h = (north / 2.0).sin().powi(2) + a.cos() * b.cos() * (east / 2.0).sin().powi(2);
        let middles = 2.0 * EARTH_KM * h.sqrt().min(1.0).asin();
        (middles - f64::from(self.margin_km) - f64::from(other.margin_km)).max(0.0)
    }

    /// Returns the name of the region of four degrees that it lies in.
    pub(crate) fn region(&self) -> Option<Key> {
        let cell = |degrees: f32| (degrees / 4.0).floor() as i32;
        Key::of(&format!("region {} {}", cell(self.latitude), cell(self.longitude)))
    }
}

/// A country of the table.
#[derive(Clone, Copy, Debug)]
struct Country {
    code: &'static str,
    place: Place,
}

static BY_NAME: LazyLock<HashMap<String, Country>> = LazyLock::new(|| {
    let mut countries = HashMap::new();
    for line in COUNTRIES.lines().skip(1) {
        let mut cells = line.splitn(5, ',');
        let mut cell = || cells.next().unwrap_or_default();
        let (code, latitude, longitude, radius, name) = (cell(), cell(), cell(), cell(), cell());
        let place = latitude.parse().ok().zip(longitude.parse().ok()).and_then(|(north, east)| Place::at(north, east));
        let (Some(place), Ok(margin_km)) = (place, radius.parse()) else { continue };
        let country = Country { code, place: Place { margin_km, ..place } };
        countries.insert(code.to_lowercase(), country);
        countries.insert(name.trim_matches('"').to_lowercase(), country);
    }
    for (other, code) in [
        ("uk", "gb"),
        ("united kingdom", "gb"),
        ("usa", "us"),
        ("united states of america", "us"),
        ("england", "gb"),
        ("russian federation", "ru"),
        ("south korea", "kr"),
        ("republic of korea", "kr"),
        ("czechia", "cz"),
        ("viet nam", "vn"),
        ("holland", "nl"),
        ("the netherlands", "nl"),
        ("türkiye", "tr"),
        ("deutschland", "de"),
    ] {
        if let Some(country) = countries.get(code).copied() {
            countries.insert(other.to_owned(), country);
        }
    }
    countries
});

static CITY_BY_NAME: LazyLock<HashMap<String, (&'static str, Place)>> = LazyLock::new(|| {
    let city = |line: &'static str| {
        let mut cells = line.split(',');
        let (name, country) = (cells.next()?, cells.next()?);
        let place = Place::at(cells.next()?.parse().ok()?, cells.next()?.parse().ok()?)?;
        Some((name.to_lowercase(), (country, place)))
    };
    CITIES.lines().skip(1).filter_map(city).collect()
});

/// Returns the name by which a country is compared, and its place if the table has it. `text` is an ISO 3166 code of two letters or
/// an English name.
pub(crate) fn country(text: &str) -> (Option<Key>, Option<Place>) {
    match BY_NAME.get(&text.trim().to_lowercase()) {
        Some(country) => (Key::of(country.code), Some(country.place)),
        None => (Key::of(text), None),
    }
}

/// Returns the country and the place of a city, if the table has its name.
pub(crate) fn city(text: &str) -> Option<(Option<Key>, Place)> {
    CITY_BY_NAME.get(&text.trim().to_lowercase()).map(|(country, place)| (Key::of(country), *place))
}

#[cfg(test)]
mod tests {
    use super::{CITIES, COUNTRIES, Place, city, country};

    #[test]
    fn distances_are_those_of_the_globe_less_what_is_not_known() {
        let (berlin, tokyo) = (Place::at(52.5, 13.4).expect("a place"), Place::at(35.7, 139.7).expect("a place"));
        assert!((8_700.0..8_900.0).contains(&berlin.least_km(&tokyo)), "{}", berlin.least_km(&tokyo));
        assert_eq!(berlin.least_km(&berlin), 0.0);
        let of = |code| country(code).1.expect("it is in the table");
        assert!(of("DE").least_km(&of("JP")) > 7_000.0);
        assert_eq!(of("DE").least_km(&of("PL")), 0.0, "neighbours may be next to one another");
        assert_eq!(of("US").least_km(&of("CA")), 0.0);
        // Across the line where the date changes.
        let (east, west) = (Place::at(-17.0, 179.0).expect("a place"), Place::at(-17.0, -179.0).expect("a place"));
        assert!(east.least_km(&west) < 150.0);
        assert!(Place::at(91.0, 0.0).is_none() && Place::at(f64::NAN, 0.0).is_none());
    }

    #[test]
    fn every_line_of_the_tables_is_a_place_and_names_lead_to_it() {
        for line in COUNTRIES.lines().skip(1) {
            let code = line.split(',').next().unwrap_or_default();
            assert!(code.len() == 2 && country(code).1.is_some(), "{line}");
        }
        for line in CITIES.lines().skip(1) {
            let name = line.split(',').next().unwrap_or_default();
            let (_, place) = city(name).expect("a city");
            let of = country(line.split(',').nth(1).unwrap_or_default()).1.expect("its country");
            assert!(place.least_km(&of) < 4_000.0, "{line}");
        }
        assert_eq!(country("germany"), country(" DE "));
        assert_eq!(country("Nowhere").1, None);
    }
}
