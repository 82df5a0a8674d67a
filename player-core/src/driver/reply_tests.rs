//! The two ends of an answer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::FutureExt as _;

use super::*;

fn head(length: Option<u64>) -> ResponseHead {
    ResponseHead {
        status: 200,
        url: "http://h/".parse().unwrap(),
        content_type: None,
        content_length: length,
        range_ignored: false,
        date: None,
    }
}

fn bytes(length: usize) -> Bytes {
    vec![1; length].into()
}

fn all(answer: &FetchAnswer) -> Vec<Piece> {
    std::iter::from_fn(|| answer.next().now_or_never()).collect()
}

fn end(answer: &FetchAnswer) -> Result<(), FetchError> {
    match all(answer).pop() {
        Some(Piece::End(result)) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pieces_come_in_order_and_an_end_ends() {
    let (reply, answer) = channel(100, None);
    reply.begin(head(Some(5)));
    assert!(reply.write(bytes(2)));
    reply.notice(RangeNotice::Unlabelled);
    reply.write(bytes(3));
    let cancellation = reply.cancellation();
    cancellation.on_cancel(|| panic!("an answer that was read to its end is not cancelled"));
    reply.end(Ok(()));
    let expected = [
        Piece::Head { head: head(Some(5)), is_rest: false, identity: FileIdentity::default() },
        Piece::Bytes(bytes(2)),
        Piece::Notice(RangeNotice::Unlabelled),
        Piece::Bytes(bytes(3)),
        Piece::End(Ok(())),
    ];
    assert_eq!(all(&answer), expected);
    drop(answer);
    assert!(!cancellation.is_cancelled());
}

#[test]
fn a_fetcher_that_breaks_the_order_is_named() {
    type Break = fn(FetchReply);
    let cases: [(&str, Break); 5] = [
        ("bytes before the head", |reply| {
            reply.write(bytes(1));
        }),
        ("a notice before the head", |reply| reply.notice(RangeNotice::Ignored)),
        ("a second head", |reply| {
            reply.begin(head(None));
            reply.begin(head(None));
        }),
        ("an end without a head", |reply| reply.end(Ok(()))),
        ("a reply that was dropped", |reply| reply.begin(head(None))),
    ];
    for (name, broken) in cases {
        let (reply, answer) = channel(100, None);
        broken(reply);
        let error = end(&answer).unwrap_err();
        assert!(matches!(&error, FetchError::Host(text) if text.starts_with(name)), "{name}: {error:?}");
    }
}

#[test]
fn too_many_bytes_and_too_few_are_errors() {
    let (reply, answer) = channel(10, None);
    reply.begin(head(None));
    reply.write(bytes(10));
    assert!(!reply.cancellation().is_cancelled());
    reply.write(bytes(1));
    assert!(reply.cancellation().is_cancelled(), "the fetcher need not go on");
    reply.write(bytes(1));
    assert_eq!(end(&answer), Err(FetchError::TooLarge { limit: 10 }));
    let (reply, answer) = channel(10, None);
    reply.begin(head(Some(9)));
    reply.write(bytes(8));
    reply.end(Ok(()));
    assert_eq!(end(&answer), Err(FetchError::Truncated { received: 8, expected: Some(9) }));
}

#[test]
fn a_full_reply_asks_for_patience_and_calls_when_there_is_room() {
    let (reply, answer) = channel(u64::MAX, None);
    let called = Arc::new(AtomicU32::new(0));
    let count = || {
        let called = Arc::clone(&called);
        move || {
            called.fetch_add(1, Ordering::SeqCst);
        }
    };
    reply.begin(head(None));
    assert!(reply.write(bytes(MAX_WAITING_BYTES - 1)));
    reply.on_room(count());
    assert_eq!(called.load(Ordering::SeqCst), 1, "there is room");
    assert!(!reply.write(bytes(1)));
    reply.on_room(count());
    let mut sending = Box::pin(reply.send(bytes(2)));
    assert_eq!(sending.as_mut().now_or_never(), None);
    answer.next().now_or_never().unwrap();
    assert_eq!((called.load(Ordering::SeqCst), sending.as_mut().now_or_never()), (1, None), "the head makes no room");
    answer.next().now_or_never().unwrap();
    assert_eq!((called.load(Ordering::SeqCst), sending.as_mut().now_or_never()), (2, Some(())));
}

#[test]
fn dropping_the_answer_cancels_and_frees_what_waits() {
    let (reply, answer) = channel(u64::MAX, None);
    let called = Arc::new(AtomicU32::new(0));
    let cancellation = reply.cancellation();
    for add in [1, 10] {
        let called = Arc::clone(&called);
        cancellation.on_cancel(move || {
            called.fetch_add(add, Ordering::SeqCst);
        });
    }
    reply.begin(head(None));
    assert!(!reply.write(bytes(MAX_WAITING_BYTES)));
    let room = Arc::clone(&called);
    reply.on_room(move || {
        room.fetch_add(100, Ordering::SeqCst);
    });
    drop(answer);
    assert!(cancellation.is_cancelled());
    assert_eq!(called.load(Ordering::SeqCst), 111);
    assert!(reply.write(bytes(5)), "nothing waits any more");
    reply.end(Ok(()));
}
