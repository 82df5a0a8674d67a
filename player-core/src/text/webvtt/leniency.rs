//! Leniencies of the parsing rules at their borders: each value just inside and just outside.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::text::{CueLayout, LineAlign, LinePosition, PositionAlign, SpanStyle, TextAlign, Vertical};

fn only(file: &str) -> Cue {
    let mut cues = parse(file.as_bytes()).unwrap().cues;
    assert_eq!(cues.len(), 1, "{file}: {cues:?}");
    cues.remove(0)
}

fn layout(settings: &str) -> CueLayout {
    only(&format!("WEBVTT\n\n00:01.000 --> 00:02.000 {settings}\nx")).layout
}

fn times(line: &str) -> Option<(i64, i64)> {
    let cues = parse(format!("WEBVTT\n\n{line}\nx\n").as_bytes()).unwrap().cues;
    cues.first().map(|cue| (cue.start.as_nanos() / 1_000_000, cue.end.as_nanos() / 1_000_000))
}

#[test]
fn percentages_are_decimal_numbers_from_nought_to_a_hundred() {
    for (value, size) in [("0%", 0.0), ("100%", 100.0), ("33.333%", 33.333), ("007.50%", 7.5)] {
        assert_eq!(layout(&format!("size:{value}")).size, size, "{value}");
        assert_eq!(layout(&format!("position:{value}")).position, Some(size), "{value}");
    }
    for value in ["100.1%", "-1%", "5", "%", ".5%", "5.%", "1e1%", "+5%", "5%%", "5.5.5%", ""] {
        assert_eq!(layout(&format!("size:{value} position:{value}")), CueLayout::default(), "{value}");
    }
}

#[test]
fn lines_are_numbers_or_percentages_with_an_edge() {
    for (value, line, edge) in [
        ("0", LinePosition::Line(0.0), LineAlign::Start),
        ("-3", LinePosition::Line(-3.0), LineAlign::Start),
        ("2.5,center", LinePosition::Line(2.5), LineAlign::Center),
        ("100%,end", LinePosition::Percent(100.0), LineAlign::End),
        ("7,start", LinePosition::Line(7.0), LineAlign::Start),
    ] {
        let found = layout(&format!("line:{value}"));
        assert_eq!((found.line, found.line_align), (line, edge), "{value}");
    }
    for value in ["-", "--1", "1-", "-5%", "101%", "1,", "1,left", "1.", ".5", "x"] {
        assert_eq!(layout(&format!("line:{value}")), CueLayout::default(), "{value}");
    }
}

#[test]
fn every_keyword_of_a_setting_is_known_and_a_later_one_counts() {
    for (word, align) in [
        ("start", TextAlign::Start),
        ("center", TextAlign::Center),
        ("end", TextAlign::End),
        ("left", TextAlign::Left),
        ("right", TextAlign::Right),
    ] {
        assert_eq!(layout(&format!("align:left align:right align:{word}")).align, align);
    }
    for (word, align) in [
        ("5%", PositionAlign::Auto),
        ("5%,line-left", PositionAlign::LineLeft),
        ("5%,center", PositionAlign::Center),
        ("5%,line-right", PositionAlign::LineRight),
    ] {
        assert_eq!(layout(&format!("position:{word}")).position_align, align);
    }
    assert_eq!(layout("position:5%,middle"), CueLayout::default());
    assert_eq!(layout("vertical:rl").vertical, Some(Vertical::RightToLeft));
    assert_eq!(
        layout("vertical:rl vertical:up").vertical,
        Some(Vertical::RightToLeft),
        "what cannot be read changes nothing"
    );
    assert_eq!(layout("size:50%\tline:1  align:end").size, 50.0);
    assert_eq!(layout(":5% size: size:20% a:b:c").size, 20.0);
}

#[test]
fn regions_have_defaults_the_last_of_a_name_counts_and_placement_loses_them() {
    let header = "WEBVTT\n\nREGION\nid:a\n\nREGION \nid:b width:101% lines:+5 regionanchor:1%,2 viewportanchor:3%,4%\nscroll:down\n\n\
                  REGION\nid:a lines:007 width:0% regionanchor:100%,0%\n\n";
    let region = |settings: &str| {
        only(&format!("{header}00:01.000 --> 00:02.000 {settings}\nx")).layout.region.map(|region| (*region).clone())
    };
    let a = region("region:a").unwrap();
    assert_eq!((a.width, a.lines, a.region_anchor, a.viewport_anchor), (0.0, 7, (100.0, 0.0), (0.0, 100.0)));
    let b = region("region:b").unwrap();
    assert_eq!((b.width, b.lines, b.region_anchor, b.viewport_anchor), (100.0, 3, (0.0, 100.0), (3.0, 4.0)));
    assert!(!b.scroll_up);
    for lost in ["region:c", "region:a size:99%", "region:a vertical:lr", "line:0 region:a", "region:a region:zz"] {
        assert_eq!(region(lost), None, "{lost}");
    }
    assert!(region("region:a size:100% align:left position:1%").is_some());
    let many: String = (0..70).map(|number| format!("REGION\nid:r{number}\n\n")).collect();
    let found = |number: usize| {
        only(&format!("WEBVTT\n\n{many}00:01.000 --> 00:02.000 region:r{number}\nx")).layout.region.is_some()
    };
    assert!(found(63) && !found(64), "sixty-four regions are kept");
}

#[test]
fn times_are_read_at_their_borders() {
    assert_eq!(times("59:59.999 --> 00:59:59.999"), Some((3_599_999, 3_599_999)));
    assert_eq!(times("0:00:01.000 --> 1000:59:59.000"), Some((1000, 3_603_599_000)));
    assert_eq!(times("  \t00:01.000\t-->\t00:02.000line:1"), Some((1000, 2000)));
    assert_eq!(times("60:00:01.000 --> 99:00:00.000"), Some((216_001_000, 356_400_000)), "hours may exceed fifty-nine");
    assert_eq!(times("00:03.000 --> 00:02.000"), Some((3000, 2000)), "the order is not the parser's concern");
    for bad in [
        "00:00.000 -> 00:01.000",
        "00:60:00.000 --> 01:00:00.000",
        "00:59:60.000 --> 01:00:00.000",
        "00:00.000 --> ",
        "00:00.000 --> 00:01",
        "00:00.00a --> 00:01.000",
        "1:00.000 --> 00:02.000",
        "000:00.000 --> 00:02.000",
        "00:00:1.000 --> 00:02.000",
        "00.000 --> 00:02.000",
    ] {
        assert_eq!(times(bad), None, "{bad}");
    }
}

#[test]
fn the_timestamp_map_may_follow_an_empty_line_but_no_cue() {
    let map = |file: &str| parse(file.as_bytes()).unwrap().timestamp_map;
    let expected = Some(TimestampMap { mpegts: 8_589_934_592, local: MediaTime::ZERO });
    let line = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:8589934592";
    assert_eq!(map(&format!("WEBVTT\n{line}\n\n")), expected);
    assert_eq!(map(&format!("WEBVTT\nKind: x\n{line}\n\n")), expected);
    assert_eq!(map(&format!("WEBVTT\n\n{line}\n\n")), expected);
    assert_eq!(map(&format!("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n\n{line}\n\n")), None);
    assert_eq!(map(&format!("WEBVTT\n\nNOTE\n{line}\n\n")), None, "inside a block");
    assert_eq!(map("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:1\n"), None);
    assert_eq!(map("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00.000\n"), None);
}

#[test]
fn blocks_end_where_the_rules_end_them() {
    let texts = |file: &str| -> Vec<(Option<String>, String)> {
        parse(file.as_bytes()).unwrap().cues.iter().map(|cue| (cue.id.clone(), cue.plain_text())).collect()
    };
    let cue = |id: Option<&str>, text: &str| (id.map(str::to_owned), text.to_owned());
    assert_eq!(texts("WEBVTT\n00:01.000 --> 00:02.000\nheader"), [cue(None, "header")]);
    assert_eq!(texts("WEBVTT\n\nid\n00:01.000 --> 00:02.000\n"), [cue(Some("id"), "")]);
    assert_eq!(
        texts("WEBVTT\n\nnot an id\nid\n00:01.000 --> 00:02.000\nx"),
        [cue(None, "x")],
        "an arrow in the third line begins a block of its own"
    );
    assert_eq!(
        texts("WEBVTT\n\n1\n00:01.000 --> 00:02.000\na\nb\n00:03.000 --> 00:04.000\nc\n \nd"),
        [cue(Some("1"), "a\nb"), cue(None, "c\n \nd")],
        "a line of spaces is not empty"
    );
    assert_eq!(texts("WEBVTT\n\nbad --> times\n00:01.000 --> 00:02.000\nx"), [cue(None, "x")]);
    assert_eq!(texts("WEBVTT\n\n00:01.000 --> 00:02.000\n00:03.000 --> 00:04.000\nx"), [cue(None, ""), cue(None, "x")]);
}

fn styles(sheet: &str, text: &str) -> Vec<(String, SpanStyle)> {
    let file = format!("WEBVTT\n\nSTYLE\n{sheet}\n\nid\n00:01.000 --> 00:02.000\n{text}");
    only(&file).spans.into_iter().map(|span| (span.text, span.style)).collect()
}

#[test]
fn stronger_selectors_win_whatever_their_order() {
    let color = |sheet: &str, text: &str| styles(sheet, text)[0].1.color;
    let (red, blue) = (Some([255, 0, 0, 255]), Some([0, 0, 255, 255]));
    assert_eq!(color("::cue(.a) { color: red } ::cue(b) { color: blue }", "<b.a>x"), red, "a class beats an element");
    assert_eq!(color("::cue(b) { color: red } ::cue(b) { color: blue }", "<b>x"), blue, "of equals the later");
    assert_eq!(color("::cue(v[voice=Jo]) { color: red } ::cue(v) { color: blue }", "<v Jo>x"), red);
    assert_eq!(color("::cue(.a.b) { color: red } ::cue(.a) { color: blue }", "<c.a.b>x"), red);
    assert_eq!(color("::cue(#id) { color: red } ::cue { color: blue }", "x"), red);
    assert_eq!(color("::cue(#other) { color: red } ::cue { color: blue }", "x"), blue);
    assert_eq!(color("::cue(*) { color: red }", "x"), None, "the cue itself is not inside it");
    assert_eq!(color("::cue(*) { color: red }", "<i>x"), red);
    assert_eq!(color("::cue([lang=de]) { color: red }", "<lang de>x"), red);
    assert_eq!(color("::cue([lang=de]) { color: red }", "<lang en>x"), None);
    assert_eq!(color("::cue([voice='Jo']) { color: red }", "<v Jo><i>x"), red, "what is inside inherits");
    assert_eq!(color("video::cue(b), ::cue(i) { color: red }", "<b>x"), red);
    assert_eq!(color("p { color: red } ::cue(b i) { color: red } ::cue(:past) { color: red }", "<b>x"), None);
}

#[test]
fn declarations_are_read_as_far_as_they_can_be_shown() {
    let of = |declarations: &str| styles(&format!("::cue {{ {declarations} }}"), "x")[0].1.clone();
    for (weight, bold) in [("600", true), ("599.9", false), ("bold", true), ("lighter", false), ("1000", true)] {
        assert_eq!(of(&format!("color: red; font-weight: {weight}")).bold, bold, "{weight}");
    }
    assert!(of("font-style: oblique 10deg").italic && !of("color: red; font-style: normal").italic);
    assert!(of("text-decoration: overline underline").underline);
    assert!(of("text-decoration-line: UNDERLINE").underline && !of("color: red; text-decoration: none").underline);
    assert_eq!(of("color: RED !important").color, Some([255, 0, 0, 255]));
    assert_eq!(of("color: red; color: nonsense").color, Some([255, 0, 0, 255]));
    assert_eq!(of("background: url(x) #0102037f no-repeat").background, Some([1, 2, 3, 127]));
    assert_eq!(of("background-color: #fa0").background, Some([255, 170, 0, 255]));
    for (written, color) in [
        ("rgb(255, 0, 128)", Some([255, 0, 128, 255])),
        ("rgba(100%, 50%, 0%, 0.2)", Some([255, 128, 0, 51])),
        ("rgb(1 2 3 / 50%)", Some([1, 2, 3, 128])),
        ("rgb(300, -5, 1.5)", Some([255, 0, 2, 255])),
        ("rgb(1, 2)", None),
        ("rgb(1, 2, 3, 1, 1)", None),
        ("rgb(1, 2, x)", None),
        ("rgb 1 2 3", None),
        ("#12345", None),
        ("#123456789", None),
        ("transparent", Some([0; 4])),
    ] {
        assert_eq!(of(&format!("font-style: italic; color: {written}")).color, color, "{written}");
    }
}

#[test]
fn sheets_survive_comments_at_rules_and_missing_braces() {
    let color = |sheet: &str| styles(sheet, "x")[0].1.color;
    let red = Some([255, 0, 0, 255]);
    assert_eq!(color("/* a */::cue/* b */ { color: /* c */ red }"), red);
    assert_eq!(color("@import 'x'; ::cue { color: red }"), red);
    assert_eq!(color("@media { ::cue { color: blue } } ::cue { color: red }"), red);
    assert_eq!(color("::cue { color: red"), red);
    assert_eq!(color("::cue { color: red } /* open ::cue { color: blue }"), red);
    assert_eq!(color(&format!("::cue(.{}) {{ color: blue }} ::cue {{ color: red }}", "x".repeat(300))), red);
    let rules = |count: usize| "::cue(b) { color: blue }\n".repeat(count) + "::cue { color: red }";
    assert_eq!((color(&rules(127)), color(&rules(128))), (red, None), "one hundred and twenty-eight rules are kept");
}

#[test]
fn tags_beyond_the_depth_are_ignored_with_their_ends() {
    let text = format!("{}<u>in{}</u>out", "<i>".repeat(32), "</i>");
    let found = styles("::cue { background: red }", &text);
    let plain: Vec<_> = found.iter().map(|(text, style)| (text.as_str(), style.italic, style.underline)).collect();
    assert_eq!(plain, [("inout", true, false)], "both ends belong to tags that were ignored or are still open");
    let text = format!("{}<u>in</u></i>out", "<i>".repeat(31));
    let found = styles("::cue { background: red }", &text);
    let plain: Vec<_> = found.iter().map(|(text, style)| (text.as_str(), style.underline)).collect();
    assert_eq!(plain, [("in", true), ("out", false)]);
}

#[test]
fn classes_voices_and_languages_are_kept_once_and_inherited() {
    let found = styles(
        "::cue { background: red }",
        "<c.a.b.a><v.b.c  Mary\tJo ><lang  ><i.red.bg_lime.nope>x</i>y</lang></v>z",
    );
    let style = |at: usize| &found[at].1;
    assert_eq!(style(0).classes, ["a", "b", "c", "red", "bg_lime", "nope"]);
    assert_eq!((style(0).color, style(0).background), (Some([255, 0, 0, 255]), Some([0, 255, 0, 255])));
    assert_eq!((style(0).voice.as_deref(), style(0).language.as_deref()), (Some("Mary Jo"), None));
    assert_eq!((found[1].0.as_str(), style(1).classes.len(), style(1).italic), ("y", 3, false));
    assert_eq!((found[2].0.as_str(), style(2).voice.as_deref()), ("z", None));
    let many: String = (0..20).map(|number| format!(".c{number}")).collect();
    assert_eq!(styles("::cue { background: red }", &format!("<c{many}>x"))[0].1.classes.len(), 16);
}

#[test]
fn times_inside_a_cue_part_its_spans() {
    let found = styles("::cue { background: red }", "a<00:01.250>b<00:00:01.500>c<00:01.5>d<1x>e");
    let parts: Vec<_> =
        found.iter().map(|(text, style)| (text.as_str(), style.from.map(MediaTime::as_nanos))).collect();
    assert_eq!(parts, [("a", None), ("b", Some(1_250_000_000)), ("cde", Some(1_500_000_000))]);
}

#[test]
fn an_end_of_a_tag_that_was_ignored_ends_nothing() {
    let text = format!("{}<u><u>in</u>still</u>out", "<i>".repeat(31));
    let found = styles("::cue { background: red }", &text);
    let plain: Vec<_> = found.iter().map(|(text, style)| (text.as_str(), style.underline)).collect();
    assert_eq!(plain, [("instill", true), ("out", false)]);
}

#[test]
fn text_in_one_look_is_one_span() {
    let found = styles("::cue { background: red }", "a<c>b</c>c<b></b>d<b>e</b>");
    let plain: Vec<_> = found.iter().map(|(text, style)| (text.as_str(), style.bold)).collect();
    assert_eq!(plain, [("abcd", false), ("e", true)]);
}

#[test]
fn selectors_in_a_list_and_names_of_any_letters_are_read() {
    let color = |sheet: &str, text: &str| styles(sheet, text)[0].1.color;
    let red = Some([255, 0, 0, 255]);
    for text in ["<b>x", "<i>x"] {
        assert_eq!(color("::cue(b, i) { color: red }", text), red, "{text}");
    }
    for class in ["a-b", "a_b", "\u{2603}", "\u{e9}1"] {
        assert_eq!(color(&format!("::cue(.{class}) {{ color: red }}"), &format!("<c.{class}>x")), red, "{class}");
    }
    assert_eq!(color("::cue(.a+b) { color: red }", "<c.a>x"), None);
}

#[test]
fn a_region_without_a_name_is_not_asked_for_by_none() {
    let file = "WEBVTT\n\nREGION\nwidth:40%\n\n00:01.000 --> 00:02.000 region:\nx";
    assert_eq!(only(file).layout.region, None);
}

#[test]
fn eight_classes_have_a_colour_and_a_background() {
    for (name, [r, g, b]) in [
        ("white", [255, 255, 255]),
        ("lime", [0, 255, 0]),
        ("cyan", [0, 255, 255]),
        ("red", [255, 0, 0]),
        ("yellow", [255, 255, 0]),
        ("magenta", [255, 0, 255]),
        ("blue", [0, 0, 255]),
        ("black", [0, 0, 0]),
    ] {
        let cue = only(&format!("WEBVTT\n\n00:01.000 --> 00:02.000\n<c.{name}.bg_{name}>x"));
        let style = &cue.spans[0].style;
        assert_eq!((style.color, style.background), (Some([r, g, b, 255]), Some([r, g, b, 255])), "{name}");
    }
}

#[test]
fn style_sheets_and_regions_after_the_first_cue_are_ignored() {
    let head = "WEBVTT\n\n";
    let blocks = "STYLE\n::cue(b) { color: red }\n\nREGION\nid:r width:40%\n\n";
    let cue = "00:01.000 --> 00:02.000 region:r\n<b>x\n\n";
    let found = |file: String| {
        let cues = parse(file.as_bytes()).unwrap().cues;
        let last = cues.last().unwrap();
        (cues.len(), last.spans[0].style.color, last.layout.region.is_some())
    };
    assert_eq!(found(format!("{head}{blocks}{cue}")), (1, Some([255, 0, 0, 255]), true));
    assert_eq!(found(format!("{head}{cue}{blocks}{cue}")), (2, None, false));
}
