//! Tests of which captions are held, chosen, replaced and dropped.

use super::*;
use crate::engine::ids::RepKey;
use crate::model::SegmentId;

const ONE: CaptionService = CaptionService::Cea608(1);

fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn of(rep: u32, number: u64) -> SegmentKey {
    SegmentKey { rep: RepKey::for_tests(0, 0, rep), id: SegmentId::Sequence(number) }
}

fn id() -> TrackId {
    TrackId("cc".into())
}

/// Field 1 of one picture.
fn packet(at: i64, pairs: &[u16]) -> CaptionPacket {
    let parity = |byte: u8| if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte };
    let triple = |pair: &u16| [0xfc, parity(pair.to_be_bytes()[0]), parity(pair.to_be_bytes()[1])];
    CaptionPacket { pts: ms(at), triples: pairs.iter().flat_map(triple).collect() }
}

/// A caption of two letters that stands for a second from a time on.
fn caption(at: i64, letters: &[u8; 2]) -> Vec<CaptionPacket> {
    let text = u16::from_be_bytes(*letters);
    vec![packet(at, &[0x1420, 0x142e, 0x1470, text, 0x142f]), packet(at + 1000, &[0x142c])]
}

fn shown(store: &CaptionStore) -> Vec<(i64, i64, String)> {
    let millis = |time: MediaTime| if time == MediaTime::MAX { -1 } else { time.as_nanos() / 1_000_000 };
    store.cues().iter().map(|cue| (millis(cue.start), millis(cue.end), cue.plain_text())).collect()
}

const FIRST: TimestampMapping = TimestampMapping::Discontinuity(0);

#[test]
fn captions_can_be_chosen_before_and_after_they_come() {
    let mut before = CaptionStore::default();
    before.choose(Some((id(), ONE)));
    let mut after = CaptionStore::default();
    for (number, letters) in [b"AA", b"BB", b"CC"].iter().enumerate() {
        let packets = caption(number as i64 * 4000, letters);
        assert_eq!(before.insert(of(0, number as u64), FIRST, packets.clone()), number == 0);
        assert!(before.publish());
        after.insert(of(0, number as u64), FIRST, packets);
        assert!(!after.publish());
    }
    assert!(after.choose(Some((id(), ONE))) && after.publish());
    let expected = [(0, 1000, "AA".into()), (4000, 5000, "BB".into()), (8000, 9000, "CC".into())];
    assert_eq!(shown(&before), expected);
    assert_eq!(shown(&after), expected);
    assert!(!after.choose(Some((id(), ONE))), "chosen already");
    assert!(after.choose(None) && after.publish());
    assert!(shown(&after).is_empty());
}

#[test]
fn another_quality_replaces_what_it_brings_again() {
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    store.insert(of(0, 0), FIRST, caption(0, b"AA"));
    store.insert(of(0, 1), FIRST, caption(4000, b"BB"));
    // The same segment in another quality, and the beginning of it once more after a failed request.
    let again = caption(4000, b"BB");
    store.insert(of(1, 1), FIRST, again[..1].to_vec());
    store.insert(of(1, 1), FIRST, again);
    store.insert(of(1, 2), FIRST, caption(8000, b"CC"));
    store.publish();
    let expected = [(0, 1000, "AA".into()), (4000, 5000, "BB".into()), (8000, 9000, "CC".into())];
    assert_eq!(shown(&store), expected);
}

#[test]
fn a_discontinuity_ends_what_is_on_screen() {
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    store.insert(of(0, 0), FIRST, caption(0, b"AA")[..1].to_vec());
    store.publish();
    assert_eq!(shown(&store), [(0, -1, "AA".into())], "its end is not known yet");
    // The programme after it does not erase what it did not write.
    store.insert(of(0, 1), TimestampMapping::Discontinuity(1), vec![packet(4000, &[0])]);
    store.publish();
    assert_eq!(shown(&store), [(0, 4000, "AA".into())]);
}

#[test]
fn captions_without_any_data_behind_them_end_by_themselves() {
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    store.insert(of(0, 0), FIRST, caption(0, b"AA")[..1].to_vec());
    store.insert(of(0, 9), FIRST, vec![packet(40_000, &[0])]);
    store.publish();
    assert_eq!(shown(&store), [(0, 16_000, "AA".into())]);
}

#[test]
fn what_lies_behind_goes_and_what_is_open_stays() {
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    store.insert(of(0, 0), FIRST, caption(0, b"AA"));
    store.insert(of(0, 1), FIRST, caption(4000, b"BB")[..1].to_vec());
    store.publish();
    assert!(!store.evict(ms(999)), "a caption stays to its last instant");
    assert!(store.evict(ms(1000)));
    assert!(!store.evict(ms(6000)));
    assert_eq!(shown(&store), [(4000, -1, "BB".into())]);
    assert!(store.packets.is_empty());
    assert!(store.clear());
    assert!(shown(&store).is_empty());
}

#[test]
fn what_is_held_is_bounded() {
    let mut store = CaptionStore::default();
    let silence = (0..MOST_PACKETS as i64 + 500).map(|at| packet(at, &[0])).collect();
    store.insert(of(0, 0), FIRST, silence);
    assert_eq!(store.packets.len(), MOST_PACKETS);
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    let letter = |at: i64| 0x4100 + u16::from(at % 2 == 0) * 0x100;
    let painted = (0..MOST_CUES as i64 + 500).map(|at| packet(at, &[0x1429, 0x1470, letter(at)])).collect();
    store.insert(of(0, 0), FIRST, painted);
    store.publish();
    assert_eq!(store.cues().len(), MOST_CUES + 1);
}

#[test]
fn what_another_quality_brings_takes_the_place_of_what_was_held() {
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    store.insert(of(0, 0), FIRST, caption(0, b"AA"));
    store.insert(of(0, 1), FIRST, caption(4000, b"BB"));
    store.insert(of(1, 1), FIRST, caption(4000, b"XX"));
    assert!(store.publish());
    assert_eq!(shown(&store), [(0, 1000, "AA".into()), (4000, 5000, "XX".into())]);
}

#[test]
fn a_packet_that_comes_again_with_its_segment_is_read_once() {
    let mut store = CaptionStore::default();
    store.choose(Some((id(), ONE)));
    let painted = vec![packet(0, &[0x1429, 0x1470, 0x4142]), packet(100, &[0x4344])];
    store.insert(of(0, 0), FIRST, painted.clone());
    store.insert(of(0, 0), FIRST, painted[1..].to_vec());
    store.publish();
    assert_eq!(shown(&store).last().map(|(.., text)| text.as_str()), Some("ABCD"));
}

#[test]
fn a_packet_at_the_limit_of_eviction_can_still_be_chosen() {
    let mut store = CaptionStore::default();
    store.insert(of(0, 0), FIRST, caption(1000, b"AA"));
    store.evict(ms(1000));
    assert!(store.choose(Some((id(), ONE))) && store.publish());
    assert_eq!(shown(&store), [(1000, 2000, "AA".into())]);
    store.evict(ms(1001));
    assert_eq!(store.packets.len(), 1);
}
