//! Answers that lead to another request.
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;

use crate::command::{Command, CommandId, LoadRequest, QualityChoice, SeekMode};
use crate::config::PlayerConfig;
use crate::engine::Engine;
use crate::engine::io::{FetchError, FetchKind, FetchOutcome, FetchReport, FetchRequest, Input, Output, ResponseHead};
use crate::event::Event;
use crate::model::ByteRange;
use crate::time::{MediaTime, Now};

/// Requests that the engine has made since they were asked for last.
fn requests(engine: &mut Engine) -> Vec<FetchRequest> {
    let outputs = std::iter::from_fn(|| engine.poll_output());
    outputs.filter_map(|output| if let Output::Fetch(request) = output { Some(*request) } else { None }).collect()
}

fn answer(engine: &mut Engine, request: &FetchRequest, body: &[u8]) {
    let (id, bytes) = (request.id, body.len() as u64);
    let url = request.url.clone();
    let head = ResponseHead {
        status: 206,
        url,
        content_type: None,
        content_length: Some(bytes),
        range_ignored: false,
        date: None,
    };
    engine.handle_input(Now::ZERO, Input::FetchStarted { id, head, resumed: false });
    let outcome = FetchOutcome::Complete { bytes, body: Bytes::copy_from_slice(body) };
    engine.handle_input(Now::ZERO, Input::FetchEnded { id, outcome, report: FetchReport::default() });
}

/// A segment index (ISO/IEC 14496-12 §8.16.3) whose only reference has `size` bytes and is of `kind`: 1 is an index.
fn sidx(kind: u32, size: u32) -> Vec<u8> {
    let words = [44, u32::from_be_bytes(*b"sidx"), 0, 1, 1000, 0, 0, 1, kind << 31 | size, 4000, 0x9000_0000];
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A host may keep only media, after a failure of transport; whatever else it keeps is forgotten at once.
#[test]
fn what_no_request_will_continue_is_forgotten_by_the_host() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let command = Command::Load(LoadRequest::new("http://h/film.m3u8".parse().unwrap()));
    engine.handle_input(Now::ZERO, Input::Command { id: CommandId(1), command });
    let manifest = requests(&mut engine).remove(0);
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n0.ts\n#EXT-X-ENDLIST\n";
    answer(&mut engine, &manifest, playlist.as_bytes());
    let segment = requests(&mut engine).remove(0);
    assert_eq!((segment.kind, segment.resume), (FetchKind::Segment, None));
    let outcome = FetchOutcome::Failed { bytes: 5, error: FetchError::RangeIgnored("a part".into()) };
    let report = FetchReport { is_kept: true, ..FetchReport::default() };
    engine.handle_input(Now::ZERO, Input::FetchEnded { id: segment.id, outcome, report });
    let cancelled = std::iter::from_fn(|| engine.poll_output()).filter(|output| *output == Output::Cancel(segment.id));
    assert_eq!(cancelled.count(), 1);
}

#[test]
fn each_level_of_an_index_is_asked_for_where_it_lies() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let command = Command::Load(LoadRequest::new("http://h/film.mpd".parse().unwrap()));
    engine.handle_input(Now::ZERO, Input::Command { id: CommandId(1), command });
    let mpd = "<MPD mediaPresentationDuration='PT4S'><Period><AdaptationSet mimeType='video/mp4'>\
               <Representation id='v' bandwidth='5' codecs='avc1.64001f'><BaseURL>v.mp4</BaseURL>\
               <SegmentBase indexRange='700-743'><Initialization range='0-699'/></SegmentBase></Representation>\
               </AdaptationSet></Period></MPD>";
    let manifest = requests(&mut engine).remove(0);
    answer(&mut engine, &manifest, mpd.as_bytes());
    let of_index = |request: FetchRequest| (request.kind == FetchKind::Index).then_some(request);
    let first = requests(&mut engine).into_iter().find_map(of_index).unwrap();
    assert_eq!(first.range, Some(ByteRange { offset: 700, length: Some(44) }));
    answer(&mut engine, &first, &sidx(1, 44));
    let second = requests(&mut engine).into_iter().find_map(of_index).unwrap();
    assert_eq!((second.url.as_str(), second.range.map(|range| range.offset)), ("http://h/v.mp4", Some(744)));
    answer(&mut engine, &second, &sidx(0, 9000));
    let asked: Vec<_> = requests(&mut engine).into_iter().map(|request| (request.kind, request.range)).collect();
    assert_eq!(asked, [(FetchKind::Init, Some(ByteRange { offset: 0, length: Some(700) }))]);
}

#[test]
fn initialisation_data_that_nobody_waits_for_may_fail() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let command = |engine: &mut Engine, id, command| {
        engine.handle_input(Now::ZERO, Input::Command { id: CommandId(id), command });
    };
    command(&mut engine, 1, Command::Load(LoadRequest::new("http://h/film.mpd".parse().unwrap())));
    let mpd = "<MPD mediaPresentationDuration='PT8S'><Period><AdaptationSet mimeType='video/mp4' codecs='avc1.64001f'>\
               <SegmentTemplate duration='4' initialization='$RepresentationID$' media='$Number$'/>\
               <Representation id='a' bandwidth='5'/><Representation id='b' bandwidth='9'/></AdaptationSet></Period></MPD>";
    let manifest = requests(&mut engine).remove(0);
    answer(&mut engine, &manifest, mpd.as_bytes());
    let left = requests(&mut engine).remove(0);
    assert_eq!((left.kind, left.url.path()), (FetchKind::Init, "/a"));
    command(&mut engine, 2, Command::SelectQuality(QualityChoice::Representation("b".into())));
    let seek = Command::Seek { to: MediaTime::from_millis(5000), mode: SeekMode::Exact };
    command(&mut engine, 3, seek);
    let wanted = requests(&mut engine).remove(0);
    assert_eq!((wanted.kind, wanted.url.path()), (FetchKind::Init, "/b"));
    let fail = |engine: &mut Engine, request: &FetchRequest| {
        let outcome = FetchOutcome::Failed { bytes: 0, error: FetchError::Status { status: 404, retry_after: None } };
        engine.handle_input(Now::ZERO, Input::FetchEnded { id: request.id, outcome, report: FetchReport::default() });
        let mut events = std::iter::from_fn(|| engine.poll_output());
        events.any(|output| matches!(output, Output::Event(Event::Warning { .. } | Event::Failed { .. })))
    };
    assert!(!fail(&mut engine, &left), "nobody waits for it");
    assert!(engine.snapshot(Now::ZERO).qualities.iter().all(|quality| quality.available));
    assert!(fail(&mut engine, &wanted));
}

#[test]
fn metadata_of_a_playlist_whose_begin_was_removed_keeps_its_time() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let command = Command::Load(LoadRequest::new("http://h/film.m3u8".parse().unwrap()));
    engine.handle_input(Now::ZERO, Input::Command { id: CommandId(1), command });
    let variants = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS=\"avc1.64001f\"\nv.m3u8\n";
    let list = |first: usize, event: &str, second: usize| {
        let head = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n\
             #EXT-X-PROGRAM-DATE-TIME:2020-01-01T00:00:{:02}Z\n\
             #EXT-X-DATERANGE:ID=\"{event}\",START-DATE=\"2020-01-01T00:00:{second:02}Z\"\n",
            first * 4
        );
        let segments: String = (first..4).map(|number| format!("#EXTINF:4,\n{number}.ts\n")).collect();
        head + &segments + "#EXT-X-ENDLIST\n"
    };
    let of_kind = |engine: &mut Engine, kind: FetchKind| {
        requests(engine).into_iter().find(|request| request.kind == kind).unwrap()
    };
    let starts = |engine: &Engine| {
        let list = engine.snapshot(Now::ZERO).metadata;
        list.iter().map(|found| found.start.as_nanos() / 1_000_000_000).collect::<Vec<_>>()
    };
    let manifest = of_kind(&mut engine, FetchKind::Manifest);
    answer(&mut engine, &manifest, variants.as_bytes());
    let index = of_kind(&mut engine, FetchKind::Index);
    answer(&mut engine, &index, list(0, "a", 9).as_bytes());
    assert_eq!(starts(&engine), [9]);
    engine.handle_input(Now::ZERO, Input::Refresh);
    let manifest = of_kind(&mut engine, FetchKind::Manifest);
    answer(&mut engine, &manifest, variants.as_bytes());
    let index = of_kind(&mut engine, FetchKind::Index);
    answer(&mut engine, &index, list(1, "b", 10).as_bytes());
    assert_eq!(starts(&engine), [9, 10]);
}

#[test]
fn program_tables_are_initialisation_data_enough() {
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let command = Command::Load(LoadRequest::new("http://h/film.m3u8".parse().unwrap()));
    engine.handle_input(Now::ZERO, Input::Command { id: CommandId(1), command });
    let manifest = requests(&mut engine).remove(0);
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.ts\"\n#EXTINF:4,\n0.ts\n#EXT-X-ENDLIST\n";
    answer(&mut engine, &manifest, playlist.as_bytes());
    let init = requests(&mut engine).remove(0);
    assert_eq!((init.kind, init.url.path()), (FetchKind::Init, "/init.ts"));
    let mut mux = crate::container::testmux::Mux::default();
    mux.tables(&[(0x1b, 0x101, &[])], 0);
    answer(&mut engine, &init, &mux.bytes);
    let segment = requests(&mut engine).remove(0);
    assert_eq!((segment.kind, segment.url.path()), (FetchKind::Segment, "/0.ts"));
}

/// Virtual networks have no connections, so sessions in virtual time have no such phase.
#[test]
fn the_first_connection_is_a_phase_of_the_start() {
    use crate::engine::io::ConnectTimes;
    let ms = std::time::Duration::from_millis;
    let mut engine = Engine::new(PlayerConfig::default()).unwrap();
    let command = Command::Load(LoadRequest::new("http://h/film.m3u8".parse().unwrap()));
    engine.handle_input(Now::ZERO + ms(100), Input::Command { id: CommandId(1), command });
    for (end, now) in [(35, 200), (50, 400)] {
        let request = requests(&mut engine).remove(0);
        let outcome = FetchOutcome::Failed { bytes: 0, error: FetchError::Status { status: 503, retry_after: None } };
        let connect = Some(ConnectTimes { start: ms(10), end: ms(end) });
        let report = FetchReport { connect, ..FetchReport::default() };
        engine.handle_input(Now::ZERO + ms(now), Input::FetchEnded { id: request.id, outcome, report });
        engine.advance(Now::ZERO + ms(100_000));
        let stats = engine.snapshot(Now::ZERO + ms(100_000)).stats;
        assert_eq!(stats.startup_phases.get("connect"), Some(&ms(35)), "{end}");
    }
}
