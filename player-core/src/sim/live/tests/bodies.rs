//! Media: parts are pieces of their segments, and bodies are sent as they are produced.

use super::*;
use crate::container::{DemuxOutput, Sample};
use crate::model::Protocol;

/// Returns the length of an answer and its samples by track.
fn media(answer: &LiveAnswer) -> (u64, BTreeMap<u32, Vec<Sample>>) {
    let Some(Content::Media { size, pieces }) = &answer.content else {
        panic!("{:?} is no media: {:?}", answer.content, answer.status)
    };
    let mut samples: BTreeMap<u32, Vec<Sample>> = BTreeMap::new();
    for output in pieces.iter().flat_map(|(_, outputs)| outputs) {
        if let DemuxOutput::Fragment(fragment) = output {
            samples.entry(fragment.track).or_default().extend(fragment.samples.iter().cloned());
        }
    }
    (*size, samples)
}

fn films(protocol: Protocol) -> Vec<LiveFilm> {
    let base = || LiveFilm { audio_shift: ms(150), ..LiveFilm::new(protocol).low_latency(ms(400)) };
    let emsg = LiveFilm { emsg: Emsg::Each, prft: true, ..base().with_bytes() };
    vec![base(), base().with_bytes(), emsg, base().muxed_audio(), base().muxed_audio().with_bytes()]
}

#[test]
fn parts_are_pieces_of_their_segment() {
    let ts = LiveFilm::new(Protocol::Hls).low_latency(ms(400)).in_ts();
    for film in films(Protocol::Hls).into_iter().chain([ts]) {
        let extension = if film.container == LiveContainer::Ts { "ts" } else { "m4s" };
        let folders = if film.voices.is_empty() { vec!["v/720p"] } else { vec!["v/720p", "a/en"] };
        let origin = LiveOrigin::new(film);
        for folder in folders {
            let whole = media(&ask(&origin, &format!("/live/{folder}/1799.{extension}"), 200));
            let mut sum = (0, BTreeMap::<u32, Vec<Sample>>::new());
            for part in 0..5 {
                let (size, samples) = media(&ask(&origin, &format!("/live/{folder}/1799.{part}.{extension}"), 200));
                sum.0 += size;
                samples.into_iter().for_each(|(track, samples)| sum.1.entry(track).or_default().extend(samples));
            }
            assert_eq!(sum, whole, "{folder}");
            let none = ask(&origin, &format!("/live/{folder}/1799.5.{extension}"), 200);
            assert_eq!(none.status, Some(404));
        }
    }
}

#[test]
fn samples_follow_one_another_across_segments() {
    for protocol in [Protocol::Hls, Protocol::Dash] {
        for film in films(protocol) {
            let folders = if film.voices.is_empty() { vec!["v/720p"] } else { vec!["v/720p", "a/en"] };
            let origin = LiveOrigin::new(film);
            for folder in folders {
                let mut ends: BTreeMap<u32, i64> = BTreeMap::new();
                for ordinal in 1780..1799 {
                    let name = match protocol {
                        Protocol::Hls => ordinal.to_string(),
                        Protocol::Dash => format!("p0-0/{}", ordinal + 1),
                    };
                    let (_, samples) = media(&ask(&origin, &format!("/live/{folder}/{name}.m4s"), 500));
                    for (track, samples) in samples {
                        assert!(samples[0].key);
                        for sample in samples {
                            let end = ends.insert(track, sample.end().as_nanos());
                            assert!(end.is_none_or(|end| end.abs_diff(sample.pts.as_nanos()) < 2), "{folder} {name}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn ranges_of_a_segment_are_its_parts_and_open_ones_are_read_while_they_are_written() {
    let mut film = LiveFilm::new(Protocol::Hls).low_latency(ms(500)).with_bytes();
    film.hls.parts = PartFiles::Ranges;
    let origin = LiveOrigin::new(film);
    let live = described(&origin, VIDEO, 1100)["low_latency"].clone();
    let parts = live["parts"].as_array().unwrap();
    let of_last: Vec<_> = parts.iter().filter(|part| part["uri"] == "1800.m4s").collect();
    let ranges: Vec<(u64, u64)> =
        of_last.iter().map(|part| serde_json::from_value(part["byte_range"].clone()).unwrap()).collect();
    assert_eq!((ranges.len(), ranges[0].0, ranges[1].0), (2, 0, ranges[0].1));
    let address = "/live/v/720p/1800.m4s";
    let first = ask_range(&origin, address, (0, Some(ranges[0].1)), 1100);
    assert_eq!((first.status, media(&first).0, first.holds.len()), (Some(206), ranges[0].1, 0));
    let hint = &live["preload_hints"][0];
    let begin = hint["byte_range"][0].as_u64().unwrap();
    assert_eq!((hint["uri"].as_str(), begin), (Some("1800.m4s"), ranges[1].0 + ranges[1].1));
    let rest = ask_range(&origin, address, (begin, None), 1100);
    assert_eq!((rest.status, rest.ready), (Some(206), at(1500)));
    let third = media(&ask_range(&origin, address, (begin, None), 2500));
    assert_eq!(rest.holds.iter().map(|(_, until)| *until).collect::<Vec<_>>(), [at(2000)]);
    assert_eq!((media(&rest), begin + third.0), (third.clone(), media(&ask(&origin, address, 2500)).0));
    assert_eq!(ask_range(&origin, address, (begin + 1, None), 2500).status, Some(404), "it cuts a part");
    let next = ask_range(&origin, "/live/v/720p/1801.m4s", (0, None), 1100);
    assert_eq!(next.status, Some(404), "nothing hints at it");
}

#[test]
fn a_chunked_segment_waits_for_each_chunk() {
    for film in films(Protocol::Dash) {
        let origin = LiveOrigin::new(film);
        let address = "/live/v/720p/p0-0/1801.m4s";
        assert_eq!(ask(&origin, address, 399).status, Some(404), "no chunk is complete");
        let answer = ask(&origin, address, 900);
        let whole = ask(&origin, address, 2100);
        assert_eq!((answer.status, answer.ready, media(&answer)), (Some(200), at(900), media(&whole)));
        assert_eq!((whole.holds.len(), answer.holds.len()), (0, 3));
        let Some(Content::Media { pieces, .. }) = &answer.content else { panic!("media") };
        // Chunks of 400 ms end at the next of 24 frames a second.
        for ((end, until), (place, nominal)) in answer.holds.iter().zip([(1, 1200), (2, 1600), (3, 2000)]) {
            assert_eq!(*end, pieces[place].0);
            let late = until.since(at(nominal));
            assert!(*until >= at(nominal) && late < ms(42), "{until:?} for {nominal}");
        }
    }
}

#[test]
fn transport_streams_wrap_between_segments_and_not_within() {
    // 33 bits of 90 kHz: the clock wraps a second into the segment that is made when the world begins.
    let turn = Duration::from_nanos(crate::container::MediaClock::TURN.unsigned_abs());
    let film = LiveFilm { media_offset: turn - Duration::from_secs(3601), ..LiveFilm::new(Protocol::Hls).in_ts() };
    let origin = LiveOrigin::new(film);
    let first = |ordinal: u64| {
        let answer = ask(&origin, &format!("/live/v/720p/{ordinal}.ts"), 4100);
        let Some(Content::Media { pieces, .. }) = &answer.content else { panic!("media") };
        assert!(matches!(&pieces[0].1[0], DemuxOutput::Init(init) if init.tracks.len() == 2));
        let (_, samples) = media(&answer);
        assert!(samples.values().all(|samples| samples.is_sorted_by_key(|sample| sample.pts)));
        samples[&1][0].pts.as_nanos()
    };
    assert!(first(1800) > turn.as_nanos() as i64 - 2_000_000_000);
    assert!(first(1801) < 2_000_000_000);
}

#[test]
fn messages_are_read_from_bytes_as_they_are_made_directly() {
    let metadata = |film: LiveFilm| {
        let answer = ask(&LiveOrigin::new(film), "/live/v/720p/p0-0/1800.m4s", 100);
        let Some(Content::Media { pieces, .. }) = answer.content else { panic!("media") };
        let found = pieces.into_iter().flat_map(|(_, outputs)| outputs).filter_map(|output| match output {
            DemuxOutput::Metadata(metadata) => Some(metadata),
            _ => None,
        });
        found.flatten().collect::<Vec<_>>()
    };
    for (emsg, expected) in [(Emsg::None, 0), (Emsg::Each, 1), (Emsg::Updates, 0)] {
        let film = LiveFilm { emsg, ..LiveFilm::new(Protocol::Dash) };
        let direct = metadata(film.clone());
        assert_eq!((direct.len(), &direct), (expected, &metadata(film.with_bytes())), "{emsg:?}");
    }
    let film = LiveFilm { emsg: Emsg::Updates, chapter: Some(10), ..LiveFilm::new(Protocol::Dash) };
    let answer = ask(&LiveOrigin::new(film), "/live/v/720p/p0-179/1800.m4s", 100);
    let Some(Content::Media { pieces, .. }) = answer.content else { panic!("media") };
    assert!(matches!(&pieces[0].1[0], DemuxOutput::Metadata(found) if found[0].scheme == "urn:mpeg:dash:event:2012"));
}

#[test]
fn timestamps_begin_at_zero_behind_a_discontinuity_or_go_on() {
    let first = |film: &LiveFilm, folder: &str, ordinal: u64| {
        let answer = ask(&LiveOrigin::new(film.clone()), &format!("/live/{folder}/{ordinal}.m4s"), 9000);
        media(&answer).1[&1][0].pts.as_nanos()
    };
    let mut film = LiveFilm { chapter: Some(4), ..LiveFilm::new(Protocol::Hls) };
    for folder in ["v/720p", "a/en"] {
        assert!(first(&film, folder, 1800).abs_diff(3_600_000_000_000) < 22_000_000, "{folder}");
    }
    film.from_zero = true;
    for folder in ["v/720p", "a/en"] {
        assert_eq!((first(&film, folder, 1800), first(&film, folder, 1796)), (0, 0));
    }
    assert_eq!(first(&film, "v/720p", 1801), 2_000_000_000);
    film.media_offset = Duration::from_secs(7);
    assert_eq!(first(&film, "v/720p", 1800), 7_000_000_000);
}
