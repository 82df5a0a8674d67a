//! Vocabulary of a file: its rows, and the reason for each of them.

use std::net::IpAddr;

use crate::places::City;

/// Event that a row reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Sign-in with a password.
    SignIn,
    /// Renewal of an access token.
    Refresh,
    /// Start of a title.
    Play,
}

impl Event {
    /// Returns the event's name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Refresh => "refresh",
            Self::Play => "play",
        }
    }
}

/// Reason for a row. Files do not show it; they show [`Kind::is_attack`] as the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Use at home, at a friend's or in a small office.
    Ordinary,
    /// Phone behind the address that its carrier gives to hundreds of people, often located at a distant gateway.
    CarrierNat,
    /// Employee behind the proxy of a large company.
    CompanyProxy,
    /// Student behind the few addresses of a dormitory.
    Dormitory,
    /// Household that watches at night and in the morning.
    ShiftWork,
    /// Use of the second home of a family that lives in two.
    SplitFamily,
    /// Use far from home by a family or one of it, after a journey.
    Holiday,
    /// The same for one to three nights.
    BusinessTrip,
    /// Phone abroad whose carrier routes it over the country of its contract.
    Roaming,
    /// VPN that a household uses by habit, with exits in two countries.
    VpnHabit,
    /// Address whose place the database of places has wrong.
    Mislocated,
    /// Browser that forgets its cookies: a sign-in at each visit, half of the time as a new device.
    PrivateWindow,
    /// First sign-in of a new television, phone, or television in a hotel.
    NewDevice,
    /// One to four wrong passwords, then the right one or a reset; or an e-mail address that is misspelt.
    TypingError,
    /// Several wrong passwords, then a reset some minutes later.
    ForgottenPassword,
    /// Password manager on several devices that tries the password from before a change.
    OldPassword,
    /// Child that guesses the password of its parents.
    ChildGuess,
    /// Update of the apps that renews all tokens at once.
    AppUpdate,
    /// Sign-in in the ten minutes after an outage.
    OutageReturn,
    /// Guesses at one account, seconds apart, from one address.
    GuessFast,
    /// Guesses at one account, about ten minutes apart, over days.
    GuessSlow,
    /// Guesses at one account with one or two tries an address.
    GuessBotnet,
    /// List of stolen e-mail addresses and passwords, tried from one address.
    StuffOneAddress,
    /// The same from a few networks of hosting companies.
    StuffHosting,
    /// The same from a botnet with one or two tries an address and one user agent.
    StuffBotnet,
    /// The same with minutes to hours between tries.
    StuffSlow,
    /// Attacker's use of an account after a guess or a hit.
    Takeover,
    /// Token used at the same time by its owner and elsewhere.
    TokenTheft,
    /// Identity of a device, copied to another device elsewhere.
    DeviceTheft,
    /// Account sold to many: 6 to 15 devices in as many places at the same time.
    Resale,
    /// Buyer of a password far away, within the hour of the owner's own use.
    SoldPassword,
}

impl Kind {
    /// Reasons of honest rows.
    pub const HONEST: [Self; 19] = [
        Self::Ordinary,
        Self::CarrierNat,
        Self::CompanyProxy,
        Self::Dormitory,
        Self::ShiftWork,
        Self::SplitFamily,
        Self::Holiday,
        Self::BusinessTrip,
        Self::Roaming,
        Self::VpnHabit,
        Self::Mislocated,
        Self::PrivateWindow,
        Self::NewDevice,
        Self::TypingError,
        Self::ForgottenPassword,
        Self::OldPassword,
        Self::ChildGuess,
        Self::AppUpdate,
        Self::OutageReturn,
    ];

    /// Reasons of rows that are labelled as attacks.
    pub const ATTACKS: [Self; 12] = [
        Self::GuessFast,
        Self::GuessSlow,
        Self::GuessBotnet,
        Self::StuffOneAddress,
        Self::StuffHosting,
        Self::StuffBotnet,
        Self::StuffSlow,
        Self::Takeover,
        Self::TokenTheft,
        Self::DeviceTheft,
        Self::Resale,
        Self::SoldPassword,
    ];

    /// Returns the label of a row with this reason.
    pub fn is_attack(self) -> bool {
        self >= Self::GuessFast
    }
}

/// Row of a file, with all that the world knows of it; forms leave some of it out.
#[derive(Clone, Debug)]
pub struct Row {
    /// Milliseconds since 1970.
    pub time_ms: i64,
    /// E-mail address, of an account or of none.
    pub account: String,
    /// Event that happened.
    pub event: Event,
    /// True if the service accepted it.
    pub success: bool,
    /// Identity that the device reports; empty if it reports none.
    pub device: String,
    /// Sign-in that the row belongs to; empty if it failed.
    pub token: String,
    /// Address that the service sees.
    pub address: IpAddr,
    /// City where databases of addresses place it.
    pub city: &'static City,
    /// Degrees north, which may differ from the centre of the city.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Value of `User-Agent`.
    pub agent: String,
    /// Reason for the row.
    pub kind: Kind,
}
