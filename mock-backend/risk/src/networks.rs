//! Places of networks: a file with a prefix, a country and coordinates in each line, as databases of addresses are published.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::net::IpAddr;

use crate::event::Event;
use crate::place::{self, Place};

/// Maximum number of prefixes.
pub const MAX_PREFIXES: usize = 5_000_000;

/// Reason why places of networks cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworksError {
    /// The file.
    #[error("the places of networks cannot be read: {0}")]
    File(#[from] io::Error),
    /// More than [`MAX_PREFIXES`].
    #[error("there are more than {MAX_PREFIXES} prefixes")]
    TooMany,
    /// A line that is none.
    #[error("line {line}: {reason}")]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// Fault of the line.
        reason: String,
    },
}

/// Country and place of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Location {
    country: [u8; 2],
    place: Option<Place>,
}

/// Places of networks, looked up by the longest prefix.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// By the length of the prefix and the bits of it, IPv4 as in ::ffff:0:0/96.
    by_length: BTreeMap<u32, HashMap<u128, Location>>,
}

/// Returns the bits of an address, IPv4 as in ::ffff:0:0/96.
fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// Keeps the first `length` bits.
fn prefix(bits: u128, length: u32) -> u128 {
    bits & u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

impl Networks {
    /// Reads lines `prefix,country,latitude,longitude`: the country by its ISO 3166 code of two letters, coordinates in degrees or
    /// both empty. A first line with the names of the columns may be there.
    ///
    /// # Errors
    /// When a line is another, or there are too many.
    pub fn read(from: impl Read) -> Result<Self, NetworksError> {
        let mut networks = Self::default();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(from);
        let mut count = 0_usize;
        for (record, number) in reader.records().zip(1_u64..) {
            let record = record.map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => NetworksError::File(error),
                _ => NetworksError::Line { line: number, reason: "it is not text in UTF-8".to_owned() },
            })?;
            let line = record.position().map_or(number, csv::Position::line);
            if number == 1 && record.get(0) == Some("prefix") {
                continue;
            }
            count += 1;
            if count > MAX_PREFIXES {
                return Err(NetworksError::TooMany);
            }
            let (length, bits, location) =
                location(&record).map_err(|reason| NetworksError::Line { line, reason: reason.to_owned() })?;
            networks.by_length.entry(length).or_default().insert(bits, location);
        }
        Ok(networks)
    }

    /// Sets country and place of an event by the address that it came from. Does nothing if no prefix has it.
    pub fn locate(&self, event: &mut Event, address: IpAddr) {
        let bits = bits(address);
        let found = self.by_length.iter().rev().find_map(|(length, known)| known.get(&prefix(bits, *length)));
        let Some(Location { country, place }) = found else { return };
        let (name, middle) = place::country(std::str::from_utf8(country).unwrap_or_default());
        event.country = name;
        event.place = place.or(middle);
    }
}

fn location(record: &csv::StringRecord) -> Result<(u32, u128, Location), &'static str> {
    let cell = |index| record.get(index).unwrap_or_default().trim();
    let (address, length) = cell(0).split_once('/').ok_or("a prefix is ADDRESS/LENGTH")?;
    let address: IpAddr = address.parse().map_err(|_| "a prefix is ADDRESS/LENGTH")?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length: u32 = length.parse().ok().filter(|length| *length <= most).ok_or("a prefix is ADDRESS/LENGTH")?;
    let length = length + 128 - most;
    let country: [u8; 2] = cell(1).as_bytes().try_into().map_err(|_| "a country has two letters")?;
    if !country.iter().all(u8::is_ascii_alphabetic) {
        return Err("a country has two letters");
    }
    let place = match (cell(2), cell(3)) {
        ("", "") => None,
        (latitude, longitude) => {
            let degrees = |text: &str| text.parse::<f64>().map_err(|_| "a coordinate is a number");
            Some(Place::at(degrees(latitude)?, degrees(longitude)?).ok_or("there is no such place")?)
        }
    };
    Ok((length, prefix(bits(address), length), Location { country, place }))
}

#[cfg(test)]
mod tests {
    use super::Networks;
    use crate::event::{Event, Kind};
    use crate::key::Key;

    fn country(networks: &Networks, address: &str) -> Option<Key> {
        let mut event = Event::new(0, Kind::SignIn);
        networks.locate(&mut event, address.parse().expect("an address"));
        assert_eq!(event.country.is_some(), event.place.is_some());
        event.country
    }

    #[test]
    fn the_longest_prefix_counts() {
        let text = "prefix,country,latitude,longitude\n192.0.2.0/24,DE,52.5,13.4\n192.0.2.128/25,JP,,\n2001:db8::/32,FR,48.9,2.3\n";
        let networks = Networks::read(text.as_bytes()).expect("it reads");
        assert_eq!(country(&networks, "192.0.2.1"), Key::of("DE"));
        assert_eq!(country(&networks, "::ffff:192.0.2.1"), Key::of("DE"));
        assert_eq!(country(&networks, "192.0.2.200"), Key::of("JP"));
        assert_eq!(country(&networks, "2001:db8:1::1"), Key::of("FR"));
        assert_eq!(country(&networks, "198.51.100.1"), None);
        let all = Networks::read("0.0.0.0/0,DE,,\n".as_bytes()).expect("it reads");
        assert_eq!((country(&all, "192.0.2.1"), country(&all, "2001:db8::1")), (Key::of("DE"), None));
    }

    #[test]
    fn faults_name_their_line() {
        for (text, reason) in [
            ("192.0.2.0/24,DE,,\n192.0.2.0/33,DE,,\n", "line 2: a prefix is ADDRESS/LENGTH"),
            ("192.0.2.0,DE,,\n", "line 1: a prefix is ADDRESS/LENGTH"),
            ("192.0.2.0/24,Germany,,\n", "line 1: a country has two letters"),
            ("192.0.2.0/24,DE,91,0\n", "line 1: there is no such place"),
            ("192.0.2.0/24,DE,1,\n", "line 1: a coordinate is a number"),
        ] {
            assert_eq!(Networks::read(text.as_bytes()).expect_err("it is refused").to_string(), reason);
        }
    }
}
