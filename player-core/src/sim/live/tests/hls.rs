//! Playlists: the window, parts, hints, blocking reloads, delta updates and reports.

use serde_json::json;

use super::*;
use crate::model::Protocol;

fn plain() -> LiveFilm {
    LiveFilm::new(Protocol::Hls)
}

fn low_latency() -> LiveFilm {
    plain().low_latency(ms(500))
}

#[test]
fn a_playlist_slides_by_a_segment_when_one_is_complete() {
    let origin = LiveOrigin::new(plain());
    let master = described(&origin, "/live/master.m3u8", 0);
    assert_eq!(
        (master["variants"].as_array().unwrap().len(), &master["renditions"][0]["uri"]),
        (3, &json!("a/en/index.m3u8"))
    );
    // An hour of segments of two seconds has passed; numbers begin at one.
    for (millis, first) in [(0, 1771), (1999, 1771), (2000, 1772), (4000, 1773)] {
        let playlist = described(&origin, VIDEO, millis);
        assert_eq!((&playlist["media_sequence"], &playlist["ended"]), (&json!(first), &json!(false)), "at {millis} ms");
        assert_eq!(playlist["segments"].as_array().unwrap().len(), 30);
    }
    let playlist = described(&origin, VIDEO, 0);
    let last = playlist["segments"].as_array().unwrap().last().unwrap();
    assert_eq!(last["program_date_time"], "2025-12-31T23:59:58Z");
    assert_eq!((&playlist["target_duration_s"], &last["duration_s"]), (&json!(2.0), &json!(2.0)));
}

#[test]
fn each_state_goes_on_with_the_one_before() {
    let chapters = LiveFilm { chapter: Some(3), ..plain() };
    let zero = LiveFilm { from_zero: true, audio_shift: ms(150), ..chapters.clone() };
    let mut silent = low_latency();
    silent.troubles.silences =
        vec![(ms(5300), ms(8100), Resumption::Discontinuity), (ms(11_000), ms(13_000), Resumption::Skipped)];
    let mut event = LiveFilm { window: None, age: Duration::from_secs(20), ..low_latency() };
    event.hls.is_event = true;
    let old = LiveFilm { age: LiveFilm::SINCE_1970, ..low_latency() };
    let gaps = LiveFilm { gaps: vec![(ms(3000), ms(5000))], ..low_latency() };
    let shifted = LiveFilm { audio_shift: ms(200), ..plain() };
    for film in [plain(), low_latency(), chapters, zero, silent, event, old, gaps, shifted, plain().in_ts()] {
        let has_audio = !film.voices.is_empty();
        let origin = LiveOrigin::new(film);
        for address in [VIDEO, AUDIO].into_iter().filter(|address| *address == VIDEO || has_audio) {
            let mut before = by_number(&described(&origin, address, 0));
            for step in 1..60 {
                let playlist = described(&origin, address, step * 293);
                let now = by_number(&playlist);
                for (number, segment) in &now {
                    let known = before.get(number).is_none_or(|known| {
                        let mut known = known.clone();
                        // Initialisation data stands at the first segment only.
                        known["map_uri"] = segment["map_uri"].clone();
                        known == *segment
                    });
                    assert!(known, "{number} changes: {:?}, {segment}", before.get(number));
                }
                let (last, latest) = (before.keys().last().unwrap(), now.keys().last().unwrap());
                assert!((*last..=last + 1).contains(latest), "{latest} after {last}");
                assert!(now.contains_key(last), "what was listed last is listed still");
                before = now;
            }
        }
    }
}

#[test]
fn parts_and_hints_name_what_comes() {
    let origin = LiveOrigin::new(low_latency());
    let live = described(&origin, VIDEO, 1600)["low_latency"].clone();
    assert_eq!((&live["part_target_s"], &live["server_control"]["part_hold_back_s"]), (&json!(0.5), &json!(1.5)));
    // Parts of the last three complete segments, and three of the one under way.
    let parts = live["parts"].as_array().unwrap();
    assert_eq!((parts.len(), &parts[14]["uri"], &parts[14]["sequence"]), (15, &json!("1800.2.m4s"), &json!(1801)));
    let independent: Vec<bool> = parts.iter().map(|part| part["independent"].as_bool().unwrap()).collect();
    assert_eq!(independent[..5], [true, false, true, false, true], "a key frame a second");
    assert_eq!(live["preload_hints"], json!([{"type": "PART", "uri": "1800.3.m4s", "byte_range": [0, null]}]));
    let next = described(&origin, VIDEO, 2000)["low_latency"]["preload_hints"][0].clone();
    assert_eq!(next["uri"], "1801.0.m4s");
    let hinted = ask(&origin, "/live/v/720p/1800.3.m4s", 1600);
    assert_eq!((hinted.status, hinted.ready), (Some(200), at(2000)));
    let later = ask(&origin, "/live/v/720p/1801.0.m4s", 1600);
    assert_eq!((later.status, later.ready), (Some(404), at(1600)), "the one after it is not announced");
    assert_eq!(ask(&origin, "/live/v/720p/1800.2.m4s", 1600).ready, at(1600));
    assert_eq!(ask(&origin, "/live/v/720p/1800.4.m4s", 1600).status, Some(404), "there are four");
}

#[test]
fn reloads_are_held_until_their_segment_or_part_is_there() {
    let origin = LiveOrigin::new(low_latency());
    let held = |query: &str, millis| {
        let answer = ask(&origin, &format!("{VIDEO}?{query}"), millis);
        (answer.status.unwrap(), answer.ready.as_nanos() / 1_000_000)
    };
    assert_eq!(held("_HLS_msn=1801&_HLS_part=0", 100), (200, 500));
    assert_eq!(held("_HLS_msn=1801&_HLS_part=3", 100), (200, 2000));
    assert_eq!(held("_HLS_msn=1801", 100), (200, 2000));
    assert_eq!(held("_HLS_msn=1801&_HLS_part=4", 100), (200, 2500), "the first part of the next segment");
    assert_eq!(held("_HLS_msn=1800&_HLS_part=9", 100), (200, 500));
    assert_eq!(held("_HLS_msn=1790&_HLS_part=1", 100), (200, 100), "it is there");
    assert_eq!(held("_HLS_msn=1804", 100), (400, 100), "too far ahead");
    let answered = described(&origin, &format!("{VIDEO}?_HLS_msn=1801&_HLS_part=1"), 100);
    let parts = answered["low_latency"]["parts"].as_array().unwrap();
    assert_eq!(parts.last().unwrap()["uri"], "1800.1.m4s");
    let mut film = low_latency();
    film.hls.blocks_reload = false;
    let answer = ask(&LiveOrigin::new(film), &format!("{VIDEO}?_HLS_msn=1801"), 100);
    assert_eq!((answer.status, answer.ready), (Some(200), at(100)), "it does not block");
    let mut film = low_latency();
    film.troubles.silences.push((SECOND, 40 * SECOND, Resumption::Discontinuity));
    let silent = ask(&LiveOrigin::new(film), &format!("{VIDEO}?_HLS_msn=1802&_HLS_part=1"), 1500);
    assert_eq!((silent.status, silent.ready), (Some(503), at(7500)), "three target durations");
}

#[test]
fn a_delta_update_is_the_rest_of_the_playlist() {
    let mut film = low_latency();
    film.hls.date_range_every = Some(Duration::from_secs(10));
    let origin = LiveOrigin::new(film);
    let whole = described(&origin, VIDEO, 700);
    let delta = described(&origin, &format!("{VIDEO}?_HLS_skip=YES"), 700);
    let ids = |playlist: &Value| {
        let ranges = playlist["date_ranges"].as_array().unwrap().iter();
        ranges.map(|range| range["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(delta["low_latency"]["skip"], json!({"segments": 24, "removed_date_ranges": []}));
    assert_eq!((&delta["media_sequence"], &delta["version"]), (&whole["media_sequence"], &json!(9)));
    let rest: Vec<_> = whole["segments"].as_array().unwrap().iter().skip(24).cloned().collect();
    let mut skipped = delta["segments"].as_array().unwrap().clone();
    skipped.iter_mut().for_each(|segment| segment["map_uri"] = rest[0]["map_uri"].clone());
    assert_eq!(skipped, rest);
    assert_eq!(ids(&delta), ids(&whole));
    assert_eq!(ids(&whole), ["r354", "r355", "r356", "r357", "r358", "r359", "r360"]);
    let second = described(&origin, &format!("{VIDEO}?_HLS_skip=v2"), 700);
    assert_eq!(second["low_latency"]["skip"]["removed_date_ranges"], json!(["r353"]));
    assert_eq!((ids(&second), &second["version"]), (vec!["r359".to_owned(), "r360".to_owned()], &json!(10)));
}

#[test]
fn reports_are_those_of_the_other_playlists() {
    let mut film = low_latency();
    film.low_latency = Some(LowLatency { part: ms(500), audio_part: ms(400) });
    let origin = LiveOrigin::new(film);
    for millis in [0, 499, 500, 930, 1700, 2000, 2010] {
        let reports = described(&origin, VIDEO, millis)["low_latency"]["rendition_reports"].clone();
        assert_eq!(reports.as_array().unwrap().len(), 3);
        for report in reports.as_array().unwrap() {
            let address = format!("/live/v/720p/{}", report["uri"].as_str().unwrap());
            let path = base().join(&address).unwrap().path().to_owned();
            let last =
                described(&origin, &path, millis)["low_latency"]["parts"].as_array().unwrap().last().unwrap().clone();
            let expected = (&last["sequence"], &last["index"]);
            assert_eq!((&report["last_msn"], &report["last_part"]), expected, "{path} at {millis}");
        }
    }
}

#[test]
fn audio_has_boundaries_of_its_own() {
    let film = LiveFilm { audio_shift: ms(200), ..low_latency() };
    let origin = LiveOrigin::new(film);
    let (video, audio) = (described(&origin, VIDEO, 300), described(&origin, AUDIO, 300));
    let date = |playlist: &Value| by_number(playlist)[&1800]["program_date_time"].as_str().unwrap().to_owned();
    assert_eq!(date(&video), "2025-12-31T23:59:58Z");
    // 200 ms later, at the next frame of 1024 samples.
    assert_eq!(date(&audio), "2025-12-31T23:59:58.208Z");
    assert_eq!(audio["low_latency"]["part_target_s"], 0.512);
    assert_eq!(described(&origin, AUDIO, 100)["segments"].as_array().unwrap().last().unwrap()["sequence"], 1799);
}

#[test]
fn a_young_service_has_gaps_in_front_and_an_old_one_ten_digits() {
    let mut film = LiveFilm { age: 4 * SECOND, first_number: 7, window: Some(14 * SECOND), ..plain() };
    film.hls.young_gaps = true;
    let origin = LiveOrigin::new(film);
    let gaps = |millis| {
        let playlist = described(&origin, VIDEO, millis);
        let segments = by_number(&playlist);
        (
            segments.values().map(|it| it["gap"].as_bool().unwrap()).collect::<Vec<_>>(),
            playlist["media_sequence"].clone(),
        )
    };
    assert_eq!(gaps(0), ([[true; 5].as_slice(), &[false; 2]].concat(), json!(2)));
    assert_eq!(gaps(2000), ([[true; 4].as_slice(), &[false; 3]].concat(), json!(3)));
    assert_eq!(gaps(20_000).0, [false; 7]);
    let old = LiveOrigin::new(LiveFilm { age: LiveFilm::SINCE_1970, segment: SECOND, ..plain() });
    let playlist = described(&old, VIDEO, 0);
    let last = playlist["segments"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["sequence"], &last["program_date_time"]),
        (&json!(1_767_225_600), &json!("2025-12-31T23:59:59Z"))
    );
}

#[test]
fn a_discontinuity_is_counted_when_it_has_gone() {
    let film = LiveFilm { chapter: Some(4), window: Some(12 * SECOND), ..plain() };
    let origin = LiveOrigin::new(film);
    let mut known: BTreeMap<u64, u64> = BTreeMap::new();
    for step in 0..40 {
        let playlist = described(&origin, VIDEO, step * 1000);
        let mut count = playlist["discontinuity_sequence"].as_u64().unwrap();
        for (number, segment) in by_number(&playlist) {
            count += u64::from(segment["discontinuity"].as_bool().unwrap());
            assert_eq!(*known.entry(number).or_insert(count), count, "of segment {number} at {step} s");
        }
    }
    assert_eq!(known.values().last().unwrap() - known.values().next().unwrap(), 6);
}

#[test]
fn the_end_is_written_when_the_last_segment_is() {
    let film = LiveFilm { ends_at: Some(ms(5000)), ..low_latency() };
    let origin = LiveOrigin::new(film);
    assert_eq!(described(&origin, VIDEO, 4900)["ended"], false);
    let playlist = described(&origin, VIDEO, 9000);
    let last = playlist["segments"].as_array().unwrap().last().unwrap();
    assert_eq!((&playlist["ended"], &last["duration_s"]), (&json!(true), &json!(1.0)));
    assert_eq!(playlist["low_latency"]["preload_hints"], json!([]));
    let blocked = ask(&origin, &format!("{VIDEO}?_HLS_msn=1804"), 4500);
    assert_eq!((blocked.status, blocked.ready), (Some(200), at(5000)), "nothing is waited for in vain");
    assert_eq!(described(&origin, AUDIO, 9000)["ended"], true);
}
