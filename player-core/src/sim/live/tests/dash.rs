//! MPDs: the window by clock and by timeline, periods, patches, and the clocks that they name.

use kinora_manifests::Layout;
use kinora_manifests::dash::{Mpd, MpdType, PeriodElement, SegmentAddressing, SegmentTiming, UtcScheme};
use serde_json::json;

use super::super::service::Service;
use super::*;
use crate::model::Protocol;

const MPD: &str = "/live/manifest.mpd";

fn addressed(addressing: MpdAddressing) -> LiveFilm {
    let mut film = LiveFilm::new(Protocol::Dash);
    film.dash.addressing = addressing;
    film
}

const ALL: [MpdAddressing; 3] = [MpdAddressing::Number, MpdAddressing::Time, MpdAddressing::TimelineNumber];

fn path(url: &Value) -> String {
    Url::parse(url.as_str().unwrap()).unwrap().path().to_owned()
}

/// Returns the path of the segment after another one of this duration in ticks.
fn after(path: &str, addressing: MpdAddressing, ticks: u64) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap();
    let number: u64 = file.trim_end_matches(".m4s").parse().unwrap();
    let step = if addressing == MpdAddressing::Time { ticks } else { 1 };
    format!("{folder}/{}.m4s", number + step)
}

#[test]
fn what_is_listed_is_there_and_the_next_one_comes_in_its_time() {
    for addressing in ALL {
        for age in [Duration::from_secs(3600), LiveFilm::SINCE_1970] {
            let film = LiveFilm { age, ..addressed(addressing) };
            let origin = LiveOrigin::new(film);
            for millis in [0, 700, 1990, 2000, 5400] {
                let mpd = described(&origin, MPD, millis);
                assert_eq!((&mpd["type"], mpd["periods"].as_array().unwrap().len()), (&json!("dynamic"), 1));
                let video = &mpd["periods"][0]["adaptation_sets"][0]["representations"][1];
                let (first, last) = (path(&video["first_segment_url"]), path(&video["last_segment_url"]));
                assert_eq!(ask(&origin, &first, millis).status, Some(200), "{addressing:?} {first} at {millis}");
                assert_eq!(ask(&origin, &last, millis).status, Some(200), "{addressing:?} {last} at {millis}");
                let next = after(&last, addressing, 48_000);
                assert_eq!(ask(&origin, &next, millis).status, Some(404), "{addressing:?} {next} at {millis}");
                let due = millis / 2000 * 2000 + 2000;
                assert_eq!(ask(&origin, &next, due).status, Some(200), "{addressing:?} {next} at {due}");
                assert_eq!(ask(&origin, &path(&video["init_url"]), millis).status, Some(200));
            }
        }
    }
}

fn timelines(mpd: &Mpd) -> Vec<Vec<(u64, u64)>> {
    let mut out = Vec::new();
    for period in &mpd.periods {
        let PeriodElement::Inline(period) = period else { panic!("{period:?}") };
        for set in &period.adaptation_sets {
            let Some(SegmentAddressing::Template(template)) = &set.segments else { panic!("{set:?}") };
            let SegmentTiming::Timeline(entries) = &template.timing else { panic!("{template:?}") };
            let mut end = 0;
            let mut spans = Vec::new();
            for entry in entries {
                end = entry.t.unwrap_or(end);
                for _ in 0..=entry.r {
                    spans.push((end, entry.d));
                    end += entry.d;
                }
            }
            out.push(spans);
        }
    }
    out
}

#[test]
fn timelines_go_on_and_their_times_are_those_of_the_media() {
    let film = LiveFilm { audio_shift: ms(150), age: LiveFilm::SINCE_1970, ..addressed(MpdAddressing::Time) };
    let origin = LiveOrigin::new(film.clone());
    let service = Service::new(film);
    let mut before: Vec<Vec<(u64, u64)>> = Vec::new();
    for step in 0..20 {
        let now = timelines(&service.mpd(service.at(at(step * 700))).unwrap());
        for (now, before) in now.iter().zip(&before) {
            let common = now.iter().filter(|span| before.contains(span)).count();
            assert!(common + 1 >= now.len(), "at most one segment is new: {before:?} {now:?}");
            assert!(now.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0), "no gap: {now:?}");
        }
        let audio = now[1].last().unwrap().0;
        assert!(audio > 1 << 46, "media times beyond 2^46");
        assert_eq!(ask(&origin, &format!("/live/a/en/p0-0/{audio}.m4s"), step * 700).status, Some(200));
        before = now;
    }
}

#[test]
fn the_mpd_changes_at_its_publish_times() {
    let mut films: Vec<LiveFilm> = ALL.into_iter().map(addressed).collect();
    for addressing in ALL {
        films.push(LiveFilm { chapter: Some(3), window: Some(12 * SECOND), ..addressed(addressing) });
        let mut early = LiveFilm { chapter: Some(4), ..addressed(addressing) };
        early.dash.early_period = Some(ms(1300));
        films.push(early);
        let mut silent = addressed(addressing);
        silent.troubles.silences =
            vec![(ms(4500), ms(7700), Resumption::Discontinuity), (ms(12_000), ms(14_300), Resumption::Skipped)];
        films.push(silent);
        films.push(addressed(addressing).low_latency(ms(500)));
        films.push(LiveFilm { ends_at: Some(ms(9000)), ..addressed(addressing) });
    }
    for film in films {
        let service = Service::new(film.clone());
        let written = |millis| service.mpd(service.at(at(millis))).map(|mpd| (mpd.publish_time, mpd));
        let mut before = written(0);
        for millis in (100..24_000).step_by(100) {
            let now = written(millis);
            let (same, published) = match (&before, &now) {
                (Some((then, old)), Some((now, new))) => (old == new, then == now),
                other => panic!("{other:?}"),
            };
            let film = (film.dash.addressing, film.chapter, &film.troubles.silences, film.low_latency, film.ends_at);
            assert!(same || !published, "another MPD of the same time, at {millis} ms, of {film:?}");
            before = now;
        }
    }
}

#[test]
fn periods_come_and_go_and_the_next_one_may_be_early() {
    let mut film = LiveFilm { chapter: Some(5), window: Some(12 * SECOND), ..addressed(MpdAddressing::Number) };
    film.dash.early_period = Some(ms(3000));
    film.dash.is_continuous = true;
    let origin = LiveOrigin::new(film);
    // Chapters of ten seconds; the world begins at the beginning of the 361st.
    let periods = |millis| {
        // The reader cannot know the length of an early period, and warns.
        let written = text(&ask(&origin, MPD, millis));
        let mpd = manifest::describe(written.as_bytes(), &base(), None).unwrap();
        let periods = mpd["periods"].as_array().unwrap().clone();
        periods.iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it["start_s"].as_f64())).collect::<Vec<_>>()
    };
    let period = |place: u64| (format!("p0-{place}"), Some(place as f64 * 10.0));
    assert_eq!(periods(0), [period(358), period(359), period(360)]);
    assert_eq!(periods(5000), [period(359), period(360)]);
    assert_eq!(periods(6999), [period(359), period(360)]);
    assert_eq!(periods(7000).last().unwrap().0, "p0-361");
    let announced = text(&ask(&origin, MPD, 7000));
    assert!(announced.contains("<Period id=\"p0-361\">"), "{announced}");
    assert!(announced.contains("period-continuity:2015\" value=\"p0-360\""), "{announced}");
    assert_eq!(periods(10_000), [period(359), period(360), period(361)]);
    assert_eq!(ask(&origin, "/live/v/720p/p0-360/1805.m4s", 10_000).status, Some(200));
    assert_eq!(ask(&origin, "/live/v/720p/p0-360/1806.m4s", 30_000).status, Some(404), "another period");
    assert_eq!(ask(&origin, "/live/v/720p/p0-361/1806.m4s", 12_000).status, Some(200));
}

#[test]
fn low_latency_is_announced_and_chunks_are_there_by_then() {
    for on_base in [false, true] {
        let mut film = addressed(MpdAddressing::Number).low_latency(ms(500));
        film.dash.offset_on_base = on_base;
        let origin = LiveOrigin::new(film);
        let written = text(&ask(&origin, MPD, 600));
        let offset = "availabilityTimeOffset=\"1.5\" availabilityTimeComplete=\"false\"";
        assert_eq!(written.matches(offset).count(), if on_base { 1 } else { 2 }, "{written}");
        assert!(written.contains("<Resync type=\"0\" dT=\"12000\" marker=\"true\"/>"), "{written}");
        let early = ask(&origin, "/live/v/720p/p0-0/1801.m4s", 499);
        assert_eq!(early.status, Some(404));
        let answer = ask(&origin, "/live/v/720p/p0-0/1801.m4s", 500);
        assert_eq!((answer.status, answer.ready, answer.holds.len()), (Some(200), at(500), 3));
    }
    let timeline = LiveOrigin::new(addressed(MpdAddressing::Time).low_latency(ms(500)));
    let last = |millis| {
        let mpd = described(&timeline, MPD, millis);
        path(&mpd["periods"][0]["adaptation_sets"][0]["representations"][0]["last_segment_url"])
    };
    assert_ne!(last(499), last(500), "a segment is listed with its first chunk");
    assert_eq!(ask(&timeline, &last(500), 500).status, Some(200));
}

#[test]
fn descriptions_clocks_and_places_are_written() {
    use kinora_manifests::dash::{Latency, PlaybackRate};
    let latency = Latency { target: Some(ms(1500)), ..Latency::default() };
    let rate = Some(PlaybackRate { min: Some(0.96), max: Some(1.04) });
    for in_period in [false, true] {
        let mut film = LiveFilm { prft: true, ..addressed(MpdAddressing::Number).with_bytes() };
        film.dash.description = Some(ServiceDescribed { in_period, latency, playback_rate: rate });
        film.dash.location = Some("moved/manifest.mpd".to_owned());
        film.dash.suggested_delay = Some(2 * SECOND);
        let origin = LiveOrigin::new(film);
        let written = text(&ask(&origin, MPD, 0));
        let (description, period) = (written.find("<ServiceDescription").unwrap(), written.find("<Period").unwrap());
        assert_eq!(description > period, in_period, "{written}");
        assert!(written.contains("suggestedPresentationDelay=\"PT2S\""), "{written}");
        assert!(written.contains("<ProducerReferenceTime id=\"0\" inband=\"true\" type=\"captured\""), "{written}");
        assert!(written.contains("<Location>/live/moved/manifest.mpd</Location>"), "{written}");
        assert_eq!(text(&ask(&origin, "/live/moved/manifest.mpd", 0)), written);
    }
}

#[test]
fn clocks_answer_by_their_schemes() {
    let clock = |scheme, value| {
        let mut film = addressed(MpdAddressing::Number);
        film.dash.clocks = vec![ClockSource { scheme, value }];
        let origin = LiveOrigin::new(film);
        let written = text(&ask(&origin, MPD, 250));
        let element = written.lines().find(|line| line.starts_with("<UTCTiming")).unwrap().to_owned();
        let answer = ask(&origin, "/live/time/0", 250);
        let bytes = match answer.content {
            Some(Content::File { bytes, .. }) => Some(bytes.to_vec()),
            _ => None,
        };
        (element, bytes)
    };
    let (element, _) = clock(UtcScheme::Direct, UtcBody::Right);
    assert_eq!(element, "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"2026-01-01T00:00:00.25Z\"/>");
    for scheme in [UtcScheme::HttpIso, UtcScheme::HttpXsDate, UtcScheme::HttpHead] {
        let (element, body) = clock(scheme, UtcBody::Right);
        assert!(element.ends_with("value=\"/live/time/0\"/>"), "{element}");
        assert_eq!(body.unwrap(), b"2026-01-01T00:00:00.25Z");
    }
    let (_, ntp) = clock(UtcScheme::HttpNtp, UtcBody::Right);
    let seconds = 1_767_225_600_u64 + 2_208_988_800;
    assert_eq!(ntp.unwrap(), (seconds << 32 | 1 << 30).to_be_bytes());
    assert_eq!(clock(UtcScheme::HttpIso, UtcBody::Off(-250_000_000)).1.unwrap(), b"2026-01-01T00:00:00Z");
    let empty = clock(UtcScheme::HttpIso, UtcBody::Empty);
    assert_eq!(empty, ("<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"\"/>".to_owned(), None));
    assert!(clock(UtcScheme::HttpIso, UtcBody::Missing).0.ends_with("http-iso:2014\"/>"));
    assert_eq!(clock(UtcScheme::HttpIso, UtcBody::Gone).1, None);
}

#[test]
fn patches_are_short_and_served_for_their_time() {
    let mut film = LiveFilm { window: Some(Duration::from_secs(600)), ..addressed(MpdAddressing::Time) };
    film.dash.patching = Patching::Serves(60 * SECOND);
    let origin = LiveOrigin::new(film);
    let written = text(&ask(&origin, MPD, 2500));
    let from = written.split("patch.mpp?from=").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let address = format!("/live/patch.mpp?from={from}");
    let patch = text(&ask(&origin, &address, 4500));
    // The timeline of audio grew at the end of a frame after two seconds.
    assert!(patch.contains("originalPublishTime=\"2026-01-01T00:00:02.005333334Z\""), "{patch}");
    assert!(patch.contains("<replace sel=\"/MPD/@publishTime\">"), "{patch}");
    assert!(patch.contains("AdaptationSet[@id='1']/SegmentTemplate/SegmentTimeline/S[1]"), "{patch}");
    // Boundaries of audio alternate between 93 and 94 frames, so that its timeline is long and its patch is not.
    assert!(patch.len() * 4 < written.len(), "{} of {}", patch.len(), written.len());
    assert_eq!(ask(&origin, &address, 2000 + 61_000).status, Some(410));
    assert_eq!(ask(&origin, "/live/patch.mpp?from=9000000000000", 2500).status, Some(404), "of the future");
    let mut gone = addressed(MpdAddressing::Time);
    gone.dash.patching = Patching::Gone;
    let gone = LiveOrigin::new(gone);
    assert!(text(&ask(&gone, MPD, 0)).contains("<PatchLocation>"));
    assert_eq!(ask(&gone, "/live/patch.mpp?from=0", 0).status, Some(404));
}

#[test]
fn the_end_makes_it_static() {
    for addressing in ALL {
        let film = LiveFilm { ends_at: Some(ms(5000)), ..addressed(addressing) };
        let service = Service::new(film.clone());
        let mpd = |millis| service.mpd(service.at(at(millis))).unwrap();
        assert!(matches!(mpd(4900).mpd_type, MpdType::Dynamic(_)));
        let end = MpdType::Static { media_presentation_duration: Duration::from_secs(3605) };
        assert_eq!(mpd(6000).mpd_type, end);
        assert_eq!(mpd(600_000).to_text(Layout::Compact), mpd(6000).to_text(Layout::Compact), "nothing moves any more");
    }
}
