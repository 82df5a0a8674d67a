//! Properties of generated files: bytes that depend on the seed alone, shares, kinds, columns and speeds.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeSet, HashMap, HashSet};

use clap::ValueEnum;
use kinora_risk_traffic::{CITIES, Event, Form, Kind, Row, Traffic, distance_km, generate, generate_with};

const HOUR: i64 = 3_600_000;

/// Reads comma-separated values as RFC 4180 has them, and refuses anything else.
fn read(csv: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let mut rest = csv;
    while !rest.is_empty() {
        let mut cell = String::new();
        if let Some(mut quoted) = rest.strip_prefix('"') {
            loop {
                let (text, after) = quoted.split_once('"').ok_or("a quote that is not closed")?;
                cell.push_str(text);
                match after.strip_prefix('"') {
                    Some(more) => {
                        cell.push('"');
                        quoted = more;
                    }
                    None => {
                        rest = after;
                        break;
                    }
                }
            }
        } else {
            let end = rest.find([',', '\r', '\n']).ok_or("a record without an end")?;
            cell.push_str(&rest[..end]);
            rest = &rest[end..];
            if cell.contains('"') {
                return Err(format!("a quote within {cell}"));
            }
        }
        record.push(cell);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\r\n") {
            rest = after;
            records.push(std::mem::take(&mut record));
        } else {
            return Err(format!("no end of a cell: {}", rest.chars().take(20).collect::<String>()));
        }
    }
    if record.is_empty() { Ok(records) } else { Err("the last record has no end".to_owned()) }
}

fn attacks(traffic: &Traffic) -> usize {
    traffic.rows.iter().filter(|row| row.kind.is_attack()).count()
}

#[test]
fn the_reader_of_this_test_knows_quotes_and_refuses_faults() {
    assert_eq!(read("a,\"b,\"\"\r\n\"\r\n").unwrap(), [["a", "b,\"\r\n"]]);
    for fault in ["a,b", "a\nb\r\n", "\"a\r\n", "\"a\"b\r\n", "a\"b\r\n"] {
        assert!(read(fault).is_err(), "{fault}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for form in [Form::Full, Form::Bare] {
        let [one, again, other] = [7, 7, 8].map(|seed| generate(seed, form, 60, 4).csv);
        assert_eq!(one, again);
        assert_ne!(one, other);
    }
}

#[test]
fn attacks_have_their_share_in_each_form_and_none_of_the_clean_one() {
    for &form in Form::value_variants() {
        for share in [5, 20, 50] {
            let traffic = generate_with(3, form, 500, 7, share);
            let (rows, attacks) = (traffic.rows.len(), attacks(&traffic));
            if form == Form::Clean {
                assert_eq!(attacks, 0);
            } else {
                assert!(attacks * 1_000 <= rows * share, "{form:?}: {attacks} of {rows} at {share}");
                assert!((attacks + 5) * 1_000 >= rows * share, "{form:?}: {attacks} of {rows} at {share}");
            }
        }
    }
}

#[test]
fn every_kind_of_oddity_and_attack_occurs_and_the_summary_counts_it() {
    let traffic = generate(11, Form::Full, 600, 10);
    for kind in Kind::HONEST.iter().chain(&Kind::ATTACKS) {
        let rows = traffic.rows.iter().filter(|row| row.kind == *kind).count();
        assert_eq!(traffic.summary.get(kind), Some(&rows), "{kind:?}");
    }
    assert_eq!(traffic.summary.values().sum::<usize>(), traffic.rows.len());
    assert!(Kind::HONEST.iter().all(|kind| !kind.is_attack()));
    assert!(Kind::ATTACKS.iter().all(|kind| kind.is_attack()));
    let clean = generate(11, Form::Clean, 600, 10);
    assert!(clean.summary.keys().eq(Kind::HONEST.iter()));
}

#[test]
fn files_parse_and_have_the_columns_of_their_form_and_the_rows_of_the_library() {
    let all = "time account event outcome device token address country city latitude longitude user_agent label";
    for &form in Form::value_variants() {
        let without = match form {
            Form::Full | Form::Clean => "",
            Form::Addresses => "country city latitude longitude",
            Form::Countries => "city latitude longitude",
            Form::Coordinates => "country city device",
            Form::SignIns => "token",
            Form::Bare => "event device token country city latitude longitude user_agent",
        };
        let without: HashSet<_> = without.split_whitespace().collect();
        let expected: BTreeSet<_> = all.split_whitespace().filter(|name| !without.contains(name)).collect();
        let traffic = generate(5, form, 80, 3);
        let records = read(&traffic.csv).unwrap();
        let header = &records[0];
        assert_eq!(header.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{form:?}");
        assert_eq!(records.len(), traffic.rows.len() + 1);
        let column = |name: &str| header.iter().position(|column| column == name).unwrap();
        for (record, row) in records[1..].iter().zip(&traffic.rows) {
            assert_eq!(record.len(), header.len());
            assert_eq!(record[column("account")], row.account);
            assert_eq!(record[column("address")].parse(), Ok(row.address));
            assert_eq!(record[column("label")], if row.kind.is_attack() { "1" } else { "0" });
            assert_eq!(record[column("outcome")] == "success", row.success);
            assert!(row.event == Event::SignIn || !form.has_only_sign_ins());
            let time = &record[column("time")];
            if form == Form::Bare {
                assert_eq!(time.parse(), Ok(row.time_ms / 1_000));
            } else {
                assert_eq!(time.parse::<jiff::Timestamp>().unwrap().as_millisecond(), row.time_ms);
            }
        }
    }
}

#[test]
fn rows_are_in_order_except_for_one_of_a_hundred_of_a_full_file() {
    for &form in Form::value_variants() {
        let rows = generate(6, form, 200, 5).rows;
        let (mut latest, mut late) = (i64::MIN, 0);
        for row in &rows {
            late += usize::from(row.time_ms < latest);
            latest = latest.max(row.time_ms);
        }
        if form == Form::Full {
            assert!((5..=15).contains(&(late * 1_000 / rows.len())), "{late} of {}", rows.len());
        } else {
            assert_eq!(late, 0, "{form:?}");
        }
    }
}

#[test]
fn travellers_are_no_faster_than_an_aeroplane() {
    let rows = generate(9, Form::Clean, 1_000, 14).rows;
    let mut last: HashMap<(&str, &str), &Row> = HashMap::new();
    let mut journeys = 0;
    for row in &rows {
        if !matches!(row.kind, Kind::Ordinary | Kind::Holiday | Kind::BusinessTrip) {
            continue;
        }
        if let Some(before) = last.insert((&row.account, &row.device), row) {
            let distance = distance_km((before.latitude, before.longitude), (row.latitude, row.longitude));
            let hours = (row.time_ms - before.time_ms) as f64 / HOUR as f64;
            // Places of addresses in a city differ by some 40 km.
            assert!(distance < 60.0 || distance / hours < 1_000.0, "{before:?} to {row:?}");
            journeys += usize::from(distance > 200.0);
        }
    }
    assert!(journeys > 50, "{journeys}");
}

#[test]
fn carriers_dormitories_and_proxies_share_their_addresses() {
    let rows = generate(12, Form::Clean, 1_500, 5).rows;
    for (kind, least) in [(Kind::CarrierNat, 40), (Kind::CompanyProxy, 25), (Kind::VpnHabit, 2), (Kind::Dormitory, 2)] {
        let mut accounts: HashMap<_, HashSet<&str>> = HashMap::new();
        for row in rows.iter().filter(|row| row.kind == kind) {
            accounts.entry(row.address).or_default().insert(&row.account);
        }
        let most = accounts.values().map(HashSet::len).max().unwrap();
        assert!(most >= least, "{kind:?}: {most}");
    }
}

#[test]
fn an_outage_ends_in_ten_minutes_and_an_update_in_twenty() {
    let rows = generate(2, Form::Clean, 300, 6).rows;
    let times = |kind| {
        let times: Vec<_> = rows.iter().filter(|row| row.kind == kind).map(|row| row.time_ms).collect();
        (times.len(), times.iter().max().unwrap() - times.iter().min().unwrap())
    };
    let (returns, length) = times(Kind::OutageReturn);
    assert!(returns > 150 && length < 30 * 60_000, "{returns} in {length} ms");
    let (refreshes, length) = times(Kind::AppUpdate);
    assert!(refreshes > 300 && length <= 20 * 60_000, "{refreshes} in {length} ms");
}

#[test]
fn campaigns_have_the_shape_of_their_kind() {
    let rows = generate_with(4, Form::Addresses, 1_500, 10, 50).rows;
    let of = |kind| rows.iter().filter(move |row| row.kind == kind).collect::<Vec<_>>();
    let accounts = |rows: &[&Row]| rows.iter().map(|row| row.account.clone()).collect::<HashSet<_>>().len();
    let addresses = |rows: &[&Row]| rows.iter().map(|row| row.address).collect::<HashSet<_>>().len();
    let fast = of(Kind::GuessFast);
    assert!(fast.len() > 10 * accounts(&fast) && fast.len() > 10 * addresses(&fast));
    for kind in [Kind::GuessFast, Kind::GuessSlow, Kind::GuessBotnet] {
        let rows = of(kind);
        let opened: Vec<_> = rows.iter().copied().filter(|row| row.success).collect();
        assert!((1..accounts(&rows)).contains(&accounts(&opened)), "{kind:?}: all or none succeed");
    }
    let botnet = of(Kind::GuessBotnet);
    assert!(botnet.len() > 10 * accounts(&botnet) && botnet.len() < 2 * addresses(&botnet));
    for kind in [Kind::StuffOneAddress, Kind::StuffHosting, Kind::StuffBotnet, Kind::StuffSlow] {
        let rows = of(kind);
        let hits = rows.iter().filter(|row| row.success).count();
        assert!(accounts(&rows) * 10 > rows.len() * 8, "{kind:?}");
        assert!(hits * 1_000 <= rows.len() * 25, "{kind:?}: {hits} of {}", rows.len());
        assert_eq!(kind == Kind::StuffBotnet, addresses(&rows) * 2 > rows.len(), "{kind:?}");
    }
    assert!(of(Kind::Takeover).len() > 20);
    for kind in [Kind::TokenTheft, Kind::DeviceTheft] {
        for theft in of(kind).iter().filter(|row| row.event != Event::SignIn).take(40) {
            let mut owners = rows.iter().filter(|row| !row.kind.is_attack() && row.account == theft.account);
            assert!(owners.any(|row| row.address != theft.address && (row.time_ms - theft.time_ms).abs() < 12 * HOUR));
        }
    }
    let mut devices: HashMap<_, HashSet<_>> = HashMap::new();
    for row in of(Kind::Resale).iter().filter(|row| row.event == Event::SignIn) {
        devices.entry(&row.account).or_default().insert(&row.device);
    }
    assert!(devices.values().all(|devices| devices.len() >= 6), "{devices:?}");
}

#[test]
fn the_smallest_world_is_a_file_too() {
    for &form in Form::value_variants() {
        let traffic = generate(1, form, 0, 0);
        assert_eq!(read(&traffic.csv).unwrap().len(), traffic.rows.len() + 1);
    }
}

#[test]
fn cities_are_facts_that_agree_with_known_distances() {
    let place = |name| {
        let city = CITIES.iter().find(|city| city.name == name).unwrap();
        (city.latitude, city.longitude)
    };
    for (from, to, kilometres) in
        [("Berlin", "Tokyo", 8_918.0), ("London", "New York", 5_570.0), ("Sydney", "Auckland", 2_156.0)]
    {
        assert!((distance_km(place(from), place(to)) - kilometres).abs() < 25.0, "{from} to {to}");
    }
}
