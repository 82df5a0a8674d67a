//! Films, series, episodes, trailers: what screens offer of them.

use kinora_api::internal::{TitleViewing, Viewing};
use kinora_api::{Home, Profile, ResumePosition, TitleDetail, TitleId, TitleKind};
use kinora_kit::signature::EdgeSecret;
use kinora_media::TitleRecord;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Snapshot;
use super::facts::Setting;
use super::finder::Wanted;
use super::home::Scene;
use crate::pictures::PictureKeys;

/// Returns the record of a title, with these facts.
pub(crate) fn record(id: &str, about: Value) -> TitleRecord {
    let value = json!({
        "id": id, "title": format!("Name of {id}"), "description": "About little.", "year": 2026, "genres": ["Drama"],
        "duration_ms": 100_000, "frames": 2_500, "frame_rate": { "num": 25, "den": 1 }, "rungs": [],
        "audio": [{ "name": "a", "language": "en", "label": "English", "codec": "mp4a.40.2", "peak_bps": 1 }], "text": [],
        "files": { "hls": "a", "dash": "b", "dash_number": "c", "poster": "p.jpg", "key_art": about["key_art"],
                   "thumbnails": "t" },
        "media_bytes": 1, "about": about, "created": "2026-01-01T00:00:00Z", "demo_revision": 1,
    });
    serde_json::from_value(value).expect("a record")
}

fn episode(id: &str, season: u16, number: u16) -> TitleRecord {
    record(id, json!({ "kind": "episode", "part_of": { "title": "tide", "season": season, "number": number } }))
}

fn series() -> TitleRecord {
    let mut series = record("tide", json!({ "kind": "series", "season_names": { "2": "The Flood" } }));
    series.duration_ms = 0;
    series
}

/// A series of two seasons with a trailer, two films, and a test card.
pub(crate) fn records() -> Vec<TitleRecord> {
    let trailer = record("tide-trailer", json!({ "kind": "trailer", "part_of": { "title": "tide", "number": 1 } }));
    let mut newest = episode("tide-22", 2, 2);
    newest.created = "2026-03-01T00:00:00Z".parse().expect("a time");
    vec![
        series(),
        newest,
        episode("tide-11", 1, 1),
        episode("tide-12", 1, 2),
        episode("tide-21", 2, 1),
        trailer,
        record("film-a", json!({})),
        record("film-b", json!({ "key_art": "art.jpg" })),
        record("card", json!({ "is_hidden": true })),
    ]
}

pub(crate) fn snapshot(records: Vec<TitleRecord>, setting: &Setting) -> Snapshot {
    let secret = EdgeSecret::new("a secret of the length that a secret has to have").expect("long enough");
    Snapshot::of(records, &PictureKeys::new(&secret), setting)
}

pub(crate) fn profile(max_age: Option<u8>) -> Profile {
    serde_json::from_value(json!({ "id": "p", "name": "P", "max_age": max_age })).expect("a profile")
}

/// Returns positions, the latest first: title, position in seconds; 100 and more is the end.
fn positions(of: &[(&str, u64)]) -> Vec<ResumePosition> {
    let position = |(at, (title, seconds)): (i64, &(&str, u64))| ResumePosition {
        title_id: TitleId::new(*title),
        position_ms: seconds * 1_000,
        duration_ms: 100_000,
        finished: *seconds >= 100,
        updated_at: 1_000 - at,
    };
    (0..).zip(of).map(position).collect()
}

fn home(snapshot: &Snapshot, viewing: &Viewing, profile: &Profile) -> Home {
    let scene = Scene::new(snapshot.shelf(profile), &viewing.positions, None);
    scene.home(&snapshot.own_rows(viewing, Some(&[]), profile, 0), 0)
}

fn row(home: &Home, id: &str) -> Vec<String> {
    let row = home.rows.iter().find(|row| row.id == id);
    row.into_iter().flat_map(|row| &row.titles).map(|card| card.id.as_str().to_owned()).collect()
}

fn continued(of: &[(&str, u64)], removed: &[&str]) -> Vec<String> {
    let removed = removed.iter().map(|id| TitleId::new(*id)).collect();
    let viewing = Viewing { positions: positions(of), removed, ..Viewing::default() };
    row(&home(&snapshot(records(), &Setting::default()), &viewing, &profile(None)), "continue")
}

fn detail(snapshot: &Snapshot, id: &str, of: &[(&str, u64)], profile: &Profile) -> TitleDetail {
    let entry = snapshot.title(id, profile).expect("it is there");
    let (all, beside) = (positions(of), snapshot.beside(&entry, profile));
    let own = all.iter().find(|position| position.title_id.as_str() == id).cloned();
    let beside: Vec<ResumePosition> = all.into_iter().filter(|position| beside.contains(&position.title_id)).collect();
    snapshot.detail(&entry, profile, &TitleViewing { position: own, ..TitleViewing::default() }, &beside, 0)
}

fn up_next(id: &str, of: &[(&str, u64)]) -> Option<String> {
    let snapshot = snapshot(records(), &Setting::default());
    detail(&snapshot, id, of, &profile(None)).up_next.map(|card| card.id.as_str().to_owned())
}

#[test]
fn rows_offer_films_and_series_and_nothing_else() {
    let snapshot = snapshot(records(), &Setting::default());
    assert!(snapshot.warnings().is_empty(), "{:?}", snapshot.warnings());
    let home = home(&snapshot, &Viewing::default(), &profile(None));
    assert_eq!(row(&home, "recent"), ["tide", "film-a", "film-b"], "the series is as new as its newest episode");
    assert_eq!(row(&home, "series"), ["tide"]);
    assert_eq!(row(&home, "genre:Drama"), ["film-a", "film-b", "tide"]);
    let last = home.rows.last().expect("a row");
    assert_eq!((last.id.as_str(), last.heading.as_str()), ("all", "All films"));
    assert_eq!(row(&home, "all"), ["film-a", "film-b"]);
    let hero = home.hero.expect("a title");
    assert_eq!(hero.id.as_str(), "film-b", "it has key art");
    assert_eq!(hero.key_art.expect("it has key art").path, "/v1/images/film-b/art.jpg?v=1767225600000");
    let listed = ["tide-11", "card", "tide", "film-a"].map(TitleId::new).to_vec();
    let viewing = Viewing { listed, ..Viewing::default() };
    assert_eq!(row(&self::home(&snapshot, &viewing, &profile(None)), "my-list"), ["tide", "film-a"]);
}

#[test]
fn a_series_is_continued_by_one_episode() {
    assert_eq!(continued(&[("tide-12", 50), ("film-a", 9), ("tide-11", 40)], &[]), ["tide-12", "film-a"]);
    assert_eq!(continued(&[("tide-12", 100), ("film-a", 100)], &[]), ["tide-21"], "the next one over a season's end");
    assert_eq!(continued(&[("tide-12", 100), ("tide-21", 30)], &[]), ["tide-21"]);
    assert!(continued(&[("tide-22", 100), ("tide-21", 100)], &[]).is_empty(), "it is over");
    assert_eq!(continued(&[("tide-22", 100), ("tide-12", 30)], &[]), ["tide-12"], "one was left open");
    assert!(continued(&[("tide-12", 50), ("tide-11", 40)], &["tide-12"]).is_empty());
    assert_eq!(continued(&[("tide-12", 50), ("tide-11", 40)], &["tide-11"]), ["tide-12"]);
    assert!(continued(&[("tide-21", 0), ("tide-12", 100)], &["tide-21"]).is_empty(), "the next one was removed");
    assert!(continued(&[("card", 50), ("tide-trailer", 50), ("gone", 50), ("film-a", 0)], &[]).is_empty());
    let snapshot = snapshot(records(), &Setting::default());
    let viewing = Viewing { positions: positions(&[("tide-12", 100)]), ..Viewing::default() };
    let home = home(&snapshot, &viewing, &profile(None));
    let card = &home.rows.iter().find(|row| row.id == "continue").expect("the row").titles[0];
    let place = card.episode.as_ref().expect("it is an episode");
    assert_eq!((place.series_name.as_str(), place.season, place.number), ("Name of tide", 2, 1));
    assert!(card.resume.is_none() && card.kind == TitleKind::Episode);
}

#[test]
fn the_page_of_a_series_has_its_seasons_and_the_episode_to_play() {
    let snapshot = snapshot(records(), &Setting::default());
    let page = detail(&snapshot, "tide", &[("tide-21", 60), ("tide-11", 100)], &profile(None));
    let seasons: Vec<(u16, &str, Vec<&str>)> = page
        .seasons
        .iter()
        .map(|season| {
            let episodes = season.episodes.iter().map(|episode| episode.card.id.as_str()).collect();
            (season.number, season.name.as_str(), episodes)
        })
        .collect();
    let expected = [(1, "Season 1", vec!["tide-11", "tide-12"]), (2, "The Flood", vec!["tide-21", "tide-22"])];
    assert_eq!(seasons, expected);
    let marks: Vec<(bool, Option<u64>)> = page
        .seasons
        .iter()
        .flat_map(|season| &season.episodes)
        .map(|episode| (episode.is_watched, episode.card.resume.as_ref().map(|resume| resume.position_ms)))
        .collect();
    assert_eq!(marks, [(true, None), (false, None), (false, Some(60_000)), (false, None)]);
    assert_eq!((page.card.duration_ms, page.protocols.len(), page.is_watched), (400_000, 0, false));
    assert_eq!(page.trailers.iter().map(|card| card.id.as_str()).collect::<Vec<_>>(), ["tide-trailer"]);
    assert_eq!(page.audio_languages.len(), 1, "those of its episodes");
    let similar: Vec<&str> = page.similar.iter().map(|card| card.id.as_str()).collect();
    assert_eq!(similar, ["film-a", "film-b"]);
    let all = [("tide-11", 100), ("tide-12", 100), ("tide-21", 100), ("tide-22", 100)];
    assert!(detail(&snapshot, "tide", &all, &profile(None)).is_watched);
    let similar = detail(&snapshot, "tide-11", &[], &profile(None)).similar;
    assert!(similar.iter().all(|card| card.id.as_str().starts_with("film")), "those of its series");
}

#[test]
fn the_next_episode_is_the_one_that_was_begun_or_the_one_after() {
    assert_eq!(up_next("tide", &[]).as_deref(), Some("tide-11"));
    assert_eq!(up_next("tide", &[("tide-21", 5), ("tide-12", 7)]).as_deref(), Some("tide-21"));
    assert_eq!(up_next("tide", &[("tide-12", 100), ("tide-11", 50)]).as_deref(), Some("tide-21"));
    assert_eq!(up_next("tide", &[("tide-11", 100), ("tide-12", 100)]).as_deref(), Some("tide-21"), "12 was seen");
    assert_eq!(up_next("tide", &[("tide-22", 100)]), None);
    assert_eq!(up_next("tide", &[("tide-22", 0), ("tide-11", 100)]).as_deref(), Some("tide-12"), "22 was never begun");
    assert_eq!(up_next("tide-12", &[("tide-12", 100)]).as_deref(), Some("tide-21"));
    assert_eq!(up_next("tide-22", &[]), None);
    assert_eq!(up_next("film-a", &[]), None);
}

#[test]
fn a_hidden_series_and_its_episodes_are_offered_nowhere_and_its_page_has_them() {
    let hidden = record("tide", json!({ "kind": "series", "is_hidden": true }));
    let mut own = episode("tide-12", 1, 2);
    own.about.is_hidden = true;
    let snapshot = snapshot(vec![hidden, episode("tide-11", 1, 1), own], &Setting::default());
    let viewing = Viewing { positions: positions(&[("tide-11", 5)]), ..Viewing::default() };
    let home = home(&snapshot, &viewing, &profile(None));
    assert!(home.rows.is_empty() && home.hero.is_none(), "{:?}", home.rows);
    let search = |text: &str| snapshot.search(&Wanted { text: text.to_owned(), limit: 9, ..Wanted::default() });
    assert!(search("name of").titles.is_empty());
    assert_eq!(search("tide").titles.len(), 1, "by its id");
    let page = detail(&snapshot, "tide", &[], &profile(None));
    let episodes: Vec<&str> = page.seasons[0].episodes.iter().map(|episode| episode.card.id.as_str()).collect();
    assert_eq!(episodes, ["tide-11"], "the other one is hidden itself");
    assert_eq!(snapshot.facts().len(), 2, "what is done with its episodes counts for it");
}

#[test]
fn a_record_that_cannot_be_so_is_offered_without_that_fact() {
    let broken = vec![
        series(),
        episode("a", 1, 1),
        episode("b", 1, 1),
        episode("c", 0, 3),
        record("d", json!({ "kind": "episode", "part_of": { "title": "nowhere", "season": 1, "number": 1 } })),
        record("e", json!({ "kind": "episode" })),
        record("f", json!({ "kind": "trailer", "part_of": { "title": "nowhere", "number": 1 } })),
        record("g", json!({ "part_of": { "title": "tide", "season": 1, "number": 2 } })),
        record("h", json!({ "kind": "episode", "part_of": { "title": "a", "season": 1, "number": 1 } })),
        record("i", json!({ "marks": { "intro": [9, 3] } })),
        record("j", json!({ "kind": "series" })),
    ];
    let snapshot = snapshot(broken, &Setting::default());
    let home = home(&snapshot, &Viewing::default(), &profile(None));
    assert_eq!(row(&home, "all"), ["b", "c", "d", "e", "g", "h", "i"], "films by themselves");
    assert_eq!(row(&home, "series"), ["tide"], "one without episodes is not offered");
    let page = detail(&snapshot, "tide", &[], &profile(None));
    assert_eq!((page.seasons.len(), page.seasons[0].episodes.len()), (1, 1));
    assert!(snapshot.title("f", &profile(None)).is_ok());
    assert!(snapshot.title("j", &profile(None)).is_err());
    let mut warned: Vec<&str> = snapshot.warnings().iter().filter_map(|text| text.split(':').next()).collect();
    warned.sort_unstable();
    assert_eq!(warned, ["b", "c", "d", "e", "f", "g", "h", "i"]);
}

#[test]
fn an_age_limit_hides_episodes_and_the_series_without_any_that_suits() {
    let rated = |mut record: TitleRecord, age: Option<u8>| {
        let rule = |min_age: u8| kinora_media::AgeRecord { regions: vec![], label: min_age.to_string(), min_age };
        record.about.ratings = age.map(rule).into_iter().collect();
        record.demo_revision = 0;
        record
    };
    let make = |own, first, second| {
        let records = vec![rated(series(), own), rated(episode("a", 1, 1), first), rated(episode("b", 1, 2), second)];
        snapshot(records, &Setting::default())
    };
    let seen = |snapshot: &Snapshot, limit| {
        let profile = profile(Some(limit));
        let ids = ["tide", "a", "b"].into_iter().filter(|id| snapshot.title(id, &profile).is_ok());
        let ids: Vec<&str> = ids.collect();
        let on_home = row(&home(snapshot, &Viewing::default(), &profile), "series");
        assert_eq!(on_home.is_empty(), !ids.contains(&"tide"));
        ids
    };
    let mixed = make(Some(6), Some(6), Some(12));
    assert_eq!(seen(&mixed, 12), ["tide", "a", "b"]);
    assert_eq!(seen(&mixed, 6), ["tide", "a"]);
    assert!(seen(&mixed, 5).is_empty());
    let page = detail(&mixed, "tide", &[], &profile(Some(6)));
    assert_eq!((page.seasons[0].episodes.len(), page.card.duration_ms), (1, 100_000));
    assert!(seen(&make(Some(0), Some(12), Some(16)), 6).is_empty(), "no episode suits");
    assert!(seen(&make(Some(12), Some(0), Some(0)), 6).is_empty(), "the series does not");
    assert!(seen(&make(None, Some(0), Some(0)), 18).is_empty(), "it has no rating");
    assert!(seen(&make(Some(0), None, None), 18).is_empty());
}

#[test]
fn outside_of_its_window_a_title_is_nowhere_and_a_series_without_an_open_episode_neither() {
    let window = json!([{ "regions": ["SE"], "from": "1970-01-01T00:00:01Z", "until": "1970-01-01T00:00:02Z" }]);
    let mut late = episode("tide-11", 1, 1);
    late.about = serde_json::from_value(
        json!({ "kind": "episode", "part_of": { "title": "tide", "season": 1, "number": 1 }, "availability": window }),
    )
    .expect("facts");
    let make = |now, region: &str| {
        let records = vec![
            series(),
            late.clone(),
            record("film-a", json!({ "availability": window })),
            record("film-b", json!({})),
        ];
        snapshot(records, &Setting { now, region: Some(region.to_owned()) })
    };
    let everyone = profile(None);
    for (now, region, is_there) in
        [(999, "SE", false), (1_000, "SE", true), (1_999, "SE", true), (2_000, "SE", false), (1_500, "NO", false)]
    {
        let snapshot = make(now, region);
        for id in ["tide", "tide-11", "film-a"] {
            assert_eq!(snapshot.title(id, &everyone).is_ok(), is_there, "{id} {now} {region}");
            assert!(snapshot.any_title(id).is_ok(), "what plays goes on");
        }
        let home =
            home(&snapshot, &Viewing { positions: positions(&[("tide-11", 5)]), ..Viewing::default() }, &everyone);
        assert_eq!(row(&home, "continue").len(), usize::from(is_there));
        assert_eq!(row(&home, "all").len(), 1 + usize::from(is_there));
        assert_eq!(snapshot.holds_at(1_500), region == "NO" || is_there);
    }
    let until = detail(&make(1_500, "SE"), "film-a", &[], &everyone).available_until;
    assert_eq!(until, Some(2_000));
}

proptest! {
    #[test]
    fn up_next_is_an_episode_that_is_open_or_not_seen_as_long_as_there_is_one(
        done in prop::collection::btree_map(0_usize..4, 0_u64..101, 0..4),
    ) {
        let all = ["tide-11", "tide-12", "tide-21", "tide-22"];
        let of: Vec<(&str, u64)> = done.iter().map(|(at, seconds)| (all[*at], *seconds)).collect();
        let seen = |id: &str| of.iter().any(|(of, seconds)| *of == id && *seconds >= 100);
        match up_next("tide", &of) {
            Some(next) if seen(&next) => {
                let at = all.iter().position(|id| *id == next).unwrap_or(0);
                prop_assert!(at > 0 && all[at..].iter().all(|id| seen(id)), "{:?} {}", of, next);
            }
            Some(next) => prop_assert!(all.contains(&next.as_str())),
            None => prop_assert!(seen("tide-22"), "{:?}", of),
        }
    }
}
