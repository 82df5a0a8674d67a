//! Cities, and the networks whose addresses are located in them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::calendar::{DAY, HOUR};
use crate::random::{Random, hash};

/// City with its centre, time zone and share of the customers.
#[derive(Debug, PartialEq)]
pub struct City {
    /// English name.
    pub name: &'static str,
    /// Country's ISO 3166 code.
    pub country: &'static str,
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Hours that local time is ahead of UTC in winter, without fractions.
    pub utc_offset: i64,
    /// Share of the customers, in proportion to other cities.
    customers: i64,
}

const fn city(
    name: &'static str,
    country: &'static str,
    latitude: f64,
    longitude: f64,
    utc_offset: i64,
    customers: i64,
) -> City {
    City { name, country, latitude, longitude, utc_offset, customers }
}

/// Cities of the world. The first of a country has the gateway of a carrier that has only one.
pub static CITIES: [City; 68] = [
    city("Frankfurt", "DE", 50.110, 8.682, 1, 45),
    city("Berlin", "DE", 52.520, 13.405, 1, 90),
    city("Hamburg", "DE", 53.551, 9.994, 1, 55),
    city("Munich", "DE", 48.137, 11.575, 1, 55),
    city("Cologne", "DE", 50.938, 6.960, 1, 45),
    city("Leipzig", "DE", 51.340, 12.375, 1, 30),
    city("Vienna", "AT", 48.208, 16.373, 1, 40),
    city("Graz", "AT", 47.070, 15.438, 1, 12),
    city("Zurich", "CH", 47.377, 8.541, 1, 25),
    city("Geneva", "CH", 46.204, 6.143, 1, 12),
    city("Paris", "FR", 48.857, 2.352, 1, 60),
    city("Lyon", "FR", 45.764, 4.836, 1, 25),
    city("Marseille", "FR", 43.296, 5.370, 1, 20),
    city("London", "GB", 51.507, -0.128, 0, 70),
    city("Manchester", "GB", 53.481, -2.242, 0, 30),
    city("Glasgow", "GB", 55.861, -4.250, 0, 20),
    city("Dublin", "IE", 53.350, -6.260, 0, 12),
    city("Amsterdam", "NL", 52.370, 4.895, 1, 25),
    city("Rotterdam", "NL", 51.924, 4.478, 1, 12),
    city("Brussels", "BE", 50.850, 4.352, 1, 15),
    city("Madrid", "ES", 40.417, -3.704, 1, 25),
    city("Barcelona", "ES", 41.387, 2.170, 1, 20),
    city("Lisbon", "PT", 38.722, -9.139, 0, 10),
    city("Rome", "IT", 41.903, 12.496, 1, 20),
    city("Milan", "IT", 45.464, 9.190, 1, 20),
    city("Copenhagen", "DK", 55.676, 12.568, 1, 12),
    city("Stockholm", "SE", 59.329, 18.069, 1, 15),
    city("Oslo", "NO", 59.914, 10.752, 1, 10),
    city("Helsinki", "FI", 60.170, 24.938, 2, 8),
    city("Warsaw", "PL", 52.230, 21.012, 1, 15),
    city("Krakow", "PL", 50.065, 19.945, 1, 8),
    city("Prague", "CZ", 50.076, 14.438, 1, 10),
    city("Budapest", "HU", 47.498, 19.040, 1, 8),
    city("Bucharest", "RO", 44.427, 26.103, 2, 6),
    city("Athens", "GR", 37.984, 23.728, 2, 6),
    city("Istanbul", "TR", 41.008, 28.978, 3, 8),
    city("Kyiv", "UA", 50.450, 30.523, 2, 6),
    city("New York", "US", 40.713, -74.006, -5, 45),
    city("Chicago", "US", 41.878, -87.630, -6, 25),
    city("Dallas", "US", 32.777, -96.797, -6, 20),
    city("Los Angeles", "US", 34.052, -118.244, -8, 30),
    city("Seattle", "US", 47.606, -122.332, -8, 15),
    city("Miami", "US", 25.762, -80.192, -5, 12),
    city("Toronto", "CA", 43.653, -79.383, -5, 15),
    city("Vancouver", "CA", 49.283, -123.121, -8, 8),
    city("Mexico City", "MX", 19.433, -99.133, -6, 10),
    city("Bogota", "CO", 4.711, -74.072, -5, 4),
    city("Lima", "PE", -12.046, -77.043, -5, 3),
    city("Sao Paulo", "BR", -23.551, -46.633, -3, 15),
    city("Buenos Aires", "AR", -34.604, -58.382, -3, 5),
    city("Santiago", "CL", -33.449, -70.669, -4, 3),
    city("Cairo", "EG", 30.044, 31.236, 2, 3),
    city("Lagos", "NG", 6.524, 3.379, 1, 3),
    city("Nairobi", "KE", -1.292, 36.822, 3, 2),
    city("Johannesburg", "ZA", -26.204, 28.047, 2, 4),
    city("Dubai", "AE", 25.205, 55.271, 4, 4),
    city("Mumbai", "IN", 19.076, 72.878, 5, 10),
    city("Delhi", "IN", 28.704, 77.103, 5, 8),
    city("Bangkok", "TH", 13.756, 100.502, 7, 3),
    city("Singapore", "SG", 1.352, 103.820, 8, 5),
    city("Jakarta", "ID", -6.208, 106.846, 7, 4),
    city("Hong Kong", "HK", 22.319, 114.169, 8, 4),
    city("Seoul", "KR", 37.567, 126.978, 9, 6),
    city("Tokyo", "JP", 35.676, 139.650, 9, 10),
    city("Osaka", "JP", 34.694, 135.502, 9, 5),
    city("Sydney", "AU", -33.869, 151.209, 10, 8),
    city("Melbourne", "AU", -37.814, 144.963, 10, 6),
    city("Auckland", "NZ", -36.849, 174.763, 12, 3),
];

/// First octets of IPv4 networks; none of them has ranges for special purposes.
const FIRST_OCTETS: [u8; 40] = [
    2, 5, 24, 31, 37, 46, 50, 62, 68, 71, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95,
    109, 115, 121, 126, 151, 176, 178, 186, 188, 212, 217,
];

/// Returns the distance of two places (degrees north and east) along the surface of the Earth, in kilometres.
pub fn distance_km(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (north, east) = ((to.0 - from.0).to_radians(), (to.1 - from.1).to_radians());
    let chord =
        (north / 2.0).sin().powi(2) + from.0.to_radians().cos() * to.0.to_radians().cos() * (east / 2.0).sin().powi(2);
    2.0 * 6_371.0 * chord.sqrt().min(1.0).asin()
}

impl City {
    pub(crate) fn distance_to(&self, other: &Self) -> f64 {
        distance_km((self.latitude, self.longitude), (other.latitude, other.longitude))
    }
}

/// Draws a city by its share of the customers.
pub(crate) fn draw_city(random: &mut Random) -> usize {
    let mut left = random.between(0, CITIES.iter().map(|city| city.customers).sum::<i64>() - 1);
    for (index, city) in CITIES.iter().enumerate() {
        left -= city.customers;
        if left < 0 {
            return index;
        }
    }
    0
}

/// Draws a city of the same country, which is the same one if the country has no other.
pub(crate) fn draw_city_of_country(random: &mut Random, city: usize) -> usize {
    let others: Vec<_> =
        (0..CITIES.len()).filter(|&other| other != city && CITIES[other].country == CITIES[city].country).collect();
    if others.is_empty() { city } else { *random.pick(&others) }
}

/// Address with the place that databases give for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    pub(crate) city: &'static City,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    /// True if the databases have the place wrong.
    pub(crate) mislocated: bool,
}

/// Line to the Internet, or a few addresses that many share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Number of the /16 that addresses come from.
    network: u64,
    city: usize,
    /// Number of the line in its network.
    host: u64,
    /// Days until the address changes; 0 for never.
    lease: i64,
    /// Number of addresses that devices take turns with; 0 for one address at a time.
    shared: u64,
    /// True if devices have IPv6 addresses of their own, which change each day, in a prefix of the line.
    v6: bool,
}

impl Line {
    /// Returns a line of one of the three providers of a city. Half of the providers give a new address each day, a
    /// quarter once in a month; with a quarter of them most lines have IPv6.
    pub(crate) fn home(city: usize, host: u64) -> Self {
        let network = city as u64 * 3 + host % 3;
        let lease = [1, 0, 30, 1][(hash(&[network, 1]) % 4) as usize];
        let v6 = hash(&[network, 2]).is_multiple_of(4) && !host.is_multiple_of(5);
        Self { network, city, host, lease, shared: 0, v6 }
    }

    /// Returns a few addresses of a provider that many people share, such as those of a hotel or a dormitory.
    pub(crate) fn shared(city: usize, host: u64, addresses: u64) -> Self {
        Self::home(city, host).pooled(addresses)
    }

    /// Returns the line with a few addresses in turn, for many people or programs.
    pub(crate) fn pooled(self, addresses: u64) -> Self {
        Self { lease: 0, shared: addresses, v6: false, ..self }
    }

    /// Returns the addresses of one of a country's two carriers for phones in a city. One carrier has gateways in
    /// each city, the other one in the first city of the country.
    pub(crate) fn carrier(city: usize, which: u64, addresses: u64) -> Self {
        let first = CITIES.iter().position(|first| first.country == CITIES[city].country).unwrap_or(city);
        let gateway = if which == 0 { first } else { city };
        let network = 250 + gateway as u64 * 2 + which;
        Self { network, city: gateway, host: 0, lease: 0, shared: addresses, v6: false }
    }

    /// Returns the host of a hosting company, of which there is one in each city of [`Self::hosting_cities`].
    pub(crate) fn hosting(which: usize, host: u64) -> Self {
        let cities = Self::hosting_cities();
        let which = which % cities.len();
        Self { network: 450 + which as u64, city: cities[which], host, lease: 0, shared: 0, v6: false }
    }

    /// Returns the cities with data centres of hosting companies, each of which is in another country.
    pub(crate) fn hosting_cities() -> Vec<usize> {
        const NAMES: [&str; 9] =
            ["Frankfurt", "Amsterdam", "Helsinki", "London", "Warsaw", "New York", "Toronto", "Singapore", "Bucharest"];
        (0..CITIES.len()).filter(|&city| NAMES.contains(&CITIES[city].name)).collect()
    }

    /// Returns the address that a device (any number that is the same for the same device) has at a time.
    pub(crate) fn endpoint(&self, device: u64, at: i64) -> Endpoint {
        let epoch = if self.lease == 0 { 0 } else { (at + self.host as i64 % DAY) / (self.lease * DAY) };
        let turn = hash(&[device, (at / (3 * HOUR)) as u64]).checked_rem(self.shared);
        let host = hash(&[self.network, self.host, epoch as u64, turn.unwrap_or_default()]);
        let block = host % 250;
        let first = FIRST_OCTETS[(self.network % 40) as usize];
        let second = ((self.network / 40) * 16 + hash(&[self.network]) % 16) as u8;
        let address = if self.v6 {
            let words = hash(&[device, (at / DAY) as u64]);
            let prefix = [0x2a02, 0x100 + self.network as u16, (host >> 16) as u16 & 0xff, (host >> 24) as u16];
            let [a, b, c, d] = [0, 16, 32, 48].map(|shift| (words >> shift) as u16);
            IpAddr::V6(Ipv6Addr::new(prefix[0], prefix[1], prefix[2], prefix[3], a, b, c, d))
        } else {
            IpAddr::V4(Ipv4Addr::new(first, second, block as u8, 1 + ((host >> 16) % 250) as u8))
        };
        let place = hash(&[self.network, block]);
        let elsewhere =
            if place.is_multiple_of(60) { draw_city_of_country(&mut Random::new(place), self.city) } else { self.city };
        let city = &CITIES[elsewhere];
        let jitter = |shift: u32| ((place >> shift) % 300) as f64 / 1_000.0 - 0.15;
        Endpoint {
            address,
            city,
            latitude: city.latitude + jitter(8),
            longitude: city.longitude + jitter(24),
            mislocated: elsewhere != self.city,
        }
    }
}
