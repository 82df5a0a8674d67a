//! Transfers that break off and go on (`docs/adr/0022`): with a fetcher in memory at every byte, and over loopback with
//! servers of all kinds.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use bytes::Bytes;
use url::Url;

use super::*;
use crate::container::mp4::testmux::{self, SampleSpec, TestCodec, TestFragment, TestTrack};
use crate::container::testmux::{Mux, PPS, SPS, adts, byte_stream, slice};
use crate::container::{DemuxOutput, DemuxSetup, Sample};
use crate::drm::{ContentKey, SegmentCipher, SegmentCipherMode};
use crate::engine::io::{
    FetchError, FetchId, FetchKind, FetchOutcome, FetchReport, FetchRequest, Ingest, Input, ResponseHead, Resume,
};
use crate::model::{ByteRange, ContainerFormat};

/// Guard against a test that hangs.
const LONG: Duration = Duration::from_secs(60);
const KEY: [u8; 16] = [7; 16];

/// Requests of one player, with names in their order.
struct Client {
    inbox: Arc<Inbox>,
    requests: Requests,
    next: u64,
}

/// All that a request reported.
struct Answer {
    inputs: Vec<Input>,
    outcome: FetchOutcome,
    report: FetchReport,
}

impl Answer {
    fn is_resumed(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input, Input::FetchStarted { resumed: true, .. }))
    }

    fn bytes(&self) -> u64 {
        match &self.outcome {
            FetchOutcome::Complete { bytes, .. } | FetchOutcome::Keys { bytes, .. } => *bytes,
            FetchOutcome::Failed { bytes, .. } => *bytes,
        }
    }

    fn error(&self) -> Option<&FetchError> {
        match &self.outcome {
            FetchOutcome::Failed { error, .. } => Some(error),
            FetchOutcome::Complete { .. } | FetchOutcome::Keys { .. } => None,
        }
    }

    /// The samples, with the numbers of their tracks, and checks that pieces are counted from zero.
    fn samples(&self) -> Vec<(u32, Sample)> {
        let mut samples = Vec::new();
        let mut count = 0;
        for input in &self.inputs {
            let Input::FetchMedia { seq, output, .. } = input else { continue };
            assert_eq!(*seq, count);
            count += 1;
            if let DemuxOutput::Fragment(fragment) = output {
                samples.extend(fragment.samples.iter().map(|sample| (fragment.track, sample.clone())));
            }
        }
        samples
    }
}

impl Client {
    fn new(parts: &HostParts) -> Self {
        let inbox = Arc::new(Inbox::new());
        let requests = Requests::new(parts.pipeline().unwrap(), Arc::clone(&inbox)).unwrap();
        Self { inbox, requests, next: 0 }
    }

    /// Fetches; with `resume`, after this number of bytes of the request before.
    fn fetch(&mut self, request: &FetchRequest, resume: Option<u64>) -> Answer {
        let id = FetchId(self.next);
        let before = FetchId(self.next.saturating_sub(1));
        self.next += 1;
        let resume = resume.map(|received| Resume { fetch: before, received });
        self.requests.start(FetchRequest { id, resume, ..request.clone() });
        let clock = MonotonicClock::start();
        let mut inputs = Vec::new();
        loop {
            match self.inbox.receive(&clock, Some(clock.now() + LONG)) {
                Some(Message::Answer(Input::FetchEnded { outcome, report, .. }, _permit)) => {
                    return Answer { inputs, outcome, report };
                }
                Some(Message::Answer(input, _permit)) => inputs.push(input),
                other => panic!("no answer, timed out: {}", other.is_none()),
            }
        }
    }
}

fn request(url: Url, setup: DemuxSetup) -> FetchRequest {
    FetchRequest {
        id: FetchId(0),
        kind: FetchKind::Segment,
        url,
        range: None,
        ingest: Ingest::Media(setup),
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 1 << 20,
        first_byte_timeout: LONG,
        stall_timeout: LONG,
    }
}

/// A segment of two movie fragments, and the setup that reads it.
fn fragments() -> (Bytes, DemuxSetup) {
    let track = TestTrack::new(1, 1000, TestCodec::H264 { width: 320, height: 180 });
    let init = crate::container::read_init(testmux::init(&[track])).unwrap();
    let samples: Vec<SampleSpec> = (0..4).map(|number| (40, 60 + number, number == 0, 0)).collect();
    let mut file = Vec::new();
    for half in 0..2 {
        let at = TestFragment { track: 1, sequence: 1 + half, base_decode_time: 160 * u64::from(half), boxes: &[] };
        let media: Vec<u8> = (0..4).flat_map(|index| testmux::payload(1, 1 + half, index, 60 + index as u32)).collect();
        file.extend(testmux::fragment_of(&[(at, &samples)], &media));
    }
    (file.into(), DemuxSetup::new(ContainerFormat::Fmp4, Some(Arc::new(init))))
}

/// A transport stream of pictures and sound.
fn packets() -> (Bytes, DemuxSetup) {
    let mut mux = Mux::new(&[(0x1b, 0x101, &[]), (0x0f, 0x102, &[])]);
    for number in 0..3 {
        let picture = slice(number == 0, 0, number, number * 2, 150);
        let nals: &[&[u8]] = if number == 0 { &[SPS, PPS, &picture] } else { &[&picture] };
        let time = 90_000 + 3600 * u64::from(number);
        mux.packet(0x101, Some((time, time)), &byte_stream(nals));
        mux.packet(0x102, Some((time, time)), &adts(90, 1));
    }
    (mux.bytes.into(), DemuxSetup::new(ContainerFormat::MpegTs, None))
}

/// Encrypts with AES-128 in cipher block chaining, from a vector of zeros, with padding.
fn encrypted(plain: &[u8]) -> Bytes {
    let cipher = Aes128::new_from_slice(&KEY).unwrap();
    let padding = 16 - plain.len() % 16;
    let padded = [plain, &vec![padding as u8; padding]].concat();
    let mut before = [0; 16];
    let blocks = padded.chunks(16).flat_map(|block| {
        let mut mixed = [0; 16];
        mixed.iter_mut().zip(block).zip(before).for_each(|((mixed, byte), before)| *mixed = byte ^ before);
        let mut mixed = mixed.into();
        cipher.encrypt_block(&mut mixed);
        before = mixed.into();
        before
    });
    blocks.collect()
}

fn cipher() -> SegmentCipher {
    SegmentCipher { mode: SegmentCipherMode::Aes128Cbc, key: ContentKey::new(&KEY).unwrap(), iv: [0; 16] }
}

/// A network in memory whose answers break off, each after a number of bytes.
struct Breaking {
    file: Bytes,
    cuts: Mutex<VecDeque<usize>>,
    /// The rest is served, and the file has a name.
    knows_rests: bool,
}

impl Breaking {
    fn parts(file: &Bytes, cuts: &[usize], knows_rests: bool) -> HostParts {
        let cuts = Mutex::new(cuts.iter().copied().collect());
        HostParts { fetcher: Some(Arc::new(Self { file: file.clone(), cuts, knows_rests })), ..HostParts::default() }
    }
}

impl Fetcher for Breaking {
    fn start(&self, request: FetchRequest, reply: FetchReply) {
        let rest = reply.rest().cloned().filter(|_| self.knows_rests);
        let begin = rest.as_ref().map_or(0, |rest| rest.received as usize);
        let body = self.file.slice(begin..);
        let head = ResponseHead {
            status: 200,
            url: request.url,
            content_type: None,
            content_length: Some(body.len() as u64),
            range_ignored: false,
            date: None,
        };
        if self.knows_rests {
            let validator = Some(Validator::EntityTag("\"a\"".to_owned()));
            reply.identify(FileIdentity { validator, length: None });
        }
        match rest {
            Some(_) => reply.begin_rest(head),
            None => reply.begin(head),
        }
        let cut = self.cuts.lock().unwrap().pop_front().unwrap_or(body.len()).min(body.len());
        body.slice(..cut).chunks(97).for_each(|piece| {
            let _ = reply.write(Bytes::copy_from_slice(piece));
        });
        reply.end(Ok(()));
    }
}

fn memory() -> Url {
    Url::parse("http://memory/segment").unwrap()
}

#[test]
fn samples_are_the_same_wherever_bytes_break_off() {
    for (name, (plain, setup), is_locked) in [
        ("fragments", fragments(), false),
        ("packets", packets(), false),
        ("encrypted fragments", fragments(), true),
        ("encrypted packets", packets(), true),
    ] {
        let file = if is_locked { encrypted(&plain) } else { plain };
        let wanted = FetchRequest { cipher: is_locked.then(cipher), ..request(memory(), setup) };
        let whole = Client::new(&Breaking::parts(&file, &[], true)).fetch(&wanted, None);
        assert!(whole.error().is_none() && whole.samples().len() >= 6, "{name}");
        for cut in 1..file.len() {
            let mut client = Client::new(&Breaking::parts(&file, &[cut], true));
            let first = client.fetch(&wanted, None);
            assert!(first.report.is_kept && first.bytes() == cut as u64, "{name} {cut}: {:?}", first.outcome);
            let second = client.fetch(&wanted, Some(cut as u64));
            assert!(second.is_resumed() && second.error().is_none(), "{name} {cut}: {:?}", second.outcome);
            assert_eq!(second.bytes(), (file.len() - cut) as u64, "{name} {cut}: its own bytes");
            assert!(!second.report.is_kept);
            let both = [first.samples(), second.samples()].concat();
            assert!(both == whole.samples(), "{name} {cut}: {} of {} samples", both.len(), whole.samples().len());
        }
    }
}

#[test]
fn breaks_in_a_row_add_up() {
    let (file, setup) = packets();
    let wanted = FetchRequest { cipher: Some(cipher()), ..request(memory(), setup) };
    let file = encrypted(&file);
    let whole = Client::new(&Breaking::parts(&file, &[], true)).fetch(&wanted, None).samples();
    let mut client = Client::new(&Breaking::parts(&file, &[100, 0, 301, 5], true));
    let mut samples = client.fetch(&wanted, None).samples();
    for (received, own) in [(100, 0), (100, 301), (401, 5), (406, file.len() - 406)] {
        let answer = client.fetch(&wanted, Some(received));
        assert!(answer.is_resumed() && answer.bytes() == own as u64, "{received}");
        samples.extend(answer.samples());
    }
    assert!(samples == whole);
}

#[test]
fn a_fetcher_that_knows_nothing_of_rests_begins_anew() {
    let (file, setup) = fragments();
    let wanted = request(memory(), setup);
    let mut client = Client::new(&Breaking::parts(&file, &[file.len() / 2], false));
    let first = client.fetch(&wanted, None);
    assert!(!first.report.is_kept && first.error().is_some(), "nothing says what file it is");
    let second = client.fetch(&wanted, Some(first.bytes()));
    assert!(!second.is_resumed() && second.bytes() == file.len() as u64);
    assert_eq!(second.samples().len(), 8);
}

#[test]
fn what_is_cancelled_or_of_another_length_or_no_media_is_not_kept() {
    let (file, setup) = fragments();
    let wanted = request(memory(), setup);
    let mut client = Client::new(&Breaking::parts(&file, &[300, 300, 300], true));
    assert!(client.fetch(&wanted, None).report.is_kept);
    client.requests.cancel(FetchId(0));
    assert!(!client.fetch(&wanted, Some(300)).is_resumed());
    let other = client.fetch(&wanted, Some(299));
    assert!(!other.is_resumed() && other.bytes() == 300, "the engine and the host have to agree");
    let body = FetchRequest { ingest: Ingest::Body, ..wanted.clone() };
    let mut client = Client::new(&Breaking::parts(&file, &[300], true));
    assert!(!client.fetch(&body, None).report.is_kept);
    // They are never asked for again, which would be a mistake of the engine.
    let mut client = Client::new(&Breaking::parts(&file, &[300; 10], true));
    let kept = (0..10).map(|_| client.fetch(&wanted, None).report.is_kept);
    assert_eq!(kept.filter(|kept| *kept).count(), 8);
}

#[test]
fn a_store_gets_the_whole_and_decorators_see_it() {
    struct Inverting;
    impl FetchDecorator for Inverting {
        fn decorates_response(&self, _: &FetchRequest, _: &ResponseHead) -> bool {
            true
        }

        fn on_response(&self, _: &FetchRequest, _: &ResponseHead, body: Bytes, completion: Completion<Bytes>) {
            completion.complete(Ok(body.iter().map(|byte| !byte).collect()));
        }
    }
    let (file, setup) = fragments();
    let inverted: Bytes = file.iter().map(|byte| !byte).collect();
    let wanted = request(memory(), setup);
    let store = MemoryStore::new(1 << 20);
    let parts = HostParts {
        decorators: vec![Arc::new(Inverting)],
        media_store: Some(store),
        ..Breaking::parts(&inverted, &[200, 200], true)
    };
    let mut client = Client::new(&parts);
    assert!(client.fetch(&wanted, None).samples().is_empty());
    assert!(client.fetch(&wanted, Some(200)).report.is_kept);
    let last = client.fetch(&wanted, Some(400));
    assert_eq!((last.samples().len(), last.bytes()), (8, inverted.len() as u64 - 400));
    let again = client.fetch(&wanted, None);
    assert!(again.report.from_cache && again.samples() == last.samples());
    assert_eq!(again.bytes(), file.len() as u64);
}

/// Fields of a request's head, and the answer to it: each connection is closed after one.
struct Server {
    url: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/segment", listener.local_addr().unwrap()).parse().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        let serve = move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else { return };
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                kept.lock().unwrap().push(head);
                // A client that has read enough closes first.
                let _ = stream.write_all(&answer);
            }
        };
        std::thread::Builder::new().name("breaking-server".into()).spawn(serve).unwrap();
        Self { url, heads }
    }

    /// `Range` and `If-Range` of each request.
    fn asked(&self) -> Vec<(Option<String>, Option<String>)> {
        let value = |head: &str, name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let heads = self.heads.lock().unwrap();
        heads.iter().map(|head| (value(head, "range"), value(head, "if-range"))).collect()
    }
}

/// An answer that announces all of `body` and sends `sent` bytes of it.
fn answer(status: &str, fields: &[&str], body: &[u8], sent: usize) -> Vec<u8> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
    [head.as_bytes(), &body[..sent.min(body.len())]].concat()
}

fn part_of(file: &[u8], from: usize, fields: &[&str]) -> Vec<u8> {
    let range = format!("Content-Range: bytes {from}-{}/{}", file.len() - 1, file.len());
    answer("206 Part", &[fields, &[range.as_str()]].concat(), &file[from..], usize::MAX)
}

/// Use of an answer to the request for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// It goes on.
    Rest,
    /// It begins anew.
    Whole,
    /// Another request is made, which begins anew.
    Another,
}

/// Name, fields of the first answer, `If-Range` of the second request, its answer, and the use of that.
type Row<'a> = (&'a str, &'a [&'a str], Option<&'a str>, Vec<u8>, Use);

const TAG: &str = "ETag: \"a\"";
const CHANGED: &str = "Last-Modified: Sun, 29 Nov 2026 10:00:00 GMT";

#[test]
fn the_rest_is_asked_for_by_validator_or_length_and_everything_else_begins_anew() {
    let (file, setup) = fragments();
    let longer = [&file[..], &[0, 0, 0, 8, b'f', b'r', b'e', b'e']].concat();
    let size = file.len();
    let cut = 333;
    const LATE: &str = "Date: Sun, 29 Nov 2026 11:00:00 GMT";
    const SOON: &str = "Date: Sun, 29 Nov 2026 10:00:30 GMT";
    let rest = |fields: &[&str]| part_of(&file, cut, fields);
    let all = |fields: &[&str]| answer("200 OK", fields, &file, usize::MAX);
    let refused = |status| answer(status, &[], b"", 0);
    let span = format!("bytes={cut}-");
    let lies = |range: &str| answer("206 Part", &[TAG, range], &file[cut..], usize::MAX);
    let early = format!("Content-Range: bytes {}-{}/{size}", cut - 100, size - 1);
    let unsized_range = format!("Content-Range: bytes {cut}-{}/*", size - 1);
    let table: Vec<Row<'_>> = vec![
        ("the same tag", &[TAG], Some("\"a\""), rest(&[TAG]), Use::Rest),
        ("a tag once", &[TAG], Some("\"a\""), rest(&[]), Use::Rest),
        ("another tag in a part", &[TAG], Some("\"a\""), rest(&["ETag: \"b\""]), Use::Another),
        ("another tag", &[TAG], Some("\"a\""), all(&["ETag: \"b\""]), Use::Whole),
        ("no rests", &[TAG], Some("\"a\""), all(&[TAG]), Use::Whole),
        ("precondition", &[TAG], Some("\"a\""), refused("412 Precondition Failed"), Use::Another),
        ("unsatisfiable", &[TAG], Some("\"a\""), refused("416 Range Not Satisfiable"), Use::Another),
        ("a strong time", &[CHANGED, LATE], Some(&CHANGED[15..]), rest(&[CHANGED, LATE]), Use::Rest),
        ("a weak time", &[CHANGED, SOON], None, rest(&[CHANGED, SOON]), Use::Rest),
        ("a weak tag", &["ETag: W/\"a\""], None, rest(&["ETag: W/\"b\""]), Use::Rest),
        ("length alone", &[], None, rest(&[]), Use::Rest),
        ("another length", &[], None, part_of(&longer, cut, &[]), Use::Another),
        ("another length, same tag", &[TAG], Some("\"a\""), part_of(&longer, cut, &[TAG]), Use::Another),
        ("no rests, length alone", &[], None, all(&[]), Use::Whole),
        ("no place", &[TAG], Some("\"a\""), answer("206 Part", &[TAG], &file[cut..], usize::MAX), Use::Another),
        ("another place", &[TAG], Some("\"a\""), lies("Content-Range: bytes 400-732/733"), Use::Another),
        ("a label that its length contradicts", &[TAG], Some("\"a\""), lies(&early), Use::Another),
        ("a length that is not repeated", &[TAG], Some("\"a\""), lies(&unsized_range), Use::Rest),
        ("ranges forbidden", &[TAG], Some("\"a\""), refused("403 Forbidden"), Use::Another),
        ("ranges not permitted", &[], None, refused("405 Method Not Allowed"), Use::Another),
        ("ranges break the server", &[TAG], Some("\"a\""), refused("500 Internal Server Error"), Use::Another),
        ("ranges keep it busy", &[TAG], Some("\"a\""), refused("503 Service Unavailable"), Use::Another),
        ("nonsense", &[TAG], Some("\"a\""), lies("Content-Range: bytes x"), Use::Another),
        (
            "a part as a whole",
            &[TAG],
            Some("\"a\""),
            {
                let range = format!("Content-Range: bytes {cut}-{}/{size}", size - 1);
                answer("200 OK", &[TAG, &range], &file[cut..], usize::MAX)
            },
            Use::Another,
        ),
    ];
    for (name, fields, condition, second, expected) in table {
        let server = Server::start(vec![answer("200 OK", fields, &file, cut), second, all(&[])]);
        let mut client = Client::new(&HostParts::default());
        let wanted = request(server.url.clone(), setup.clone());
        let first = client.fetch(&wanted, None);
        let cut = cut as u64;
        let truncated = FetchError::Truncated { received: cut, expected: Some(size as u64) };
        assert_eq!((first.error(), first.report.is_kept), (Some(&truncated), true), "{name}");
        let second = client.fetch(&wanted, Some(cut));
        assert_eq!(second.error(), None, "{name}");
        assert_eq!(second.is_resumed(), expected == Use::Rest, "{name}");
        let own = if expected == Use::Rest { size as u64 - cut } else { size as u64 };
        assert_eq!(second.bytes(), own, "{name}");
        let announced = second.inputs.iter().find_map(|input| match input {
            Input::FetchStarted { head, .. } => head.content_length,
            _ => None,
        });
        assert_eq!(announced, Some(own), "{name}");
        let samples =
            if expected == Use::Rest { [first.samples(), second.samples()].concat() } else { second.samples() };
        assert_eq!(samples.len(), 8, "{name}");
        let asked = server.asked();
        assert_eq!(asked[1], (Some(span.clone()), condition.map(str::to_owned)), "{name}");
        assert_eq!(asked.len(), if expected == Use::Another { 3 } else { 2 }, "{name}");
        assert!(expected != Use::Another || asked[2] == (None, None), "{name}: {asked:?}");
    }
}

#[test]
fn a_part_of_a_file_goes_on_inside_of_it() {
    let (segment, setup) = fragments();
    let file = [&[1; 500][..], &segment, &[2; 300]].concat();
    let (begin, length) = (500, segment.len());
    let part = |from: usize, fields: &[&str], sent: usize| {
        let last = begin + length - 1;
        let range = format!("Content-Range: bytes {from}-{last}/{}", file.len());
        answer("206 Part", &[fields, &[range.as_str()]].concat(), &file[from..=last], sent)
    };
    let whole = |fields: &[&str]| answer("200 OK", fields, &file, usize::MAX);
    let cut = 401;
    // The whole file comes for another one: its part is less, so that is asked for.
    for (name, fields, second, requests, is_resumed) in [
        ("a tag", [TAG].as_slice(), part(begin + cut, &[TAG], usize::MAX), 2, true),
        ("a length", &[], part(begin + cut, &[], usize::MAX), 2, true),
        ("another tag", &[TAG], whole(&["ETag: \"b\""]), 3, false),
        ("ranges ignored", &[], whole(&[]), 2, false),
    ] {
        let server = Server::start(vec![part(begin, fields, cut), second, part(begin, &[], usize::MAX)]);
        let mut client = Client::new(&HostParts::default());
        let range = Some(ByteRange { offset: begin as u64, length: Some(length as u64) });
        let wanted = FetchRequest { range, ..request(server.url.clone(), setup.clone()) };
        let first = client.fetch(&wanted, None);
        assert!(first.report.is_kept, "{name}: {:?}", first.outcome);
        let second = client.fetch(&wanted, Some(cut as u64));
        assert_eq!((second.error(), second.is_resumed()), (None, is_resumed), "{name}");
        let before = if is_resumed { first.samples() } else { Vec::new() };
        assert_eq!([before, second.samples()].concat().len(), 8, "{name}");
        let asked = server.asked();
        assert_eq!(asked.len(), requests, "{name}");
        let last = begin + length - 1;
        assert_eq!(asked[1].0, Some(format!("bytes={}-{last}", begin + cut)), "{name}");
        assert!(requests == 2 || asked[2] == (Some(format!("bytes={begin}-{last}")), None), "{name}: {asked:?}");
    }
}

#[test]
fn a_failure_before_the_answer_keeps_the_part_unless_it_is_a_refusal() {
    let (file, setup) = fragments();
    let cut = 250;
    let first = || answer("200 OK", &[TAG], &file, cut);
    for (status, is_kept) in [("503 Busy", true), ("429 Slower", true), ("404 Gone", false), ("403 No", false)] {
        let refusal = || answer(status, &[], b"", 0);
        // Only one that asks for patience is not asked at once for the whole file.
        let refusals = if status.starts_with("429") { vec![refusal()] } else { vec![refusal(), refusal()] };
        let server = Server::start([vec![first()], refusals, vec![part_of(&file, cut, &[TAG])]].concat());
        let mut client = Client::new(&HostParts::default());
        let wanted = request(server.url.clone(), setup.clone());
        client.fetch(&wanted, None);
        let refused = client.fetch(&wanted, Some(cut as u64));
        assert!(matches!(refused.error(), Some(FetchError::Status { .. })), "{status}");
        assert_eq!((refused.report.is_kept, refused.bytes()), (is_kept, 0), "{status}");
        if is_kept {
            let last = client.fetch(&wanted, Some(cut as u64));
            assert!(last.is_resumed() && last.error().is_none(), "{status}");
        }
    }
}

#[test]
fn damage_and_undeclared_lengths_are_not_kept() {
    let (file, setup) = fragments();
    let damaged = [&file[..100], &[0xff; 300]].concat();
    let chunked = b"HTTP/1.1 200 OK\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n";
    for (name, whole) in
        [("damage", answer("200 OK", &[TAG], &damaged, 390)), ("chunks", [chunked.as_slice(), &file[..100]].concat())]
    {
        let server = Server::start(vec![whole]);
        let answer = Client::new(&HostParts::default()).fetch(&request(server.url.clone(), setup.clone()), None);
        assert!(answer.error().is_some() && !answer.report.is_kept, "{name}: {:?}", answer.outcome);
    }
}

/// A location elsewhere has the same file if the tag or, without one, the length is the same. A time of change counts for
/// nothing there.
#[test]
fn another_location_is_judged_by_tag_or_length() {
    let (file, setup) = fragments();
    let cut = 444;
    const LATE: &str = "Date: Sun, 29 Nov 2026 11:00:00 GMT";
    let first: [(&[&str], Option<&str>); 3] = [(&[TAG], Some("\"a\"")), (&[CHANGED, LATE], None), (&[], None)];
    for (fields, condition) in first {
        let one = Server::start(vec![answer("200 OK", fields, &file, cut)]);
        let two = Server::start(vec![part_of(&file, cut, &[])]);
        let mut client = Client::new(&HostParts::default());
        let first = client.fetch(&request(one.url.clone(), setup.clone()), None);
        let second = client.fetch(&request(two.url.clone(), setup.clone()), Some(cut as u64));
        assert!(second.is_resumed() && [first.samples(), second.samples()].concat().len() == 8, "{fields:?}");
        assert_eq!(two.asked(), [(Some(format!("bytes={cut}-")), condition.map(str::to_owned))]);
    }
}

/// The length of the file is known from the first answer, so that a second break is continued as well.
#[test]
fn a_rest_without_the_length_of_the_file_may_break_off_again() {
    let (file, setup) = fragments();
    let (first, second) = (200, 400);
    let unsized_range = |from: usize, sent| {
        let range = format!("Content-Range: bytes {from}-{}/*", file.len() - 1);
        answer("206 Part", &[TAG, &range], &file[from..], sent)
    };
    let answers = vec![
        answer("200 OK", &[TAG], &file, first),
        unsized_range(first, second - first),
        unsized_range(second, usize::MAX),
    ];
    let server = Server::start(answers);
    let mut client = Client::new(&HostParts::default());
    let wanted = request(server.url.clone(), setup);
    client.fetch(&wanted, None);
    let again = client.fetch(&wanted, Some(first as u64));
    let truncated = FetchError::Truncated { received: second as u64, expected: Some(file.len() as u64) };
    assert_eq!((again.error(), again.report.is_kept), (Some(&truncated), true));
    let last = client.fetch(&wanted, Some(second as u64));
    assert!(last.is_resumed() && last.error().is_none(), "{:?}", last.outcome);
}
