//! Byte pairs and the screens that must come of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::text::{CueLayout, LinePosition, TextAlign};

const RCL: u16 = 0x1420;
const BS: u16 = 0x1421;
const DER: u16 = 0x1424;
const RU2: u16 = 0x1425;
const RU3: u16 = 0x1426;
const RU4: u16 = 0x1427;
const RDC: u16 = 0x1429;
const TR: u16 = 0x142a;
const EDM: u16 = 0x142c;
const CR: u16 = 0x142d;
const ENM: u16 = 0x142e;
const EOC: u16 = 0x142f;
const TO2: u16 = 0x1722;
/// Row 15 at column 0, and row 14.
const ROW_15: u16 = 0x1470;
const ROW_14: u16 = 0x1450;

fn pair(word: u16) -> [u8; 2] {
    word.to_be_bytes().map(with_parity)
}

/// Sends control codes once.
fn codes(decoder: &mut Cea608, words: &[u16]) {
    words.iter().for_each(|word| decoder.push(pair(*word)));
}

fn text(decoder: &mut Cea608, text: &str) {
    for two in text.as_bytes().chunks(2) {
        decoder.push([with_parity(two[0]), with_parity(two.get(1).copied().unwrap_or(0))]);
    }
}

fn shown(decoder: &Cea608) -> Vec<String> {
    decoder.cues(MediaTime::ZERO).iter().map(Cue::plain_text).collect()
}

fn cc1() -> Cea608 {
    Cea608::new(1)
}

#[test]
fn pop_on_is_composed_out_of_sight() {
    let mut cc = cc1();
    codes(&mut cc, &[RCL, ENM, ROW_14]);
    text(&mut cc, "HELLO");
    codes(&mut cc, &[ROW_15]);
    text(&mut cc, "WORLD!");
    assert!(shown(&cc).is_empty() && !cc.changed());
    codes(&mut cc, &[EOC]);
    assert!(cc.changed());
    assert_eq!(shown(&cc), ["HELLO\nWORLD!"]);
    // The next caption is loaded while this one stands.
    codes(&mut cc, &[RCL, ENM, ROW_15]);
    text(&mut cc, "NEXT");
    assert_eq!(shown(&cc), ["HELLO\nWORLD!"]);
    codes(&mut cc, &[EDM]);
    assert!(shown(&cc).is_empty());
    codes(&mut cc, &[EOC]);
    assert_eq!(shown(&cc), ["NEXT"]);
}

#[test]
fn only_what_appears_as_a_whole_is_centred() {
    // Row 15 from column 12 on: eight letters stand in the middle.
    const MIDDLE: u16 = 0x1476;
    let align = |cc: &Cea608| cc.cues(MediaTime::ZERO)[0].layout.align;
    let mut cc = cc1();
    codes(&mut cc, &[RCL, ENM, MIDDLE]);
    text(&mut cc, "COMPOSED");
    codes(&mut cc, &[EOC]);
    assert_eq!(align(&cc), TextAlign::Center);
    codes(&mut cc, &[EDM, RDC, MIDDLE]);
    text(&mut cc, "PAINTED!");
    assert_eq!((shown(&cc), align(&cc)), (vec!["PAINTED!".to_owned()], TextAlign::Left));
}

#[test]
fn a_control_code_that_is_sent_twice_counts_once() {
    let mut cc = cc1();
    codes(&mut cc, &[RCL, RCL, ENM, ENM, ROW_15, ROW_15]);
    text(&mut cc, "AABB");
    codes(&mut cc, &[BS, BS, BS]);
    cc.push([0x80, 0x80]);
    codes(&mut cc, &[EOC, EOC]);
    assert_eq!(shown(&cc), ["AA"], "three sent are two meant, and nothing lies between the two halves");
    // A third and fourth are another one.
    codes(&mut cc, &[EOC, EOC]);
    assert!(shown(&cc).is_empty());
    // Characters are not repeated.
    codes(&mut cc, &[RDC, ROW_15]);
    text(&mut cc, "ZZZZ");
    assert_eq!(shown(&cc), ["ZZZZ"]);
}

#[test]
fn roll_up_moves_lines_and_forgets_the_first() {
    for (mode, rows) in [(RU2, 2), (RU3, 3), (RU4, 4)] {
        let mut cc = cc1();
        codes(&mut cc, &[mode, CR, ROW_15]);
        for line in ["ONE", "TWO", "THREE", "FOUR", "FIVE"] {
            text(&mut cc, line);
            assert!(shown(&cc)[0].ends_with(line), "letters appear as they come");
            codes(&mut cc, &[CR]);
            cc.push([0x80, 0x80]);
        }
        let expected = &["TWO", "THREE", "FOUR", "FIVE"][5 - rows..];
        assert_eq!(shown(&cc), [expected.join("\n")], "one row is empty after the carriage return");
    }
}

#[test]
fn roll_up_follows_its_base_row_and_starts_anew_after_other_modes() {
    let mut cc = cc1();
    codes(&mut cc, &[RU2, ROW_15]);
    text(&mut cc, "UP");
    codes(&mut cc, &[CR]);
    text(&mut cc, "DOWN");
    // Row 2: there is room for two rows.
    codes(&mut cc, &[0x1170]);
    assert_eq!(shown(&cc), ["UP\nDOWN"]);
    assert_eq!(cc.cues(MediaTime::ZERO)[0].layout.line, LinePosition::Percent(10.0));
    // Row 1 has no room above it: the second line stays in row 2.
    codes(&mut cc, &[ROW_15, 0x1150]);
    assert_eq!(shown(&cc), ["UP\nDOWN"]);
    assert_eq!(cc.cues(MediaTime::ZERO)[0].layout.line, LinePosition::Percent(10.0));
    // Three rows fit above row 3, the lowest of them.
    codes(&mut cc, &[RU3, 0x1250]);
    text(&mut cc, "THIRD");
    assert_eq!(cc.cues(MediaTime::ZERO).last().map(|cue| cue.layout.line), Some(LinePosition::Percent(10.0)));
    codes(&mut cc, &[RCL, ROW_15]);
    text(&mut cc, "POP");
    codes(&mut cc, &[EOC, RU3]);
    assert!(shown(&cc).is_empty(), "both memories are erased");
    codes(&mut cc, &[EOC]);
    assert!(shown(&cc).is_empty());
}

#[test]
fn paint_on_writes_on_screen_and_erases_to_the_end_of_the_row() {
    let mut cc = cc1();
    codes(&mut cc, &[RDC, ROW_15]);
    text(&mut cc, "PAINTED");
    assert_eq!(shown(&cc), ["PAINTED"]);
    codes(&mut cc, &[ROW_15, TO2, DER]);
    assert_eq!(shown(&cc), ["PA"]);
    codes(&mut cc, &[BS, RDC]);
    text(&mut cc, "X");
    assert_eq!(shown(&cc), ["PX"]);
    codes(&mut cc, &[CR]);
    assert_eq!(shown(&cc), ["PX"], "a carriage return means nothing here");
}

#[test]
fn a_row_is_32_columns_and_the_last_is_overwritten() {
    let mut cc = cc1();
    codes(&mut cc, &[RDC, ROW_15]);
    text(&mut cc, &"abcdefgh".repeat(5));
    let expected = format!("{}h", &"abcdefgh".repeat(4)[..31]);
    assert_eq!(shown(&cc), [expected.as_str()]);
    codes(&mut cc, &[BS]);
    assert_eq!(shown(&cc), [&expected[..31]]);
}

#[test]
fn rows_indents_and_tabs_give_the_place() {
    let mut cc = cc1();
    // Row 1, indent 8, two more columns; row 15, indent 4; row 14 above it at 0.
    codes(&mut cc, &[RCL, 0x1154, TO2]);
    text(&mut cc, "TOP");
    codes(&mut cc, &[ROW_14]);
    text(&mut cc, "A LONGER LINE");
    codes(&mut cc, &[0x1472]);
    text(&mut cc, "IN");
    codes(&mut cc, &[EOC]);
    let cues = cc.cues(MediaTime::ZERO);
    assert_eq!(
        cues.iter().map(Cue::plain_text).collect::<Vec<_>>(),
        ["TOP", "A LONGER LINE\n\u{a0}\u{a0}\u{a0}\u{a0}IN"]
    );
    let place = |layout: &CueLayout| (layout.line, layout.position, layout.align);
    assert_eq!(place(&cues[0].layout), (LinePosition::Percent(10.0), Some(35.0), TextAlign::Left));
    assert_eq!(place(&cues[1].layout), (LinePosition::Percent(90.0), Some(10.0), TextAlign::Left));
}

#[test]
fn lines_that_stand_in_the_middle_are_centred() {
    let mut cc = cc1();
    // Indent 12 and eight characters leave 12 columns on both sides; the shorter line below stands in the middle too.
    codes(&mut cc, &[RCL, 0x1456]);
    text(&mut cc, "CENTRED.");
    codes(&mut cc, &[0x1476, TO2]);
    text(&mut cc, "LINE");
    codes(&mut cc, &[EOC]);
    let cues = cc.cues(MediaTime::ZERO);
    assert_eq!(cues[0].plain_text(), "CENTRED.\nLINE");
    assert_eq!((cues[0].layout.align, cues[0].layout.position), (TextAlign::Center, Some(50.0)));
    // The same with the second line where the first one begins: one line in the middle does not centre both.
    codes(&mut cc, &[RCL, ENM, 0x1456]);
    text(&mut cc, "CENTRED.");
    codes(&mut cc, &[0x1476]);
    text(&mut cc, "LINE");
    codes(&mut cc, &[EOC]);
    let layout = cc.cues(MediaTime::ZERO).remove(0).layout;
    assert_eq!((layout.align, layout.position), (TextAlign::Left, Some(40.0)));
}

#[test]
fn styles_come_from_preambles_and_mid_row_codes() {
    let mut cc = cc1();
    // Row 15: green and underlined, then italics, then red; then yellow behind black text.
    codes(&mut cc, &[RDC, 0x1463]);
    text(&mut cc, "G");
    codes(&mut cc, &[0x112e]);
    text(&mut cc, "I");
    codes(&mut cc, &[0x1128]);
    text(&mut cc, "R ");
    codes(&mut cc, &[0x102a, 0x172e]);
    text(&mut cc, "B");
    let cues = cc.cues(MediaTime::ZERO);
    let spans: Vec<_> = cues[0].spans.iter().map(|span| (span.text.as_str(), &span.style)).collect();
    let find = |wanted: &str| spans.iter().find(|(text, _)| text.contains(wanted)).unwrap().1;
    let green = Some([0, 255, 0, 255]);
    assert_eq!((find("G").color, find("G").underline, find("G").italic), (green, true, false));
    assert_eq!((find("I").color, find("I").underline, find("I").italic), (green, false, true), "italics keep colours");
    assert_eq!((find("R").color, find("R").italic), (Some([255, 0, 0, 255]), false));
    assert_eq!((find("B").color, find("B").background), (Some([0, 0, 0, 255]), Some([255, 255, 0, 255])));
    assert_eq!(cues[0].plain_text(), "G I R B", "codes take a cell, and attributes replace the space before them");
}

#[test]
fn special_and_extended_characters_are_read() {
    let mut cc = cc1();
    codes(&mut cc, &[RDC, ROW_15]);
    // The basic set differs from ASCII in a few places.
    for byte in [0x2a, 0x5c, 0x5e, 0x5f, 0x60, 0x7b, 0x7c, 0x7d, 0x7e] {
        cc.push([with_parity(byte), 0x80]);
    }
    assert_eq!(shown(&cc), ["áéíóúç÷Ññ"]);
    codes(&mut cc, &[RDC, EDM, ROW_15]);
    codes(&mut cc, &[0x1137, 0x1131, 0x1132, 0x1139, 0x113f]);
    assert_eq!(shown(&cc), ["♪°½ û"], "a transparent space is no writing");
    codes(&mut cc, &[EDM, ROW_15]);
    text(&mut cc, "AEU");
    codes(&mut cc, &[0x1223]);
    text(&mut cc, "a");
    codes(&mut cc, &[0x1331]);
    assert_eq!(shown(&cc), ["AEÚä"], "an extended character replaces the one before it");
}

#[test]
fn channels_text_and_extended_data_are_kept_apart() {
    let send = |decoder: &mut Cea608| {
        codes(decoder, &[RDC, ROW_15]);
        text(decoder, "ONE");
        // The second channel of the same field.
        codes(decoder, &[RDC | 0x0800, ROW_15 | 0x0800]);
        text(decoder, "TWO");
        codes(decoder, &[RDC]);
        text(decoder, "11");
        codes(decoder, &[TR]);
        text(decoder, "TELETEXT");
        codes(decoder, &[ROW_14, EDM | 0x0800, RDC]);
        text(decoder, "2");
        // A programme name, interrupted by a caption and continued.
        decoder.push(pair(0x0103));
        text(decoder, "MOVIE");
        codes(decoder, &[RDC]);
        text(decoder, "3");
        decoder.push(pair(0x0203));
        text(decoder, "NAME");
        decoder.push(pair(0x0f1d));
        text(decoder, "4");
    };
    let (mut first, mut second) = (Cea608::new(1), Cea608::new(2));
    send(&mut first);
    send(&mut second);
    assert_eq!(shown(&first), ["ONE11234"]);
    assert!(shown(&second).is_empty(), "erased by its own channel's code");
}

#[test]
fn wrong_parity_costs_a_character_or_a_code_and_no_more() {
    let mut cc = cc1();
    codes(&mut cc, &[RDC, ROW_15]);
    text(&mut cc, "AB");
    let damaged = with_parity(b'C') ^ 0x80;
    cc.push([damaged, with_parity(b'E')]);
    // A damaged erasure.
    cc.push([with_parity(0x14) ^ 0x80, with_parity(0x2c)]);
    assert_eq!(shown(&cc), ["AB█E"]);
}

#[test]
fn nothing_breaks_on_noise() {
    let mut seed = 0x2545_f491_u32;
    let mut decoders = [Cea608::new(1), Cea608::new(2)];
    for _ in 0..40_000 {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        let [first, second, good, _] = seed.to_le_bytes();
        let pair = if good & 3 > 0 { [with_parity(first & 0x7f), with_parity(second & 0x7f)] } else { [first, second] };
        for decoder in &mut decoders {
            decoder.push(pair);
            if decoder.changed() {
                let cues = decoder.cues(MediaTime::ZERO);
                assert!(cues.iter().all(|cue| !cue.plain_text().trim().is_empty()));
            }
        }
    }
}

#[test]
fn a_pause_between_the_two_halves_of_a_code_is_none() {
    let mut cc = cc1();
    codes(&mut cc, &[RCL, ROW_15]);
    text(&mut cc, "SHOWN");
    codes(&mut cc, &[EOC]);
    cc.push([0x80, 0x80]);
    codes(&mut cc, &[EOC]);
    assert_eq!(shown(&cc), ["SHOWN"], "sent twice, with nothing between");
}

#[test]
fn distance_and_black_text_have_their_own_look() {
    let mut cc = cc1();
    // Green, two columns further green again, then black, and black underlined.
    codes(&mut cc, &[RDC, 0x1462]);
    text(&mut cc, "A");
    codes(&mut cc, &[TO2]);
    text(&mut cc, "B ");
    codes(&mut cc, &[0x172e]);
    text(&mut cc, "C ");
    codes(&mut cc, &[0x172f]);
    text(&mut cc, "D");
    let cues = cc.cues(MediaTime::ZERO);
    let spans = &cues[0].spans;
    let green = Some([0, 255, 0, 255]);
    let first: Vec<_> = spans.iter().take(2).map(|span| (span.text.as_str(), span.style.color)).collect();
    assert_eq!(first, [("A", green), ("  ", None)]);
    let look = |wanted: &str| {
        let style = &spans.iter().find(|span| span.text.contains(wanted)).unwrap().style;
        (style.color, style.underline)
    };
    assert_eq!(
        (look("B"), look("C"), look("D")),
        ((green, false), (Some([0, 0, 0, 255]), false), (Some([0, 0, 0, 255]), true))
    );
}

#[test]
fn the_upper_half_hangs_and_the_lower_half_stands() {
    let placed = |row: u16| {
        let mut cc = cc1();
        codes(&mut cc, &[RDC, row]);
        text(&mut cc, "X");
        let layout = cc.cues(MediaTime::ZERO).remove(0).layout;
        let LinePosition::Percent(line) = layout.line else { panic!("{layout:?}") };
        ((line * 1000.0).round(), layout.line_align)
    };
    use crate::text::LineAlign::{End, Start};
    // Rows 1, 8, 9 and 15.
    assert_eq!(placed(0x1150), (10_000.0, Start));
    assert_eq!(placed(0x1670), (47_333.0, Start));
    assert_eq!(placed(0x1750), (58_000.0, End));
    assert_eq!(placed(ROW_15), (90_000.0, End));
}

#[test]
fn margins_may_differ_by_two_columns_in_the_middle() {
    let aligned = |line: &str| {
        let mut cc = cc1();
        // Twelve columns before it.
        codes(&mut cc, &[RCL, 0x1456]);
        text(&mut cc, line);
        codes(&mut cc, &[EOC]);
        let layout = cc.cues(MediaTime::ZERO).remove(0).layout;
        (layout.align, layout.size)
    };
    assert_eq!(aligned("TEN LETTER"), (TextAlign::Center, 100.0));
    assert_eq!(aligned("SIX LE"), (TextAlign::Center, 100.0));
    assert_eq!(aligned("ELEVEN LETT"), (TextAlign::Left, 60.0));
    assert_eq!(aligned("FIVE."), (TextAlign::Left, 60.0));
}

#[test]
fn fewer_rows_of_roll_up_keep_the_last_and_more_need_room_above() {
    let mut cc = cc1();
    codes(&mut cc, &[RU4, ROW_15]);
    for line in ["ONE", "TWO", "THREE"] {
        text(&mut cc, line);
        codes(&mut cc, &[CR]);
        cc.push([0x80, 0x80]);
        codes(&mut cc, &[RU4]);
    }
    text(&mut cc, "FOUR");
    assert_eq!(shown(&cc), ["ONE\nTWO\nTHREE\nFOUR"]);
    codes(&mut cc, &[RU2]);
    assert_eq!(shown(&cc), ["THREE\nFOUR"]);
    // At the second row there is no room for four: the base is the fourth then.
    let mut cc = cc1();
    codes(&mut cc, &[RU2, 0x1170]);
    text(&mut cc, "X");
    codes(&mut cc, &[RU4]);
    text(&mut cc, "Y");
    let lines: Vec<_> = cc.cues(MediaTime::ZERO).iter().map(|cue| (cue.plain_text(), cue.layout.line)).collect();
    let at = |text: &str, percent| (text.to_owned(), LinePosition::Percent(percent));
    assert_eq!(lines, [at("X", 10.0 + 80.0 / 15.0), at("Y", 10.0 + 80.0 * 3.0 / 15.0)]);
}

#[test]
fn tabs_are_of_one_to_three_columns() {
    for (tab, expected) in [(0x1721, "A B"), (TO2, "A  B"), (0x1723, "A   B")] {
        let mut cc = cc1();
        codes(&mut cc, &[RDC, ROW_15]);
        text(&mut cc, "A");
        codes(&mut cc, &[tab]);
        text(&mut cc, "B");
        assert_eq!(shown(&cc), [expected]);
    }
}

#[test]
fn backgrounds_have_seven_colours_and_black_each_opaque_or_not() {
    let colours = [
        [255, 255, 255],
        [0, 255, 0],
        [0, 0, 255],
        [0, 255, 255],
        [255, 0, 0],
        [255, 255, 0],
        [255, 0, 255],
        [0, 0, 0],
    ];
    for (number, [red, green, blue]) in colours.into_iter().enumerate() {
        for (bit, alpha) in [(0, 255), (1, 128)] {
            let mut cc = cc1();
            codes(&mut cc, &[RCL, ENM, ROW_15]);
            text(&mut cc, "A ");
            cc.push([with_parity(0x10), with_parity(0x20 | (number as u8) << 1 | bit)]);
            text(&mut cc, "B");
            codes(&mut cc, &[EOC]);
            let cues = cc.cues(MediaTime::ZERO);
            let text = format!("{cues:?}");
            let wanted = format!("{:?}", Some([red, green, blue, alpha]));
            assert!(text.contains(&wanted), "{wanted}: {text}");
        }
    }
}

#[test]
fn the_end_of_a_caption_exchanges_the_memories() {
    let mut cc = cc1();
    codes(&mut cc, &[RCL, ENM, ROW_15]);
    text(&mut cc, "FIRST!");
    codes(&mut cc, &[EOC, RCL, ROW_15]);
    text(&mut cc, "SECOND");
    codes(&mut cc, &[EOC]);
    assert_eq!(shown(&cc), ["SECOND"]);
    codes(&mut cc, &[RCL, EOC]);
    assert_eq!(shown(&cc), ["FIRST!"], "what was on screen is hidden, not erased");
    codes(&mut cc, &[RCL, ENM, EOC]);
    assert!(shown(&cc).is_empty());
}

#[test]
fn rows_above_those_that_roll_up_are_erased() {
    let mut screen = screen::Screen::default();
    let pen = screen::Pen::default();
    for row in 0..screen::ROWS {
        screen.set(row, 0, Some(screen::Cell { char: char::from(b'A' + row as u8), pen }));
    }
    screen.roll_up(9, 3);
    let written: Vec<(usize, char)> =
        screen.rows().iter().enumerate().filter_map(|(row, cells)| Some((row, cells[0]?.char))).collect();
    assert_eq!(written, [(7, 'I'), (8, 'J')]);
}

#[test]
fn another_mode_begins_as_if_nothing_had_come_before() {
    let written = |before: &[u16], mode: &[u16]| {
        let mut cc = cc1();
        codes(&mut cc, before);
        codes(&mut cc, mode);
        text(&mut cc, "AB");
        cc.cues(MediaTime::ZERO)
    };
    let fresh = written(&[], &[RU2]);
    assert_eq!(fresh.len(), 1);
    assert_eq!(written(&[RCL, 0x1140], &[RU2]), fresh, "in the last row");
    let painted = written(&[], &[RDC, ROW_14]);
    assert_eq!(written(&[RCL, EOC], &[RDC, ROW_14]), painted, "nothing on screen was composed");
}
