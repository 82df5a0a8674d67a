//! Misbehaviour: silences, restarts, manifests that stop or go back, wrong numbers, and hosts that die.

use serde_json::json;

use super::*;
use crate::model::Protocol;

fn film(protocol: Protocol, change: impl FnOnce(&mut LiveFilm)) -> LiveOrigin {
    let mut film = LiveFilm::new(protocol);
    change(&mut film);
    LiveOrigin::new(film)
}

/// Returns the number and the duration of the last segment of a playlist, and whether it is behind a discontinuity.
fn last(origin: &LiveOrigin, millis: u64) -> (u64, f64, bool) {
    let playlist = described(origin, VIDEO, millis);
    let last = playlist["segments"].as_array().unwrap().last().unwrap();
    (last["sequence"].as_u64().unwrap(), last["duration_s"].as_f64().unwrap(), last["discontinuity"].as_bool().unwrap())
}

#[test]
fn a_silent_encoder_goes_on_behind_a_discontinuity() {
    let silence = (ms(5000), ms(19_000), Resumption::Discontinuity);
    let origin = film(Protocol::Hls, |film| film.troubles.silences.push(silence));
    assert_eq!(last(&origin, 4900), (1802, 2.0, false));
    assert_eq!(last(&origin, 5000), (1803, 1.0, false), "the last segment is cut");
    assert_eq!(last(&origin, 20_999), (1803, 1.0, false));
    assert_eq!(last(&origin, 21_000), (1804, 2.0, true));
    let dates = by_number(&described(&origin, VIDEO, 21_000));
    assert_eq!(dates[&1804]["program_date_time"], "2026-01-01T00:00:19Z");
    let origin = film(Protocol::Dash, |film| film.troubles.silences.push(silence));
    let periods = |millis| described(&origin, "/live/manifest.mpd", millis)["periods"].clone();
    assert_eq!(periods(18_000).as_array().unwrap().len(), 1);
    assert_eq!((&periods(21_000)[1]["id"], &periods(21_000)[1]["start_s"]), (&json!("p1-0"), &json!(3619.0)));
    assert_eq!(ask(&origin, "/live/v/720p/p0-0/1804.m4s", 21_000).status, Some(404), "it was never made");
    assert_eq!(ask(&origin, "/live/v/720p/p1-0/1804.m4s", 21_000).status, Some(200));
}

#[test]
fn a_silent_encoder_may_go_on_without_a_word() {
    let silence = (ms(4000), ms(9000), Resumption::Skipped);
    let origin = film(Protocol::Hls, |film| film.troubles.silences.push(silence));
    assert_eq!(last(&origin, 11_900), (1802, 2.0, false));
    assert_eq!(last(&origin, 12_000), (1803, 2.0, false), "numbers of HLS go on");
    let segments = by_number(&described(&origin, VIDEO, 12_000));
    assert_eq!(segments[&1803]["program_date_time"], "2026-01-01T00:00:10Z", "and times jump");
    let origin = film(Protocol::Dash, |film| film.troubles.silences.push(silence));
    let status = |number: u64| ask(&origin, &format!("/live/v/720p/p0-0/{number}.m4s"), 14_000).status;
    assert_eq!([1802, 1803, 1804, 1805, 1806, 1807].map(status), [200, 404, 404, 404, 200, 200].map(Some));
    let origin = film(Protocol::Dash, |film| {
        film.troubles.silences.push(silence);
        film.dash.addressing = MpdAddressing::TimelineNumber;
    });
    let mpd = text(&ask(&origin, "/live/manifest.mpd", 12_000));
    assert!(mpd.contains("<S t=\"86640000\" d=\"48000\"/>"), "a gap in the timeline: {mpd}");
    let counted = |number: u64| ask(&origin, &format!("/live/v/720p/p0-0/{number}.m4s"), 12_000).status;
    assert_eq!([1802, 1803, 1804].map(counted), [200, 200, 404].map(Some), "places in it are counted");
}

#[test]
fn an_origin_that_begins_anew_forgets() {
    let origin = film(Protocol::Hls, |film| film.troubles.restarts.push((ms(5000), 40)));
    let before = described(&origin, VIDEO, 4900)["media_sequence"].clone();
    assert_eq!(before, json!(1773));
    assert_eq!(ask(&origin, VIDEO, 6900).status, Some(404), "nothing is complete");
    let playlist = described(&origin, VIDEO, 9000);
    assert_eq!((&playlist["media_sequence"], playlist["segments"].as_array().unwrap().len()), (&json!(40), 2));
    assert_eq!(ask(&origin, "/live/v/720p/1799.m4s", 4900).status, Some(200));
    assert_eq!(ask(&origin, "/live/v/720p/1799.m4s", 5000).status, Some(404));
    let origin = film(Protocol::Dash, |film| film.troubles.restarts.push((ms(5000), 40)));
    let mpd = described(&origin, "/live/manifest.mpd", 9000);
    assert_eq!((mpd["periods"].as_array().unwrap().len(), &mpd["periods"][0]["id"]), (1, &json!("p1-0")));
    assert_eq!(ask(&origin, "/live/v/720p/p1-0/41.m4s", 9000).status, Some(200));
}

#[test]
fn manifests_stop_or_go_back_while_segments_come() {
    for protocol in [Protocol::Hls, Protocol::Dash] {
        let address = if protocol == Protocol::Hls { VIDEO } else { "/live/manifest.mpd" };
        let at_millis = |origin: &LiveOrigin, millis| text(&ask(origin, address, millis));
        let change = |film: &mut LiveFilm| {
            film.dash.addressing = MpdAddressing::Time;
            film.dash.clocks.clear();
        };
        let usual = film(protocol, change);
        let stopped = film(protocol, |film| {
            change(film);
            film.troubles.stops_moving_at = Some(ms(5000));
        });
        assert_eq!(at_millis(&stopped, 60_000), at_millis(&usual, 5000));
        let stale = film(protocol, |film| {
            change(film);
            film.troubles.stale.push((ms(8000), ms(12_000), ms(6000)));
        });
        assert_eq!(at_millis(&stale, 7900), at_millis(&usual, 7900));
        assert_eq!(at_millis(&stale, 9000), at_millis(&usual, 3000));
        assert_eq!(at_millis(&stale, 12_000), at_millis(&usual, 12_000));
        assert_ne!(at_millis(&usual, 9000), at_millis(&usual, 3000));
    }
    let stopped = film(Protocol::Hls, |film| film.troubles.stops_moving_at = Some(ms(5000)));
    assert_eq!(ask(&stopped, "/live/v/720p/1809.m4s", 20_000).status, Some(200));
    let mut blocking = LiveFilm::new(Protocol::Hls).low_latency(ms(500));
    blocking.troubles.stops_moving_at = Some(ms(5000));
    let answer = ask(&LiveOrigin::new(blocking), &format!("{VIDEO}?_HLS_msn=1804&_HLS_part=0"), 5500);
    assert_eq!((answer.status, answer.ready), (Some(503), at(11_500)));
}

#[test]
fn sequence_numbers_are_wrong_for_a_while() {
    let sequence = |fault, millis: u64| {
        let origin = film(Protocol::Hls, |film| film.troubles.sequences.push((ms(4000), ms(10_000), fault)));
        let text = text(&ask(&origin, VIDEO, millis));
        let tag = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
        tag.map(|number| number.parse::<u64>().unwrap())
    };
    for fault in [SequenceFault::Off(100), SequenceFault::Frozen, SequenceFault::Missing] {
        assert_eq!([sequence(fault, 3900), sequence(fault, 10_000)], [Some(1772), Some(1776)]);
    }
    assert_eq!(sequence(SequenceFault::Off(100), 8000), Some(1875));
    assert_eq!(sequence(SequenceFault::Off(-3000), 8000), Some(0));
    assert_eq!(sequence(SequenceFault::Frozen, 8000), Some(1773), "as it was at four seconds");
    assert_eq!(sequence(SequenceFault::Missing, 8000), None);
}

#[test]
fn segments_of_the_edge_answer_by_the_clock() {
    let origin = film(Protocol::Dash, |film| {
        (film.troubles.too_early, film.troubles.too_late, film.troubles.holds) = (425, 410, ms(500));
        film.kept = Some(Duration::ZERO);
    });
    let at_millis = |number: u64, millis| {
        let answer = ask(&origin, &format!("/live/v/720p/p0-0/{number}.m4s"), millis);
        (answer.status.unwrap(), answer.ready)
    };
    assert_eq!(at_millis(1801, 1400), (425, at(1400)));
    assert_eq!(at_millis(1801, 1500), (200, at(2000)), "held for half a second");
    assert_eq!(at_millis(1801, 62_000), (200, at(62_000)));
    assert_eq!(at_millis(1801, 62_001), (410, at(62_001)));
    let late = film(Protocol::Hls, |film| film.troubles.late_files = ms(300));
    let address = "/live/v/720p/1800.m4s";
    assert_eq!(by_number(&described(&late, VIDEO, 2000)).keys().last(), Some(&1801));
    assert_eq!([2000, 2299, 2300].map(|millis| ask(&late, address, millis).status.unwrap()), [404, 404, 200]);
}

#[test]
fn gaps_are_announced_and_their_media_is_not_there() {
    let change = |film: &mut LiveFilm| film.gaps.push((ms(2000), ms(4500)));
    let origin = film(Protocol::Hls, change);
    let gaps: Vec<u64> = by_number(&described(&origin, VIDEO, 10_000))
        .into_iter()
        .filter(|(_, segment)| segment["gap"] == true)
        .map(|(number, _)| number)
        .collect();
    assert_eq!(gaps, [1802, 1803]);
    assert_eq!(
        [1800, 1801, 1802, 1803].map(|it| ask(&origin, &format!("/live/v/720p/{it}.m4s"), 10_000).status.unwrap()),
        [200, 404, 404, 200]
    );
    let mut low = LiveFilm::new(Protocol::Hls).low_latency(ms(500));
    change(&mut low);
    let parts = described(&LiveOrigin::new(low), VIDEO, 6200)["low_latency"]["parts"].clone();
    let gaps = parts.as_array().unwrap().iter().filter(|part| part["gap"] == true).count();
    assert_eq!(gaps, 5, "two seconds and a half in parts of half a second");
    let origin = film(Protocol::Dash, |film| {
        change(film);
        film.dash.addressing = MpdAddressing::Time;
    });
    let mpd = text(&ask(&origin, "/live/manifest.mpd", 10_000));
    assert!(mpd.contains("<S t=\"86544000\" d=\"48000\" r=\"1\"/>"), "the timeline leaves them out: {mpd}");
}

#[test]
fn pathways_have_numbers_of_their_own_and_die() {
    let mut hls = LiveFilm::new(Protocol::Hls);
    let other =
        LivePathway { sequence_offset: 500, lag: ms(700), dies_at: Some((ms(9000), None)), ..LivePathway::new("b") };
    hls.pathways = vec![LivePathway { dies_at: Some((ms(6000), Some(503))), ..LivePathway::new("a") }, other];
    let orders = vec![(Duration::ZERO, vec!["a".to_owned(), "b".to_owned()]), (ms(4000), vec!["b".to_owned()])];
    hls.steering = Some(LiveSteering {
        ttl: 10 * SECOND,
        orders,
        reload_uri: Some("orders.json?again=1".to_owned()),
        query_before_start: true,
    });
    let origin = LiveOrigin::new(hls.clone());
    let from = |host, path, millis| origin.answer(&LiveQuery { host, ..LiveQuery::of(path) }, at(millis));
    let first = |host, millis| {
        let value = manifest::describe(text(&from(host, VIDEO, millis)).as_bytes(), &base(), None).unwrap();
        value["media_sequence"].as_u64().unwrap()
    };
    assert_eq!([first("a", 2000), first("b", 2000), first("b", 2700)], [1772, 2271, 2272]);
    assert_eq!([from("a", VIDEO, 5999).status, from("a", VIDEO, 6000).status], [Some(200), Some(503)]);
    assert_eq!([from("b", VIDEO, 8999).status, from("b", VIDEO, 9000).status], [Some(200), None]);
    let master = described(&origin, "/live/master.m3u8", 0);
    assert_eq!(master["steering"], json!({"server_uri": "orders.json", "pathway_id": "a"}));
    let pathways = master["variants"].as_array().unwrap().iter().filter(|it| it["pathway_id"] == "b").count();
    assert_eq!(pathways, 3);
    let order = |millis| serde_json::from_str::<Value>(&text(&from("a", "/live/orders.json", millis))).unwrap();
    assert_eq!(order(3999)["PATHWAY-PRIORITY"], json!(["a", "b"]));
    assert_eq!(
        order(4000),
        json!({"VERSION": 1, "TTL": 10, "RELOAD-URI": "orders.json?again=1", "PATHWAY-PRIORITY": ["b"]})
    );
    let dash = LiveOrigin::new(LiveFilm { protocol: Protocol::Dash, ..hls });
    let mpd = text(&ask(&dash, "/live/manifest.mpd", 0));
    assert!(mpd.contains("<BaseURL serviceLocation=\"b\">http://b/live/</BaseURL>"), "{mpd}");
    assert!(mpd.contains("<ContentSteering defaultServiceLocation=\"a\" queryBeforeStart=\"true\">"), "{mpd}");
}

#[test]
fn the_date_of_answers_is_right_wrong_or_absent() {
    let date = |header| {
        let origin = film(Protocol::Hls, |film| film.troubles.date = header);
        ask(&origin, VIDEO, 1700).date.map(|date| (date.as_unix_nanos() - WORLD_BEGINS) / 1_000_000)
    };
    assert_eq!(date(DateHeader::Right), Some(1000), "in whole seconds");
    assert_eq!(date(DateHeader::Off(-60_000_000_000)), Some(-59_000));
    assert_eq!(date(DateHeader::Absent), None);
    let mut ahead = LiveFilm::new(Protocol::Hls);
    ahead.hls.dates_ahead = 13_000_000_000;
    let last = by_number(&described(&LiveOrigin::new(ahead.clone()), VIDEO, 0))[&1800].clone();
    assert_eq!(last["program_date_time"], "2026-01-01T00:00:11Z");
    ahead.hls.dates = Dates::Every(5);
    let dated = by_number(&described(&LiveOrigin::new(ahead), VIDEO, 0));
    assert_eq!(dated.values().filter(|segment| !segment["program_date_time"].is_null()).count(), 6);
}

#[test]
fn a_description_that_contradicts_itself_is_refused() {
    let refused = |change: fn(&mut LiveFilm)| {
        let made = std::panic::catch_unwind(|| {
            let mut film = LiveFilm::new(Protocol::Hls);
            change(&mut film);
            LiveOrigin::new(film);
        });
        made.is_err()
    };
    assert!(!refused(|_| {}));
    assert!(refused(|film| film.muxed = Some(1)));
    assert!(refused(|film| film.container = LiveContainer::Ts));
    assert!(refused(|film| film.segment = Duration::ZERO));
    assert!(refused(|film| film.audio_shift = film.segment));
    assert!(refused(|film| {
        film.troubles.silences.push((SECOND, 9 * SECOND, Resumption::Discontinuity));
        film.troubles.restarts.push((4 * SECOND, 0));
    }));
}
