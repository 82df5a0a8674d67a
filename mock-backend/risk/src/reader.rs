//! Files of events: comma-separated values (RFC 4180) with a header line. Columns are known by their names, in any order.

use std::io::{self, Read};

use crate::event::{Event, Kind};
use crate::key::Key;
use crate::place::{self, Place};
use crate::values;

/// Maximum bytes of a file.
pub const MAX_BYTES: u64 = 512 << 20;
/// Maximum number of columns.
pub const MAX_COLUMNS: usize = 128;
/// Maximum number of rows.
pub const MAX_ROWS: usize = 1_000_000;
/// Maximum bytes of a cell.
const MAX_CELL: usize = 4_096;

/// Reason why a file of events cannot be read. Lines are numbered from 1, which is the header.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file.
    #[error("the events cannot be read: {0}")]
    File(#[from] io::Error),
    /// More than [`MAX_BYTES`].
    #[error("the file has more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// More than [`MAX_ROWS`].
    #[error("there are more than {MAX_ROWS} rows")]
    TooManyRows,
    /// No line.
    #[error("there is no header line")]
    Empty,
    /// More than [`MAX_COLUMNS`].
    #[error("there are more than {MAX_COLUMNS} columns")]
    TooManyColumns,
    /// No column for something that is needed.
    #[error("no column has the {0}: see the names of columns in `kinora-backend risk score --help`")]
    NoColumn(&'static str),
    /// A row that is none.
    #[error("line {line}: {reason}")]
    Row {
        /// Number of the line at which the row begins.
        line: u64,
        /// Fault of the row.
        reason: String,
    },
}

/// A row of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the row: its cell in a column `id`, else its number from 1.
    pub id: String,
    /// The event.
    pub event: Event,
    /// Label, `true` for an attack; absent without one. No score depends on it.
    pub label: Option<bool>,
}

/// Rows of a file, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The rows.
    pub rows: Vec<Row>,
    /// True if a column has labels.
    pub is_labelled: bool,
    /// Rows with an outcome, a country, or a label whose word is not known; it counts as absent.
    pub unknown_words: usize,
}

/// Role of a column, with the names that it may have: lower case, with `_` between words. The first name that is there counts.
struct Role(&'static [&'static str]);

const ID: Role = Role(&["id", "row_id", "row", "event_id", "record_id"]);
const TIME: Role = Role(&[
    "time",
    "timestamp",
    "at",
    "ts",
    "datetime",
    "date_time",
    "event_time",
    "created_at",
    "occurred_at",
    "time_ms",
    "timestamp_ms",
    "at_ms",
    "ts_ms",
    "login_timestamp",
    "date",
]);
const ACCOUNT: Role = Role(&[
    "account",
    "user",
    "account_id",
    "user_id",
    "email",
    "username",
    "user_name",
    "login",
    "customer",
    "customer_id",
]);
const EVENT: Role = Role(&["event", "kind", "type", "action", "event_type", "event_kind", "event_name", "activity"]);
const OUTCOME: Role = Role(&[
    "outcome",
    "result",
    "success",
    "accepted",
    "ok",
    "successful",
    "is_success",
    "login_successful",
    "succeeded",
    "status",
    "status_code",
]);
const FAILURE: Role = Role(&["failed", "failure", "refused", "is_failed", "login_failed"]);
const DEVICE: Role = Role(&["device", "device_id", "device_fingerprint", "fingerprint", "device_hash", "client_id"]);
const TOKEN: Role =
    Role(&["token", "token_id", "session", "session_id", "refresh_token", "token_family", "family", "jti", "sid"]);
const ADDRESS: Role = Role(&[
    "address",
    "ip",
    "ip_address",
    "client",
    "client_ip",
    "remote_addr",
    "remote_address",
    "source_ip",
    "src_ip",
    "ipv4",
]);
const COUNTRY: Role = Role(&["country", "country_code", "geo_country", "cc", "country_iso", "country_name"]);
const CITY: Role = Role(&["city", "town", "geo_city", "location", "place"]);
const LATITUDE: Role = Role(&["latitude", "lat", "geo_lat", "geo_latitude"]);
const LONGITUDE: Role = Role(&["longitude", "lon", "lng", "long", "geo_lon", "geo_lng", "geo_longitude"]);
const AGENT: Role = Role(&["user_agent", "agent", "ua", "user_agent_string", "useragent", "browser"]);
const LABEL: Role = Role(&[
    "label",
    "fraud",
    "attack",
    "is_attack",
    "class",
    "is_fraud",
    "target",
    "malicious",
    "is_malicious",
    "y",
    "is_attack_ip",
    "is_account_takeover",
    "attack_type",
    "ground_truth",
]);

/// Positions of the columns.
struct Columns {
    id: Option<usize>,
    time: usize,
    account: Option<usize>,
    event: Option<usize>,
    outcome: Option<usize>,
    failure: Option<usize>,
    device: Option<usize>,
    token: Option<usize>,
    address: Option<usize>,
    country: Option<usize>,
    city: Option<usize>,
    latitude: Option<usize>,
    longitude: Option<usize>,
    agent: Option<usize>,
    label: Option<usize>,
}

/// Returns the form in which names of columns are compared: `UserId`, `user-id` and `User ID` are `user_id`.
fn normal(name: &str) -> String {
    let mut normal = String::new();
    let mut was_lower = false;
    for c in name.trim().chars() {
        let is_boundary = c.is_ascii_uppercase() && was_lower;
        if (is_boundary || !c.is_alphanumeric()) && !normal.is_empty() && !normal.ends_with('_') {
            normal.push('_');
        }
        if c.is_alphanumeric() {
            normal.extend(c.to_lowercase());
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    normal.trim_end_matches('_').to_owned()
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, ReadError> {
        if header.len() > MAX_COLUMNS {
            return Err(ReadError::TooManyColumns);
        }
        let names: Vec<String> = header.iter().map(normal).collect();
        let find = |role: &Role| role.0.iter().find_map(|name| names.iter().position(|own| own == name));
        let columns = Self {
            id: find(&ID),
            time: find(&TIME).ok_or(ReadError::NoColumn("time"))?,
            account: find(&ACCOUNT),
            event: find(&EVENT),
            outcome: find(&OUTCOME),
            failure: find(&FAILURE),
            device: find(&DEVICE),
            token: find(&TOKEN),
            address: find(&ADDRESS),
            country: find(&COUNTRY),
            city: find(&CITY),
            latitude: find(&LATITUDE),
            longitude: find(&LONGITUDE),
            agent: find(&AGENT),
            label: find(&LABEL),
        };
        columns.account.map(|_| ()).ok_or(ReadError::NoColumn("account"))?;
        Ok(columns)
    }
}

/// Reads a file of events. Cells are separated by the commonest of comma, semicolon and tab in the header.
///
/// # Errors
/// When a row is not one, or a limit is exceeded.
pub fn read(from: impl Read) -> Result<Table, ReadError> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let often = |separator: u8| first.iter().filter(|byte| **byte == separator).count();
    let separator = [b'\t', b';', b','].into_iter().max_by_key(|separator| often(*separator)).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text);
    let header = reader.headers().map_err(|error| refused(&error))?.clone();
    if header.is_empty() || header.iter().all(str::is_empty) {
        return Err(ReadError::Empty);
    }
    let mut columns = Columns::of(&header)?;
    if let Some(column) = columns.event {
        let mut scan = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text);
        let mut names = scan.records().flatten().map(|record| record.get(column).unwrap_or_default().to_owned());
        if !names.any(|name| values::is_event(&name)) {
            // Kinds of something else, such as of accounts, or of attacks.
            columns.event = None;
        }
    }
    let mut table = Table { is_labelled: columns.label.is_some(), ..Table::default() };
    for record in reader.records() {
        let record = record.map_err(|error| refused(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let fault = |reason: String| ReadError::Row { line, reason };
        if record.len() != header.len() {
            return Err(fault(format!("it has {} cells instead of {}", record.len(), header.len())));
        }
        if record.iter().any(|cell| cell.len() > MAX_CELL) {
            return Err(fault(format!("a cell has more than {MAX_CELL} bytes")));
        }
        if table.rows.len() == MAX_ROWS {
            return Err(ReadError::TooManyRows);
        }
        let row = row(&columns, &record, &mut table).map_err(fault)?;
        table.rows.push(row);
    }
    Ok(table)
}

fn refused(error: &csv::Error) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not text in UTF-8".to_owned(),
        _ => error.to_string(),
    };
    ReadError::Row { line, reason }
}

/// Makes a row. Counts words that are not known in the table.
fn row(columns: &Columns, record: &csv::StringRecord, table: &mut Table) -> Result<Row, String> {
    let cell = |column: Option<usize>| {
        let text = column.and_then(|column| record.get(column)).unwrap_or_default().trim();
        // Ways to write that there is nothing.
        let is_nothing =
            ["-", "null", "none", "nan", "n/a", "na", "unknown"].iter().any(|no| text.eq_ignore_ascii_case(no));
        if is_nothing { "" } else { text }
    };
    let time = record.get(columns.time).unwrap_or_default();
    let at = values::time(time).ok_or_else(|| format!("{time:?} is not a time"))?;
    let mut unknown = false;
    let (kind, mut accepted) = values::event(cell(columns.event));
    if let Some(outcome) = columns.outcome.map(|_| cell(columns.outcome)).filter(|text| !text.is_empty()) {
        let read = values::outcome(outcome);
        unknown |= read.is_none();
        accepted = read.or(accepted);
    } else if let Some(failed) = values::outcome(cell(columns.failure)) {
        accepted = Some(!failed);
    }
    // Without a column for it, a sign-in that is not said to have failed succeeded.
    if columns.outcome.is_none() && columns.failure.is_none() && kind == Kind::SignIn {
        accepted = accepted.or(Some(true));
    }
    let mut event = Event { accepted, ..Event::new(at, kind) };
    event.account = Key::of(cell(columns.account));
    event.device = Key::of(cell(columns.device));
    event.token = Key::of(cell(columns.token));
    if columns.device.is_none() {
        // A token is of one device.
        event.device = event.token;
    }
    let address = cell(columns.address);
    match values::address(address) {
        Some(address) => event.set_address(address),
        // A digest of an address, say.
        None => event.network = Key::of(address),
    }
    if !cell(columns.agent).is_empty() {
        event.set_agent(cell(columns.agent));
    }
    // A name of a country may be the code NA.
    let country = columns.country.and_then(|column| record.get(column)).unwrap_or_default();
    if !country.trim().is_empty() {
        (event.country, event.place) = place::country(country);
        unknown |= event.place.is_none() && !cell(columns.country).is_empty();
    }
    if let Some((country, place)) = place::city(cell(columns.city))
        && (event.country.is_none() || event.country == country)
    {
        (event.country, event.place) = (country, Some(place));
    }
    let degrees = |column, name| match cell(column) {
        "" => Ok(None),
        text => text.parse::<f64>().map(Some).map_err(|_| format!("{text:?} is not a {name}")),
    };
    if let (Some(latitude), Some(longitude)) =
        (degrees(columns.latitude, "latitude")?, degrees(columns.longitude, "longitude")?)
    {
        let place = Place::at(latitude, longitude);
        event.place = Some(place.ok_or_else(|| format!("there is no place at {latitude}, {longitude}"))?);
    }
    let label = columns.label.and_then(|column| record.get(column)).map(values::label);
    let id = match columns.id.and_then(|column| record.get(column)).map(str::trim) {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => (table.rows.len() + 1).to_string(),
    };
    table.unknown_words += usize::from(unknown);
    Ok(Row { id, event, label })
}

#[cfg(test)]
mod tests {
    use super::{ReadError, normal, read};
    use crate::event::Kind;
    use crate::key::Key;

    #[test]
    fn columns_are_known_by_their_names_in_any_order() {
        let table = read(
            "Label,IP,User ID,success,timestamp,event,country,deviceId\n\
             0,192.0.2.1,ann,1,2026-01-01T00:00:00Z,login,DE,tv\n\
             1,192.0.2.2,bob,0,1767225601,login,,\n\
             ,digest,ann,,1767225602000,play,DE,tv\n"
                .as_bytes(),
        )
        .expect("it reads");
        assert!(table.is_labelled);
        assert_eq!(table.rows.iter().map(|row| row.label).collect::<Vec<_>>(), [Some(false), Some(true), Some(false)]);
        let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
        assert_eq!(events.iter().map(|event| event.at % 1_000_000).collect::<Vec<_>>(), [600_000, 601_000, 602_000]);
        assert_eq!((events[0].account, events[0].device), (Key::of("ann"), Key::of("tv")));
        assert!(events[0].place.is_some() && events[1].place.is_none() && events[1].device.is_none());
        assert_eq!((events[1].accepted, events[2].accepted, events[2].kind), (Some(false), None, Kind::Use));
        assert!(events[2].network.is_some() && events[2].subnet.is_none());
        assert_eq!(table.rows[2].id, "3");
    }

    #[test]
    fn separators_quotes_and_a_mark_of_the_order_of_bytes_are_read() {
        let text =
            "\u{feff}time;account;city;id;lat;lng\r\n1767225600;\"a;b\";Berlin;x7;;\r\n1767225601;c;;;52.5;13.4\r\n";
        let table = read(text.as_bytes()).expect("it reads");
        assert_eq!((table.rows[0].id.as_str(), table.rows[1].id.as_str()), ("x7", "2"));
        let place = |row: usize| table.rows[row].event.place.expect("a place");
        assert!(place(0).least_km(&place(1)) < 1.0);
        assert_eq!(table.rows[0].event.accepted, Some(true), "no column says otherwise");
        assert_eq!(table.rows[0].event.account, Key::of("a;b"));
    }

    #[test]
    fn faults_name_their_line() {
        let fault = |text: &str| read(text.as_bytes()).expect_err("it is refused").to_string();
        assert_eq!(fault("time,account\n1,a\nnever,b\n"), "line 3: \"never\" is not a time");
        assert_eq!(fault("time,account\n1,a,b\n"), "line 2: it has 3 cells instead of 2");
        assert_eq!(fault("time,account,lat,lon\n1,a,95,0\n"), "line 2: there is no place at 95, 0");
        assert_eq!(fault("time,account,lat,lon\n1,a,x,0\n"), "line 2: \"x\" is not a latitude");
        assert!(matches!(read(&b"time,account\n1,\xff\n"[..]), Err(ReadError::Row { line: 2, .. })));
        assert!(matches!(read("".as_bytes()), Err(ReadError::Empty)));
        assert!(matches!(read("time,ip\n".as_bytes()), Err(ReadError::NoColumn("account"))));
        assert!(matches!(read("account,ip\n".as_bytes()), Err(ReadError::NoColumn("time"))));
        let wide = "a,".repeat(200);
        assert!(matches!(read(wide.as_bytes()), Err(ReadError::TooManyColumns)));
        let long = format!("time,account\n1,{}\n", "x".repeat(5_000));
        assert_eq!(fault(&long), "line 2: a cell has more than 4096 bytes");
    }

    #[test]
    fn names_of_columns_have_one_form() {
        for name in ["user_id", "UserId", "User ID", " user-id "] {
            assert_eq!(normal(name), "user_id");
        }
        assert_eq!(normal("IP"), "ip");
    }
}
