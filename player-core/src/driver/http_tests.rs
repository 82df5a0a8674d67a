//! Reports of a request, against a server that answers with exactly the bytes of its script.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::*;
use crate::container::DemuxSetup;
use crate::driver::{HostParts, Inbox, Message, MonotonicClock, Requests};
use crate::drm::{ContentKey, DrmError, KeyFile, KeyId, LicensedKey, SegmentCipher, SegmentCipherMode};
use crate::engine::io::{FetchId, FetchOutcome, Ingest, Input};
use crate::model::{ByteRange, ContainerFormat};

/// Answers each connection in turn with the given bytes; a trailing `hold` keeps the connection open until the
/// client is gone.
fn server(answers: Vec<(&'static [u8], bool)>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap()).parse().unwrap();
    let serve = move || {
        for (bytes, hold) in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            read_head(&mut stream);
            stream.write_all(bytes).unwrap();
            if hold {
                let _ = stream.read(&mut [0; 1]);
            }
        }
    };
    std::thread::Builder::new().name("test-server".into()).spawn(serve).unwrap();
    url
}

fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
}

fn request(url: Url, ingest: Ingest) -> FetchRequest {
    FetchRequest {
        id: FetchId(7),
        kind: FetchKind::Segment,
        url,
        range: None,
        ingest,
        cipher: None,
        headers: Vec::new(),
        post: None,
        key_ids: Vec::new(),
        resume: None,
        is_head: false,
        max_bytes: 1000,
        first_byte_timeout: Duration::from_secs(20),
        stall_timeout: Duration::from_secs(20),
    }
}

/// Returns everything that a request reports, to its end.
fn answers(request: FetchRequest) -> Vec<Input> {
    let inbox = Arc::new(Inbox::new());
    let clock = MonotonicClock::start();
    let mut requests = Requests::new(HostParts::default().pipeline().unwrap(), Arc::clone(&inbox)).unwrap();
    requests.start(request);
    let deadline = clock.now() + Duration::from_secs(60);
    let mut inputs = Vec::new();
    loop {
        match inbox.receive(&clock, Some(deadline)) {
            Some(Message::Answer(input, _permit)) => {
                let ended = matches!(input, Input::FetchEnded { .. });
                inputs.push(input);
                if ended {
                    return inputs;
                }
            }
            other => panic!("no end after {inputs:?}, timed out: {}", other.is_none()),
        }
    }
}

fn outcome(request: FetchRequest) -> FetchOutcome {
    match answers(request).pop() {
        Some(Input::FetchEnded { outcome, .. }) => outcome,
        other => panic!("{other:?}"),
    }
}

fn failure(request: FetchRequest) -> FetchError {
    match outcome(request) {
        FetchOutcome::Failed { error, .. } => error,
        complete => panic!("{complete:?}"),
    }
}

#[test]
fn a_body_comes_whole_with_its_head_first() {
    let url = server(vec![(
        b"HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=x\r\nContent-Length: 5\r\n\r\nhello",
        false,
    )]);
    let all = answers(request(url, Ingest::Body));
    let Some(Input::FetchStarted { head, .. }) = all.first() else { panic!("{all:?}") };
    assert_eq!((head.content_type.as_deref(), head.content_length), (Some("text/plain"), Some(5)));
    let Some(Input::FetchEnded { id: FetchId(7), outcome, .. }) = all.last() else { panic!("{all:?}") };
    assert_eq!(outcome, &FetchOutcome::Complete { bytes: 5, body: Bytes::from_static(b"hello") });
}

#[test]
fn a_redirect_moves_the_address() {
    let target = server(vec![(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false)]);
    let answer = format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
    let url = server(vec![(answer.leak().as_bytes(), false)]);
    let all = answers(request(url, Ingest::Body));
    assert!(matches!(all.first(), Some(Input::FetchStarted { head, .. }) if head.url == target), "{all:?}");
}

#[test]
fn statuses_carry_their_retry_delay() {
    let url = server(vec![(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", false)]);
    let expected = FetchError::Status { status: 503, retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(failure(request(url, Ingest::Body)), expected);
}

#[test]
fn a_body_that_ends_early_says_how_far_it_came() {
    let url = server(vec![(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", false)]);
    assert_eq!(failure(request(url, Ingest::Body)), FetchError::Truncated { received: 5, expected: Some(50) });
}

#[test]
fn a_body_that_stalls_and_an_answer_that_never_begins_are_told_apart() {
    let stalls = server(vec![(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", true)]);
    let silent = server(vec![(b"", true)]);
    let mut slow = request(stalls, Ingest::Body);
    slow.stall_timeout = Duration::from_millis(50);
    assert_eq!(failure(slow), FetchError::Timeout { started: true });
    let mut never = request(silent, Ingest::Body);
    never.first_byte_timeout = Duration::from_millis(50);
    assert_eq!(failure(never), FetchError::Timeout { started: false });
}

#[test]
fn a_refused_connection_and_a_strange_scheme_are_typed() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}/x", closed.local_addr().unwrap()).parse().unwrap();
    drop(closed);
    assert!(matches!(failure(request(url, Ingest::Body)), FetchError::Refused(_)));
    let strange = request("ftp://127.0.0.1/x".parse().unwrap(), Ingest::Body);
    assert!(matches!(failure(strange), FetchError::BadAddress(_)));
}

#[test]
fn an_ignored_range_is_sliced_and_said() {
    let url = server(vec![(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", false)]);
    let mut part = request(url, Ingest::Body);
    part.range = Some(ByteRange { offset: 2, length: Some(3) });
    let all = answers(part);
    assert!(matches!(all.first(), Some(Input::FetchStarted { head, .. }) if head.range_ignored), "{all:?}");
    let Some(Input::FetchEnded { outcome: FetchOutcome::Complete { body, .. }, .. }) = all.last() else {
        panic!("{all:?}")
    };
    assert_eq!(body, "234");
}

#[test]
fn what_is_too_large_is_refused_before_and_while_it_comes() {
    let announced = server(vec![(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", true)]);
    assert_eq!(failure(request(announced, Ingest::Body)), FetchError::TooLarge { limit: 1000 });
    let endless: &'static [u8] = [b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 1200]].concat().leak();
    let silent = server(vec![(endless, false)]);
    assert_eq!(failure(request(silent, Ingest::Body)), FetchError::TooLarge { limit: 1000 });
}

#[test]
fn a_page_instead_of_media_is_damaged_media() {
    let page = b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n<html><body>no</body></ht>";
    let url = server(vec![(page, false)]);
    let media = Ingest::Media(DemuxSetup::new(ContainerFormat::Fmp4, None));
    assert!(matches!(failure(request(url, media)), FetchError::Demux(_)));
}

/// An answer of these bytes.
fn body(bytes: &[u8]) -> &'static [u8] {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    [head.as_bytes(), bytes].concat().leak()
}

/// "sixteen bytes ok" and "hello", AES-128-CBC with a key and a vector of zeros.
const ENCRYPTED: [u8; 32] = *b"\x06\x08\x5e\x70\x5e\x23\x94\xc3\x02\x53\x72\xe9\x40\xbb\x31\x14\
    \xc4\xd0\xb4\x7a\x76\xa1\x83\xd7\xcd\xfd\xa3\x11\xd4\x00\xb5\x56";

fn locked(bytes: &[u8], ingest: Ingest) -> FetchRequest {
    let mut request = request(server(vec![(body(bytes), false)]), ingest);
    let key = ContentKey::new(&[0; 16]).unwrap();
    request.cipher = Some(SegmentCipher { mode: SegmentCipherMode::Aes128Cbc, key, iv: [0; 16] });
    request
}

#[test]
fn whole_segments_are_decrypted_before_anybody_reads_them() {
    let FetchOutcome::Complete { bytes, body } = outcome(locked(&ENCRYPTED, Ingest::Body)) else { panic!("no body") };
    assert_eq!((bytes, body.as_ref()), (32, b"sixteen bytes okhello".as_slice()));
    let padding = failure(locked(&ENCRYPTED[..16], Ingest::Body));
    assert_eq!(padding, FetchError::Decrypt(DrmError::Padding));
    assert_eq!(failure(locked(&ENCRYPTED[..20], Ingest::Body)), FetchError::Decrypt(DrmError::Length(20)));
    let media = Ingest::Media(DemuxSetup::new(ContainerFormat::Fmp4, None));
    let garbage = failure(locked(&ENCRYPTED, media));
    assert!(matches!(garbage, FetchError::Decrypt(DrmError::Garbage(_))), "{garbage:?}");
}

#[test]
fn keys_are_read_and_what_is_none_is_typed() {
    let raw = Ingest::Keys(KeyFile::Raw { length: 16 });
    let key = outcome(request(server(vec![(body(&[7; 16]), false)]), raw.clone()));
    let expected = LicensedKey { id: None, key: ContentKey::new(&[7; 16]).unwrap() };
    assert_eq!(key, FetchOutcome::Keys { bytes: 16, keys: vec![expected] });
    let long = failure(request(server(vec![(body(&[7; 17]), false)]), raw));
    assert_eq!(long, FetchError::Key(DrmError::KeyLength { found: 17, expected: 16 }));
}

#[test]
fn a_licence_request_is_posted_as_json() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut asked = request(
        format!("http://{}/l", listener.local_addr().unwrap()).parse().unwrap(),
        Ingest::Keys(KeyFile::Licence),
    );
    asked.post = Some(Bytes::from_static(b"{\"kids\":[]}"));
    asked.headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"{\"kids\":[]}") {
            let mut byte = [0; 1];
            assert_eq!(stream.read(&mut byte).unwrap(), 1);
            head.push(byte[0]);
        }
        let licence =
            b"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\"}]}";
        stream.write_all(body(licence)).unwrap();
        String::from_utf8_lossy(&head).to_ascii_lowercase()
    };
    let server = std::thread::Builder::new().name("test-server".into()).spawn(serve).unwrap();
    let FetchOutcome::Keys { keys, .. } = outcome(asked) else { panic!("no keys") };
    assert_eq!(keys[0].id, Some(KeyId([0; 16])));
    let head = server.join().unwrap();
    assert!(head.starts_with("post /l ") && head.contains("content-type: application/json"), "{head}");
}
