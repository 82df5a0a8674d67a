//! Every value of every style attribute, through whole documents.

use super::tests::{cues, only};
use crate::text::{CueLayout, DisplayAlign, EdgeKind, FontFamily, SpanStyle, TextAlign, Vertical};

/// The style of text that declares these attributes in a paragraph, and nothing else.
fn style(attributes: &str) -> SpanStyle {
    only("", &format!("<body><div><p {attributes}>x</p></div></body>")).spans.remove(0).style
}

/// The style of a span inside that paragraph.
fn inner(outer: &str, attributes: &str) -> SpanStyle {
    only("", &format!("<body><div><p {outer}><span {attributes}>x</span></p></div></body>")).spans.remove(0).style
}

/// The layout of a paragraph in a region with these attributes.
fn layout(region: &str, paragraph: &str) -> CueLayout {
    let head = format!("<layout><region xml:id='r' {region}/></layout>");
    only(&head, &format!("<body><div><p region='r' {paragraph}>x</p></div></body>")).layout
}

#[test]
fn keywords_switch_what_they_name() {
    for (on, off, read) in [
        ("tts:fontStyle='italic'", "tts:fontStyle='normal'", (|style| style.italic) as fn(&SpanStyle) -> bool),
        ("tts:fontStyle='oblique'", "tts:fontStyle='normal'", |style| style.italic),
        ("tts:fontWeight='bold'", "tts:fontWeight='normal'", |style| style.bold),
        ("tts:textDecoration='underline'", "tts:textDecoration='noUnderline'", |style| style.underline),
        ("tts:textDecoration='underline'", "tts:textDecoration='none'", |style| style.underline),
        ("tts:textDecoration='lineThrough'", "tts:textDecoration='noLineThrough'", |style| style.strike),
        ("tts:textDecoration='lineThrough'", "tts:textDecoration='none'", |style| style.strike),
        ("tts:textDecoration='overline'", "tts:textDecoration='noOverline'", |style| style.overline),
        ("tts:textDecoration='overline'", "tts:textDecoration='none'", |style| style.overline),
    ] {
        assert!(read(&style(on)), "{on}");
        assert!(read(&inner(on, "tts:color='red'")), "{on} is inherited");
        assert!(!read(&inner(on, off)), "{off}");
        assert!(!read(&style(off)), "{off}");
    }
    let all = style("tts:textDecoration='underline lineThrough overline odd'");
    assert!(all.underline && all.strike && all.overline);
}

#[test]
fn families_are_known_by_kind_and_by_the_names_of_fonts() {
    for (name, family) in [
        ("monospace", FontFamily::MonospaceSerif),
        ("monospaceSerif", FontFamily::MonospaceSerif),
        ("monospaceSansSerif", FontFamily::MonospaceSansSerif),
        ("serif", FontFamily::ProportionalSerif),
        ("proportionalSerif", FontFamily::ProportionalSerif),
        ("sansSerif", FontFamily::ProportionalSansSerif),
        ("sans-serif", FontFamily::ProportionalSansSerif),
        ("proportionalSansSerif", FontFamily::ProportionalSansSerif),
        ("cursive", FontFamily::Cursive),
        ("Courier New", FontFamily::MonospaceSerif),
        ("Times New Roman", FontFamily::ProportionalSerif),
        ("Arial", FontFamily::ProportionalSansSerif),
        ("Helvetica", FontFamily::ProportionalSansSerif),
        ("Verdana", FontFamily::ProportionalSansSerif),
        ("Tahoma", FontFamily::ProportionalSansSerif),
        ("Roboto", FontFamily::ProportionalSansSerif),
        ("Unknown, &quot;cursive&quot;, serif", FontFamily::Cursive),
    ] {
        assert_eq!(style(&format!("tts:fontFamily='{name}'")).font_family, Some(family), "{name}");
    }
    assert_eq!(inner("tts:fontFamily='serif'", "tts:fontFamily='default'").font_family, None);
}

#[test]
fn colours_opacity_and_visibility_make_what_is_seen() {
    assert_eq!(style("tts:color='#01020304'").color, Some([1, 2, 3, 4]));
    assert_eq!(style("tts:color='red' tts:opacity='1'").color, Some([255, 0, 0, 255]));
    assert_eq!(style("tts:color='red' tts:opacity='7'").color, Some([255, 0, 0, 255]), "at most one");
    assert_eq!(style("tts:color='red' tts:opacity='-1'").color, Some([255, 0, 0, 0]), "at least nought");
    assert_eq!(inner("tts:opacity='0.5'", "tts:opacity='0.5' tts:color='#ffffffc8'").color, Some([255, 255, 255, 50]));
    let hidden = inner("tts:visibility='hidden'", "tts:visibility='visible' tts:color='lime'");
    assert_eq!(hidden.color, Some([0, 255, 0, 255]));
    assert_eq!(inner("", "tts:backgroundColor='blue'").background, Some([0, 0, 255, 255]));
    let nothing = inner("", "tts:backgroundColor='transparent'");
    assert_eq!(nothing.background, None, "nothing shows through what is clear");
    for display in ["auto", "inlineBlock"] {
        assert_eq!(inner("", &format!("tts:display='{display}'")), SpanStyle { language: None, ..style("") });
    }
    assert!(cues("", "", "<body tts:display='none'><div tts:display='auto'><p>x</p></div></body>").is_empty());
}

#[test]
fn edges_are_outlines_and_shadows() {
    let edge = |attributes: &str| style(attributes).edge.map(|edge| (edge.kind, edge.color, edge.thickness));
    let red = Some([255, 0, 0, 255]);
    assert_eq!(edge("tts:textOutline='red 1rh 2px'"), Some((EdgeKind::Uniform, red, Some(1.0))));
    assert_eq!(edge("tts:textShadow='1rh 2rh 3rh red'"), Some((EdgeKind::ShadowRight, red, Some(2.0))));
    assert_eq!(edge("tts:textShadow='-1rh -2rh'"), Some((EdgeKind::ShadowLeft, None, Some(2.0))));
    assert_eq!(edge("tts:textShadow='0rh 2rh'"), Some((EdgeKind::ShadowRight, None, Some(2.0))));
    assert_eq!(inner("tts:textOutline='1rh'", "tts:textShadow='none'").edge, None);
    assert_eq!(edge("tts:fontSize='8rh' tts:textOutline='25%'"), Some((EdgeKind::Uniform, None, Some(2.0))));
}

#[test]
fn text_runs_and_stands_as_its_region_says() {
    for (word, align) in [
        ("start", TextAlign::Start),
        ("center", TextAlign::Center),
        ("end", TextAlign::End),
        ("left", TextAlign::Left),
        ("right", TextAlign::Right),
        ("justify", TextAlign::Start),
    ] {
        assert_eq!(layout(&format!("tts:textAlign='{word}'"), "").align, align, "{word}");
        assert_eq!(layout("tts:textAlign='right'", &format!("tts:textAlign='{word}'")).align, align, "{word}");
    }
    for (word, align) in [
        ("before", DisplayAlign::Before),
        ("center", DisplayAlign::Center),
        ("after", DisplayAlign::After),
        ("justify", DisplayAlign::Before),
    ] {
        let area = layout(&format!("tts:displayAlign='{word}'"), "").area;
        assert_eq!(area.map(|area| area.display_align), Some(align), "{word}");
    }
    for (mode, vertical) in [
        ("lrtb", None),
        ("lr", None),
        ("rltb", None),
        ("rl", None),
        ("tbrl", Some(Vertical::RightToLeft)),
        ("tb", Some(Vertical::RightToLeft)),
        ("tblr", Some(Vertical::LeftToRight)),
    ] {
        assert_eq!(layout(&format!("tts:writingMode='{mode}'"), "").vertical, vertical, "{mode}");
    }
}

#[test]
fn padding_takes_one_to_four_lengths() {
    let padding = |value: &str| layout(&format!("tts:padding='{value}'"), "").area.map(|area| area.padding);
    assert_eq!(padding("1rh"), padding("1rh 1rh 1rh 1rh"));
    assert_eq!(padding("1rh 2rw"), padding("1rh 2rw 1rh 2rw"));
    assert_eq!(padding("1rh 2rw 3rh"), padding("1rh 2rw 3rh 2rw"));
    assert_ne!(padding("1rh 2rw 3rh 4rw"), padding("3rh 2rw 1rh 4rw"), "each side is its own");
    assert_ne!(padding("1rh 2rw 3rh 4rw"), padding("1rh 4rw 3rh 2rw"));
    assert_eq!(padding("1rh 2rw 3rh 4rw 5rh"), padding("0rh"), "five are none");
}

#[test]
fn a_paragraph_may_stand_in_a_place_of_its_own() {
    let place = "tts:extent='50% 20%' tts:position='right 10% bottom 5%' tts:displayAlign='after'";
    let cue = only("", &format!("<body><div><p {place}>x</p></div></body>"));
    let area = cue.layout.area.map(|area| (area.origin, area.extent, area.display_align));
    assert_eq!(area, Some(((45.0, 76.0), (50.0, 20.0), DisplayAlign::After)));
}

#[test]
fn what_is_hidden_by_default_is_shown_where_each_element_says_so() {
    let head = "<styling><initial tts:display='none'/></styling>";
    let shown = |body: &str| cues("", head, body).len();
    assert_eq!(shown("<body><div><p>x</p></div></body>"), 0);
    let auto = "tts:display='auto'";
    assert_eq!(shown(&format!("<body {auto}><div {auto}><p {auto}>x</p></div></body>")), 1);
    assert_eq!(shown(&format!("<body {auto}><div><p {auto}>x</p></div></body>")), 0);
}

#[test]
fn the_direction_of_writing_says_where_lines_begin() {
    use crate::text::TextAlign::{Left, Right, Start};
    let align = |region: &str, p: &str| {
        let head = format!("<layout><region xml:id='r' {region}/></layout>");
        only(&head, &format!("<body region='r'><div><p {p}>x</p></div></body>")).layout.align
    };
    assert_eq!(align("", ""), Start);
    assert_eq!(align("tts:writingMode='rltb'", ""), Right);
    assert_eq!(align("tts:writingMode='rltb'", "tts:textAlign='end'"), Left);
    assert_eq!(align("tts:writingMode='rltb'", "tts:direction='ltr'"), Start);
    assert_eq!(align("", "tts:direction='rtl'"), Right);
    assert_eq!(align("", "tts:direction='rtl' tts:textAlign='left'"), Left);
}

#[test]
fn content_may_say_any_part_of_its_place() {
    let area = |p: &str| {
        let cue = only("", &format!("<body><div><p {p}>x</p></div></body>"));
        cue.layout.area.as_deref().map(|area| (area.origin, area.extent, area.display_align))
    };
    use crate::text::DisplayAlign::{After, Before};
    assert_eq!(area(""), None);
    assert_eq!(area("tts:displayAlign='after'"), None, "that alone makes no area");
    assert_eq!(area("tts:extent='50% 20%'"), Some(((0.0, 0.0), (50.0, 20.0), Before)));
    assert_eq!(area("tts:origin='5% 7%'"), Some(((5.0, 7.0), (100.0, 100.0), Before)));
    assert_eq!(area("tts:position='right bottom' tts:extent='50% 20%'"), Some(((50.0, 80.0), (50.0, 20.0), Before)));
    for negative in ["-5% 20%", "5% -20%"] {
        assert_eq!(area(&format!("tts:extent='{negative}'")), Some(((0.0, 0.0), (100.0, 100.0), Before)));
    }
    let placed = "tts:origin='5% 7%' tts:displayAlign='after'";
    assert_eq!(area(placed), Some(((5.0, 7.0), (100.0, 100.0), After)));
}

#[test]
fn parameters_that_make_no_sense_are_not_there() {
    let times = |parameters: &str, begin: &str| {
        let body = format!("<body><div><p begin='{begin}' end='9h'>x</p></div></body>");
        cues(parameters, "", &body)[0].start.as_nanos() / 1_000_000
    };
    assert_eq!(times("ttp:frameRate='30' ttp:frameRateMultiplier='1000:1001'", "30f"), 1001);
    assert_eq!(times("ttp:frameRate='30' ttp:frameRateMultiplier='1 2'", "30f"), 2000);
    assert_eq!(times("ttp:frameRate='30' ttp:frameRateMultiplier='2'", "30f"), 500);
    for bad in ["0 1", "1 0", "1 2 3", "x", ""] {
        assert_eq!(times(&format!("ttp:frameRate='30' ttp:frameRateMultiplier='{bad}'"), "30f"), 1000, "{bad}");
    }
    // Without a rate of ticks a tick is a part of a frame.
    assert_eq!(times("ttp:frameRate='25' ttp:subFrameRate='2'", "25t"), 500);
    assert_eq!(times("", "3t"), 3000);
    let ntsc = "ttp:timeBase='smpte' ttp:frameRate='30' ttp:frameRateMultiplier='1000 1001'";
    assert_eq!(times(&format!("{ntsc} ttp:dropMode='dropNTSC'"), "01:00:00:00"), 3_599_996);
    assert_eq!(times(&format!("{ntsc} ttp:dropMode='dropPAL'"), "01:00:00:00"), 3_599_996);
    assert_eq!(times(&format!("{ntsc} ttp:dropMode='dropPAL'"), "00:02:00:00"), 119_986);
    assert_eq!(times(ntsc, "01:00:00:00"), 3_603_600);
}

#[test]
fn an_initial_background_is_that_of_each_element() {
    let background = |own: &str| {
        let head = "<styling><initial tts:backgroundColor='#ff0000'/></styling>";
        only(head, &format!("<body><div><p><span {own}>x</span></p></div></body>")).spans.remove(0).style.background
    };
    assert_eq!(background(""), Some([255, 0, 0, 255]));
    assert_eq!(background("tts:backgroundColor='#00ff00'"), Some([0, 255, 0, 255]));
}

#[test]
fn an_initial_opacity_is_that_of_each_element() {
    let body =
        |opacity: &str| format!("<body {opacity}><div {opacity}><p {opacity} tts:color='#ffffff80'>x</p></div></body>");
    let alpha =
        |head: &str, opacity: &str| only(head, &body(opacity)).spans.remove(0).style.color.map(|color| color[3]);
    assert_eq!(alpha("", "tts:opacity='0.5'"), Some(16));
    assert_eq!(alpha("<styling><initial tts:opacity='0.5'/></styling>", ""), Some(16));
    assert_eq!(alpha("<styling><initial tts:opacity='0.5'/></styling>", "tts:opacity='1'"), Some(128));
}

#[test]
fn lengths_are_shares_of_the_side_along_which_they_lie() {
    // 16 by 9, 32 by 15 cells.
    for (extent, expected) in [
        ("10rw 20rh", (10.0, 20.0)),
        ("18rh 18rw", (10.125, 32.0)),
        ("16c 3c", (50.0, 20.0)),
        ("50% 20%", (50.0, 20.0)),
    ] {
        let cue = only("", &format!("<body><div><p tts:extent='{extent}'>x</p></div></body>"));
        let (width, height) = cue.layout.area.expect("an area").extent;
        let off = f64::max((width - expected.0).abs(), (height - expected.1).abs());
        assert!(off < 1e-9, "{extent}: {width} {height}");
    }
}
