//! Transport streams that are cut anywhere or damaged, read by the real demuxer and played in virtual time.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use crate::command::{Command, CommandId, LoadRequest};
use crate::config::PlayerConfig;
use crate::container::testmux::{Mux, PPS, SPS, byte_stream, slice};
use crate::container::{DemuxError, open};
use crate::engine::Engine;
use crate::engine::io::{FetchError, FetchOutcome, FetchReport, FetchRequest, Ingest, Input, Output, ResponseHead};
use crate::error::{ErrorCode, PlayerError};
use crate::event::Event;
use crate::render::Renderer as _;
use crate::render::null::NullRenderer;
use crate::telemetry::SessionStats;
use crate::time::Now;

const VIDEO: u16 = 0x101;
const ENTRIES: [crate::container::testmux::Entry<'static>; 1] = [(0x1b, VIDEO, &[])];
/// Pictures of a segment: one second.
const SEGMENT: u32 = 25;
/// Mutations of the engine after which a test gives up.
const STEPS: u32 = 100_000;

/// A second of pictures from number `first` on, with its tables. A picture that `is_key` holds for brings its parameter
/// sets.
fn segment(mux: &mut Mux, first: u32, is_key: impl Fn(u32) -> bool) -> Vec<u8> {
    mux.bytes.clear();
    mux.tables(&ENTRIES, 0);
    for number in first..first + SEGMENT {
        let picture = slice(is_key(number), 0, number % 16, number * 2 % 64, 500);
        let mut nals: Vec<&[u8]> = vec![&[9, 0xf0]];
        if is_key(number) {
            nals.extend([SPS, PPS]);
        }
        nals.push(&picture);
        let time = 900_000 + 3600 * u64::from(number);
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&nals));
    }
    mux.bytes.clone()
}

/// Mark at the end of a segment that cannot be read past it.
const BROKEN: &[u8] = b"broken";

/// Result of a presentation.
struct Played {
    events: Vec<Event>,
    stats: SessionStats,
    requests: usize,
}

impl Played {
    /// Warnings as codes and texts.
    fn warnings(&self) -> Vec<&PlayerError> {
        self.events
            .iter()
            .filter_map(|event| if let Event::Warning { error } = event { Some(error) } else { None })
            .collect()
    }

    /// The error that ended playback.
    fn failure(&self) -> Option<ErrorCode> {
        self.events.iter().find_map(|event| if let Event::Failed { error } = event { Some(error.code) } else { None })
    }
}

/// Answers of a server that has these segments and a playlist with these tags and, unless it is empty, this list.
fn answer(segments: &[Vec<u8>], (tags, list): (&str, &str), request: &FetchRequest) -> Vec<Input> {
    let id = request.id;
    let name = request.url.path().trim_start_matches('/');
    let body = match name.strip_suffix(".ts").and_then(|number| number.parse::<usize>().ok()) {
        Some(number) => segments[number].clone(),
        None => {
            let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n{tags}");
            if list.is_empty() {
                (0..segments.len()).for_each(|number| write!(text, "#EXTINF:1,\n{number}.ts\n").unwrap());
            }
            (text + list + "#EXT-X-ENDLIST\n").into_bytes()
        }
    };
    let bytes = body.len() as u64;
    let content_length = Some(bytes);
    let head = ResponseHead {
        status: 200,
        url: request.url.clone(),
        content_type: None,
        content_length,
        range_ignored: false,
        date: None,
    };
    let mut inputs = vec![Input::FetchStarted { id, head, resumed: false }];
    let body = Bytes::from(body);
    let outcome = match &request.ingest {
        Ingest::Media(setup) => {
            let mut outputs = Vec::new();
            let mut read = || -> Result<(), DemuxError> {
                let mut demuxer = open(setup)?;
                let part = body.strip_suffix(BROKEN);
                outputs.extend(demuxer.push(body.slice(..part.map_or(body.len(), <[u8]>::len)))?);
                if part.is_some() {
                    return Err(DemuxError::Malformed { what: "damage".to_owned(), offset: bytes });
                }
                outputs.extend(demuxer.finish()?);
                Ok(())
            };
            let verdict = read();
            let media = outputs.into_iter().zip(0..).map(|(output, seq)| Input::FetchMedia { id, seq, output });
            inputs.extend(media);
            match verdict {
                Ok(()) => FetchOutcome::Complete { bytes, body: Bytes::new() },
                Err(error) => FetchOutcome::Failed { bytes, error: FetchError::Demux(error) },
            }
        }
        _ => FetchOutcome::Complete { bytes, body },
    };
    inputs.push(Input::FetchEnded { id, outcome, report: FetchReport::default() });
    inputs
}

/// Plays segments to the end or to a failure.
fn play(segments: &[Vec<u8>]) -> Played {
    play_with(segments, "")
}

/// Plays segments of a playlist that begins with these tags.
fn play_with(segments: &[Vec<u8>], tags: &str) -> Played {
    play_playlist(segments, (tags, ""))
}

/// Plays segments that a playlist lists so.
fn play_list(segments: &[Vec<u8>], list: &str) -> Played {
    play_playlist(segments, ("", list))
}

fn play_playlist(segments: &[Vec<u8>], playlist: (&str, &str)) -> Played {
    play_ahead(segments, playlist, PlayerConfig::default().renderer_lead)
}

/// Plays segments of a playlist; the renderer gets its media so far ahead of the playhead.
fn play_ahead(segments: &[Vec<u8>], playlist: (&str, &str), renderer_lead: Duration) -> Played {
    let mut engine = Engine::new(PlayerConfig { renderer_lead, ..PlayerConfig::default() }).unwrap();
    let mut renderer = NullRenderer::new();
    let url: Url = "http://host/index.m3u8".parse().unwrap();
    let command = Command::Load(LoadRequest::new(url));
    let mut inputs = VecDeque::from([Input::Command { id: CommandId(1), command }]);
    let mut played = Played { events: Vec::new(), stats: SessionStats::default(), requests: 0 };
    let mut now = Now::ZERO;
    for _ in 0..STEPS {
        if let Some(input) = inputs.pop_front() {
            engine.handle_input(now, input);
        } else {
            let next = [engine.poll_timeout(), renderer.poll_timeout()].into_iter().flatten().min();
            now = now.max(next.expect("something is awaited"));
            renderer.advance(now);
            engine.advance(now);
        }
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Fetch(request) => {
                    played.requests += 1;
                    inputs.extend(answer(segments, playlist, &request));
                }
                Output::Cancel(_) => {}
                Output::Render(command) => renderer.handle(now, command),
                Output::Event(event) => played.events.push(event),
            }
        }
        inputs.extend(std::iter::from_fn(|| renderer.poll_event(now)).map(Input::Render));
        if played.events.iter().any(|event| matches!(event, Event::Ended | Event::Failed { .. })) {
            played.stats = engine.stats(now);
            return played;
        }
    }
    panic!("no end: {:?}", played.events);
}

#[test]
fn segments_before_the_first_key_frame_are_fetched_once_and_their_pictures_counted() {
    let mut mux = Mux::default();
    let segments: Vec<_> = (0..4).map(|at| segment(&mut mux, at * SEGMENT, |number| number == 2 * SEGMENT)).collect();
    let played = play(&segments);
    assert_eq!(played.failure(), None);
    assert_eq!(played.requests, 5, "a playlist and four segments");
    let account = played.stats.account;
    assert_eq!((account.received, account.lost.undecodable), (100, 50));
    assert_eq!(played.stats.frames.presented, 50);
    let warnings: Vec<_> = played.warnings().iter().map(|error| error.message.clone()).collect();
    assert_eq!(warnings, [crate::engine::buffer::Loss::Undecodable.message()]);
    let jumps: Vec<_> = played.events.iter().filter(|event| matches!(event, Event::GapSkipped { .. })).collect();
    assert!(jumps.len() <= 1, "{jumps:?}");
}

#[test]
fn a_rendition_that_never_brings_parameter_sets_fails_or_is_counted() {
    for count in [2, 60] {
        let mut mux = Mux::default();
        let segments: Vec<_> = (0..count).map(|at| segment(&mut mux, at * SEGMENT, |_| false)).collect();
        let played = play(&segments);
        assert_eq!(played.failure(), Some(ErrorCode::MediaUnavailable), "{count}");
        assert_eq!(played.stats.frames.presented, 0);
        assert!(played.requests < 25, "{count}: {} requests", played.requests);
    }
    // A key frame in the first segment only: what comes after is decoded by its parameter sets.
    let mut mux = Mux::default();
    let segments: Vec<_> = (0..3).map(|at| segment(&mut mux, at * SEGMENT, |number| number == 0)).collect();
    let played = play(&segments);
    assert_eq!((played.failure(), played.stats.frames.presented), (None, 75));
}

/// Removes packets of video from a segment, by position among those.
fn without(segment: &[u8], missing: &[usize]) -> Vec<u8> {
    let mut video = 0;
    let mut rest = Vec::new();
    for packet in segment.chunks(188) {
        let is_video = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]) == VIDEO;
        if !(is_video && missing.contains(&video)) {
            rest.extend_from_slice(packet);
        }
        video += usize::from(is_video);
    }
    rest
}

/// Removes the lengths of the packets of video (ISO/IEC 13818-1 §2.4.3.7: zero is allowed for video), so that only the
/// picture after it shows where a picture ends.
fn without_lengths(mut segment: Vec<u8>) -> Vec<u8> {
    for packet in segment.chunks_mut(188) {
        let begin = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
        if packet[1] & 0x5f == 0x41 && packet[2] == 1 && packet[begin..].starts_with(&[0, 0, 1, 0xe0]) {
            packet[begin + 4..begin + 6].fill(0);
        }
    }
    segment
}

#[test]
fn a_picture_that_the_end_of_a_segment_leaves_open_is_presented_once_whatever_follows() {
    let mut mux = Mux::default();
    let open = |at: u32, mux: &mut Mux| without_lengths(segment(mux, at * SEGMENT, |number| number % SEGMENT == 0));
    let segments: Vec<_> = (0..4).map(|at| open(at, &mut mux)).collect();
    let played = play(&segments);
    assert_eq!((played.failure(), played.stats.frames.presented), (None, 100), "the last one ends with the film");

    // Another discontinuity does not go on with it.
    let seams: String = segments.iter().enumerate().fold(String::new(), |text, (number, _)| {
        text + if number == 2 { "#EXT-X-DISCONTINUITY\n" } else { "" } + &format!("#EXTINF:1,\n{number}.ts\n")
    });
    let played = play_list(&segments, &seams);
    assert_eq!((played.failure(), played.stats.frames.presented), (None, 100), "a seam");

    // The segment after it gives the open picture and others in each attempt, and is never whole.
    let mut broken = segments.clone();
    let end = broken[2].len() / 188 / 2 * 188;
    broken[2].truncate(end);
    broken[2].extend_from_slice(BROKEN);
    let played = play(&broken);
    let account = played.stats.account;
    // Two whole segments, eleven pictures of the half one and the last segment; none is given twice.
    assert_eq!((played.failure(), played.stats.frames.presented, account.received), (None, 86, 86), "{account:?}");
    assert_eq!(account.decoder_input, 86, "{account:?}");

    // The renderer has the open picture by such an attempt already when the segment is given up.
    let played = play_ahead(&broken, ("", ""), Duration::from_secs(10));
    let account = played.stats.account;
    assert_eq!((played.failure(), played.stats.frames.presented, account.received), (None, 86, 86), "{account:?}");
}

#[test]
fn missing_packets_are_counted_and_announced_once_for_a_run_of_segments() {
    let mut mux = Mux::default();
    let mut segments: Vec<_> =
        (0..7).map(|at| segment(&mut mux, at * SEGMENT, |number| number % SEGMENT == 0)).collect();
    // A picture takes three packets, and four with parameter sets: two lose the middle, two the end, one the beginning.
    segments[1] = without(&segments[1], &[5, 8]);
    segments[2] = without(&segments[2], &[30]);
    segments[3] = without(&segments[3], &[30]);
    segments[5] = without(&segments[5], &[10]);
    let played = play(&segments);
    assert_eq!(played.failure(), None);
    let account = played.stats.account;
    assert_eq!((account.received, account.incomplete, account.lost.undecodable), (175, 4, 1));
    assert_eq!((played.stats.frames.corrupt, played.stats.frames.presented), (4, 174));
    let found: Vec<_> = played.warnings().iter().map(|error| (error.code, error.message.clone())).collect();
    let missing: Vec<_> = found.iter().filter(|(_, message)| message.contains("packets are missing")).collect();
    assert_eq!((missing.len(), found.len()), (2, 3), "{found:?}");
    assert!(found.iter().all(|(code, _)| *code == ErrorCode::MediaMalformed));
}

#[test]
fn a_beginning_that_is_counted_from_the_end_of_the_only_playlist_is_known_with_it() {
    let mut mux = Mux::default();
    let segments: Vec<_> = (0..6).map(|at| segment(&mut mux, at * SEGMENT, |number| number % SEGMENT == 0)).collect();
    for (tag, wanted) in [("-2.5", 3000), ("1.5", 1000), ("-9", 0), ("9", 5880)] {
        let played = play_with(&segments, &format!("#EXT-X-START:TIME-OFFSET={tag}\n"));
        assert_eq!(played.failure(), None, "{tag}");
        let first = played.events.iter().find_map(|event| match event {
            Event::FirstFrame { pts, .. } => Some(pts.as_nanos() / 1_000_000),
            _ => None,
        });
        // The begin of the segment that holds it, and of what lies past the end the last picture.
        assert_eq!(first, Some(wanted), "{tag}");
    }
}

#[test]
fn pictures_that_wait_for_parameter_sets_wait_for_no_other_discontinuity() {
    let mut mux = Mux::default();
    let blind = segment(&mut mux, 0, |_| false);
    let whole = segment(&mut mux, SEGMENT, |number| number == SEGMENT);
    for (seam, attempts) in [("", 0), ("#EXT-X-DISCONTINUITY\n", 2)] {
        let list = format!("#EXTINF:1,\n0.ts\n{seam}#EXTINF:1,\n1.ts\n");
        let played = play_list(&[blind.clone(), whole.clone()], &list);
        assert_eq!((played.failure(), played.stats.frames.presented), (None, 25), "{seam}");
        let empty = played.warnings().iter().filter(|error| error.code == ErrorCode::SegmentEmpty).count();
        assert_eq!(empty, attempts, "{seam}: {:?}", played.warnings());
    }
}
