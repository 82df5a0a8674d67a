//! Playlists that grow, read again and again: whole, cut to what changed, and as updates that leave segments out.
#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use url::Url;

use crate::manifest::{PlaylistText, parse_index, read_playlist_again};
use crate::model::{Agreement, Changes, IndexSource, Resource, SegmentId, SegmentIndex, SegmentList, SegmentRef};

/// A server: what its playlist lists at a time is a function of the number of its last segment.
#[derive(Clone, Copy)]
struct Server {
    window: u64,
    /// The newest segments have parts, and one is being written.
    has_parts: bool,
    /// Initialisation data and keys change, and a discontinuity comes, so often.
    period: u64,
    ranges: bool,
}

const PLAIN: Server = Server { window: 20, has_parts: false, period: 7, ranges: false };

impl Server {
    /// Text of the playlist whose last segment is `last`; of an update, if `skipped` segments are left out of it.
    fn text(self, last: u64, skipped: u64) -> String {
        let first = (last + 1).saturating_sub(self.window);
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n\
             #EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n#EXT-X-PART-INF:PART-TARGET=1\n",
            first / self.period
        );
        if skipped > 0 {
            text += &format!("#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped},RECENTLY-REMOVED-DATERANGES=\"a\tb\"\n");
        }
        for number in first + skipped..=last {
            let generation = number / self.period;
            if number % self.period == 0 && number > first {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            if number % self.period == 0 || number == first {
                text += &format!("#EXT-X-KEY:METHOD=AES-128,URI=\"key{generation}\"\n");
                text += &format!("#EXT-X-MAP:URI=\"init{generation}\"\n");
            }
            if number % 5 == 0 {
                text += &format!(
                    "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{:02}:{:02}Z\n",
                    number / 30 % 60,
                    number * 2 % 60
                );
            }
            if self.has_parts && number + 3 > last {
                text += &format!("#EXT-X-PART:DURATION=1,URI=\"p{number}.0\",INDEPENDENT=YES\n");
                text += &format!("#EXT-X-PART:DURATION=1,URI=\"p{number}.1\"\n");
            }
            if self.ranges {
                text += "#EXT-X-BYTERANGE:100\n";
                if number % self.period == 0 || number == first {
                    text.truncate(text.len() - 1);
                    text += &format!("@{}\n", number % self.period * 100);
                }
                text += &format!("#EXTINF:2,\nfile{generation}\n");
            } else {
                text += &format!("#EXTINF:2,\ns{number}?t={}\n", self.window);
            }
        }
        if self.has_parts {
            text += &format!("#EXT-X-PART:DURATION=1,URI=\"p{}.0\"\n", last + 1);
            text += &format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p{}.1\"\n", last + 1);
        }
        text
    }
}

fn url() -> Url {
    "http://h/live/list.m3u8?token=1&_HLS_msn=9&_HLS_part=1".parse().unwrap()
}

fn source() -> IndexSource {
    IndexSource::playlist(Resource::new("http://h/live/list.m3u8?token=1".parse().unwrap()))
}

/// A list that is read again.
struct Reader {
    index: SegmentIndex,
    text: Option<PlaylistText>,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self {
            index: SegmentIndex::Known(parse_index(text.as_bytes(), &source(), &url()).unwrap().segments),
            text: None,
        }
    }

    fn list(&self) -> &SegmentList {
        let SegmentIndex::Known(list) = &self.index else { panic!("it was read") };
        list
    }

    /// Reads the next state. Returns the differences, and the number of segments that were read.
    fn again(&mut self, text: &str) -> (Changes, u64) {
        let SegmentList::Listed(known) = self.list() else { panic!("a playlist lists its segments") };
        let body = Bytes::copy_from_slice(text.as_bytes());
        let (parsed, kept) = read_playlist_again(&body, &source(), &url(), known, self.text.as_ref()).unwrap();
        assert_eq!(parsed.warnings, []);
        let read = parsed.segments.len();
        let changes = self.index.merge(SegmentIndex::Known(parsed.segments));
        if !changes.agreement.is_refused() {
            self.text = kept;
        }
        (changes, read)
    }

    fn whole(&mut self, text: &str) -> Changes {
        let parsed = parse_index(text.as_bytes(), &source(), &url()).unwrap();
        self.index.merge(SegmentIndex::Known(parsed.segments))
    }

    /// Every segment, and the parts that follow the last one.
    fn all(&self) -> Vec<SegmentRef> {
        let list = self.list();
        let mut all: Vec<SegmentRef> = (0..list.len()).map(|at| list.get(at).unwrap()).collect();
        for sequence in 0..200 {
            let part = |part| SegmentId::Part { sequence, part };
            all.extend((0..3).filter(|at| list.holds(part(*at))).filter_map(|at| list.after(part(at))));
        }
        while let Some(next) = list.after(all.last().unwrap().id) {
            all.push(next);
        }
        all
    }
}

/// Reads the playlist as it grows in steps, whole each time and by what changed, and compares.
fn compare(server: Server, is_delta: bool) {
    let mut whole = Reader::new(&server.text(3, 0));
    let mut changed = Reader::new(&server.text(3, 0));
    let mut read_in_all = 0;
    for last in [4, 5, 8, 8, 12, 19, 20, 21, 25, 38, 39, 40, 41, 60, 61, 62, 75, 76, 77, 90, 91] {
        let text = server.text(last, 0);
        whole.whole(&text);
        let known_last = changed.list().len()
            + changed.list().id(0).map_or(0, |id| match id {
                SegmentId::Sequence(first) => first,
                _ => 0,
            });
        // An update goes back by six segments.
        let skipped = known_last.saturating_sub((last + 1).saturating_sub(server.window) + 6);
        let text = if is_delta { server.text(last, skipped) } else { text };
        let (changes, read) = changed.again(&text);
        assert!(!changes.disagree(), "{changes:?} at {last}");
        read_in_all += read;
        assert_eq!(changed.all(), whole.all(), "at {last}");
    }
    assert!(read_in_all < 230, "{read_in_all} of some 370 segments were read");
}

#[test]
fn reading_what_changed_gives_what_reading_all_gives() {
    for has_parts in [false, true] {
        for ranges in [false, true] {
            for is_delta in [false, true] {
                if !(is_delta && ranges) {
                    compare(Server { has_parts, ranges, ..PLAIN }, is_delta);
                }
            }
        }
    }
}

#[test]
fn an_update_goes_on_with_the_key_and_the_init_that_are_in_force() {
    let mut reader = Reader::new(&PLAIN.text(20, 0));
    let update = PLAIN.text(24, 14);
    assert!(update.contains("key3") && !update.contains("key2"));
    let (changes, read) = reader.again(&update);
    assert_eq!((changes.agreement, changes.added, changes.removed_in_front, read), (Agreement::Names, 4, 4, 6));
    let at = |number: u64| reader.list().get(number - 5).unwrap();
    let init = |number| at(number).init.unwrap().urls[0].path().to_owned();
    assert_eq!([init(19), init(20), init(21), init(24)], ["/live/init2", "/live/init2", "/live/init3", "/live/init3"]);
    let [before, after] = [at(20), at(21)].map(|segment| segment.encryption.unwrap());
    assert_eq!((before.media.len(), before.sequence, after.sequence), (1, 20, 21));
    assert_ne!(before.media, after.media);
}

#[test]
fn an_update_that_leaves_out_what_is_not_known_changes_nothing() {
    let mut reader = Reader::new(&PLAIN.text(20, 0));
    let before = reader.all();
    let (changes, _) = reader.again(&PLAIN.text(40, 10));
    assert_eq!((changes.agreement, reader.all() == before), (Agreement::Misfit, true), "21 to 30 were never seen");
    let (changes, _) = reader.again(&PLAIN.text(22, 12).replace("s15", "t15"));
    assert_eq!(changes.agreement, Agreement::Misfit, "the server has something else under the same number");
    let (changes, _) = reader.again(&PLAIN.text(19, 15));
    assert_eq!(
        (changes.agreement, reader.all() == before),
        (Agreement::Misfit, true),
        "it begins before what is known"
    );
    assert_eq!(reader.again(&PLAIN.text(22, 12)).0.agreement, Agreement::Names);
}

#[test]
fn an_update_that_ends_the_list_closes_it() {
    let mut reader = Reader::new(&PLAIN.text(20, 0));
    let update = PLAIN.text(22, 12) + "#EXT-X-ENDLIST\n";
    assert_eq!(reader.again(&update).0.added, 2);
    assert!(matches!(reader.list(), SegmentList::Listed(list) if !list.is_open() && list.len() == 20));
}

#[test]
fn what_an_update_announces_lies_where_the_list_has_it() {
    let mut reader = Reader::new(&PLAIN.text(20, 0));
    let SegmentList::Listed(known) = reader.list() else { panic!("a playlist lists its segments") };
    let range = "#EXT-X-DATERANGE:ID=\"x\",START-DATE=\"2026-01-01T00:00:41.5Z\",DURATION=3\n";
    let update = Bytes::from(PLAIN.text(22, 15) + range);
    let (parsed, kept) = read_playlist_again(&update, &source(), &url(), known, None).unwrap();
    // Segment 1 is the first of those that were read, and segment 20 has the date 00:40.
    assert_eq!(parsed.metadata[0].start.as_nanos(), (19 * 2 * 1000 + 1500) * 1_000_000);
    assert_eq!(parsed.growth.as_ref().unwrap().removed_date_ranges, ["a", "b"]);
    assert_eq!((parsed.growth.unwrap().next_sequence, parsed.epoch, kept.is_none()), (23, None, true));
    reader.index.merge(SegmentIndex::Known(parsed.segments));
    assert_eq!(reader.list().len(), 20);
}

#[test]
fn memory_of_a_day_does_not_grow() {
    let mut reader = Reader::new(&PLAIN.text(30, 0));
    let mut after_warm_up = 0;
    for last in 31..3000 {
        let (changes, read) = reader.again(&PLAIN.text(last, 0));
        assert!(last < 33 || (read <= 4 && !changes.disagree()), "{read} at {last}");
        let SegmentList::Listed(list) = reader.list() else { panic!("a playlist lists its segments") };
        if last == 1000 {
            after_warm_up = list.bytes();
        }
        assert!(last <= 1000 || list.bytes() < after_warm_up * 3, "{} at {last}", list.bytes());
    }
}
