//! Servers that bend HTTP, each a script of raw answers over loopback.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::{HostParts, Inbox, MemoryStore, Message, MonotonicClock, NetworkConfig, REFUSED_HEADERS, Requests};
use crate::container::mp4::testmux::{self, TestCodec, TestTrack};
use crate::container::{DemuxOutput, DemuxSetup};
use crate::engine::io::{
    FetchError, FetchId, FetchKind, FetchOutcome, FetchReport, FetchRequest, Ingest, Input, RangeNotice,
};
use crate::model::{ByteRange, ContainerFormat};
use crate::time::MediaTime;

/// One answer for each request, chosen by its head; the heads are kept.
struct OddServer {
    url: Url,
    heads: Arc<Mutex<Vec<String>>>,
}

impl OddServer {
    fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file", listener.local_addr().unwrap()).parse().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        let serve = move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                kept.lock().unwrap().push(head.clone());
                // A client that has read enough closes first.
                let _ = stream.write_all(&answer(&head));
            }
        };
        std::thread::Builder::new().name("odd-server".into()).spawn(serve).unwrap();
        Self { url, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The values that a field had in the requests, in order.
    fn sent(&self, name: &str) -> Vec<Option<String>> {
        let value = |head: &String| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        self.heads().iter().map(value).collect()
    }
}

fn request(url: &Url, range: Option<(u64, Option<u64>)>) -> FetchRequest {
    FetchRequest {
        id: FetchId(1),
        kind: FetchKind::Segment,
        url: url.clone(),
        range: range.map(|(offset, length)| ByteRange { offset, length }),
        ingest: Ingest::Body,
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 1 << 20,
        first_byte_timeout: Duration::from_secs(20),
        stall_timeout: Duration::from_secs(20),
    }
}

/// The network of one player.
struct Client {
    inbox: Arc<Inbox>,
    fetcher: Requests,
}

impl Client {
    fn new(network: &NetworkConfig) -> Self {
        Self::with(&HostParts { network: network.clone(), ..HostParts::default() })
    }

    fn with(parts: &HostParts) -> Self {
        let inbox = Arc::new(Inbox::new());
        Self { fetcher: Requests::new(parts.pipeline().unwrap(), Arc::clone(&inbox)).unwrap(), inbox }
    }

    fn inputs(&mut self, request: FetchRequest) -> Vec<Input> {
        self.fetcher.start(request);
        let clock = MonotonicClock::start();
        // Only a guard against a test that hangs.
        let deadline = clock.now() + Duration::from_secs(60);
        let mut inputs = Vec::new();
        while let Some(Message::Answer(input, _permit)) = self.inbox.receive(&clock, Some(deadline)) {
            let ended = matches!(input, Input::FetchEnded { .. });
            inputs.push(input);
            if ended {
                return inputs;
            }
        }
        panic!("no end after {inputs:?}");
    }

    fn fetch(&mut self, request: FetchRequest) -> Result<Bytes, FetchError> {
        self.measured(request).0
    }

    /// Returns the result of a request, and its measurements.
    fn measured(&mut self, request: FetchRequest) -> (Result<Bytes, FetchError>, FetchReport) {
        match self.inputs(request).pop() {
            Some(Input::FetchEnded { outcome: FetchOutcome::Complete { body, .. }, report, .. }) => (Ok(body), report),
            Some(Input::FetchEnded { outcome: FetchOutcome::Failed { error, .. }, report, .. }) => (Err(error), report),
            other => panic!("{other:?}"),
        }
    }
}

fn client() -> Client {
    Client::new(&NetworkConfig::default())
}

fn answer(status: &str, fields: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for field in fields {
        head += field;
        head += "\r\n";
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

#[test]
fn heads_are_read_as_browsers_read_them() {
    let many = (0..900).map(|number| format!("X-{number}: v")).collect::<Vec<_>>().join("\r\n");
    let odd: [&[u8]; 9] = [
        b"X Cache Status: HIT",
        b"PHP Warning: Unknown in line 0",
        b"Access-Control-Allow-Credentials : true",
        b"X-Policy: default-src 'self';\r\n  img-src *\r\n\tmedia-src *",
        b"X-Odd: \x80\xff\x01 value",
        b"no colon at all",
        b": no name",
        b"X-Empty:",
        many.as_bytes(),
    ];
    for line in odd {
        let text = String::from_utf8_lossy(line).chars().take(40).collect::<String>();
        let line = line.to_vec();
        let server = OddServer::start(move |_| {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n";
            [head, line.as_slice(), b"\r\nX-Last: 1\r\nConnection: close\r\n\r\nhello"].concat()
        });
        assert_eq!(client().fetch(request(&server.url, None)), Ok(Bytes::from_static(b"hello")), "{text}");
    }
    for whole in [
        "HTTP/1.1 200\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\nContent-Type: x\n\nhello",
        "HTTP/1.1 200 Gr\u{fc}n\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let server = OddServer::start(move |_| whole.as_bytes().to_vec());
        assert_eq!(client().fetch(request(&server.url, None)), Ok(Bytes::from_static(b"hello")), "{whole}");
    }
}

#[test]
fn a_head_that_cannot_be_read_is_an_error_of_its_own() {
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(1 << 20));
    let too_many = (0..5000).map(|number| format!("X-{number}: v\r\n")).collect::<String>();
    for whole in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
        "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{too_many}\r\n"),
        endless,
    ] {
        let text: String = whole.chars().take(60).collect();
        let server = OddServer::start(move |_| whole.clone().into_bytes());
        let failed = client().fetch(request(&server.url, None));
        assert!(matches!(failed, Err(FetchError::MalformedHead(_))), "{text:?}: {failed:?}");
        assert_eq!(server.heads().len(), 1, "{text:?} is not asked for again below the engine");
    }
    let silent = OddServer::start(|_| Vec::new());
    assert!(matches!(client().fetch(request(&silent.url, None)), Err(FetchError::Unreachable(_))));
}

#[test]
fn a_name_that_does_not_resolve_is_an_unknown_host() {
    // Labels end at 63 characters (RFC 1035 §2.3.4), so no server is asked.
    let url: Url = format!("http://{}.invalid/x", "a".repeat(64)).parse().unwrap();
    let failed = client().fetch(request(&url, None));
    assert!(matches!(failed, Err(FetchError::UnknownHost(_))), "{failed:?}");
}

#[test]
fn cookies_are_kept_for_the_player_unless_they_are_turned_off() {
    let gate = || {
        OddServer::start(|head| match head.contains("ticket=abc") {
            true => answer("200 OK", &[], b"in"),
            false => answer("403 No", &["Set-Cookie: ticket=abc; Path=/; HttpOnly"], b""),
        })
    };
    let no = Err(FetchError::Status { status: 403, retry_after: None });
    let server = gate();
    let mut player = client();
    assert_eq!(player.fetch(request(&server.url, None)), no);
    assert_eq!(player.fetch(request(&server.url, None)), Ok(Bytes::from_static(b"in")));
    assert_eq!(client().fetch(request(&server.url, None)), no, "another player has another jar");
    let mut without = Client::new(&NetworkConfig { cookies: false, ..NetworkConfig::default() });
    assert_eq!(without.fetch(request(&server.url, None)), no);
    assert_eq!(without.fetch(request(&server.url, None)), no);
    let server = gate();
    let headers = vec![("Cookie".to_owned(), "own=1".to_owned())];
    let mut own = Client::new(&NetworkConfig { headers, ..NetworkConfig::default() });
    assert_eq!(own.fetch(request(&server.url, None)), no);
    assert_eq!(own.fetch(request(&server.url, None)), Ok(Bytes::from_static(b"in")));
    assert_eq!(server.sent("cookie"), [Some("own=1".to_owned()), Some("own=1; ticket=abc".to_owned())]);
}

#[test]
fn a_redirect_may_set_the_cookie_that_its_target_needs() {
    let server = OddServer::start(|head| match (head.starts_with("GET /file"), head.contains("a=1")) {
        (true, _) => answer("302 Found", &["Set-Cookie: a=1", "Location: /next"], b""),
        (false, true) => answer("200 OK", &[], b"in"),
        (false, false) => answer("403 No", &[], b""),
    });
    assert_eq!(client().fetch(request(&server.url, None)), Ok(Bytes::from_static(b"in")));
}

fn with_user(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_username("ann").unwrap();
    url.set_password(Some("secret")).unwrap();
    url
}

#[test]
fn user_information_serves_every_request_to_its_origin_and_no_other() {
    let basic = Some("Basic YW5uOnNlY3JldA==".to_owned());
    let other = OddServer::start(|_| answer("200 OK", &[], b"other"));
    let away = format!("Location: {}", other.url);
    let server = OddServer::start(move |head| match head.split(' ').nth(1) {
        Some("/same") => answer("302 Found", &["Location: /file"], b""),
        Some("/away") => answer("302 Found", &[&away], b""),
        _ => answer("200 OK", &[], b"ok"),
    });
    let at = |path: &str| server.url.join(path).unwrap();
    let mut player = client();
    let inputs = player.inputs(request(&with_user(&server.url), None));
    assert!(matches!(&inputs[0], Input::FetchStarted { head, .. } if head.url == server.url), "{inputs:?}");
    assert_eq!(player.fetch(request(&at("relative"), None)), Ok(Bytes::from_static(b"ok")));
    assert_eq!(player.fetch(request(&at("same"), None)), Ok(Bytes::from_static(b"ok")));
    assert_eq!(player.fetch(request(&at("away"), None)), Ok(Bytes::from_static(b"other")));
    assert_eq!(player.fetch(request(&other.url, None)), Ok(Bytes::from_static(b"other")));
    assert_eq!(server.sent("authorization"), vec![basic; 5]);
    assert_eq!(other.sent("authorization"), [None, None]);
}

#[test]
fn headers_meant_for_one_origin_do_not_follow_a_redirect_to_another() {
    let other = OddServer::start(|_| answer("200 OK", &[], b"other"));
    let away = format!("Location: {}", other.url);
    let server = OddServer::start(move |_| answer("301 Moved", &[&away], b""));
    let headers = [("Authorization", "Bearer t"), ("Cookie", "c=1"), ("X-Own", "1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let mut player = Client::new(&NetworkConfig { headers, ..NetworkConfig::default() });
    assert_eq!(player.fetch(request(&server.url, None)), Ok(Bytes::from_static(b"other")));
    assert_eq!(server.sent("authorization"), [Some("Bearer t".to_owned())]);
    assert_eq!((other.sent("authorization"), other.sent("cookie")), (vec![None], vec![None]));
    assert_eq!(other.sent("x-own"), [Some("1".to_owned())]);
    // Nor with later requests, which the answer's relative addresses lead there.
    assert_eq!(player.fetch(request(&other.url, None)), Ok(Bytes::from_static(b"other")));
    assert_eq!((other.sent("authorization"), other.sent("cookie")), (vec![None; 2], vec![None; 2]));
    // An address of the host or of a manifest is another matter.
    let named = OddServer::start(|_| answer("200 OK", &[], b"named"));
    assert_eq!(player.fetch(request(&named.url, None)), Ok(Bytes::from_static(b"named")));
    assert_eq!(named.sent("authorization"), [Some("Bearer t".to_owned())]);
}

fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn fields_of_one_request_take_the_place_of_those_of_all_and_stay_with_its_origin() {
    let other = OddServer::start(|_| answer("200 OK", &[], b"other"));
    let away = format!("Location: {}", other.url);
    let server = OddServer::start(move |head| match head.split(' ').nth(1) {
        Some("/away") => answer("302 Found", &[&away], b""),
        _ => answer("200 OK", &[], b"ok"),
    });
    let headers = fields(&[("X-Own", "all"), ("Authorization", "Bearer all")]);
    let mut player = Client::new(&NetworkConfig { headers, ..NetworkConfig::default() });
    let own = [
        ("Authorization", "Bearer one"),
        ("cookie", "c=1"),
        ("Proxy-Authorization", "Basic p"),
        ("X-Own", "one"),
        ("Content-Language", "en"),
    ];
    let at = |path: &str, own: &[(&str, &str)]| FetchRequest {
        headers: fields(own),
        ..request(&server.url.join(path).unwrap(), None)
    };
    assert_eq!(player.fetch(at("away", &own)), Ok(Bytes::from_static(b"other")));
    assert_eq!(player.fetch(at("file", &[])), Ok(Bytes::from_static(b"ok")));
    let sent = |name: &str| server.sent(name).into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
    assert_eq!(sent("authorization"), ["Bearer one", "Bearer all"]);
    assert_eq!(sent("cookie"), ["c=1", ""]);
    assert_eq!(sent("proxy-authorization"), ["Basic p", ""]);
    assert_eq!(sent("x-own"), ["one", "all"], "the next request knows nothing of it");
    for name in ["authorization", "cookie", "proxy-authorization"] {
        assert_eq!(other.sent(name), [None], "{name} goes to the request's own origin");
    }
    assert_eq!(other.sent("x-own"), [Some("one".to_owned())]);
    assert_eq!(server.sent("content-language"), [None, None], "nothing describes a body that is not there");
}

#[test]
fn fields_that_http_or_the_player_owns_are_refused_before_anything_is_sent() {
    let server = OddServer::start(|_| answer("200 OK", &[], b"ok"));
    let mut player = client();
    let mut send = |name: &str, value: &str| {
        player.fetch(FetchRequest { headers: fields(&[("X-Fine", "1"), (name, value)]), ..request(&server.url, None) })
    };
    for name in REFUSED_HEADERS {
        for name in [name.to_owned(), name.to_ascii_uppercase()] {
            let refused = send(&name, "0");
            assert!(matches!(&refused, Err(FetchError::Host(text)) if text.contains(&name)), "{name}: {refused:?}");
        }
    }
    for (name, value) in [("X Y", "1"), ("", "1"), ("X-Line", "1\r\nX-More: 2"), ("X-Null", "\0")] {
        assert!(matches!(send(name, value), Err(FetchError::Host(_))), "{name:?}: {value:?}");
    }
    assert_eq!(server.heads(), Vec::<String>::new());
    assert_eq!(send("X-Range", "1"), Ok(Bytes::from_static(b"ok")), "a name is refused as a whole");
}

#[test]
fn the_first_request_of_a_connection_reports_its_connecting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/file", listener.local_addr().unwrap()).parse().unwrap();
    // Two answers on each connection, then its end.
    let serve = move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            for _ in 0..2 {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    };
    std::thread::Builder::new().name("keeping-server".into()).spawn(serve).unwrap();
    let mut player = client();
    let mut measured = || {
        let (result, report) = player.measured(request(&url, None));
        assert_eq!(result, Ok(Bytes::from_static(b"ok")));
        let (first, last) = (report.first_byte.unwrap(), report.last_byte.unwrap());
        assert!(first <= last && !report.from_cache, "{report:?}");
        (report.connect, first)
    };
    let (connect, first) = measured();
    let connect = connect.unwrap();
    assert!(connect.start < connect.end && connect.end <= first, "{connect:?} {first:?}");
    assert_eq!(measured().0, None, "the connection is open");
    let (nowhere, report) = client().measured(request(&"http://127.0.0.1:1/".parse().unwrap(), None));
    assert!(nowhere.is_err());
    assert_eq!(report, FetchReport::default(), "a connection that was refused has no times");
}

#[test]
fn answers_that_forbid_storing_are_never_kept() {
    for (field, is_kept) in [
        ("X-Nothing: 1", true),
        ("Cache-Control: no-cache, max-age=0", true),
        ("X-Cache-Control: no-store", true),
        ("Cache-Control: no-store", false),
        ("cache-control: private,  No-Store ,max-age=5", false),
        ("Cache-Control: max-age=5\r\nCache-Control: no-store", false),
    ] {
        let server = OddServer::start(move |_| answer("200 OK", &[field], b"media"));
        let store = MemoryStore::new(1 << 20);
        let mut player = Client::with(&HostParts { media_store: Some(store.clone()), ..HostParts::default() });
        let (first, fresh) = player.measured(request(&server.url, None));
        let (second, again) = player.measured(request(&server.url, None));
        assert_eq!((first, second), (body("media"), body("media")), "{field}");
        assert_eq!((fresh.from_cache, again.from_cache), (false, is_kept), "{field}");
        assert_eq!((store.bytes(), server.heads().len()), if is_kept { (5, 1) } else { (0, 2) }, "{field}");
    }
}

#[test]
fn one_partial_answer_that_forbids_storing_forbids_it_for_the_whole_range() {
    for (forbidden, is_kept) in [(0, false), (5, false), (10, true)] {
        let server = ranges(move |first, last| {
            let last = last.min(first + 4);
            let field = format!("Content-Range: bytes {first}-{last}/30");
            let control = if first == forbidden { "Cache-Control: no-store" } else { "Cache-Control: max-age=9" };
            answer("206 Part", &[&field, control], slice(first, last))
        });
        let store = MemoryStore::new(1 << 20);
        let mut player = Client::with(&HostParts { media_store: Some(store.clone()), ..HostParts::default() });
        assert_eq!(player.fetch(request(&server.url, Some((0, Some(10))))), body("0123456789"));
        assert_eq!((store.bytes(), server.heads().len()), (if is_kept { 10 } else { 0 }, 2), "from {forbidden}");
    }
}

#[test]
fn redirects_without_end_and_to_other_schemes_are_typed() {
    for location in ["/file", "ftp://h/x", "http://[bad"] {
        let field = format!("Location: {location}");
        let server = OddServer::start(move |_| answer("307 Again", &[&field], b""));
        let failed = client().fetch(request(&server.url, None));
        assert!(matches!(failed, Err(FetchError::BadAddress(_))), "{location}: {failed:?}");
    }
}

/// A file of thirty bytes behind a server that serves ranges by `rule`: first and last byte to an answer.
fn ranges(rule: impl Fn(u64, u64) -> Vec<u8> + Send + 'static) -> OddServer {
    OddServer::start(move |head| {
        let range =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
        let (first, last) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
        rule(first.parse().unwrap(), last.parse().unwrap_or(u64::MAX))
    })
}

const FILE: &[u8; 30] = b"0123456789abcdefghijklmnopqrst";

fn slice(first: u64, last: u64) -> &'static [u8] {
    let end = last.saturating_add(1).min(30);
    FILE.get(usize::try_from(first).unwrap()..usize::try_from(end).unwrap()).unwrap_or_default()
}

fn part(first: u64, last: u64) -> Vec<u8> {
    let body = slice(first, last);
    if body.is_empty() {
        return answer("416 No", &["Content-Range: bytes */30"], b"");
    }
    let field = format!("Content-Range: bytes {first}-{}/30", first + body.len() as u64 - 1);
    answer("206 Part", &[&field], body)
}

/// The body, and the notices that were sent with it.
fn served(server: &OddServer, range: Option<(u64, Option<u64>)>) -> (Result<Bytes, FetchError>, Vec<RangeNotice>) {
    let inputs = client().inputs(request(&server.url, range));
    let notices = inputs.iter().filter_map(|input| match input {
        Input::FetchNotice { notice, .. } => Some(*notice),
        Input::FetchStarted { head, .. } if head.range_ignored => Some(RangeNotice::Ignored),
        _ => None,
    });
    let notices = notices.collect();
    match inputs.into_iter().next_back() {
        Some(Input::FetchEnded { outcome: FetchOutcome::Complete { body, .. }, .. }) => (Ok(body), notices),
        Some(Input::FetchEnded { outcome: FetchOutcome::Failed { error, .. }, .. }) => (Err(error), notices),
        other => panic!("{other:?}"),
    }
}

fn body(text: &'static str) -> Result<Bytes, FetchError> {
    Ok(Bytes::from_static(text.as_bytes()))
}

#[test]
fn short_parts_are_continued() {
    let short = ranges(|first, last| part(first, last.min(first + 3)));
    assert_eq!(served(&short, Some((2, Some(10)))), (body("23456789ab"), vec![]));
    let asked: Vec<_> = short.sent("range").into_iter().flatten().collect();
    assert_eq!(asked, ["bytes=2-11", "bytes=6-11", "bytes=10-11"]);
    assert_eq!(served(&short, Some((24, None))), (body("opqrst"), vec![]));
    let nowhere = ranges(|first, last| answer("206 Part", &[], slice(first, last.min(first + 3))));
    assert_eq!(served(&nowhere, Some((2, Some(6)))), (body("234567"), vec![RangeNotice::Unlabelled; 2]));
    let unasked = ranges(|first, _| part(first, first + 19));
    assert_eq!(served(&unasked, None), (body("0123456789abcdefghijklmnopqrst"), vec![]));
    let stuck = ranges(|_, _| answer("206 Part", &[], b""));
    assert!(matches!(served(&stuck, Some((2, Some(6)))).0, Err(FetchError::RangeIgnored(_))));
}

#[test]
fn ranges_past_the_end_are_played_with_a_notice() {
    let past = |received| vec![RangeNotice::PastEnd { received }];
    assert_eq!(served(&ranges(part), Some((25, Some(1000)))), (body("pqrst"), past(5)));
    let strict = ranges(|first, last| if last >= 30 { part(30, 30) } else { part(first, last) });
    assert_eq!(served(&strict, Some((25, Some(1000)))), (body("pqrst"), past(5)));
    let unknown = ranges(|first, last| {
        let found = slice(first, last);
        let field = format!("Content-Range: bytes {first}-{}/*", first + found.len() as u64 - 1);
        if found.is_empty() { part(30, 30) } else { answer("206 Part", &[&field], found) }
    });
    assert_eq!(served(&unknown, Some((25, Some(1000)))), (body("pqrst"), past(5)));
    let whole = ranges(|_, _| answer("200 OK", &[], FILE));
    let both = vec![RangeNotice::Ignored, RangeNotice::PastEnd { received: 5 }];
    assert_eq!(served(&whole, Some((25, Some(1000)))), (body("pqrst"), both));
    let at_the_end = served(&ranges(part), Some((30, Some(5))));
    assert_eq!(at_the_end.0, Err(FetchError::Status { status: 416, retry_after: None }));
}

#[test]
fn parts_of_all_shapes_are_told_apart() {
    let unlabelled = ranges(|first, last| answer("206 Part", &[], slice(first, last)));
    assert_eq!(served(&unlabelled, Some((3, Some(4)))), (body("3456"), vec![RangeNotice::Unlabelled]));
    let as_whole = ranges(|first, last| {
        let field = format!("Content-Range: bytes {first}-{last}/30");
        answer("200 OK", &[&field], slice(first, last))
    });
    assert_eq!(served(&as_whole, Some((3, Some(4)))), (body("3456"), vec![]));
    let chunked = ranges(|_, _| {
        let head = b"HTTP/1.1 206 Part\r\nContent-Range: bytes 3-6/30\r\nTransfer-Encoding: chunked\r\n\r\n";
        [head.as_slice(), b"2\r\n34\r\n2\r\n56\r\n0\r\n\r\n"].concat()
    });
    assert_eq!(served(&chunked, Some((3, Some(4)))), (body("3456"), vec![]));
    let wrong: [&[&str]; 4] = [
        &["Content-Range: bytes 9-12/30"],
        &["Content-Range: bytes */30"],
        &["Content-Range: nonsense"],
        &["Content-Type: multipart/byteranges; boundary=x"],
    ];
    for fields in wrong {
        let server = ranges(move |_, _| answer("206 Part", fields, b"3456"));
        let failed = served(&server, Some((3, Some(4)))).0;
        assert!(matches!(failed, Err(FetchError::RangeIgnored(_))), "{fields:?}: {failed:?}");
    }
    let compressed =
        ranges(|_, _| answer("206 Part", &["Content-Range: bytes 3-6/30", "Content-Encoding: gzip"], b"3456"));
    let failed = served(&compressed, Some((3, Some(4)))).0;
    assert!(matches!(failed, Err(FetchError::RangeIgnored(_))), "{failed:?}");
    assert_eq!(compressed.sent("accept-encoding"), [Some("identity".to_owned())]);
}

/// Samples of a request, after checks of the inputs around them.
fn samples_of(inputs: &[Input], length: usize, name: &str) -> Vec<(MediaTime, Bytes)> {
    let heads = inputs.iter().filter(|input| matches!(input, Input::FetchStarted { .. })).count();
    assert_eq!(heads, 1, "{name}: one answer to the engine");
    let seqs = inputs.iter().filter_map(|input| match input {
        Input::FetchMedia { seq, .. } => Some(*seq),
        _ => None,
    });
    assert!(seqs.clone().eq(0..seqs.count() as u64), "{name}");
    let Some(Input::FetchEnded { outcome: FetchOutcome::Complete { bytes, .. }, .. }) = inputs.last() else {
        panic!("{name}: {:?}", inputs.last())
    };
    assert_eq!(*bytes, length as u64, "{name}: what is cut off does not count");
    let fragments = inputs.iter().filter_map(|input| match input {
        Input::FetchMedia { output: DemuxOutput::Fragment(fragment), .. } => Some(&fragment.samples),
        _ => None,
    });
    fragments.flatten().map(|sample| (sample.pts, sample.payload.0.clone())).collect()
}

#[test]
fn media_in_several_answers_is_read_as_one_segment() {
    let track = TestTrack::new(1, 1000, TestCodec::H264 { width: 320, height: 180 });
    let init = crate::container::read_init(testmux::init(&[track])).unwrap();
    let specs: Vec<testmux::SampleSpec> = (0..10).map(|number| (40, 900 + number, number == 0, 0)).collect();
    let segment = testmux::segment(1, 3, 8000, &specs);
    let wanted: Vec<(MediaTime, Bytes)> = (0..10_u32)
        .map(|number| {
            let payload = testmux::payload(1, 3, number as usize, 900 + number);
            (MediaTime::from_millis(8000 + 40 * i64::from(number)), payload.into())
        })
        .collect();
    let (before, length) = (700, segment.len());
    let file = Bytes::from([&[0xff; 700][..], &segment, &[0xff; 300]].concat());
    let parts = [("in full", u64::MAX), ("halved", length as u64 / 2 + 1), ("in small parts", 997), ("tiny", 61)];
    for (name, most) in parts {
        let bytes = file.clone();
        let server = ranges(move |first, last| {
            let end = last.saturating_add(1).min(first.saturating_add(most)).min(bytes.len() as u64);
            let field = format!("Content-Range: bytes {first}-{}/{}", end - 1, bytes.len());
            answer("206 Part", &[&field], &bytes[first as usize..end as usize])
        });
        let mut request = request(&server.url, Some((before, Some(length as u64))));
        request.ingest = Ingest::Media(DemuxSetup::new(ContainerFormat::Fmp4, Some(Arc::new(init.clone()))));
        let inputs = client().inputs(request);
        assert_eq!(samples_of(&inputs, length, name), wanted, "{name}");
        let answers = (length as u64).div_ceil(most) as usize;
        assert_eq!(server.heads().len(), answers, "{name}");
    }
    let bytes = file.clone();
    let server = OddServer::start(move |_| answer("200 OK", &[], &bytes));
    let mut request = request(&server.url, Some((before, Some(length as u64))));
    request.ingest = Ingest::Media(DemuxSetup::new(ContainerFormat::Fmp4, Some(Arc::new(init))));
    let inputs = client().inputs(request);
    assert_eq!(samples_of(&inputs, length, "whole"), wanted);
    let ignored = |input: &Input| matches!(input, Input::FetchStarted { head, .. } if head.range_ignored);
    assert!(inputs.iter().any(ignored) && server.heads().len() == 1);
}
