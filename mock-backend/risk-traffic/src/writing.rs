//! Forms of a file, and its text.

use jiff::Timestamp;

use crate::event::{Event, Row};

/// Form of a file: the columns and rows that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// All columns; one row of a hundred comes late, by up to two hours.
    Full,
    /// No countries, cities or coordinates.
    Addresses,
    /// Countries, but no cities or coordinates.
    Countries,
    /// Coordinates, but no countries, cities or devices.
    Coordinates,
    /// Only sign-ins, without tokens.
    SignIns,
    /// Only sign-ins; only time (seconds since 1970), account, address and outcome.
    Bare,
    /// All columns and no attack.
    Clean,
}

/// Column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Time,
    Seconds,
    Account,
    Event,
    Outcome,
    Device,
    Token,
    Address,
    Country,
    City,
    Latitude,
    Longitude,
    Agent,
    Label,
}

impl Form {
    fn columns(self) -> Vec<Column> {
        use Column::*;
        let all =
            [Time, Account, Event, Outcome, Device, Token, Address, Country, City, Latitude, Longitude, Agent, Label];
        let without: &[Column] = match self {
            Self::Full | Self::Clean => &[],
            Self::Addresses => &[Country, City, Latitude, Longitude],
            Self::Countries => &[City, Latitude, Longitude],
            Self::Coordinates => &[Country, City, Device],
            Self::SignIns => &[Token],
            Self::Bare => return vec![Seconds, Account, Address, Outcome, Label],
        };
        all.into_iter().filter(|column| !without.contains(column)).collect()
    }

    /// Returns true if files of this form have sign-ins and no other rows.
    pub fn has_only_sign_ins(self) -> bool {
        matches!(self, Self::SignIns | Self::Bare)
    }
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Time | Self::Seconds => "time",
            Self::Account => "account",
            Self::Event => "event",
            Self::Outcome => "outcome",
            Self::Device => "device",
            Self::Token => "token",
            Self::Address => "address",
            Self::Country => "country",
            Self::City => "city",
            Self::Latitude => "latitude",
            Self::Longitude => "longitude",
            Self::Agent => "user_agent",
            Self::Label => "label",
        }
    }

    fn cell(self, row: &Row) -> String {
        match self {
            Self::Time => Timestamp::from_millisecond(row.time_ms).map(|time| time.to_string()).unwrap_or_default(),
            Self::Seconds => row.time_ms.div_euclid(1_000).to_string(),
            Self::Account => row.account.clone(),
            Self::Event => row.event.name().to_owned(),
            Self::Outcome => if row.success { "success" } else { "failure" }.to_owned(),
            Self::Device => row.device.clone(),
            Self::Token => row.token.clone(),
            Self::Address => row.address.to_string(),
            Self::Country => row.city.country.to_owned(),
            Self::City => row.city.name.to_owned(),
            Self::Latitude => format!("{:.3}", row.latitude),
            Self::Longitude => format!("{:.3}", row.longitude),
            Self::Agent => row.agent.clone(),
            Self::Label => u8::from(row.kind.is_attack()).to_string(),
        }
    }
}

/// Returns the rows as comma-separated values (RFC 4180), with a header.
pub(crate) fn write(form: Form, rows: &[Row]) -> String {
    let columns = form.columns();
    let mut csv = columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(",");
    csv.push_str("\r\n");
    for row in rows {
        for (number, column) in columns.iter().enumerate() {
            if number > 0 {
                csv.push(',');
            }
            let cell = column.cell(row);
            if cell.contains(['"', ',', '\r', '\n']) {
                csv.push('"');
                csv.push_str(&cell.replace('"', "\"\""));
                csv.push('"');
            } else {
                csv.push_str(&cell);
            }
        }
        csv.push_str("\r\n");
    }
    csv
}

/// Returns true if files of the form have the row.
pub(crate) fn keeps(form: Form, row: &Row) -> bool {
    !form.has_only_sign_ins() || row.event == Event::SignIn
}
