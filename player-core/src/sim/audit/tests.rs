//! The auditor finds contradictions, one by one.

use std::panic::AssertUnwindSafe;

use url::Url;

use super::*;
use crate::command::CommandId;
use crate::container::{CodecConfig, DemuxOutput, Fragment, InitSegment, MediaClock, Payload, Sample, TrackInit};
use crate::engine::io::{
    FetchError, FetchId, FetchKind, FetchOutcome, FetchReport, FetchRequest, Ingest, ResponseHead, Resume,
};
use crate::error::{ErrorCode, PlayerError};
use crate::model::ByteRange;
use crate::render::{Epoch, Window};
use crate::telemetry::{FrameAccount, FrameDiscards, FrameLosses};

const NOW: Now = Now::from_nanos(1_000_000_000);
const EPOCH: Epoch = Epoch(1);

fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn request(id: u64) -> Output {
    Output::Fetch(Box::new(FetchRequest {
        id: FetchId(id),
        kind: FetchKind::Segment,
        url: Url::parse("http://host/1.m4s").expect("an address"),
        range: None,
        ingest: Ingest::Body,
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 1000,
        first_byte_timeout: Duration::from_secs(1),
        stall_timeout: Duration::from_secs(1),
    }))
}

fn ended(id: u64, outcome: FetchOutcome) -> Box<Input> {
    Box::new(Input::FetchEnded { id: FetchId(id), outcome, report: FetchReport::default() })
}

fn failed(status: u16, delay: Duration) -> FetchOutcome {
    FetchOutcome::Failed { bytes: 0, error: FetchError::Status { status, retry_after: Some(delay) } }
}

fn append(dts: i64, key: bool) -> Output {
    let sample = Sample {
        pts: ms(dts),
        dts: ms(dts),
        duration: Duration::from_millis(40),
        key,
        payload: Payload::default(),
        crypto: None,
    };
    Output::Render(RenderCommand::Append { track: MediaKind::Video, samples: vec![sample], epoch: EPOCH })
}

fn flush() -> Output {
    let tracks = vec![MediaKind::Video];
    Output::Render(RenderCommand::Flush { epoch: EPOCH, start: MediaTime::ZERO, tracks })
}

fn configure() -> Output {
    configure_for("a")
}

fn configure_for(codec: &str) -> Output {
    let config = Arc::new(CodecConfig::for_tests(codec));
    Output::Render(RenderCommand::Configure { track: MediaKind::Video, config, window: Window::ALL, epoch: EPOCH })
}

/// Gives outputs and inputs to an auditor, and returns the finding that stopped it.
fn finding(steps: impl IntoIterator<Item = Result<Output, Box<Input>>>) -> Option<String> {
    let steps: Vec<_> = steps.into_iter().collect();
    let audited = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut audit = Audit::default();
        for step in &steps {
            match step {
                Ok(output) => audit.on_output(output, NOW),
                Err(input) => audit.on_input(input, NOW, Snapshot::default),
            }
        }
    }));
    audited.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[track_caller]
fn assert_finds(expected: &str, steps: impl IntoIterator<Item = Result<Output, Box<Input>>>) {
    let found = finding(steps);
    assert!(found.as_ref().is_some_and(|found| found.contains(expected)), "{found:?}, not {expected:?}");
}

#[test]
fn requests_are_made_once_and_not_before_the_time_that_the_server_names() {
    let complete = FetchOutcome::Complete { bytes: 10, body: Default::default() };
    assert_eq!(finding([Ok(request(1)), Err(ended(1, failed(404, Duration::ZERO))), Ok(request(2))]), None);
    assert_finds("is running", [Ok(request(1)), Ok(request(2))]);
    let Output::Fetch(part) = request(1) else { unreachable!("a request") };
    let empty = Some(ByteRange { offset: 7, length: Some(0) });
    assert_finds("is empty", [Ok(Output::Fetch(Box::new(FetchRequest { range: empty, ..*part })))]);
    assert_finds("follows", [Ok(request(2)), Err(ended(2, failed(404, Duration::ZERO))), Ok(request(2))]);
    assert_finds("brought it", [Ok(request(1)), Err(ended(1, complete)), Ok(request(2))]);
    let delayed = failed(503, Duration::from_secs(3));
    assert_finds("must wait until", [Ok(request(1)), Err(ended(1, delayed)), Ok(request(2))]);
    assert_finds("not running", [Ok(Output::Cancel(FetchId(1)))]);
}

#[test]
fn requests_continue_what_is_kept_and_nothing_is_kept_for_ever() {
    let broken = |id, bytes| {
        let error = FetchError::Truncated { received: bytes, expected: Some(20) };
        let report = FetchReport { is_kept: true, ..FetchReport::default() };
        Err(Box::new(Input::FetchEnded { id: FetchId(id), outcome: FetchOutcome::Failed { bytes, error }, report }))
    };
    let rest = |id, fetch, received| {
        let Output::Fetch(request) = request(id) else { unreachable!("a request") };
        let resume = Some(Resume { fetch: FetchId(fetch), received });
        Ok(Output::Fetch(Box::new(FetchRequest { resume, ..*request })))
    };
    let started = |id, resumed| {
        let url = Url::parse("http://host/1.m4s").expect("an address");
        let head = ResponseHead {
            status: 206,
            url,
            content_type: None,
            content_length: Some(10),
            range_ignored: false,
            date: None,
        };
        Err(Box::new(Input::FetchStarted { id: FetchId(id), head, resumed }))
    };
    let again = [Ok(request(1)), broken(1, 9), rest(2, 1, 9), started(2, true), broken(2, 4), rest(3, 2, 13)];
    assert_eq!(finding(again), None, "bytes add up");
    let anew = [Ok(request(1)), broken(1, 9), rest(2, 1, 9), started(2, false), broken(2, 4), rest(3, 2, 4)];
    assert_eq!(finding(anew), None, "or begin anew");
    assert_eq!(finding([Ok(request(1)), broken(1, 9), rest(2, 1, 9), broken(2, 0), rest(3, 2, 9)]), None, "no answer");
    assert_eq!(finding([Ok(request(1)), broken(1, 9), Ok(Output::Cancel(FetchId(1)))]), None);
    assert_finds("which is None", [Ok(request(1)), broken(1, 9), rest(2, 1, 9), broken(2, 0), rest(3, 1, 9)]);
    assert_finds("which is Some", [Ok(request(1)), broken(1, 9), rest(2, 1, 8)]);
    assert_finds("continues nothing", [Ok(request(1)), started(1, true)]);
    assert_finds("without a byte", [Ok(request(1)), broken(1, 0)]);
    let twice = [Ok(request(1)), broken(1, 9), rest(2, 1, 9), Ok(Output::Cancel(FetchId(1)))];
    assert_finds("not running", twice);
}

#[test]
fn samples_follow_a_flush_and_a_configuration_in_decoding_order() {
    assert_eq!(finding([flush(), configure(), append(0, true), append(40, false)].map(Ok)), None);
    assert_finds("in None", [configure()].map(Ok));
    assert_finds("without a configuration", [flush(), append(0, true)].map(Ok));
    assert_finds("no key frame", [flush(), configure(), append(0, false)].map(Ok));
    let again = [flush(), configure(), append(0, true), configure(), append(40, false)];
    assert_eq!(finding(again.map(Ok)), None, "the same decoder goes on");
    let other = [flush(), configure(), append(0, true), configure_for("b"), append(40, false)];
    assert_finds("no key frame", other.map(Ok));
    assert_finds("is decoded after", [flush(), configure(), append(40, true), append(40, true)].map(Ok));
    assert_finds("its media at", [flush(), configure(), append(900, true)].map(Ok));
    let end = Output::Render(RenderCommand::EndOfTrack { track: MediaKind::Video, epoch: EPOCH });
    assert_finds("goes on after its end", [flush(), configure(), end, append(0, true)].map(Ok));
    assert_finds("follows", [flush(), flush()].map(Ok));
}

#[test]
fn events_are_announced_once_and_in_their_order() {
    let event = |event: Event| Ok(Output::Event(event));
    let command = || Err(Box::new(Input::Command { id: CommandId(4), command: Command::Play }));
    let reply = |id| event(Event::Reply { id: CommandId(id), error: None });
    assert_eq!(finding([command(), reply(4), event(Event::TracksChanged)]), None);
    assert_finds("before the reply", [command(), event(Event::TracksChanged), reply(4)]);
    assert_finds("again", [command(), reply(4), reply(4)]);
    assert_finds("follows itself", [event(Event::StateChanged { state: State::Idle })]);
    let stalls = || event(Event::StallStarted { at: ms(5), reason: "x".to_owned() });
    assert_finds("in a stall", [stalls(), stalls()]);
    let goes_on = event(Event::StallEnded { at: ms(5), duration: Duration::from_secs(1) });
    assert_finds("ends after", [stalls(), goes_on]);
    let done = event(Event::SeekCompleted { to: ms(5), latency: Duration::ZERO, error_nanos: 0 });
    assert_finds("completes", [done]);
    assert_finds("a gap from", [event(Event::GapSkipped { from: ms(5), to: ms(5) })]);
}

/// Checks an account after a request for two samples, of which the first arrived twice.
fn account_finding(prepare: impl FnOnce(&mut Account), account: FrameAccount) -> Option<String> {
    let mut audit = Account::default();
    audit.begin(false);
    let Output::Fetch(request) = request(1) else { unreachable!("a request") };
    audit.on_fetch(&request);
    let track = TrackInit {
        id: 3,
        kind: MediaKind::Video,
        config: Arc::new(CodecConfig::for_tests("a")),
        timescale: 1000,
        language: None,
    };
    let init = InitSegment { tracks: vec![track], clock: MediaClock::Endless, first: None, source: Default::default() };
    let media = |output| Input::FetchMedia { id: FetchId(1), seq: 0, output };
    audit.on_input(&media(DemuxOutput::Init(Arc::new(init))));
    for at in [0, 0, 40] {
        let Output::Render(RenderCommand::Append { samples, .. }) = append(at, true) else { unreachable!("samples") };
        audit.on_input(&media(DemuxOutput::Fragment(Fragment { track: 3, samples })));
    }
    prepare(&mut audit);
    let stats = Arc::new(SessionStats { account, ..SessionStats::default() });
    let snapshot = Snapshot { stats, ..Snapshot::default() };
    let checked = std::panic::catch_unwind(AssertUnwindSafe(move || audit.check(&snapshot, false, NOW)));
    checked.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn samples_are_received_once_and_depart_for_a_cause() {
    let received = |received| FrameAccount { received, ..FrameAccount::default() };
    let lost = |lost| FrameAccount { lost, ..received(2) };
    let discarded = |discarded| FrameAccount { discarded, ..received(2) };
    let nothing = |_: &mut Account| {};
    let finds = |expected: &str, account| {
        let found = account_finding(nothing, account);
        assert!(found.as_ref().is_some_and(|found| found.contains(expected)), "{found:?}, not {expected:?}");
    };
    assert_eq!(account_finding(nothing, received(2)), None);
    finds("received of 2", received(3));
    finds("a move", discarded(FrameDiscards { seek: 1, ..FrameDiscards::default() }));
    finds("a choice", discarded(FrameDiscards { switch: 1, ..FrameDiscards::default() }));
    finds("another output", discarded(FrameDiscards { replaced: 1, ..FrameDiscards::default() }));
    finds("a stop", discarded(FrameDiscards { stopped: 1, ..FrameDiscards::default() }));
    finds("a jump", lost(FrameLosses { late: 1, ..FrameLosses::default() }));
    let overlap = lost(FrameLosses { overlapped: 1, ..FrameLosses::default() });
    finds("0 warnings", overlap);
    let warn = |audit: &mut Account| {
        let error = PlayerError::warning(ErrorCode::MediaMalformed, "video samples are lost");
        audit.on_event(&Event::Warning { error });
    };
    assert_eq!(account_finding(warn, overlap), None);
    let choose = |audit: &mut Account| {
        let command = Command::SelectText(crate::command::TrackChoice::Off);
        audit.on_input(&Input::Command { id: CommandId(1), command });
    };
    assert_eq!(account_finding(choose, received(2)), None);
    assert_eq!(account_finding(choose, discarded(FrameDiscards { switch: 1, ..FrameDiscards::default() })), None);
}
