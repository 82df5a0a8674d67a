//! Documents in, cues out.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::text::{Cue, DisplayAlign, EdgeKind, FontFamily, TextAlign, Vertical};
use crate::time::MediaTime;

const NAMESPACES: &str = "xmlns='http://www.w3.org/ns/ttml' xmlns:tts='http://www.w3.org/ns/ttml#styling' \
    xmlns:ttp='http://www.w3.org/ns/ttml#parameter' xmlns:ttm='http://www.w3.org/ns/ttml#metadata' \
    xmlns:itts='http://www.w3.org/ns/ttml/profile/imsc1#styling'";

fn document(attributes: &str, head: &str, body: &str) -> String {
    format!("<?xml version='1.0'?><tt {NAMESPACES} xml:lang='en' {attributes}><head>{head}</head>{body}</tt>")
}

pub(super) fn cues(attributes: &str, head: &str, body: &str) -> Vec<Cue> {
    parse(document(attributes, head, body).as_bytes()).unwrap().cues
}

pub(super) fn only(head: &str, body: &str) -> Cue {
    let mut cues = cues("", head, body);
    assert_eq!(cues.len(), 1, "{cues:?}");
    cues.remove(0)
}

/// Begin and end in milliseconds, -1 for an open end, and text.
fn shown(cues: &[Cue]) -> Vec<(i64, i64, String)> {
    let millis = |time: MediaTime| if time == MediaTime::MAX { -1 } else { time.as_nanos() / 1_000_000 };
    cues.iter().map(|cue| (millis(cue.start), millis(cue.end), cue.plain_text())).collect()
}

fn timed(body: &str) -> Vec<(i64, i64, String)> {
    shown(&cues("", "", body))
}

fn row(begin: i64, end: i64, text: &str) -> (i64, i64, String) {
    (begin, end, text.to_owned())
}

#[test]
fn times_count_from_the_parent_and_end_with_it() {
    let found = timed(
        "<body begin='10s' end='60s'><div begin='5s'><p begin='1s' end='3s'>a</p><p begin='2s' dur='4s' end='3s'>b</p>\
         <p begin='40s' dur='20s'>c</p><p begin='50s'>never</p></div><div dur='7s'><p>d</p></div></body>",
    );
    assert_eq!(
        found,
        [row(16_000, 18_000, "a"), row(17_000, 18_000, "b"), row(55_000, 60_000, "c"), row(10_000, 17_000, "d")]
    );
}

#[test]
fn the_same_text_is_one_cue_only_while_it_is_shown_without_a_pause() {
    let spans = |begin: &str| {
        timed(&format!(
            "<body><div><p><span begin='1s' end='2s'>a</span><span begin='{begin}' end='4s'>a</span></p></div></body>"
        ))
    };
    assert_eq!(spans("2s"), [row(1000, 4000, "a")]);
    assert_eq!(spans("3s"), [row(1000, 2000, "a"), row(3000, 4000, "a")]);
}

#[test]
fn a_sequence_begins_each_child_where_the_last_one_ended() {
    let found = timed(
        "<body><div timeContainer='seq'><p dur='2s'>a</p><p begin='1s' dur='2s'>b</p><p end='4s'>c</p>\
         <p>endless</p><p>never</p></div></body>",
    );
    assert_eq!(found, [row(0, 2000, "a"), row(3000, 5000, "b"), row(5000, 9000, "c"), row(9000, -1, "endless")]);
    // Text directly in a sequence lasts no time.
    assert_eq!(
        timed("<body><div><p timeContainer='seq'>x<span dur='1s'>a</span><span dur='1s'>b</span></p></div></body>"),
        [row(0, 1000, "a"), row(1000, 2000, "b")]
    );
}

#[test]
fn timed_spans_cut_their_paragraph() {
    let found = timed(
        "<body><div><p begin='1s' end='9s'>one <span begin='2s'>two </span><span begin='4s' end='6s'>three</span></p></div></body>",
    );
    assert_eq!(
        found,
        [
            row(1000, 3000, "one"),
            row(3000, 5000, "one two"),
            row(5000, 7000, "one two three"),
            row(7000, 9000, "one two")
        ]
    );
}

#[test]
fn animation_shows_hides_and_restyles() {
    let found = cues(
        "",
        "",
        "<body><div><p dur='10s' tts:display='none'><set begin='2s' end='6s' tts:display='auto'/>\
         <set begin='4s' tts:color='red'/>x</p></div></body>",
    );
    assert_eq!(shown(&found), [row(2000, 4000, "x"), row(4000, 6000, "x")]);
    assert_eq!((found[0].spans[0].style.color, found[1].spans[0].style.color), (None, Some([255, 0, 0, 255])));
    // What changes nothing cuts nothing.
    assert_eq!(timed("<body><div><p dur='4s'><set begin='1s' end='2s'/>x</p></div></body>"), [row(0, 4000, "x")]);
}

#[test]
fn frames_and_ticks_follow_the_parameters() {
    let body = "<body><div><p begin='24f' end='120t'>a</p><p begin='00:00:10:12' end='00:00:20.5'>b</p></div></body>";
    let rates = "ttp:frameRate='24' ttp:frameRateMultiplier='1000 1001' ttp:tickRate='60'";
    assert_eq!(shown(&cues(rates, "", body)), [row(1001, 2000, "a"), row(10_500, 20_500, "b")]);
    let only_frames = "<body><div><p begin='50t' end='75t'>a</p></div></body>";
    assert_eq!(shown(&cues("ttp:frameRate='25'", "", only_frames)), [row(2000, 3000, "a")]);
    assert_eq!(shown(&cues("ttp:frameRate='0' ttp:tickRate='x'", "", only_frames)), [row(50_000, 75_000, "a")]);
}

#[test]
fn white_space_collapses_across_spans_unless_it_is_preserved() {
    let text = |body: &str| only("", &format!("<body><div><p>{body}</p></div></body>")).plain_text();
    assert_eq!(text("\n  a\n  <span> b</span> <span>c </span>\n<br/>  d \n "), "a b c\nd");
    assert_eq!(text("<span xml:space='preserve'> a  b\nc</span>"), " a  b\nc");
    assert_eq!(text("a<br/>"), "a");
    assert_eq!(text("a<br/><br/>b &amp; c&#x2665;<![CDATA[<d>]]>"), "a\n\nb & c♥<d>");
    assert!(timed("<body><div><p> <span>\n</span><br/></p></div></body>").is_empty());
}

#[test]
fn styles_are_chained_and_the_nearest_is_strongest() {
    let head = "<styling><style xml:id='base' tts:color='red' tts:fontStyle='italic' style='loop'/>\
        <style xml:id='loop' style='base' tts:textDecoration='underline'/>\
        <style xml:id='s' style='base' tts:color='#00ff00'/><initial tts:fontWeight='bold'/></styling>\
        <layout><region xml:id='r' tts:fontFamily='monospaceSansSerif'><style tts:textOutline='blue 10%'/></region></layout>";
    let body = "<body region='r'><div style='s'><p>x<span tts:color='rgba(1,2,3,4)' tts:backgroundColor='black'>y</span></p></div></body>";
    let cue = only(head, body);
    let [x, y] = &cue.spans[..] else { panic!("{cue:?}") };
    assert_eq!((x.style.color, x.style.background), (Some([0, 255, 0, 255]), None));
    assert!(x.style.italic && x.style.bold && x.style.underline && y.style.italic);
    assert_eq!((y.style.color, y.style.background), (Some([1, 2, 3, 4]), Some([0, 0, 0, 255])));
    assert_eq!(y.style.font_family, Some(FontFamily::MonospaceSansSerif));
    let edge = x.style.edge.unwrap();
    assert_eq!((edge.kind, edge.color), (EdgeKind::Uniform, Some([0, 0, 255, 255])));
    assert!((edge.thickness.unwrap() - 100.0 / 150.0).abs() < 1e-9);
}

#[test]
fn type_sizes_are_shares_of_the_height() {
    let size = |attributes: &str, p: &str, span: &str| {
        let body = format!("<body><div><p {p}><span {span}>x</span></p></div></body>");
        cues(attributes, "", &body)[0].spans[0].style.font_size
    };
    assert_eq!(size("", "", ""), None);
    assert_eq!(size("ttp:cellResolution='40 20'", "tts:fontSize='1c'", ""), Some(5.0));
    assert_eq!(size("ttp:cellResolution='40 20'", "tts:fontSize='200%'", "tts:fontSize='50%'"), Some(5.0));
    assert_eq!(size("tts:extent='640px 480px'", "tts:fontSize='10px 24px'", ""), Some(5.0));
    assert_eq!(size("", "tts:fontSize='7rh'", "tts:fontSize='1.em'"), Some(7.0));
}

#[test]
fn regions_place_what_refers_to_them() {
    let head = "<layout><region xml:id='r' tts:origin='10% 20%' tts:extent='50% 40%' tts:displayAlign='after' \
        tts:textAlign='end' tts:padding='5% 10%' tts:backgroundColor='#00000080' tts:writingMode='tbrl'/>\
        <region xml:id='p' tts:extent='50% 20%' tts:position='right 10% bottom 5%'/></layout>";
    let body = "<body><div><p region='r' tts:backgroundColor='blue'>a</p><p region='p'>b</p><p>c</p><p region='none'>d</p>\
        <p tts:textAlign='left' tts:origin='1% 2%'>e</p></div></body>";
    let found = cues("", head, body);
    let area = |index: usize| found[index].layout.area.as_deref();
    let r = area(0).unwrap();
    assert_eq!((r.id.as_str(), r.origin, r.extent), ("r", (10.0, 20.0), (50.0, 40.0)));
    assert_eq!(
        (r.padding, r.display_align, r.background),
        ([4.0, 2.5, 4.0, 2.5], DisplayAlign::After, Some([0, 0, 0, 128]))
    );
    let layout = &found[0].layout;
    assert_eq!((layout.align, layout.vertical), (TextAlign::End, Some(Vertical::RightToLeft)));
    assert_eq!(layout.background, Some([0, 0, 255, 255]));
    assert_eq!(found[0].spans[0].style.background, None);
    assert_eq!((area(1).unwrap().origin, found[1].layout.align), ((45.0, 76.0), TextAlign::Start));
    assert_eq!((area(2), found[2].layout.align, area(3)), (None, TextAlign::Center, None));
    assert_eq!((area(4).unwrap().origin, found[4].layout.align), ((1.0, 2.0), TextAlign::Left));
}

#[test]
fn a_style_inside_of_a_region_may_name_others() {
    let head = "<styling><style xml:id='a' tts:color='red'/><style xml:id='b' style='a' tts:fontStyle='italic'/></styling>\
        <layout><region xml:id='r'><style style='b' tts:fontWeight='bold'/></region></layout>";
    let style = &only(head, "<body region='r'><div><p>x</p></div></body>").spans[0].style;
    assert_eq!((style.color, style.italic, style.bold), (Some([255, 0, 0, 255]), true, true));
}

#[test]
fn regions_have_times_of_their_own() {
    let head = "<layout><region xml:id='r' begin='2s' end='8s' tts:display='none'><set begin='1s' dur='2s' tts:display='auto'/></region></layout>";
    assert_eq!(shown(&cues("", head, "<body region='r'><div><p>x</p></div></body>")), [row(3000, 5000, "x")]);
    let head = "<layout><region xml:id='r' begin='2s' end='8s'/></layout>";
    let text = |times: &str| shown(&cues("", head, &format!("<body region='r'><div><p {times}>x</p></div></body>")));
    assert_eq!(text("begin='1s' end='20s'"), [row(2000, 8000, "x")], "text is seen while its region is");
    assert_eq!(text("begin='3s' end='20s'"), [row(3000, 8000, "x")]);
    assert_eq!(text("begin='1s' end='4s'"), [row(2000, 4000, "x")]);
    assert!(text("begin='8s' end='20s'").is_empty());
}

#[test]
fn what_is_hidden_takes_its_place_unseen() {
    let cue = only(
        "",
        "<body><div><p tts:opacity='0.5'>a<span tts:visibility='hidden' tts:backgroundColor='red'>b</span></p></div></body>",
    );
    assert_eq!(cue.plain_text(), "ab");
    assert_eq!(cue.spans[0].style.color, Some([255, 255, 255, 128]));
    assert_eq!(
        (cue.spans[1].style.color, cue.spans[1].style.background),
        (Some([255, 255, 255, 0]), Some([255, 0, 0, 0]))
    );
}

#[test]
fn older_and_undeclared_namespaces_are_known_by_what_they_mean() {
    for (core, styling) in [
        ("http://www.w3.org/2006/10/ttaf1", "http://www.w3.org/2006/10/ttaf1#style"),
        ("http://www.w3.org/2006/10/ttaf1", "http://www.w3.org/2006/10/ttaf1#styling"),
        ("http://www.w3.org/2006/04/ttaf1", "http://www.w3.org/2006/04/ttaf1#styling"),
    ] {
        let file = format!(
            "<t:tt xmlns:t='{core}' xmlns:x='{styling}'><t:body><t:div><t:p begin='1s' end='2s' x:color='red' color='blue'>a</t:p></t:div></t:body></t:tt>"
        );
        let cue = parse(file.as_bytes()).unwrap().cues.remove(0);
        assert_eq!(cue.spans[0].style.color, Some([255, 0, 0, 255]), "{core}");
    }
    let bare = "<tt><body><div><p begin='1s' end='2s' tts:color='red'>a</p></div></body></tt>";
    assert_eq!(parse(bare.as_bytes()).unwrap().cues[0].spans[0].style.color, Some([255, 0, 0, 255]));
    let foreign = "<body xmlns:f='http://example.com/f'><div><f:p>no</f:p><ttm:desc>no</ttm:desc><p f:begin='9s' end='2s'>a<f:x>no</f:x>b</p></div></body>";
    assert_eq!(timed(foreign), [row(0, 2000, "ab")]);
}

#[test]
fn ruby_text_stands_in_parentheses_behind_its_base() {
    let body = "<body><div><p><span tts:ruby='container'><span tts:ruby='base'>漢字</span><span tts:ruby='delimiter'>[</span>\
        <span tts:ruby='textContainer'><span tts:ruby='text'>かん</span><span tts:ruby='text'>じ</span></span></span>!</p></div></body>";
    assert_eq!(only("", body).plain_text(), "漢字(かんじ)!");
}

#[test]
fn languages_forced_display_and_ids_are_told() {
    let body = "<body><div xml:lang='de'><p xml:id='a' itts:forcedDisplay='true'>x<span xml:lang='fr'>y</span></p>\
        <p><span itts:forcedDisplay='true'>x</span>y</p><p xml:lang='en'>z</p></div></body>";
    let found = cues("", "", body);
    let language = |cue: usize, span: usize| found[cue].spans[span].style.language.as_deref();
    assert_eq!((language(0, 0), language(0, 1), language(2, 0)), (Some("de"), Some("fr"), None));
    assert_eq!(found.iter().map(|cue| cue.forced).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!((found[0].id.as_deref(), found[1].id.as_deref()), (Some("a"), None));
}

#[test]
fn encodings_are_told_by_their_first_bytes() {
    let text = document("", "", "<body><div><p>Grüße</p></div></body>");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let marked = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
    for bytes in [&wide, &marked] {
        assert!(is_ttml(bytes));
        assert_eq!(parse(bytes).unwrap().cues[0].plain_text(), "Grüße");
    }
}

#[test]
fn a_space_after_preserved_text_stays_unless_that_ends_its_line() {
    for (inside, expected) in [
        ("<span xml:space='preserve'>a&#10;</span> b", "a\nb"),
        ("<span xml:space='preserve'>a </span> b", "a  b"),
        ("<span xml:space='preserve'>a</span> b", "a b"),
        ("a <span xml:space='preserve'>b</span>", "a b"),
        ("a <br/> b", "a\nb"),
    ] {
        let shown = timed(&format!("<body><div><p>{inside}</p></div></body>"));
        assert_eq!(shown.first().map(|(_, _, text)| text.as_str()), Some(expected), "{inside}");
    }
}

#[test]
fn references_of_xml_become_their_characters_and_no_other_is_expanded() {
    let text = |inside: &str| timed(&format!("<body><div><p>{inside}</p></div></body>")).pop().map(|(_, _, text)| text);
    for (inside, expected) in [
        ("a&amp;b", "a&b"),
        ("a&lt;b", "a<b"),
        ("a&gt;b", "a>b"),
        ("a&quot;b", "a\"b"),
        ("a&apos;b", "a'b"),
        ("a&nbsp;b", "a\u{a0}b"),
        ("a&#65;b", "aAb"),
        ("a&#x42;b", "aBb"),
        ("a&other;b", "ab"),
    ] {
        assert_eq!(text(inside).as_deref(), Some(expected), "{inside}");
    }
}

#[test]
fn what_is_not_ttml_is_refused_by_name() {
    for (file, starts) in [
        ("", "the document is not TTML"),
        ("plain", "the document is not TTML"),
        ("<MPD/>", "the document is not TTML: its root is 'MPD'"),
        ("<tt xmlns='http://example.com/'/>", "the document is not TTML: its root is 'tt'"),
        ("<tt><body>", "broken XML at byte 10"),
        ("<tt><body></tt>", "broken XML at byte"),
    ] {
        let error = parse(file.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(starts), "{file}: {error}");
    }
    assert!(!is_ttml(b"<?xml version='1.0'?><!-- <tt> --><MPD/>") && !is_ttml(b"WEBVTT"));
    assert_eq!(parse(b"<tt/>"), Ok(Document::default()));
    let image = "<body xmlns:smpte='http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt'><div smpte:backgroundImage='#i'/></body>";
    assert_eq!(parse(document("", "", image).as_bytes()), Err(TtmlError::OnlyImages));
    for element in ["<div><image src='1.png'/></div>", "<div><p><image src='1.png'/></p></div>"] {
        let body = format!("<body>{element}</body>");
        assert_eq!(parse(document("", "", &body).as_bytes()), Err(TtmlError::OnlyImages), "{element}");
    }
}

#[test]
fn damaged_values_change_nothing() {
    let body = "<body begin='soon' timeContainer='x'><div region='' style=' no  no '><p begin='1:2:3:4:5' end='2s' tts:color='reddish' \
        tts:fontSize='px' tts:origin='1px' tts:padding='x' tts:opacity='x' tts:textOutline='x' xml:id=''>a</p></div></body>";
    let cue = only("<styling><style/><style xml:id=''/></styling><layout><region/></layout>", body);
    assert_eq!(
        (shown(std::slice::from_ref(&cue)), &cue.spans[0].style),
        (vec![row(0, 2000, "a")], &Default::default())
    );
}

#[test]
fn a_document_cut_anywhere_is_an_error_and_nothing_worse() {
    let whole = document(
        "",
        "<layout><region xml:id='r'/></layout>",
        "<body><div><p begin='1s'>a &amp; <br/>b</p></div></body>",
    );
    for end in 0..whole.len() {
        assert!(parse(&whole.as_bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn limits_end_a_hostile_document_soon() {
    let too_large = |file: &str| match parse(file.as_bytes()) {
        Err(TtmlError::TooLarge { what, .. }) => what,
        other => panic!("{:?}", other.map(|document| document.cues.len())),
    };
    let body = |inside: &str| document("", "", &format!("<body><div>{inside}</div></body>"));
    assert_eq!(too_large(&"<tt>".repeat(1000)), "levels of nesting");
    assert_eq!(too_large(&body(&"<p/>".repeat(400_001))), "elements");
    assert_eq!(too_large(&body(&"<p>a</p>".repeat(100_001))), "cues");
    // Words that appear one by one.
    let words: String =
        (0..2000).map(|word| format!("<span begin='{word}s' tts:color='#{word:06}'>w</span>")).collect();
    assert_eq!(too_large(&body(&format!("<p>{words}</p>"))), "styled runs of text");
    let long = format!(
        "<p>{}{}</p>",
        "x".repeat(100_000),
        (0..200).map(|at| format!("<span begin='{at}s'>w</span>")).collect::<String>()
    );
    assert_eq!(too_large(&body(&long)), "bytes of text");
    let blanks: String = (0..4000).map(|at| format!("<span begin='{at}s'> </span>")).collect();
    assert_eq!(too_large(&body(&format!("<p>{blanks}</p>"))), "steps of timing");
    let sets: String = (0..3000).map(|at| format!("<set begin='{at}s' tts:color='red'/>")).collect();
    assert_eq!(too_large(&body(&format!("<p>{sets}{}</p>", "a<br/>".repeat(3000)))), "steps of animation");
    // Two pieces for each line.
    assert_eq!(too_large(&body(&format!("<p>{}</p>", "a<br/>".repeat(200_001)))), "pieces of text");
    // Styles are followed through 32 references.
    for (last, color) in [(32, Some([255, 0, 0, 255])), (33, None)] {
        let linked: String = (0..last).map(|at| format!("<style xml:id='s{at}' style='s{}'/>", at + 1)).collect();
        let head = format!("<styling>{linked}<style xml:id='s{last}' tts:color='#ff0000'/></styling>");
        let cue = only(&head, "<body><div><p style='s0'>a</p></div></body>");
        assert_eq!(cue.spans[0].style.color, color, "{last}");
    }
    // A chain of styles longer than is followed.
    let chain: String = (0..50_000).map(|at| format!("<style xml:id='s{at}' style='s{}'/>", at + 1)).collect();
    assert_eq!(
        only(&format!("<styling>{chain}</styling>"), "<body><div><p style='s0'>a</p></div></body>").plain_text(),
        "a"
    );
}

#[test]
fn a_namespace_that_is_declared_empty_is_the_customary_one() {
    let body = "<body><div><p begin='1s' end='2s' tts:color='red'>a</p></div></body>";
    for declared in ["", "xmlns='' xmlns:tts=''", "xmlns='' xmlns:tts=' http://www.w3.org/ns/ttml#styling '"] {
        let found = parse(format!("<tt {declared}>{body}</tt>").as_bytes()).unwrap().cues;
        assert_eq!(shown(&found), [row(1000, 2000, "a")], "{declared}");
        assert_eq!(found[0].spans[0].style.color, Some([255, 0, 0, 255]), "{declared}");
    }
    let foreign = parse(format!("<tt xmlns='' xmlns:tts='urn:other'>{body}</tt>").as_bytes()).unwrap().cues;
    assert_eq!(foreign[0].spans[0].style.color, None);
}
