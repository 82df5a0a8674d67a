//! Small cases by hand: each attack is found, and honest people are left in peace.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use kinora_risk::assessment::{ATTACK, Action, Assessment, Reason};
use kinora_risk::hindsight;
use kinora_risk::memory::Memory;
use kinora_risk::reader::{self, Row};
use proptest::prelude::*;

const HEADER: &str = "time,account,event,outcome,device,address,country,lat,lon\n";
/// Monday noon, seconds since the Unix epoch.
const NOON: i64 = 1_767_614_400;
const DAY: i64 = 86_400;
const BERLIN: &str = "DE,52.5,13.4";
const TOKYO: &str = "JP,35.7,139.7";
const MADRID: &str = "ES,40.4,-3.7";
const NEW_YORK: &str = "US,40.7,-74.0";

/// A file that grows.
struct File(String);

impl File {
    /// Begins with ten days of an account: mornings at home, evenings on the way.
    fn of_people(names: &[&str]) -> Self {
        let mut file = Self(HEADER.to_owned());
        for (number, name) in names.iter().enumerate() {
            for day in 1..=10 {
                let at = NOON - day * DAY;
                file.add(at - 14_000, name, "sign_in", 1, &format!("tv-{name}"), &format!("192.0.2.{number}"), BERLIN);
                file.add(
                    at + 20_000,
                    name,
                    "play",
                    1,
                    &format!("phone-{name}"),
                    &format!("198.51.100.{number}"),
                    BERLIN,
                );
            }
        }
        file
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a row")]
    fn add(&mut self, at: i64, name: &str, event: &str, accepted: u8, device: &str, address: &str, place: &str) {
        writeln!(self.0, "{at},{name},{event},{accepted},{device},{address},{place}").unwrap();
    }

    fn sign_in(&mut self, at: i64, name: &str, accepted: u8, device: &str, address: &str, place: &str) {
        self.add(at, name, "sign_in", accepted, device, address, place);
    }

    /// Scores with hindsight the rows from a time on.
    fn scored_from(&self, at: i64) -> Vec<(Row, Assessment)> {
        let table = reader::read(self.0.as_bytes()).unwrap();
        let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
        let scored = table.rows.into_iter().zip(hindsight::score(&events));
        scored.filter(|(row, _)| row.event.at >= at * 1000).collect()
    }

    /// Assesses the rows as they come, and returns those from a time on.
    fn assessed_from(&self, at: i64) -> Vec<Assessment> {
        let mut events: Vec<_> = reader::read(self.0.as_bytes()).unwrap().rows.iter().map(|row| row.event).collect();
        events.sort_by_key(|event| event.at);
        let mut memory = Memory::default();
        let assessed = events.iter().map(|event| (event.at, memory.assess(event)));
        assessed.filter(|(time, _)| *time >= at * 1000).map(|(_, assessment)| assessment).collect()
    }

    /// Asserts that all rows from now on are an attack for a reason.
    fn is_attack(&self, reason: Reason) {
        for (row, assessment) in self.scored_from(NOON) {
            assert!(assessment.score >= ATTACK && assessment.has(reason), "{row:?}: {assessment:?}");
        }
    }

    /// Asserts that no row is an attack, neither afterwards nor while they come.
    fn is_honest(&self) {
        for (row, assessment) in self.scored_from(0) {
            assert!(assessment.score < ATTACK, "{row:?}: {assessment:?}");
        }
        for assessment in self.assessed_from(0) {
            assert!(assessment.action <= Action::Log, "{assessment:?}");
        }
    }
}

#[test]
fn guesses_at_an_account_are_an_attack_from_the_first_on_in_hindsight() {
    let mut file = File::of_people(&["ann", "ben"]);
    for n in 0..20 {
        file.sign_in(NOON + n * 20, "ann", 0, "x", "203.0.113.5", TOKYO);
    }
    file.is_attack(Reason::Guessing);
    let assessed = file.assessed_from(NOON);
    assert_eq!(assessed[0].action, Action::Allow, "the first may be a typing error");
    assert_eq!(assessed[19].action, Action::Limit);
    file.sign_in(NOON + 500, "ann", 1, "x", "203.0.113.5", TOKYO);
    let last = file.assessed_from(NOON + 500).remove(0);
    assert!(last.has(Reason::GuessedRight) && last.action >= Action::StepUp, "{last:?}");
    // The owner signs in meanwhile.
    file.sign_in(NOON + 510, "ann", 1, "tv-ann", "192.0.2.0", BERLIN);
    assert!(file.assessed_from(NOON + 510)[0].action <= Action::Log);
    assert!(file.scored_from(NOON + 510)[0].1.score < ATTACK);
}

#[test]
fn guesses_from_many_networks_and_slow_ones_are_guesses() {
    let mut file = File::of_people(&["ann"]);
    for n in 0..12 {
        file.sign_in(NOON + n * 30, "ann", 0, &format!("x{n}"), &format!("203.0.{n}.5"), TOKYO);
    }
    file.is_attack(Reason::Guessing);
    let mut slow = File::of_people(&["ann"]);
    for n in 0..16 {
        slow.sign_in(NOON + n * 3_000, "ann", 0, "x", "203.0.113.5", TOKYO);
    }
    slow.is_attack(Reason::Guessing);
}

#[test]
fn a_list_of_accounts_from_one_network_is_stuffing() {
    let mut file = File::of_people(&["ann", "ben", "cem", "dan"]);
    for n in 0..12 {
        file.sign_in(NOON + n * 5, &format!("leaked{n}"), 0, &format!("x{n}"), "203.0.113.5", "");
    }
    file.sign_in(NOON + 70, "cem", 1, "x99", "203.0.113.5", "");
    // An empty place has three cells.
    file.0 = file.0.replace("203.0.113.5,\n", "203.0.113.5,,,\n");
    file.is_attack(Reason::Stuffing);
    let last = file.assessed_from(NOON + 70).remove(0);
    assert_eq!(last.action, Action::StepUp, "a right password of the list: {last:?}");
}

#[test]
fn one_try_from_each_network_is_distributed_stuffing() {
    let names: Vec<String> = (0..30).map(|n| format!("viewer{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut file = File::of_people(&names);
    for (n, name) in names.iter().enumerate() {
        let at = NOON + 40 * i64::try_from(n).unwrap();
        file.sign_in(at, name, 0, &format!("x{n}"), &format!("203.{n}.113.5"), MADRID);
    }
    file.is_attack(Reason::DistributedStuffing);
    // Somebody mistypes twice in the middle of it.
    file.sign_in(NOON + 601, "viewer3", 0, "tv-viewer3", "192.0.2.3", BERLIN);
    file.sign_in(NOON + 611, "viewer3", 1, "tv-viewer3", "192.0.2.3", BERLIN);
    let own =
        file.scored_from(NOON).into_iter().filter(|(row, _)| [NOON + 601, NOON + 611].contains(&(row.event.at / 1000)));
    for (row, assessment) in own {
        assert!(assessment.score < ATTACK, "{row:?}: {assessment:?}");
    }
}

#[test]
fn an_account_in_use_by_strangers_in_several_countries_is_shared() {
    let mut file = File::of_people(&["ann"]);
    for (n, place) in [TOKYO, MADRID, NEW_YORK].into_iter().enumerate() {
        file.add(
            NOON + 60 + 300 * i64::try_from(n).unwrap(),
            "ann",
            "play",
            1,
            &format!("s{n}"),
            &format!("203.{n}.1.1"),
            place,
        );
    }
    file.is_attack(Reason::Sharing);
}

#[test]
fn a_token_belongs_to_one_device() {
    let mut text = "time,token,account,event,device,ip\n".to_owned();
    for n in 0..4 {
        writeln!(text, "{},t1,ann,refresh,device{n},203.0.113.{n}", NOON + n * 200).unwrap();
        writeln!(text, "{},t2,ben,refresh,device-of-ben,198.51.100.{n}", NOON + n * 200).unwrap();
    }
    let table = reader::read(text.as_bytes()).unwrap();
    let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
    for (row, assessment) in table.rows.iter().zip(hindsight::score(&events)) {
        let is_shared = row.event.token == kinora_risk::key::Key::of("t1");
        assert_eq!(assessment.score >= ATTACK, is_shared, "{row:?}: {assessment:?}");
    }
}

#[test]
fn nobody_is_in_berlin_and_an_hour_later_in_tokyo() {
    for device in ["tv-ann", "x"] {
        let mut file = File::of_people(&["ann"]);
        file.sign_in(NOON - 3_600, "ann", 1, "tv-ann", "192.0.2.0", BERLIN);
        file.sign_in(NOON, "ann", 1, device, "203.0.113.5", TOKYO);
        file.is_attack(Reason::ImpossibleTravel);
        assert!(file.assessed_from(NOON)[0].action >= Action::StepUp);
        let before = file.scored_from(NOON - 3_600).remove(0).1;
        assert!(before.score < ATTACK, "the one at home is the owner: {before:?}");
    }
    // The same with countries only.
    let mut text = "ts;user;country\n".to_owned();
    for day in 1..6 {
        writeln!(text, "{};ann;DE", NOON - day * DAY).unwrap();
    }
    writeln!(text, "{NOON};ann;DE\n{};ann;JP", NOON + 3_600).unwrap();
    let events: Vec<_> = reader::read(text.as_bytes()).unwrap().rows.iter().map(|row| row.event).collect();
    let attacks: Vec<bool> = hindsight::score(&events).iter().map(|assessment| assessment.score >= ATTACK).collect();
    assert_eq!(attacks, [false, false, false, false, false, false, true]);
}

#[test]
fn typing_errors_a_new_telephone_and_a_forgotten_password_are_honest() {
    let mut file = File::of_people(&["ann", "ben"]);
    for (day, tries) in [(0, 3), (1, 2), (2, 4)] {
        for n in 0..tries {
            file.sign_in(NOON + day * DAY + n * 15, "ann", 0, "tv-ann", "192.0.2.0", BERLIN);
        }
        file.sign_in(NOON + day * DAY + tries * 15, "ann", 1, "tv-ann", "192.0.2.0", BERLIN);
    }
    for n in 0..3 {
        file.sign_in(NOON + n * 9, "ben", 0, "new-phone", "192.0.2.1", BERLIN);
    }
    file.sign_in(NOON + 30, "ben", 1, "new-phone", "192.0.2.1", BERLIN);
    file.is_honest();
}

#[test]
fn a_family_a_holiday_and_a_mobile_network_are_honest() {
    let mut file = File::of_people(&["family"]);
    // Five people, each with a telephone on a network of its own, all on one evening after another.
    for evening in -9..1 {
        for person in 0..5 {
            let at = NOON + evening * DAY + 25_000 + person * 300;
            file.add(
                at,
                "family",
                "play",
                1,
                &format!("phone{person}"),
                &format!("198.51.{person}.{}", evening + 20),
                BERLIN,
            );
        }
    }
    // One of them flies to Madrid and New York.
    for (hours, place, address) in
        [(30, MADRID, "203.0.113.5"), (54, MADRID, "203.0.113.5"), (66, NEW_YORK, "203.0.114.5")]
    {
        file.sign_in(NOON + hours * 3_600, "family", 1, "phone2", address, place);
    }
    // The others stay and watch at the same time.
    file.add(NOON + 31 * 3_600, "family", "play", 1, "tv-family", "192.0.2.0", BERLIN);
    // A train: another address every few minutes.
    for n in 0..4 {
        file.add(
            NOON + 80 * 3_600 + n * 600,
            "family",
            "refresh",
            1,
            "phone1",
            &format!("198.51.1.{}", 100 + n),
            BERLIN,
        );
    }
    file.is_honest();
}

#[test]
fn many_honest_accounts_behind_one_address_are_honest() {
    let names: Vec<String> = (0..40).map(|n| format!("viewer{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut file = File::of_people(&names);
    for (n, name) in names.iter().enumerate() {
        let at = NOON + 60 * i64::try_from(n).unwrap();
        if n % 4 == 0 {
            file.sign_in(at, name, 0, &format!("tv-{name}"), "203.0.113.5", BERLIN);
        }
        file.sign_in(at + 20, name, 1, &format!("tv-{name}"), "203.0.113.5", BERLIN);
    }
    file.is_honest();
}

#[test]
fn a_relay_that_is_used_again_and_again_is_a_habit() {
    let mut file = File::of_people(&["ann"]);
    for day in -8..3 {
        file.add(NOON + day * DAY + 600, "ann", "play", 1, "phone-ann", "203.0.113.5", NEW_YORK);
        file.add(NOON + day * DAY, "ann", "play", 1, "phone-ann", "192.0.2.0", BERLIN);
    }
    for (row, assessment) in file.scored_from(0) {
        assert!(assessment.score < ATTACK, "{row:?}: {assessment:?}");
    }
    assert!(file.assessed_from(NOON).iter().all(|assessment| assessment.action <= Action::Log), "it was learnt");
}

#[test]
fn nothing_is_known_of_a_file_with_times_and_accounts_only() {
    let text: String = (0..50).map(|n| format!("{},viewer{}\n", NOON + n, n % 5)).collect();
    let table = reader::read(format!("time,account\n{text}").as_bytes()).unwrap();
    let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
    assert!(hindsight::score(&events).iter().all(|assessment| assessment.score == 0.0));
}

proptest! {
    #[test]
    fn the_order_of_rows_changes_no_score_and_labels_are_not_read(
        rows in proptest::collection::vec((0_i64..100, 0_u8..6, 0_u8..2, 0_u8..9, 0_u8..9, 0_usize..4), 1..60),
        turn in 0_usize..60,
    ) {
        let places = [BERLIN, TOKYO, MADRID, NEW_YORK];
        let lines = |label: usize| -> Vec<String> {
            let line = |(n, row): (usize, &(i64, u8, u8, u8, u8, usize))| {
                let (minute, account, accepted, device, address, place) = row;
                // Times are different, so that there is one order.
                let at = (NOON + minute * 60) * 1000 + i64::try_from(n).unwrap();
                format!("{at},a{account},sign_in,{accepted},d{device},192.0.2.{address},{},{label}", places[*place])
            };
            rows.iter().enumerate().map(line).collect()
        };
        let score = |lines: &[String]| -> Vec<(i64, Assessment)> {
            let header = HEADER.trim_end();
            let table = reader::read(format!("{header},label\n{}\n", lines.join("\n")).as_bytes()).unwrap();
            let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
            let mut scored: Vec<_> = events.iter().map(|event| event.at).zip(hindsight::score(&events)).collect();
            scored.sort_by_key(|(at, _)| *at);
            scored
        };
        let first = score(&lines(0));
        let mut turned = lines(1);
        let len = turned.len();
        turned.rotate_left(turn % len);
        prop_assert_eq!(&first, &score(&turned));
        prop_assert!(first.iter().all(|(_, assessment)| (0.0..=1.0).contains(&assessment.score)));
    }
}

#[test]
fn a_leap_across_a_large_country_is_one_though_the_account_is_at_home_in_it() {
    const LOS_ANGELES: &str = "US,34.1,-118.2";
    let mut file = File(HEADER.to_owned());
    for day in 1..=10 {
        file.sign_in(NOON - day * DAY, "ann", 1, "tv-ann", "192.0.2.0", NEW_YORK);
    }
    file.sign_in(NOON, "ann", 1, "tv-ann", "192.0.2.0", NEW_YORK);
    file.sign_in(NOON + 1_200, "ann", 1, "x", "203.0.113.5", LOS_ANGELES);
    let scores: Vec<f64> = file.scored_from(NOON).iter().map(|(_, assessment)| assessment.score).collect();
    assert!(scores[0] < ATTACK && scores[1] >= ATTACK, "{scores:?}");
    // A television of the account's own whose address is placed in the wrong town is none.
    let mut file = File(HEADER.to_owned());
    for day in 1..=10 {
        file.sign_in(NOON - day * DAY, "ann", 1, "tv-ann", "192.0.2.0", NEW_YORK);
    }
    file.sign_in(NOON, "ann", 1, "tv-ann", "192.0.2.0", NEW_YORK);
    file.sign_in(NOON + 1_200, "ann", 1, "tv-ann", "203.0.113.5", LOS_ANGELES);
    assert!(file.scored_from(NOON).iter().all(|(_, assessment)| assessment.score < ATTACK));
}

#[test]
fn a_token_that_is_used_elsewhere_for_days_is_shared_and_its_owner_goes_on() {
    let mut text = "time,account,event,device,token,address\n".to_owned();
    for day in 0..5 {
        let at = NOON + day * DAY;
        writeln!(text, "{at},ann,sign_in,tv,t1,192.0.2.1").unwrap();
        writeln!(text, "{},ann,play,tv,t1,192.0.2.1", at + 300).unwrap();
        // Not at the same time as the owner, and at the same times each day: a habit, by itself.
        writeln!(text, "{},ann,play,other,t1,203.0.113.7", at + 30_000).unwrap();
        writeln!(text, "{},ann,play,third,t1,203.0.114.7", at + 31_000).unwrap();
    }
    let table = reader::read(text.as_bytes()).unwrap();
    let events: Vec<_> = table.rows.iter().map(|row| row.event).collect();
    for (row, assessment) in table.rows.iter().zip(hindsight::score(&events)) {
        let is_owner = row.event.device == kinora_risk::key::Key::of("tv");
        assert_eq!(assessment.score >= ATTACK, !is_owner, "{row:?}: {assessment:?}");
    }
}
