//! Tests of `ranges`: heads of answers to range requests, and the requests that continue them.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::identity::Validator;
use super::*;

fn range(offset: u64, length: Option<u64>) -> Option<ByteRange> {
    Some(ByteRange { offset, length })
}

fn head(status: u16, content_range: Option<&str>, content_length: Option<u64>) -> AnswerHead {
    AnswerHead { status, content_range: content_range.map(str::to_owned), content_length, content_type: None }
}

/// A plan whose first answer has this head.
fn begun(
    range: Option<ByteRange>,
    status: u16,
    content_range: Option<&str>,
    content_length: Option<u64>,
) -> Result<(RangePlan, Option<RangeNotice>), FetchError> {
    let mut plan = RangePlan::new(range, false, 100);
    let notice = plan.begin_answer(&head(status, content_range, content_length))?;
    Ok((plan, notice))
}

#[test]
fn a_whole_file_is_sliced_when_the_range_is_ignored() {
    let (mut plan, notice) = begun(range(3, Some(4)), 200, None, Some(10)).unwrap();
    assert_eq!((plan.expected(), notice), (Some(4), Some(RangeNotice::Ignored)));
    assert_eq!(plan.cut(Bytes::from_static(b"01")), "");
    assert_eq!(plan.cut(Bytes::from_static(b"2345")), "345");
    assert!(!plan.is_answer_done());
    assert_eq!(plan.cut(Bytes::from_static(b"6789")), "6");
    assert!(plan.is_answer_done());
    assert_eq!(plan.end_answer(), Ok(NextStep::Complete(None)));
}

#[test]
fn a_partial_answer_is_taken_as_it_is_or_cut() {
    let (mut exact, notice) = begun(range(3, Some(4)), 206, Some("bytes 3-6/10"), Some(4)).unwrap();
    assert_eq!((exact.cut(Bytes::from_static(b"3456")), exact.expected()), (Bytes::from_static(b"3456"), Some(4)));
    assert_eq!((notice, exact.end_answer()), (None, Ok(NextStep::Complete(None))));
    let (mut wide, _) = begun(range(3, Some(2)), 206, Some("bytes 0-9/10"), Some(10)).unwrap();
    assert_eq!(wide.cut(Bytes::from_static(b"0123456789")), "34");
    let (open, _) = begun(range(3, None), 206, Some("bytes 3-9/10"), Some(7)).unwrap();
    assert_eq!(open.expected(), Some(7));
}

#[test]
fn a_part_without_a_known_end_may_be_shorter() {
    for (status, content_range, length) in [(206, Some("bytes 3-9/10"), 7), (200, None, 10)] {
        let mut plan = RangePlan::new(range(3, Some(90)), true, 100);
        plan.begin_answer(&head(status, content_range, Some(length))).unwrap();
        assert_eq!(plan.expected(), Some(7));
        let skipped = if status == 200 { b"0123456789".as_slice() } else { b"3456789" };
        assert_eq!(plan.cut(Bytes::from_static(skipped)), "3456789");
        assert_eq!(plan.end_answer(), Ok(NextStep::Complete(None)), "{status}");
    }
}

#[test]
fn a_short_part_is_continued_until_the_rest_has_come() {
    let (mut plan, _) = begun(range(3, Some(6)), 206, Some("bytes 3-4/10"), Some(2)).unwrap();
    assert_eq!(plan.expected(), Some(6));
    assert_eq!(plan.cut(Bytes::from_static(b"34")), "34");
    assert_eq!(plan.end_answer(), Ok(NextStep::Continue));
    assert_eq!(plan.range_header().as_deref(), Some("bytes=5-8"));
    assert_eq!(plan.begin_answer(&head(206, Some("bytes 5-7/10"), Some(3))), Ok(None));
    assert_eq!(plan.cut(Bytes::from_static(b"567")), "567");
    assert_eq!(plan.end_answer(), Ok(NextStep::Continue));
    assert_eq!(plan.begin_answer(&head(200, None, Some(10))), Ok(Some(RangeNotice::Ignored)));
    assert_eq!(plan.cut(Bytes::from_static(b"0123456789")), "8");
    assert_eq!(plan.end_answer(), Ok(NextStep::Complete(None)));
}

#[test]
fn an_open_part_and_a_part_nobody_asked_for_are_continued_to_the_end_of_the_file() {
    for asked in [range(0, None), None] {
        let (mut plan, _) = begun(asked, 206, Some("bytes 0-3/6"), Some(4)).unwrap();
        plan.cut(Bytes::from_static(b"0123"));
        assert_eq!((plan.end_answer(), plan.range_header()), (Ok(NextStep::Continue), Some("bytes=4-".to_owned())));
        plan.begin_answer(&head(206, Some("bytes 4-5/6"), Some(2))).unwrap();
        plan.cut(Bytes::from_static(b"45"));
        assert_eq!(plan.end_answer(), Ok(NextStep::Complete(None)));
    }
    let (mut unknown, _) = begun(range(3, None), 206, Some("bytes 3-4/*"), Some(2)).unwrap();
    unknown.cut(Bytes::from_static(b"34"));
    assert_eq!(unknown.end_answer(), Ok(NextStep::Complete(None)));
}

#[test]
fn answers_without_progress_and_too_many_answers_are_errors() {
    let (mut plan, _) = begun(range(0, Some(9)), 206, None, Some(0)).unwrap();
    assert!(matches!(plan.end_answer(), Err(FetchError::RangeIgnored(_))));
    let mut plan = RangePlan::new(range(0, Some(1 << 20)), false, 1 << 30);
    let mut answers = 0;
    let end = loop {
        plan.begin_answer(&head(206, None, Some(1))).unwrap();
        plan.cut(Bytes::from_static(b"x"));
        answers += 1;
        match plan.end_answer() {
            Ok(NextStep::Continue) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Err(FetchError::RangeIgnored(_))), "{end:?}");
    assert_eq!(answers, MAX_ANSWERS);
}

#[test]
fn a_range_past_the_end_of_the_file_is_complete_with_a_notice() {
    let past = |received| Ok(NextStep::Complete(Some(RangeNotice::PastEnd { received })));
    let (mut labelled, _) = begun(range(3, Some(9)), 206, Some("bytes 3-9/10"), Some(7)).unwrap();
    labelled.cut(Bytes::from_static(b"3456789"));
    assert_eq!(labelled.end_answer(), past(7));
    let (mut whole, _) = begun(range(3, Some(9)), 200, None, Some(10)).unwrap();
    whole.cut(Bytes::from_static(b"0123456789"));
    assert_eq!(whole.end_answer(), past(7));
    let (mut unknown, _) = begun(range(3, Some(9)), 206, Some("bytes 3-9/*"), Some(7)).unwrap();
    unknown.cut(Bytes::from_static(b"3456789"));
    assert_eq!(unknown.end_answer(), Ok(NextStep::Continue));
    assert_eq!(unknown.unsatisfied(Some("bytes */10")), past(7).ok());
}

#[test]
fn a_refused_range_is_asked_for_again_up_to_the_end_of_the_file() {
    let mut plan = RangePlan::new(range(3, Some(9)), false, 100);
    assert_eq!(plan.unsatisfied(Some("bytes */10")), Some(NextStep::Continue));
    assert_eq!(plan.range_header().as_deref(), Some("bytes=3-9"));
    assert_eq!(plan.unsatisfied(Some("bytes */10")), None, "asked once");
    plan.begin_answer(&head(206, Some("bytes 3-9/10"), Some(7))).unwrap();
    plan.cut(Bytes::from_static(b"3456789"));
    assert_eq!(plan.end_answer(), Ok(NextStep::Complete(Some(RangeNotice::PastEnd { received: 7 }))));
    for content_range in [None, Some("bytes */3"), Some("bytes */100"), Some("rubbish")] {
        assert_eq!(RangePlan::new(range(3, Some(9)), false, 100).unsatisfied(content_range), None);
    }
}

#[test]
fn a_part_that_does_not_say_where_it_lies_is_the_one_asked_for_when_its_length_fits() {
    for content_length in [Some(4), None] {
        let (mut plan, notice) = begun(range(3, Some(4)), 206, None, content_length).unwrap();
        assert_eq!(notice, Some(RangeNotice::Unlabelled));
        assert_eq!(plan.cut(Bytes::from_static(b"3456")), "3456");
        assert_eq!(plan.end_answer(), Ok(NextStep::Complete(None)));
    }
    let (mut short, _) = begun(range(3, Some(4)), 206, None, Some(3)).unwrap();
    short.cut(Bytes::from_static(b"345"));
    assert_eq!((short.end_answer(), short.range_header()), (Ok(NextStep::Continue), Some("bytes=6-6".to_owned())));
    let (mut first, _) = begun(range(0, Some(4)), 206, None, Some(10)).unwrap();
    assert_eq!(first.cut(Bytes::from_static(b"0123456789")), "0123");
}

#[test]
fn a_part_with_the_status_of_a_whole_file_is_known_by_its_length() {
    let (mut part, notice) = begun(range(3, Some(4)), 200, Some("bytes 3-6/10"), Some(4)).unwrap();
    assert_eq!((part.cut(Bytes::from_static(b"3456")), notice), (Bytes::from_static(b"3456"), None));
    let (mut whole, notice) = begun(range(3, Some(4)), 200, Some("bytes 3-6/10"), Some(10)).unwrap();
    assert_eq!(whole.cut(Bytes::from_static(b"0123456789")), "3456");
    assert_eq!(notice, Some(RangeNotice::Ignored));
}

#[test]
fn content_ranges_are_read_as_servers_write_them() {
    let part = |first, last, size| ContentRange::Part { first, last, size };
    let table = [
        ("bytes 3-6/10", part(3, 6, Some(10))),
        (" bytes  3 - 6 / * ", part(3, 6, None)),
        ("bytes=3-6/10", part(3, 6, Some(10))),
        ("bytes: 3-6/10", part(3, 6, Some(10))),
        ("3-6/10", part(3, 6, Some(10))),
        ("bytes 3-6", part(3, 6, None)),
        ("bytes */10", ContentRange::Unsatisfied),
        ("bytes 6-3/10", ContentRange::Unreadable),
        ("bytes 3-10/10", ContentRange::Unreadable),
        ("bytes 3-99999999999999999999/*", ContentRange::Unreadable),
        ("rubbish", ContentRange::Unreadable),
        ("", ContentRange::Unreadable),
    ];
    for (text, expected) in table {
        assert_eq!(parse_content_range(text), expected, "{text:?}");
    }
}

#[test]
fn wrong_parts_and_sizes_are_typed_errors() {
    let wrong = [
        begun(range(3, Some(4)), 206, Some("bytes 7-9/10"), Some(3)),
        begun(range(3, Some(4)), 206, Some("bytes 0-2/10"), Some(3)),
        begun(range(3, Some(4)), 206, Some("rubbish"), Some(3)),
        begun(range(3, Some(4)), 206, Some("bytes */10"), Some(4)),
        begun(range(3, Some(4)), 206, None, Some(5)),
        begun(range(30, Some(4)), 200, None, Some(10)),
        begun(range(MAX_SKIP + 1, Some(4)), 200, None, None),
    ];
    assert!(wrong.iter().all(|result| matches!(result, Err(FetchError::RangeIgnored(_)))), "{wrong:?}");
    assert!(matches!(begun(None, 200, None, Some(101)), Err(FetchError::TooLarge { limit: 100 })));
    let several = AnswerHead { content_type: Some("multipart/byteranges".to_owned()), ..head(206, None, None) };
    let mut plan = RangePlan::new(range(3, Some(4)), false, 100);
    assert!(matches!(plan.begin_answer(&several), Err(FetchError::RangeIgnored(_))));
    let (mut changed, _) = begun(range(0, Some(6)), 206, Some("bytes 0-1/10"), Some(2)).unwrap();
    changed.cut(Bytes::from_static(b"01"));
    let other = changed.begin_answer(&head(206, Some("bytes 2-5/11"), Some(4)));
    assert!(matches!(other, Err(FetchError::RangeIgnored(_))), "{other:?}");
}

#[test]
fn a_body_that_ends_before_its_head_said_is_truncated() {
    let (mut plan, _) = begun(range(3, Some(4)), 206, Some("bytes 3-6/10"), Some(4)).unwrap();
    plan.cut(Bytes::from_static(b"34"));
    assert_eq!(plan.end_answer(), Err(FetchError::Truncated { received: 2, expected: Some(4) }));
}

/// The file by a strong tag, whose length is known.
fn tagged(tag: &str, length: Option<u64>) -> FileIdentity {
    FileIdentity { validator: Some(Validator::EntityTag(tag.to_owned())), length }
}

#[test]
fn the_rest_of_a_file_is_asked_for_from_where_it_ended() {
    let whole = RangePlan::new(None, false, 100).after(40);
    assert_eq!((whole.range_header().as_deref(), whole.received()), (Some("bytes=40-"), 40));
    let part = RangePlan::new(range(10, Some(50)), false, 100).after(20);
    assert_eq!((part.range_header().as_deref(), part.received()), (Some("bytes=30-59"), 20));
    assert_eq!((part.expected(), part.expected_rest()), (Some(50), Some(30)));
    let mut sized = RangePlan::new(None, false, 100).after(40);
    sized.know_size(Some(90));
    sized.know_size(None);
    assert_eq!((sized.size(), sized.expected(), sized.expected_rest()), (Some(90), Some(90), Some(50)));
}

#[test]
fn what_is_expected_of_a_rest_stays_while_it_is_read() {
    let mut plan = RangePlan::new(None, false, 100).after(40);
    plan.begin_answer(&head(206, Some("bytes 40-89/90"), Some(50))).unwrap();
    assert_eq!((plan.expected(), plan.expected_rest()), (Some(90), Some(50)));
    plan.cut(Bytes::from_static(&[0; 20]));
    assert_eq!((plan.expected(), plan.expected_rest(), plan.received()), (Some(90), Some(30), 60));
    let mut plan = RangePlan::new(range(10, None), false, 100);
    plan.begin_answer(&head(206, None, Some(50))).unwrap();
    plan.cut(Bytes::from_static(&[0; 20]));
    assert_eq!((plan.expected(), plan.expected_rest()), (Some(50), Some(30)), "without any label");
}

#[test]
fn an_answer_brings_the_rest_of_the_same_file_or_is_good_for_beginning_anew_or_for_nothing() {
    use RestAnswer::{Anew, Continues, Unusable};
    let file = tagged("\"a\"", Some(90));
    let same = tagged("\"a\"", None);
    let other = tagged("\"b\"", Some(90));
    let whole = RangePlan::new(None, false, 100).after(40);
    let part = RangePlan::new(range(10, Some(50)), false, 100).after(30);
    // plan, status, range, length, identity found, conditional → use
    let table = [
        (&whole, 206, Some("bytes 40-89/90"), Some(50), &same, true, Continues),
        (&whole, 206, Some("bytes 0-89/90"), Some(90), &same, true, Continues),
        (&whole, 206, Some("bytes 40-89/90"), None, &same, true, Continues),
        (&whole, 206, Some("bytes 40-89/90"), Some(50), &other, true, Unusable),
        (&whole, 206, Some("bytes 41-89/90"), Some(49), &same, true, Unusable),
        (&whole, 206, Some("bytes 0-39/90"), Some(40), &same, true, Unusable),
        (&whole, 206, Some("bytes 40-89/90"), Some(49), &same, true, Unusable),
        (&whole, 206, None, Some(50), &same, true, Unusable),
        (&whole, 200, Some("bytes 40-89/90"), Some(50), &same, true, Unusable),
        (&whole, 200, None, Some(95), &other, true, Anew),
        (&whole, 200, None, Some(90), &same, false, Anew),
        (&part, 206, Some("bytes 40-59/90"), Some(20), &same, true, Continues),
        (&part, 206, Some("bytes 30-59/90"), Some(30), &same, false, Continues),
        (&part, 200, None, Some(90), &other, true, Unusable),
        (&part, 200, None, Some(90), &same, false, Anew),
    ];
    for (plan, status, content_range, length, found, is_conditional, expected) in table {
        let answer = head(status, content_range, length);
        assert_eq!(plan.judge_rest(&answer, &file, found, is_conditional), expected, "{answer:?} {found:?}");
    }
}

#[test]
fn the_length_of_a_file_is_that_of_a_whole_answer_or_what_a_part_declares() {
    for (status, content_range, length, expected) in [
        (200, None, Some(90), Some(90)),
        (206, None, Some(50), None),
        (206, Some("bytes 40-89/90"), Some(50), Some(90)),
        (206, Some("bytes 40-89/*"), Some(50), None),
        (200, Some("odd"), Some(90), None),
    ] {
        assert_eq!(file_length(&head(status, content_range, length)), expected, "{status} {content_range:?}");
    }
}

#[test]
fn a_part_is_cut_at_the_wanted_end_and_nothing_at_all_is_no_part() {
    let (mut plan, notice) = begun(range(3, Some(4)), 206, Some("bytes 3-9/10"), Some(7)).unwrap();
    assert_eq!((plan.cut(Bytes::from_static(b"3456789")), notice), (Bytes::from_static(b"3456"), None));
    assert!(plan.is_answer_done());
    let (mut longer, notice) = begun(range(0, Some(4)), 206, None, Some(7)).unwrap();
    assert_eq!(
        (longer.cut(Bytes::from_static(b"0123456")), notice),
        (Bytes::from_static(b"0123"), Some(RangeNotice::Unlabelled))
    );
    assert!(begun(range(7, Some(4)), 200, None, Some(7)).is_err(), "the file ends where the part begins");
    assert!(begun(range(7, Some(4)), 200, None, Some(8)).is_ok());
    assert_eq!(RangePlan::new(range(7, Some(4)), false, 100).unsatisfied(Some("bytes */7")), None);
    assert_eq!(
        RangePlan::new(range(7, Some(4)), false, 100).after(2).unsatisfied(Some("bytes */9")),
        Some(NextStep::Complete(Some(RangeNotice::PastEnd { received: 2 })))
    );
}
