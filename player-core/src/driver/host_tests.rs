//! Parts of a host in place of the player's own: a network in memory, decorators, a store, a key system. All of them
//! answer later, from another thread.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::*;
use crate::container::mp4::testmux::{self, SampleSpec, TestCodec, TestTrack};
use crate::container::{DemuxOutput, DemuxSetup};
use crate::drm::{self, DrmError, KeyFile, KeyId, LicensedKey};
use crate::engine::io::{
    FetchError, FetchId, FetchKind, FetchOutcome, FetchReport, FetchRequest, Ingest, Input, ResponseHead,
};
use crate::error::ErrorCode;
use crate::event::Event;
use crate::model::{ByteRange, ContainerFormat};
use crate::player::Player;
use crate::render::null::NullRenderer;
use crate::{PlayerConfig, Severity};

/// Guard against a test that hangs.
const LONG: Duration = Duration::from_secs(60);

type Work = Box<dyn FnOnce() + Send>;

/// Thread that does work later.
#[derive(Clone)]
struct Worker(SyncSender<Work>);

impl Worker {
    fn start() -> Self {
        let (sender, receiver) = sync_channel::<Work>(64);
        let run = move || receiver.into_iter().for_each(|work| work());
        std::thread::Builder::new().name("host".into()).spawn(run).unwrap();
        Self(sender)
    }

    fn later(&self, work: impl FnOnce() + Send + 'static) {
        self.0.send(Box::new(work)).unwrap();
    }
}

/// A network whose files are in memory, by path.
struct MemoryNetwork {
    files: BTreeMap<String, Bytes>,
    asked: Mutex<Vec<FetchRequest>>,
    is_cache: bool,
    worker: Worker,
}

impl MemoryNetwork {
    fn new(files: impl IntoIterator<Item = (&'static str, Bytes)>) -> Arc<Self> {
        Self::with(files, true)
    }

    fn with(files: impl IntoIterator<Item = (&'static str, Bytes)>, is_cache: bool) -> Arc<Self> {
        let files = files.into_iter().map(|(path, body)| (path.to_owned(), body)).collect();
        Arc::new(Self { files, is_cache, asked: Mutex::default(), worker: Worker::start() })
    }

    fn asked(&self) -> Vec<FetchRequest> {
        self.asked.lock().unwrap().clone()
    }
}

impl Fetcher for MemoryNetwork {
    fn start(&self, request: FetchRequest, reply: FetchReply) {
        self.asked.lock().unwrap().push(request.clone());
        let Some(body) = self.files.get(request.url.path()).cloned() else {
            return reply.end(Err(FetchError::Status { status: 404, retry_after: None }));
        };
        let is_cache = self.is_cache;
        self.worker.later(move || {
            if is_cache {
                reply.mark_from_cache();
            }
            reply.begin(ResponseHead {
                status: 200,
                url: request.url,
                content_type: None,
                content_length: Some(body.len() as u64),
                range_ignored: false,
                date: None,
            });
            for piece in body.chunks(700) {
                reply.write(Bytes::copy_from_slice(piece));
            }
            reply.end(Ok(()));
        });
    }
}

/// A film of 0.8 s in two segments.
fn film() -> [(&'static str, Bytes); 4] {
    let track = TestTrack::new(1, 1000, TestCodec::H264 { width: 320, height: 180 });
    let samples: Vec<SampleSpec> = (0..10).map(|number| (40, 300, number == 0, 0)).collect();
    let playlist = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"init.mp4\"\n\
        #EXTINF:0.4,\n0.m4s\n#EXTINF:0.4,\n1.m4s\n#EXT-X-ENDLIST\n";
    [
        ("/film/index.m3u8", Bytes::from_static(playlist.as_bytes())),
        ("/film/init.mp4", testmux::init(&[track])),
        ("/film/0.m4s", testmux::segment(1, 1, 0, &samples)),
        ("/film/1.m4s", testmux::segment(1, 2, 400, &samples)),
    ]
}

/// A recording that can be read afterwards.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Vec<u8>>>);

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Plays the film to its end. Returns the counters and all that was recorded.
fn play(parts: HostParts) -> (Arc<crate::snapshot::Snapshot>, String) {
    let recording = Recording::default();
    let target = Box::new(recording.clone());
    let renderer = Box::new(NullRenderer::new());
    let player = Player::with_host(PlayerConfig::default(), parts, renderer, Some(target)).unwrap();
    player.load("http://user:word@memory/film/index.m3u8".parse().unwrap()).unwrap();
    player.play().unwrap();
    loop {
        match player.wait_event(LONG).expect("the film ends") {
            Event::Ended => break,
            Event::Failed { error } => panic!("{error}"),
            Event::Warning { error } if error.severity == Severity::Warning => panic!("{error}"),
            _ => {}
        }
    }
    let snapshot = player.snapshot();
    drop(player);
    let text = String::from_utf8(recording.0.lock().unwrap().clone()).unwrap();
    (snapshot, text)
}

/// Adds a token to each address.
struct Token(Worker);

impl FetchDecorator for Token {
    fn on_request(&self, request: &FetchRequest, mut parts: RequestParts, completion: Completion<RequestParts>) {
        let number = request.id.0;
        self.0.later(move || {
            parts.url.query_pairs_mut().append_pair("token", &format!("secret-{number}"));
            parts.headers.push(("X-Number".to_owned(), number.to_string()));
            completion.complete(Ok(parts));
        });
    }
}

/// Undoes a wrapping of bodies: each byte is inverted.
struct Unwrap(Worker);

fn wrapped(body: &[u8]) -> Bytes {
    body.iter().map(|byte| !byte).collect()
}

impl FetchDecorator for Unwrap {
    fn decorates_response(&self, request: &FetchRequest, _: &ResponseHead) -> bool {
        matches!(request.kind, FetchKind::Init | FetchKind::Segment)
    }

    fn on_response(&self, _: &FetchRequest, _: &ResponseHead, body: Bytes, completion: Completion<Bytes>) {
        self.0.later(move || completion.complete(Ok(wrapped(&body))));
    }
}

#[test]
fn a_film_in_memory_plays_and_teaches_the_rule_nothing_about_the_network() {
    let network = MemoryNetwork::new(film());
    let (snapshot, _) = play(HostParts { fetcher: Some(network.clone()), ..HostParts::default() });
    assert_eq!((snapshot.stats.frames.presented, snapshot.stats.requests), (20, 4));
    assert_eq!(snapshot.stats.bandwidth_estimate, None, "bytes of a cache say nothing about the network");
    assert_eq!(snapshot.stats.startup_phases.get("connect"), None);
    let asked = network.asked();
    assert!(asked.iter().all(|request| request.url.username().is_empty()), "user information goes no further");
    assert!(asked.iter().all(|request| request.cipher.is_none()));
}

#[test]
fn tokens_and_wrapped_bodies_are_between_host_and_server() {
    let worker = Worker::start();
    let files = film().map(|(path, body)| (path, if path.ends_with("m3u8") { body } else { wrapped(&body) }));
    let network = MemoryNetwork::new(files);
    let decorators: Vec<Arc<dyn FetchDecorator>> = vec![Arc::new(Token(worker.clone())), Arc::new(Unwrap(worker))];
    let (snapshot, recording) = play(HostParts { fetcher: Some(network.clone()), decorators, ..HostParts::default() });
    assert_eq!(snapshot.stats.frames.presented, 20);
    let asked = network.asked();
    assert_eq!(asked.len(), 4);
    for request in asked {
        assert_eq!(request.url.query(), Some(format!("token=secret-{}", request.id.0).as_str()));
        assert_eq!(request.headers, [("X-Number".to_owned(), request.id.0.to_string())]);
    }
    assert!(recording.contains("index.m3u8") && !recording.contains("secret"), "no record holds a token");
    assert!(!recording.contains("word@"), "and none a password");
}

/// Requests of one player and what they report.
struct Client {
    inbox: Arc<Inbox>,
    requests: Requests,
}

impl Client {
    fn new(parts: &HostParts) -> Self {
        let inbox = Arc::new(Inbox::new());
        Self { requests: Requests::new(parts.pipeline().unwrap(), Arc::clone(&inbox)).unwrap(), inbox }
    }

    fn next(&self) -> Input {
        let clock = MonotonicClock::start();
        match self.inbox.receive(&clock, Some(clock.now() + LONG)) {
            Some(Message::Answer(input, _permit)) => input,
            other => panic!("no answer, timed out: {}", other.is_none()),
        }
    }

    fn fetch(&mut self, request: FetchRequest) -> (Vec<Input>, FetchOutcome, FetchReport) {
        self.requests.start(request);
        let mut inputs = Vec::new();
        loop {
            match self.next() {
                Input::FetchEnded { outcome, report, .. } => return (inputs, outcome, report),
                input => inputs.push(input),
            }
        }
    }

    fn error(&mut self, request: FetchRequest) -> FetchError {
        match self.fetch(request).1 {
            FetchOutcome::Failed { error, .. } => error,
            other => panic!("{other:?}"),
        }
    }
}

fn request(path: &str) -> FetchRequest {
    FetchRequest {
        id: FetchId(1),
        kind: FetchKind::Segment,
        url: Url::parse("http://memory/").unwrap().join(path).unwrap(),
        range: None,
        ingest: Ingest::Body,
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 10_000,
        first_byte_timeout: LONG,
        stall_timeout: LONG,
    }
}

/// Report of a [`Silent`] decorator.
enum Held {
    Request(Completion<RequestParts>),
    Response(Completion<Bytes>),
    Cancelled,
}

impl Held {
    fn fail(self, error: FetchError) {
        match self {
            Self::Request(completion) => completion.complete(Err(error)),
            Self::Response(completion) => completion.complete(Err(error)),
            Self::Cancelled => panic!("nothing is held"),
        }
    }
}

/// A decorator that hands its completions to the test and answers nothing by itself.
struct Silent {
    reports: SyncSender<Held>,
    holds_responses: bool,
}

impl Silent {
    fn parts(holds_responses: bool) -> (Receiver<Held>, HostParts) {
        let (reports, received) = sync_channel(64);
        let fetcher = MemoryNetwork::new([("/a", Bytes::from_static(b"abc"))]);
        let silent = Arc::new(Self { reports, holds_responses });
        (received, HostParts { fetcher: Some(fetcher), decorators: vec![silent], ..HostParts::default() })
    }

    fn hold(&self, cancellation: &Cancellation, held: impl FnOnce() -> Held) {
        let reports = self.reports.clone();
        cancellation.on_cancel(move || reports.send(Held::Cancelled).unwrap());
        self.reports.send(held()).unwrap();
    }
}

impl FetchDecorator for Silent {
    fn on_request(&self, _: &FetchRequest, parts: RequestParts, completion: Completion<RequestParts>) {
        if self.holds_responses {
            return completion.complete(Ok(parts));
        }
        self.hold(&completion.cancellation().clone(), || Held::Request(completion));
    }

    fn decorates_response(&self, _: &FetchRequest, _: &ResponseHead) -> bool {
        self.holds_responses
    }

    fn on_response(&self, _: &FetchRequest, _: &ResponseHead, _: Bytes, completion: Completion<Bytes>) {
        self.hold(&completion.cancellation().clone(), || Held::Response(completion));
    }
}

#[test]
fn a_cancelled_request_cancels_the_work_of_its_decorator() {
    for holds_responses in [false, true] {
        let (held, parts) = Silent::parts(holds_responses);
        let mut client = Client::new(&parts);
        client.requests.start(request("a"));
        let first = held.recv_timeout(LONG).unwrap();
        client.requests.cancel(FetchId(1));
        assert!(matches!(held.recv_timeout(LONG).unwrap(), Held::Cancelled));
        first.fail(FetchError::Host("late".to_owned()));
        client.requests.start(FetchRequest { id: FetchId(2), ..request("a") });
        held.recv_timeout(LONG).unwrap().fail(FetchError::Host("refused".to_owned()));
        loop {
            match client.next() {
                Input::FetchStarted { .. } | Input::FetchProgress { .. } => assert!(holds_responses),
                Input::FetchEnded { id, outcome: FetchOutcome::Failed { error, .. }, .. } => {
                    assert_eq!((id, error), (FetchId(2), FetchError::Host("refused".to_owned())));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn the_work_of_decorators_counts_against_the_time_limits() {
    for holds_responses in [false, true] {
        let (held, parts) = Silent::parts(holds_responses);
        let mut asked = request("a");
        let limit = if holds_responses { &mut asked.stall_timeout } else { &mut asked.first_byte_timeout };
        *limit = Duration::from_millis(50);
        assert_eq!(Client::new(&parts).error(asked), FetchError::Timeout { started: holds_responses });
        let _completion = held.recv_timeout(LONG).unwrap();
        assert!(matches!(held.recv_timeout(LONG).unwrap(), Held::Cancelled));
    }
}

/// A fetcher that fails in a way of the test.
struct Failing(fn(FetchReply));

impl Fetcher for Failing {
    fn start(&self, _: FetchRequest, reply: FetchReply) {
        (self.0)(reply);
    }
}

fn head_of(length: Option<u64>) -> ResponseHead {
    ResponseHead {
        status: 200,
        url: "http://memory/a".parse().unwrap(),
        content_type: None,
        content_length: length,
        range_ignored: false,
        date: None,
    }
}

#[test]
fn a_fetcher_that_fails_is_a_typed_error() {
    let error = |fail: fn(FetchReply)| {
        let mut asked = request("a");
        asked.stall_timeout = Duration::from_millis(50);
        Client::new(&HostParts { fetcher: Some(Arc::new(Failing(fail))), ..HostParts::default() }).error(asked)
    };
    assert!(matches!(error(drop), FetchError::Host(_)));
    assert!(matches!(error(|_| panic!("a defect of the host")), FetchError::Demux(_)));
    assert_eq!(error(|reply| reply.end(Err(FetchError::Tls("no".into())))), FetchError::Tls("no".into()));
    let endless = |reply: FetchReply| {
        reply.begin(head_of(None));
        while !reply.cancellation().is_cancelled() && reply.write(Bytes::from_static(&[0; 999])) {}
    };
    assert_eq!(error(endless), FetchError::TooLarge { limit: 10_000 });
    let stalling = |reply: FetchReply| {
        reply.begin(head_of(Some(9)));
        std::mem::forget(reply);
    };
    assert_eq!(error(stalling), FetchError::Timeout { started: true });
}

#[test]
fn an_empty_answer_and_the_error_of_a_status_pass_as_they_are() {
    let network = MemoryNetwork::new([("/empty", Bytes::new())]);
    let mut client = Client::new(&HostParts { fetcher: Some(network), ..HostParts::default() });
    let (inputs, outcome, report) = client.fetch(request("empty"));
    assert!(matches!(inputs.as_slice(), [Input::FetchStarted { .. }]), "{inputs:?}");
    assert_eq!(outcome, FetchOutcome::Complete { bytes: 0, body: Bytes::new() });
    assert!(report.from_cache && report.first_byte <= report.last_byte && report.first_byte.is_some());
    assert_eq!(client.error(request("missing")), FetchError::Status { status: 404, retry_after: None });
}

#[test]
fn kept_media_is_read_from_the_store_and_nothing_else_is_kept() {
    let [manifest, init, first, second] = film();
    let store = MemoryStore::new(1 << 20);
    let network = MemoryNetwork::with([manifest, init.clone(), first, second.clone()], false);
    let parts = HostParts { fetcher: Some(network.clone()), media_store: Some(store.clone()), ..HostParts::default() };
    let mut client = Client::new(&parts);
    let media = crate::container::read_init(init.1).unwrap();
    let mut asked = request("film/1.m4s");
    asked.ingest = Ingest::Media(DemuxSetup::new(ContainerFormat::Fmp4, Some(Arc::new(media))));
    let samples = |inputs: &[Input]| {
        let fragments = inputs.iter().filter_map(|input| match input {
            Input::FetchMedia { output: DemuxOutput::Fragment(fragment), .. } => Some(fragment.samples.len()),
            _ => None,
        });
        fragments.sum::<usize>()
    };
    let (inputs, outcome, _) = client.fetch(asked.clone());
    assert_eq!((samples(&inputs), network.asked().len(), store.bytes()), (10, 1, second.1.len() as u64));
    let (again, same, report) = client.fetch(asked.clone());
    assert_eq!((samples(&again), same, network.asked().len()), (10, outcome, 1), "the network is not asked again");
    assert!(report.from_cache && report.last_byte.is_some());
    asked.range = Some(ByteRange { offset: 0, length: Some(100) });
    client.fetch(asked);
    assert_eq!(network.asked().len(), 2, "a part is another thing than the whole");
    let kept = store.bytes();
    client.fetch(FetchRequest { kind: FetchKind::Manifest, ..request("film/index.m3u8") });
    client.error(request("film/2.m4s"));
    assert_eq!(store.bytes(), kept, "neither manifests nor failures are kept");
}

#[test]
fn kept_media_is_as_its_decorators_left_it_and_not_decorated_again() {
    let decorators: Vec<Arc<dyn FetchDecorator>> = vec![Arc::new(Unwrap(Worker::start()))];
    let network = MemoryNetwork::with([("/a", wrapped(b"abc"))], false);
    let store = MemoryStore::new(1 << 20);
    let parts = HostParts {
        fetcher: Some(network.clone()),
        decorators,
        media_store: Some(store.clone()),
        ..HostParts::default()
    };
    let mut client = Client::new(&parts);
    let expected = FetchOutcome::Complete { bytes: 3, body: Bytes::from_static(b"abc") };
    assert_eq!((client.fetch(request("a")).1, store.bytes()), (expected.clone(), 3));
    let (_, outcome, report) = client.fetch(request("a"));
    assert_eq!((outcome, report.from_cache, network.asked().len()), (expected, true, 1));
}

/// A store that fails, or never answers.
struct BadStore(bool);

impl MediaStore for BadStore {
    fn keeps(&self, _: &MediaKey) -> bool {
        false
    }

    fn read(&self, _: &MediaKey, completion: Completion<Option<StoredMedia>>) {
        match self.0 {
            true => completion.complete(Err(FetchError::Host("the disk is gone".to_owned()))),
            false => std::mem::forget(completion),
        }
    }

    fn write(&self, _: MediaKey, _: StoredMedia) {
        panic!("it keeps nothing");
    }
}

/// A network that answers before it returns, so that no time limit can pass in between.
struct Immediate(Bytes);

impl Fetcher for Immediate {
    fn start(&self, _: FetchRequest, reply: FetchReply) {
        reply.begin(head_of(Some(self.0.len() as u64)));
        reply.write(self.0.clone());
        reply.end(Ok(()));
    }
}

#[test]
fn a_store_that_fails_or_is_late_is_passed_over() {
    for fails in [true, false] {
        let fetcher = Arc::new(Immediate(Bytes::from_static(b"abc")));
        let store = Arc::new(BadStore(fails));
        let parts = HostParts { fetcher: Some(fetcher), media_store: Some(store), ..HostParts::default() };
        let mut asked = request("a");
        asked.first_byte_timeout = if fails { LONG } else { Duration::from_millis(20) };
        let (_, outcome, _) = Client::new(&parts).fetch(asked);
        assert_eq!(outcome, FetchOutcome::Complete { bytes: 3, body: Bytes::from_static(b"abc") }, "{fails}");
    }
}

/// Licences in an envelope of the host's own: one byte in front of requests and answers.
struct Envelope(Worker);

impl KeySystem for Envelope {
    fn on_request(&self, request: &FetchRequest, mut parts: RequestParts, completion: Completion<RequestParts>) {
        let ids: Vec<String> = request.key_ids.iter().map(ToString::to_string).collect();
        self.0.later(move || {
            parts.post = Some([b"E".as_slice(), &parts.post.unwrap_or_default()].concat().into());
            parts.headers = vec![("X-Keys".to_owned(), ids.join(","))];
            completion.complete(Ok(parts));
        });
    }

    fn read_keys(&self, _: &FetchRequest, file: KeyFile, body: Bytes, completion: Completion<Vec<LicensedKey>>) {
        self.0.later(move || {
            let letter = body.strip_prefix(b"E").ok_or(DrmError::KeyMalformed("no envelope".to_owned()));
            completion.complete(letter.and_then(|letter| drm::read_keys(file, letter)).map_err(FetchError::Key));
        });
    }
}

#[test]
fn a_key_system_of_the_host_writes_requests_for_keys_and_reads_their_answers() {
    let licence = br#"E{"keys":[{"kty":"oct","kid":"AAAAAAAAAAAAAAAAAAAAAA","k":"AAAAAAAAAAAAAAAAAAAAAA"}]}"#;
    let network = MemoryNetwork::new([("/l", Bytes::from_static(licence)), ("/bad", Bytes::from_static(b"{}"))]);
    let keys: Arc<dyn KeySystem> = Arc::new(Envelope(Worker::start()));
    let parts = HostParts { fetcher: Some(network.clone()), key_system: Some(keys), ..HostParts::default() };
    let mut client = Client::new(&parts);
    let mut asked = FetchRequest { kind: FetchKind::Key, ingest: Ingest::Keys(KeyFile::Licence), ..request("l") };
    (asked.post, asked.key_ids) = (Some(Bytes::from_static(b"{}")), vec![KeyId([0; 16])]);
    let (_, outcome, _) = client.fetch(asked.clone());
    assert!(matches!(&outcome, FetchOutcome::Keys { keys, .. } if keys.len() == 1), "{outcome:?}");
    let sent = network.asked().remove(0);
    assert_eq!(sent.post.as_deref(), Some(b"E{}".as_slice()));
    assert_eq!(sent.headers, [("X-Keys".to_owned(), "0".repeat(32))]);
    asked.url = request("bad").url;
    assert_eq!(client.error(asked), FetchError::Key(DrmError::KeyMalformed("no envelope".to_owned())));
}

#[test]
fn a_failure_of_the_host_ends_playback_with_a_typed_error() {
    let refuse = |reply: FetchReply| reply.end(Err(FetchError::Host("no network today".to_owned())));
    let parts = HostParts { fetcher: Some(Arc::new(Failing(refuse))), ..HostParts::default() };
    let player = Player::with_host(PlayerConfig::default(), parts, Box::new(NullRenderer::new()), None).unwrap();
    player.load("http://memory/film/index.m3u8".parse().unwrap()).unwrap();
    let error = loop {
        if let Event::Failed { error } = player.wait_event(LONG).expect("playback fails") {
            break error;
        }
    };
    assert_eq!(error.code, ErrorCode::NetworkUnreachable);
    assert!(error.message.contains("no network today"), "{error}");
}
