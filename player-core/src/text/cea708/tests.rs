//! Service blocks and the windows that must come of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::text::{EdgeKind, FontFamily, LineAlign, LinePosition, PositionAlign, TextAlign, TextEdge, Vertical};

/// Puts service blocks into a packet and sends it.
fn send(decoder: &mut Cea708, blocks: &[(u8, &[u8])], at: MediaTime) {
    let mut data = Vec::new();
    for (number, block) in blocks {
        let size = block.len() as u8;
        if *number < 7 {
            data.push(number << 5 | size);
        } else {
            data.extend([0xe0 | size, *number]);
        }
        data.extend(*block);
    }
    if data.len().is_multiple_of(2) {
        data.push(0);
    }
    let packet = [&[0x40 | (data.len() as u8).div_ceil(2)][..], &data].concat();
    for (index, two) in packet.chunks(2).enumerate() {
        decoder.push(index == 0, [two[0], two[1]], at);
    }
}

fn tell(decoder: &mut Cea708, block: &[u8]) {
    for part in block.chunks(24) {
        send(decoder, &[(1, part)], MediaTime::ZERO);
    }
}

fn shown(decoder: &Cea708) -> Vec<String> {
    decoder.cues(MediaTime::ZERO).iter().map(Cue::plain_text).collect()
}

/// A visible window: anchor, place, rows, columns, styles.
fn define(number: u8, anchor: u8, place: (u8, u8), rows: u8, styles: u8) -> [u8; 7] {
    [0x98 | number, 0x38, place.0, place.1, anchor << 4 | (rows - 1), 31, styles]
}

fn first() -> Cea708 {
    Cea708::new(1)
}

#[test]
fn a_window_is_defined_written_and_shown() {
    let mut cc = first();
    let mut hidden = define(0, 7, (70, 105), 2, 0x09);
    hidden[1] = 0x18;
    tell(&mut cc, &hidden);
    tell(&mut cc, b"FIRST\rSECOND");
    assert!(shown(&cc).is_empty(), "not visible yet");
    tell(&mut cc, &[0x89, 0x01]);
    assert!(cc.changed());
    assert_eq!(shown(&cc), ["FIRST\nSECOND"]);
    let cue = &cc.cues(MediaTime::ZERO)[0];
    assert_eq!((cue.layout.line_align, cue.layout.position_align), (LineAlign::End, PositionAlign::Center));
    assert_eq!(cue.layout.position, Some(50.0));
    assert!(matches!(cue.layout.line, LinePosition::Percent(at) if (at - 84.667).abs() < 0.01));
    assert_eq!(cue.layout.align, TextAlign::Left);
    tell(&mut cc, &[0x8a, 0x01]);
    assert!(shown(&cc).is_empty());
    tell(&mut cc, &[0x8b, 0x01]);
    assert_eq!(shown(&cc), ["FIRST\nSECOND"]);
    tell(&mut cc, &[0x88, 0x01]);
    assert!(shown(&cc).is_empty());
    tell(&mut cc, b"\x80AGAIN\x8c\x01LOST");
    assert!(shown(&cc).is_empty(), "a window that was deleted takes no text");
}

#[test]
fn lines_scroll_up_when_the_window_is_full() {
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 2, 0x09));
    tell(&mut cc, b"ONE\rTWO\rTHREE");
    assert_eq!(shown(&cc), ["TWO\nTHREE"]);
    // Horizontal carriage return, backspace, form feed.
    tell(&mut cc, b"\x0eX\x08YZ");
    assert_eq!(shown(&cc), ["TWO\nYZ"]);
    tell(&mut cc, b"\x0cNEW");
    assert_eq!(shown(&cc), ["NEW"]);
    // The other way: new lines come above.
    tell(&mut cc, &[0x97, 0x00, 0x00, 0x08, 0x10]);
    tell(&mut cc, b"\rABOVE");
    assert_eq!(shown(&cc), ["ABOVE\nNEW"]);
}

#[test]
fn a_window_that_shrinks_keeps_its_last_rows_and_one_that_grows_all() {
    let mut cc = first();
    tell(&mut cc, &define(0, 7, (70, 105), 4, 0x09));
    tell(&mut cc, b"ONE\rTWO\rTHREE\rFOUR");
    for (rows, left) in [(3, "TWO\nTHREE\nFOUR"), (3, "TWO\nTHREE\nFOUR"), (1, "FOUR"), (2, "FOUR")] {
        tell(&mut cc, &define(0, 7, (70, 105), rows, 0x09));
        assert_eq!(shown(&cc), [left], "{rows}");
    }
}

#[test]
fn the_pen_has_a_place_colours_and_attributes() {
    let mut cc = first();
    tell(&mut cc, &define(2, 0, (0x80 | 20, 40), 3, 0x09));
    // Row 1, column 4, yellow on translucent blue; italics and underline; then white on transparent.
    tell(&mut cc, &[0x92, 0x01, 0x04, 0x91, 0b0011_1100, 0b1000_0011, 0x00, 0x90, 0x05, 0xc0]);
    tell(&mut cc, b"BC");
    tell(&mut cc, &[0x91, 0x3f, 0xc0, 0x00, 0x90, 0x05, 0x00]);
    tell(&mut cc, b"D");
    tell(&mut cc, &[0x92, 0x00, 0x02]);
    tell(&mut cc, b"A");
    let cues = cc.cues(MediaTime::ZERO);
    assert_eq!(cues[0].plain_text(), "A\n\u{a0}\u{a0}BCD");
    let style = |wanted: &str| &cues[0].spans.iter().find(|span| span.text.contains(wanted)).unwrap().style;
    assert_eq!((style("BC").color, style("BC").background), (Some([255, 255, 0, 255]), Some([0, 0, 255, 128])));
    assert!(style("BC").italic && style("BC").underline && !style("D").italic);
    assert_eq!(
        (style("D").color, style("D").background),
        (None, Some([0, 0, 0, 255])),
        "the window behind it is black"
    );
    assert_eq!((cues[0].layout.line, cues[0].layout.position), (LinePosition::Percent(26.0), Some(42.0)));
}

#[test]
fn windows_without_a_ground_and_predefined_styles_are_kept() {
    let mut cc = first();
    // Window style 3 is centred; pen style 6 has no background; window style 2 has none either.
    tell(&mut cc, &define(0, 7, (70, 105), 1, 0x19));
    tell(&mut cc, b"MIDDLE");
    tell(&mut cc, &define(1, 1, (5, 105), 1, 0x16));
    tell(&mut cc, b"BARE");
    let cues = cc.cues(MediaTime::ZERO);
    let of = |text: &str| cues.iter().find(|cue| cue.plain_text() == text).unwrap();
    assert_eq!(of("MIDDLE").layout.align, TextAlign::Center);
    assert_eq!(of("BARE").spans[0].style.background, Some([0, 0, 0, 0]));
    // Without a style the old one stays; text that fits stays, too.
    tell(&mut cc, &define(0, 7, (60, 105), 2, 0x00));
    let cues = cc.cues(MediaTime::ZERO);
    assert_eq!(cues.iter().find(|cue| cue.plain_text() == "MIDDLE").unwrap().layout.align, TextAlign::Center);
}

#[test]
fn type_edges_flashing_and_grounds_are_told() {
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
    // Casual type with a green outline that flashes; the window is translucent blue.
    tell(&mut cc, &[0x90, 0x05, 0x1d, 0x91, 0x7f, 0xc0, 0x0c, 0x97, 0x83, 0x00, 0x00, 0x10]);
    tell(&mut cc, b"X");
    let cue = cc.cues(MediaTime::ZERO).remove(0);
    let style = &cue.spans[0].style;
    assert!(style.flash && style.font_family == Some(FontFamily::Casual));
    let edge = TextEdge { kind: EdgeKind::Uniform, color: Some([0, 255, 0, 255]), thickness: None };
    assert_eq!((style.edge, style.background), (Some(edge), None));
    assert_eq!(cue.layout.background, Some([0, 0, 255, 128]));
}

#[test]
fn windows_of_higher_priority_stand_in_front() {
    let mut cc = first();
    let mut behind = define(0, 6, (70, 0), 1, 0x09);
    behind[1] = 0x38 | 5;
    tell(&mut cc, &define(1, 6, (10, 0), 1, 0x09));
    tell(&mut cc, b"FRONT");
    tell(&mut cc, &behind);
    tell(&mut cc, b"BEHIND");
    assert_eq!(shown(&cc), ["BEHIND", "FRONT"]);
}

#[test]
fn all_character_sets_are_read() {
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
    tell(&mut cc, &[b'~', 0x7f, 0xa1, 0xe9, 0xdf, 0x10, 0x25, 0x10, 0x39, 0x10, 0x76, 0x10, 0xa0]);
    // Two bytes a character; then undefined codes, and commands of the extended sets with their parameters.
    tell(&mut cc, &[0x18, 0xac, 0x00, 0x10, 0x41, 0x10, 0x08, b'!', 0x10, 0x81, 1, 2, 3, 4, 0x10, 0x91, 2, 1, 1, b'.']);
    assert_eq!(shown(&cc), ["~♪¡éß…™⅛㏄가_."]);
}

#[test]
fn vertical_writing_and_writing_to_the_left_are_told() {
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 2, 0x39));
    tell(&mut cc, b"TICK");
    assert_eq!(cc.cues(MediaTime::ZERO)[0].layout.vertical, Some(Vertical::LeftToRight));
    tell(&mut cc, &[0x97, 0x00, 0x00, 0x1c, 0x10]);
    let layout = cc.cues(MediaTime::ZERO)[0].layout.clone();
    assert_eq!((layout.vertical, layout.align), (None, TextAlign::Right));
}

#[test]
fn a_delay_holds_codes_until_it_is_over_or_cancelled() {
    let ms = MediaTime::from_millis;
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
    send(&mut cc, &[(1, b"A\x8d\x05B")], ms(1000));
    assert_eq!(shown(&cc), ["A"]);
    cc.advance(ms(1499));
    assert_eq!(shown(&cc), ["A"]);
    cc.advance(ms(1500));
    assert_eq!(shown(&cc), ["AB"]);
    send(&mut cc, &[(1, b"\x8d\xffC\x8eD")], ms(2000));
    assert_eq!(shown(&cc), ["ABCD"], "cancelled");
    send(&mut cc, &[(1, b"\x8d\xff")], ms(3000));
    for _ in 0..12 {
        send(&mut cc, &[(1, b"0123456789\x08")], ms(3100));
    }
    assert!(shown(&cc)[0].len() > 20, "the room for what waits is small");
    // As many bytes as may wait, and one more.
    tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
    tell(&mut cc, b"\x0c");
    send(&mut cc, &[(1, b"\x8d\xff")], ms(3500));
    for _ in 0..16 {
        send(&mut cc, &[(1, b"1234567\x08")], ms(3600));
    }
    assert!(shown(&cc).is_empty(), "{:?}", shown(&cc));
    send(&mut cc, &[(1, b"!")], ms(3600));
    assert_eq!(shown(&cc), ["1234561234561234561234561234561!"]);
    send(&mut cc, &[(1, b"\x8d\xff")], ms(4000));
    assert!(cc.changed() && !cc.changed());
    send(&mut cc, &[(1, b"X\x8fY")], ms(4100));
    assert!(shown(&cc).is_empty(), "a reset does not wait");
    assert!(cc.changed(), "the screen is empty now");
}

#[test]
fn services_are_told_apart_and_extended_numbers_are_read() {
    let window = define(0, 6, (70, 0), 1, 0x09);
    let block = |text: &str| [&window[..], text.as_bytes()].concat();
    let (one, two, forty) = (block("one"), block("two"), block("forty"));
    let blocks = [(1, one.as_slice()), (2, &two), (40, &forty)];
    for (number, text) in [(1, "one"), (2, "two"), (40, "forty"), (3, "")] {
        let mut decoder = Cea708::new(number);
        send(&mut decoder, &blocks, MediaTime::ZERO);
        assert_eq!(shown(&decoder).concat(), text);
    }
    assert!(makes_window(&one) && !makes_window(b"text") && !makes_window(&[0x8f]));
}

#[test]
fn a_packet_that_is_cut_short_gives_its_whole_blocks() {
    let window = define(0, 6, (70, 0), 1, 0x09);
    let block = [&window[..], b"GOOD"].concat();
    let data = [&[0x20 | block.len() as u8][..], &block, &[0x3f, b'L', b'O']].concat();
    let packet = [&[0x14][..], &data].concat();
    let mut cc = first();
    for (index, two) in packet.chunks(2).enumerate() {
        cc.push(index == 0, [two[0], two.get(1).copied().unwrap_or(0)], MediaTime::ZERO);
    }
    assert!(shown(&cc).is_empty(), "more is to come");
    send(&mut cc, &[(2, b"x")], MediaTime::ZERO);
    assert_eq!(shown(&cc), ["GOOD"]);
    // Bytes before any start belong to nothing.
    let mut late = first();
    late.push(false, [0x21, b'x'], MediaTime::ZERO);
    assert!(!late.changed());
}

#[test]
fn nothing_breaks_on_noise() {
    let mut seed = 0x9e37_79b9_u32;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    let mut cc = first();
    for round in 0..8_000_i64 {
        let size = 1 + (next() % 24) as usize;
        let block: Vec<u8> = (0..size)
            .map(|at| {
                let byte = next() as u8;
                if at == 0 && byte & 1 == 0 { 0x80 | (byte >> 3) } else { byte }
            })
            .collect();
        send(&mut cc, &[(1, &block)], MediaTime::from_millis(round * 33));
        if cc.changed() {
            let cues = cc.cues(MediaTime::ZERO);
            assert!(cues.len() <= 8 && cues.iter().all(|cue| cue.plain_text().chars().count() < 16 * 130));
        }
    }
}

#[test]
fn each_of_eight_windows_can_be_the_current_one() {
    let mut cc = first();
    for number in 0..8 {
        tell(&mut cc, &define(number, 6, (10 * number, 0), 1, 0x09));
    }
    for number in 0..8 {
        tell(&mut cc, &[0x80 | number, b'A' + number]);
    }
    assert_eq!(shown(&cc), ["A", "B", "C", "D", "E", "F", "G", "H"]);
    let mut one = first();
    tell(&mut one, &define(2, 6, (0, 0), 1, 0x09));
    tell(&mut one, b"\x85X");
    assert_eq!(shown(&one), ["X"], "a window that was not defined is not chosen");
}

#[test]
fn windows_are_cleared_hidden_and_toggled_by_number() {
    let mut cc = first();
    for number in 0..3 {
        tell(&mut cc, &define(number, 6, (10 * number, 0), 1, 0x09));
        tell(&mut cc, &[b'A' + number]);
    }
    let mut after = |code: &[u8]| {
        tell(&mut cc, code);
        shown(&cc).concat()
    };
    assert_eq!(after(&[0x8a, 0b101]), "B");
    assert_eq!(after(&[0x8b, 0b110]), "C");
    assert_eq!(after(&[0x89, 0b011]), "ABC");
    assert_eq!(after(&[0x88, 0b010]), "AC");
    assert_eq!(after(&[0x8c, 0b001]), "C");
    assert_eq!(after(b"D"), "CD", "the current window is the third one still");
}

#[test]
fn anchors_name_a_point_of_the_window() {
    use LineAlign::{Center, End, Start};
    use PositionAlign::{Center as Middle, LineLeft, LineRight};
    let lines = [Start, Center, End];
    let positions = [LineLeft, Middle, LineRight];
    for anchor in 0..9_u8 {
        let mut cc = first();
        tell(&mut cc, &define(0, anchor, (0x80 | 50, 25), 1, 0x09));
        tell(&mut cc, b"X");
        let layout = cc.cues(MediaTime::ZERO).remove(0).layout;
        let wanted = (lines[usize::from(anchor / 3)], positions[usize::from(anchor % 3)]);
        assert_eq!((layout.line_align, layout.position_align), wanted, "{anchor}");
        // Hundredths of the safe area.
        assert_eq!((layout.line, layout.position), (LinePosition::Percent(50.0), Some(30.0)));
    }
}

#[test]
fn attributes_of_windows_set_lines() {
    let (left, right, center) = (TextAlign::Left, TextAlign::Right, TextAlign::Center);
    for (attributes, align, vertical) in [
        (0x0c, left, None),
        (0x0d, right, None),
        (0x0e, center, None),
        (0x0f, left, None),
        (0x1c, right, None),
        (0x1f, right, None),
        (0x1e, center, None),
        (0x20, left, Some(Vertical::RightToLeft)),
        (0x24, left, Some(Vertical::LeftToRight)),
        (0x30, left, Some(Vertical::RightToLeft)),
        (0x34, left, Some(Vertical::LeftToRight)),
    ] {
        let mut cc = first();
        tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
        tell(&mut cc, &[0x97, 0x00, 0x00, attributes, 0x10, b'X']);
        let layout = cc.cues(MediaTime::ZERO).remove(0).layout;
        assert_eq!((layout.align, layout.vertical), (align, vertical), "{attributes:#x}");
    }
}

#[test]
fn grounds_of_windows_are_drawn_unless_they_are_black_or_clear() {
    // Opacity and two bits a colour: solid blue, flashing blue, translucent blue, clear blue, solid black.
    for (fill, background) in [
        (0x03, Some([0, 0, 255, 255])),
        (0x43, Some([0, 0, 255, 255])),
        (0x83, Some([0, 0, 255, 128])),
        (0xc3, None),
        (0x00, None),
        (0x26, Some([170, 85, 170, 255])),
    ] {
        let mut cc = first();
        tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
        tell(&mut cc, &[0x97, fill, 0x00, 0x0c, 0x10, b'X']);
        assert_eq!(cc.cues(MediaTime::ZERO)[0].layout.background, background, "{fill:#x}");
    }
}

#[test]
fn every_type_and_edge_is_known() {
    let style = |attributes: u8| {
        let mut cc = first();
        tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
        tell(&mut cc, &[0x90, 0x05, attributes, b'X']);
        cc.cues(MediaTime::ZERO).remove(0).spans.remove(0).style
    };
    let families = [
        None,
        Some(FontFamily::MonospaceSerif),
        Some(FontFamily::ProportionalSerif),
        Some(FontFamily::MonospaceSansSerif),
        Some(FontFamily::ProportionalSansSerif),
        Some(FontFamily::Casual),
        Some(FontFamily::Cursive),
        Some(FontFamily::SmallCapitals),
    ];
    let edges = [
        None,
        Some(EdgeKind::Raised),
        Some(EdgeKind::Depressed),
        Some(EdgeKind::Uniform),
        Some(EdgeKind::ShadowLeft),
        Some(EdgeKind::ShadowRight),
        None,
        None,
    ];
    for number in 0..8_u8 {
        assert_eq!(style(number).font_family, families[usize::from(number)], "{number}");
        assert_eq!(style(number << 3).edge.map(|edge| edge.kind), edges[usize::from(number)], "{number}");
    }
    assert_eq!((style(0x80).italic, style(0x80).underline), (true, false));
    assert_eq!((style(0x40).italic, style(0x40).underline), (false, true));
}

#[test]
fn lines_that_move_down_are_written_from_the_bottom_up() {
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 2, 0x09));
    // Lines move down; the pen stands on the second one.
    tell(&mut cc, &[0x97, 0x00, 0x00, 0x08, 0x10, 0x92, 0x01, 0x00]);
    tell(&mut cc, b"LOW\rUP");
    assert_eq!(shown(&cc), ["UP\nLOW"]);
    tell(&mut cc, b"\rTOP");
    assert_eq!(shown(&cc), ["TOP\nUP"]);
}

#[test]
fn the_pen_stays_inside_its_window() {
    let mut cc = first();
    let mut small = define(0, 6, (70, 0), 2, 0x09);
    small[5] = 3;
    tell(&mut cc, &small);
    tell(&mut cc, b"ABCD");
    // Row 9, column 20: the last of both; a step back from the last column erases the one before it.
    tell(&mut cc, &[0x92, 0x00, 0x14, 0x08]);
    assert_eq!(shown(&cc), ["AB D"]);
    tell(&mut cc, &[0x92, 0x09, 0x00, b'E']);
    assert_eq!(shown(&cc), ["AB D\nE"]);
    // A line holds four characters; whatever is written past them replaces the last.
    tell(&mut cc, &[0x92, 0x00, 0x00]);
    tell(&mut cc, b"FGHIJK");
    assert_eq!(shown(&cc), ["FGHK\nE"]);
}

#[test]
fn only_what_is_seen_changes_the_screen() {
    let mut cc = first();
    tell(&mut cc, &define(0, 6, (70, 0), 1, 0x09));
    assert!(cc.changed() && !cc.changed());
    tell(&mut cc, b"X");
    assert!(cc.changed(), "a letter in a window that is shown");
    tell(&mut cc, &[0x8a, 0x01]);
    assert!(cc.changed());
    tell(&mut cc, b"Y");
    assert!(!cc.changed(), "a letter in a hidden one");
    // Shown, cleared, hidden, toggled twice and deleted.
    for code in [0x89, 0x88, 0x8a, 0x8b, 0x8b, 0x8c] {
        tell(&mut cc, &[code, 0x01]);
        assert!(cc.changed() && !cc.changed(), "{code:#x}");
    }
}

#[test]
fn a_packet_has_the_size_that_its_code_tells_and_zero_stands_for_the_longest() {
    for (code, pairs) in [(1, 1), (2, 2), (63, 63), (0, 64)] {
        let mut assembler = Assembler::default();
        let mut found = Vec::new();
        let mut first = None;
        for number in 0..70 {
            // The sequence number in the upper bits is no part of the size.
            let bytes = if number == 0 { [0xc0 | code, 0] } else { [number, number] };
            assembler.push(number == 0, bytes, &mut |packet: &[u8]| found.push(packet.len()));
            if !found.is_empty() && first.is_none() {
                first = Some(usize::from(number) + 1);
            }
        }
        assert_eq!((first, found), (Some(pairs), vec![pairs * 2 - 1]), "{code}");
    }
}
