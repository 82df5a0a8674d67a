//! Files in, cues out.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::text::{LineAlign, LinePosition, MAX_CUES, PositionAlign, TextAlign, Vertical};

fn cues(file: &str) -> Vec<Cue> {
    parse(file.as_bytes()).unwrap().cues
}

fn only(file: &str) -> Cue {
    let mut cues = cues(file);
    assert_eq!(cues.len(), 1, "{cues:?}");
    cues.remove(0)
}

fn with_text(text: &str) -> Cue {
    only(&format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n"))
}

fn times(cue: &Cue) -> (i64, i64) {
    (cue.start.as_nanos() / 1_000_000, cue.end.as_nanos() / 1_000_000)
}

#[test]
fn the_signature_decides() {
    for good in ["WEBVTT", "\u{feff}WEBVTT\n", "WEBVTT comment\r\n", "WEBVTT\tx"] {
        assert_eq!(parse(good.as_bytes()), Ok(Document::default()), "{good:?}");
    }
    for bad in ["", "WEBVT", "WEBVTTX", " WEBVTT", "\nWEBVTT", "webvtt\n"] {
        assert_eq!(parse(bad.as_bytes()), Err(WebVttError::NoSignature), "{bad:?}");
    }
}

#[test]
fn every_line_ending_separates_cues() {
    for end in ["\n", "\r\n", "\r"] {
        let file = [
            "WEBVTT",
            "",
            "first",
            "00:01.000 --> 00:02.500",
            "Hello",
            "world",
            "",
            "",
            "1:00:00.000 --> 100:00:00.000",
            "x",
        ];
        let cues = cues(&file.join(end));
        assert_eq!(cues.len(), 2);
        assert_eq!((cues[0].id.as_deref(), cues[0].plain_text().as_str()), (Some("first"), "Hello\nworld"));
        assert_eq!((times(&cues[0]), times(&cues[1])), ((1000, 2500), (3_600_000, 360_000_000)));
    }
}

#[test]
fn broken_timestamps_lose_their_cue_only() {
    for bad in ["0:01.000", "00:61.000", "00:01.00", "00:01,000", "60:01.000", "00:1.000", "00:00:60.000", "00:01.0000"]
    {
        let file = format!("WEBVTT\n\n{bad} --> 99:00.000\nlost\n\n00:05.000-->00:06.000 \nkept");
        assert_eq!(only(&file).plain_text(), "kept", "{bad}");
    }
}

#[test]
fn an_arrow_inside_a_cue_begins_the_next() {
    let found = cues("WEBVTT\n00:01.000 --> 00:02.000\nA\n00:02.000 --> 00:03.000\nB\n");
    assert_eq!(found.iter().map(Cue::plain_text).collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn comments_and_unknown_blocks_are_skipped() {
    let file = "WEBVTT\nKind: captions\n\nNOTE a\ncomment\n\nSTYLE\n::cue { color: red }\n\nNOTE\n\n00:01.000 --> 00:02.000\nx\n\nSTYLE\n::cue { color: blue }\n";
    let cue = only(file);
    assert_eq!(cue.spans[0].style.color, Some([255, 0, 0, 255]));
}

#[test]
fn the_timestamp_map_is_read_in_both_orders() {
    for map in ["LOCAL:00:00:10.000,MPEGTS:900000", "MPEGTS:900000,LOCAL:00:10.000", " MPEGTS:900000, LOCAL:00:10.000"]
    {
        let document = parse(format!("WEBVTT\nX-TIMESTAMP-MAP={map}\n\n").as_bytes()).unwrap();
        let expected = TimestampMap { mpegts: 900_000, local: MediaTime::from_millis(10_000) };
        assert_eq!(document.timestamp_map, Some(expected), "{map}");
    }
    assert_eq!(parse(b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:x,LOCAL:00:00.000\n").unwrap().timestamp_map, None);
}

#[test]
fn settings_place_the_cue() {
    let file =
        "WEBVTT\n\n00:01.000 --> 00:02.000 line:-1,end position:25.5%,line-right size:50% align:right vertical:lr\nx";
    let layout = only(file).layout;
    assert_eq!((layout.line, layout.line_align), (LinePosition::Line(-1.0), LineAlign::End));
    assert_eq!((layout.position, layout.position_align), (Some(25.5), PositionAlign::LineRight));
    assert_eq!((layout.size, layout.align, layout.vertical), (50.0, TextAlign::Right, Some(Vertical::LeftToRight)));
    let ignored = only(
        "WEBVTT\n\n00:01.000 --> 00:02.000 line:1-,start position:101% size:x% align:middle line:50%,up vertical:x :a b:\nx",
    );
    assert_eq!(ignored.layout, crate::text::CueLayout::default());
    assert_eq!(only("WEBVTT\n\n00:01.000 --> 00:02.000 line:12.5%\nx").layout.line, LinePosition::Percent(12.5));
}

#[test]
fn regions_are_found_by_name_and_lost_by_a_line() {
    let header =
        "WEBVTT\n\nREGION\nid:fred width:40% lines:2\nregionanchor:0%,100% viewportanchor:10%,90% scroll:up\n\n";
    let cue = only(&format!("{header}00:01.000 --> 00:02.000 region:fred\nx"));
    let region = cue.layout.region.unwrap();
    assert_eq!((region.width, region.lines, region.viewport_anchor, region.scroll_up), (40.0, 2, (10.0, 90.0), true));
    assert_eq!(only(&format!("{header}00:01.000 --> 00:02.000 region:fred line:1\nx")).layout.region, None);
}

#[test]
fn tags_style_what_they_enclose() {
    let cue = with_text("a<b>b<i>c</i></b><u>d</u> <c.yellow.bg_blue>e</c><v.loud Mary &amp; Jo>f</v><lang en-GB>g");
    let described: Vec<_> = cue.spans.iter().map(|span| (span.text.as_str(), &span.style)).collect();
    let [a, b, c, d, _, e, f, g] = described[..] else { panic!("{described:?}") };
    assert_eq!(a, ("a", &Default::default()));
    assert!(b.1.bold && !b.1.italic && c.1.bold && c.1.italic && d.1.underline && !d.1.bold);
    assert_eq!((e.1.color, e.1.background), (Some([255, 255, 0, 255]), Some([0, 0, 255, 255])));
    assert_eq!(e.1.classes, ["yellow", "bg_blue"]);
    assert_eq!((f.1.voice.as_deref(), f.1.classes.as_slice()), (Some("Mary & Jo"), ["loud".to_owned()].as_slice()));
    assert_eq!((g.0, g.1.language.as_deref()), ("g", Some("en-GB")));
}

#[test]
fn text_survives_what_is_not_a_tag() {
    for (text, plain) in [
        ("a < b", "a "),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("</i>x</b>", "x"),
        ("<x>y</x>", "y"),
        ("<b>x</i>y", "xy"),
        ("a<00:01.500>b", "ab"),
        ("<ruby>漢<rt>kan</rt>字<rt>ji</ruby>!", "漢(kan)字(ji)!"),
        ("<rt>x</rt>", "x"),
        ("a<b", "a"),
        ("NUL \0", "NUL \u{fffd}"),
    ] {
        assert_eq!(with_text(text).plain_text(), plain, "{text}");
    }
    let karaoke = with_text("a<00:01.500>b");
    assert_eq!(karaoke.spans[1].style.from, Some(MediaTime::from_millis(1500)));
}

#[test]
fn style_sheets_reach_elements_classes_voices_and_ids() {
    let sheet = "STYLE\n/* note */ ::cue { background: rgba(0, 0, 0, 0.5); color: #0f0 }\n::cue(b), ::cue(.x) { color: rgb(1,2,3); font-weight: normal }\n::cue(c.x.y) { font-style: italic }\n::cue(v[voice=\"Jo\"]) { text-decoration: underline }\n@media x { ::cue { color: red } }\n::cue(#\\31 a) { color: black }\n::cue(b i) { color: red }\n";
    let file = |id: &str, text: &str| only(&format!("WEBVTT\n\n{sheet}\n{id}00:01.000 --> 00:02.000\n{text}"));
    let cue = file("", "a<b>b</b><c.x.y>c</c><v Jo>d</v>");
    let style = |index: usize| &cue.spans[index].style;
    assert_eq!((style(0).background, style(0).color), (Some([0, 0, 0, 128]), Some([0, 255, 0, 255])));
    assert_eq!((style(1).bold, style(1).color), (false, Some([1, 2, 3, 255])));
    assert!(style(2).italic && style(3).underline && !style(0).underline);
    assert_eq!(file("1a\n", "x").spans[0].style.color, Some([0, 0, 0, 255]));
}

#[test]
fn limits_end_a_hostile_file_soon() {
    let many = format!("WEBVTT\n\n{}", "00:01.000 --> 00:02.000\n\n".repeat(MAX_CUES + 1));
    assert_eq!(parse(many.as_bytes()), Err(WebVttError::TooManyCues(MAX_CUES)));
    let deep = with_text(&"<b>".repeat(100_000));
    assert!(deep.spans.is_empty());
    let long = with_text(&format!("<v {}>{}", "n".repeat(1000), "<i>x</i>y".repeat(20_000)));
    assert_eq!(long.plain_text().len(), 40_000);
    assert!(long.spans.iter().all(|span| span.style.voice.as_ref().is_some_and(|voice| voice.len() <= 128)));
}

#[test]
fn a_position_that_cannot_be_read_aligns_nothing() {
    let layout = |setting: &str| {
        let text = format!("WEBVTT\n\n00:00.000 --> 00:01.000 {setting}\nx\n");
        parse(text.as_bytes()).unwrap().cues.remove(0).layout
    };
    assert_eq!(layout("position:x%,center"), layout(""));
    let read = layout("position:30%,center");
    assert_eq!((read.position, read.position_align), (Some(30.0), PositionAlign::Center));
}
