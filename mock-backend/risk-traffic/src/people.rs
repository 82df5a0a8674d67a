//! Households: where they live, which devices and networks they have, and when they travel.

use crate::calendar::{Calendar, DAY, HOUR};
use crate::places::{CITIES, Line, draw_city, draw_city_of_country};
use crate::random::{Random, hash};

/// Way of life of a household, as far as a service can notice it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Plain,
    Student,
    ShiftWork,
    Vpn,
    SplitFamily,
    BusinessTrips,
    CompanyProxy,
    PrivateWindow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceKind {
    Television,
    Phone,
    Tablet,
    Laptop,
}

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) seed: u64,
    pub(crate) kind: DeviceKind,
    model: usize,
    /// Index of the home where the device is.
    pub(crate) home: usize,
    /// True if the browser forgets its cookies.
    pub(crate) private: bool,
    /// Time at which the household begins to use the device.
    pub(crate) from: i64,
    /// Time from which the household does not use it any more.
    pub(crate) until: i64,
}

impl Device {
    fn draw(random: &mut Random, kind: DeviceKind, home: usize) -> Self {
        let (model, seed) = (random.below(4), random.next());
        let id = format!("{:012x}", hash(&[seed]) >> 16);
        Self { id, seed, kind, model, home, private: false, from: i64::MIN, until: i64::MAX }
    }

    /// Returns the value of `User-Agent`, whose version grows with the update.
    pub(crate) fn agent(&self, at: i64, calendar: &Calendar) -> String {
        let version = if at < calendar.update { "4.1" } else { "4.2" };
        match self.kind {
            DeviceKind::Television => {
                let model = ["webOS 6.3; OLED55C1", "Tizen 7.0; QE55Q60", "Android TV 12; BRAVIA", "tvOS 17.4"];
                format!("KinoraTV/{version} ({})", model[self.model])
            }
            DeviceKind::Phone => {
                let model =
                    ["iPhone15,2; iOS 17.4", "Pixel 8; Android 14", "SM-S911B; Android 14", "iPhone14,5; iOS 17.3"];
                format!("Kinora/{version} ({})", model[self.model])
            }
            DeviceKind::Tablet => {
                let model =
                    ["iPad13,18; iPadOS 17.4", "SM-X200; Android 13", "iPad12,1; iPadOS 16.7", "KFTRWI; Fire OS 8"];
                format!("Kinora/{version} ({})", model[self.model])
            }
            DeviceKind::Laptop => browser(self.model),
        }
    }
}

/// Returns the `User-Agent` of one of four browsers.
pub(crate) fn browser(model: usize) -> String {
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
    ][model % 4]
        .to_owned()
}

/// Trip of some devices. Their owners are under way, and watch nothing, from `leave` to `arrive` and from `back` to
/// `home`.
#[derive(Clone, Debug)]
pub(crate) struct Trip {
    pub(crate) leave: i64,
    pub(crate) arrive: i64,
    pub(crate) back: i64,
    pub(crate) home: i64,
    pub(crate) hotel: Line,
    pub(crate) business: bool,
    /// True if all travel, so that devices left behind stay off.
    pub(crate) everyone: bool,
    /// Indices of the devices that travel.
    pub(crate) devices: Vec<usize>,
}

/// Household with one account.
#[derive(Clone, Debug)]
pub(crate) struct Household {
    pub(crate) account: String,
    pub(crate) city: usize,
    pub(crate) habit: Habit,
    pub(crate) children: bool,
    /// Lines of the homes: two in a family that lives in two homes, else one.
    pub(crate) homes: Vec<Line>,
    pub(crate) carrier: Line,
    pub(crate) work: Line,
    /// Line of a friend or a café in the same city.
    pub(crate) friend: Line,
    /// Exits of the household's VPN, in two countries.
    pub(crate) exits: [Line; 2],
    pub(crate) devices: Vec<Device>,
    pub(crate) trips: Vec<Trip>,
    pub(crate) random: Random,
}

/// Draws the e-mail address of the account with a number. The service has no account with the number `count` or more.
pub(crate) fn email(random: &mut Random, number: i64) -> String {
    const FIRST: [&str; 20] = [
        "anna", "ben", "clara", "david", "emma", "felix", "greta", "hugo", "ida", "jonas", "kim", "lena", "marc",
        "nora", "oskar", "paula", "quinn", "rosa", "sam", "tom",
    ];
    const LAST: [&str; 16] = [
        "adler", "becker", "costa", "dubois", "evans", "fischer", "garcia", "hansen", "ito", "jones", "kowalski",
        "larsen", "moreau", "novak", "o'neil", "rossi",
    ];
    const HOSTS: [&str; 5] = ["example.org", "example.com", "mail.example.net", "post.example.org", "example.net"];
    let separator = random.pick(&[".", "_", "", "-"]);
    format!("{}{separator}{}{number}@{}", random.pick(&FIRST), random.pick(&LAST), random.pick(&HOSTS))
}

/// Draws the households of a service.
pub(crate) fn settle(random: &Random, count: usize, calendar: &Calendar) -> Vec<Household> {
    (0..count).map(|number| Household::draw(random.fork(number as u64), number, count, calendar)).collect()
}

impl Household {
    fn draw(mut random: Random, number: usize, count: usize, calendar: &Calendar) -> Self {
        let habit = match random.below(100) {
            0..5 => Habit::Student,
            5..11 => Habit::ShiftWork,
            11..14 => Habit::Vpn,
            14..18 => Habit::SplitFamily,
            18..23 => Habit::BusinessTrips,
            23..31 => Habit::CompanyProxy,
            31..39 => Habit::PrivateWindow,
            _ => Habit::Plain,
        };
        let city = draw_city(&mut random);
        let mut homes = vec![match habit {
            Habit::Student => Line::shared(city, 7, 4),
            _ => Line::home(city, random.next()),
        }];
        if habit == Habit::SplitFamily {
            let second =
                if random.chance(0.7) { draw_city_of_country(&mut random, city) } else { draw_city(&mut random) };
            homes.push(Line::home(second, random.next()));
        }
        // Proxies of the company stand in one city of each part of the world.
        let proxies = match CITIES[city].utc_offset {
            -12..=-2 => "New York",
            -1..=3 => "Frankfurt",
            _ => "Singapore",
        };
        let proxies = CITIES.iter().position(|city| city.name == proxies).unwrap_or_default();
        let work = match habit {
            Habit::CompanyProxy => Line::shared(proxies, 500, 2),
            _ => Line::shared(city, random.next(), 1),
        };
        let countries = Line::hosting_cities().len();
        let first = random.below(countries);
        let second = first + 1 + random.below(countries - 1);
        let exits = [first, second].map(|which| Line::hosting(which, 90).pooled(6));
        let mut household = Self {
            account: email(&mut random, number as i64),
            city,
            habit,
            children: habit != Habit::Student && random.chance(0.35),
            carrier: Line::carrier(city, random.next() % 2, 2 + count as u64 / 1_000),
            work,
            friend: Line::home(city, random.next()),
            exits,
            homes,
            devices: Vec::new(),
            trips: Vec::new(),
            random: random.fork(1),
        };
        household.buy_devices(&mut random, calendar);
        household.book_trips(&mut random, calendar);
        household
    }

    fn buy_devices(&mut self, random: &mut Random, calendar: &Calendar) {
        use DeviceKind::{Laptop, Phone, Tablet, Television};
        let student = self.habit == Habit::Student;
        for (home, _) in self.homes.iter().enumerate() {
            let shares = if student {
                vec![(Phone, 0.9), (Laptop, 0.9)]
            } else {
                vec![(Television, 0.9), (Television, 0.2), (Phone, 0.9), (Phone, 0.5), (Tablet, 0.4), (Laptop, 0.5)]
            };
            for (kind, share) in shares {
                if random.chance(share) {
                    self.devices.push(Device::draw(random, kind, home));
                }
            }
        }
        if self.devices.is_empty() || matches!(self.habit, Habit::Vpn | Habit::PrivateWindow) {
            let mut laptop = Device::draw(random, Laptop, 0);
            laptop.private = self.habit == Habit::PrivateWindow;
            self.devices.push(laptop);
        }
        if random.chance((calendar.days as f64 / 60.0).min(0.8)) {
            let kind = *random.pick(&[Television, Television, Phone, Laptop]);
            let mut device = Device::draw(random, kind, 0);
            device.from = calendar.start + random.between(0, calendar.days - 1) * DAY + random.between(9, 20) * HOUR;
            self.devices.push(device);
        }
    }

    fn book_trips(&mut self, random: &mut Random, calendar: &Calendar) {
        let phone = self.devices.iter().position(|device| device.kind == DeviceKind::Phone && device.home == 0);
        let owned = self.devices.len();
        let mut day = 0;
        while day < calendar.days {
            let business = self.habit == Habit::BusinessTrips && random.chance(0.25);
            if !business && !random.chance(1.0 / 50.0) {
                day += 1;
                continue;
            }
            // The nearer of two cities: people travel to all the world, but more often not so far.
            let [one, other] = [0, 1].map(|_| random.below(CITIES.len()));
            let here = &CITIES[self.city];
            let city = if CITIES[one].distance_to(here) < CITIES[other].distance_to(here) { one } else { other };
            if city == self.city {
                continue;
            }
            // Trains go at 130 km/h; flights at 800 km/h, with half a day's errands around them.
            let distance = CITIES[city].distance_to(here);
            let hours = if distance < 400.0 { distance / 130.0 + 0.5 } else { distance / 800.0 + 2.5 };
            let travel = (hours * HOUR as f64) as i64;
            let nights = if business { random.between(1, 3) } else { random.between(3, 12) };
            let leave = calendar.start + day * DAY + random.between(5 * HOUR, 18 * HOUR) - here.utc_offset * HOUR;
            let back = leave + travel + nights * DAY - random.between(0, 8) * HOUR;
            let everyone = !business && random.chance(0.6);
            let takes = |device: &Device| device.kind != DeviceKind::Television && device.home == 0;
            let mut devices: Vec<_> =
                (0..owned).filter(|&index| (everyone && takes(&self.devices[index])) || Some(index) == phone).collect();
            let arrive = leave + travel;
            if random.chance(0.3) {
                let mut hotel = Device::draw(random, DeviceKind::Television, 0);
                (hotel.from, hotel.until) = (arrive + random.between(1, 6) * HOUR, back);
                devices.push(self.devices.len());
                self.devices.push(hotel);
            }
            let hotel = Line::shared(city, 1_000 + random.next() % 5, 2);
            self.trips.push(Trip { leave, arrive, back, home: back + travel, hotel, business, everyone, devices });
            day = (back + travel - calendar.start) / DAY + 2;
        }
    }
}
