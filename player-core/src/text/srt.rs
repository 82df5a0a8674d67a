//! SubRip files. There is no standard; this reads what players agree on: blocks of an optional number, a line of
//! times, and text with the tags `i`, `b` and `u`; other tags and SubStation overrides (`{\an8}`) are removed.

use super::lines::Lines;
use super::{Cue, MAX_CUES, encoding, webvtt};
use crate::time::MediaTime;

/// Reads a file in UTF-8, or in UTF-16 with a byte order mark. Blocks without readable times are skipped; `None`
/// when no block has any, when none has a number or a decimal comma, or when there are more cues than any film has.
pub fn parse(bytes: &[u8]) -> Option<Vec<Cue>> {
    let text = encoding::decode(bytes);
    let mut lines = Lines::new(&text);
    let mut cues: Vec<Cue> = Vec::new();
    // Damaged WebVTT looks alike, but has no numbers and no decimal commas.
    let (mut genuine, mut numbered) = (false, false);
    while let Some(line) = lines.next() {
        let Some(times) = times(line) else {
            let number = line.trim();
            numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            continue;
        };
        genuine |= numbered || line.contains(',');
        let mut body = String::new();
        let mut place = None;
        for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
            if !body.is_empty() {
                body.push('\n');
            }
            without_overrides(line.trim(), &mut body, &mut place);
        }
        if cues.len() == MAX_CUES {
            return None;
        }
        cues.push(webvtt::cue(None, times, place.map_or("", settings), &body));
    }
    (genuine && !cues.is_empty()).then_some(cues)
}

/// Reads `[hours:]minutes:seconds[,milliseconds] --> …`.
fn times(line: &str) -> Option<(MediaTime, MediaTime)> {
    let (start, end) = line.split_once("-->")?;
    // Some writers put coordinates after the times.
    Some((time(start.trim())?, time(end.split_whitespace().next()?)?))
}

fn time(text: &str) -> Option<MediaTime> {
    let (clock, milliseconds) = text.split_once([',', '.']).unwrap_or((text, "000"));
    let number = |text: &str| {
        let digits = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok())?
    };
    let mut seconds = 0;
    let mut parts = 0;
    for part in clock.split(':') {
        seconds = seconds * 60 + number(part)?;
        parts += 1;
    }
    let milliseconds = number(milliseconds).filter(|_| milliseconds.len() == 3 && matches!(parts, 2 | 3))?;
    Some(MediaTime::from_millis(seconds * 1000 + milliseconds))
}

/// The WebVTT settings of `{\anN}`, where N is a key of a numeric keypad.
fn settings(key: u8) -> &'static str {
    match key {
        b'1' => "align:left",
        b'3' => "align:right",
        b'4' => "line:50%,center align:left",
        b'5' => "line:50%,center",
        b'6' => "line:50%,center align:right",
        b'7' => "line:0 align:left",
        b'8' => "line:0",
        b'9' => "line:0 align:right",
        _ => "",
    }
}

/// Appends a line without `{\…}`, of which the first place counts.
fn without_overrides(line: &str, out: &mut String, place: &mut Option<u8>) {
    let mut rest = line;
    while let Some((before, tail)) = rest.split_once("{\\") {
        out.push_str(before);
        match tail.split_once('}') {
            Some((inside, after)) => {
                let key = inside.strip_prefix("an").and_then(|key| key.bytes().next());
                *place = place.or(key);
                rest = after;
            }
            None => return,
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn described(file: &[u8]) -> Vec<(i64, i64, String)> {
        let millis = |time: MediaTime| time.as_nanos() / 1_000_000;
        let cues = parse(file).unwrap_or_default();
        cues.iter().map(|cue| (millis(cue.start), millis(cue.end), cue.plain_text())).collect()
    }

    #[test]
    fn blocks_become_cues_and_broken_ones_are_skipped() {
        let file = "1\r\n00:00:00,000 --> 00:00:01,234\r\n<i>One</i> {\\an8}line\r\nand another\r\n\r\n\r\n\
            00:02 --> 00:03.500 X1:40\nTwo & <font color=\"red\">a half</font>\n\n\
            3\n00:00:04,5 --> 00:00:05,000\nlost\n\n4\n --> 00:00:06,000\nlost";
        let expected = [(0, 1234, "One line\nand another".to_owned()), (2000, 3500, "Two & a half".to_owned())];
        assert_eq!(described(file.as_bytes()), expected);
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(file.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(described(&wide), expected);
        let first = &parse(file.as_bytes()).unwrap()[0];
        assert!(first.spans[0].style.italic);
        assert_eq!(first.layout.line, crate::text::LinePosition::Line(0.0));
    }

    #[test]
    fn a_file_without_times_is_not_subrip() {
        for file in [
            &b""[..],
            b"1\nhello\n",
            b"-->",
            b"1\n00:00:00,000 --> \n",
            &[0xff, 0xfe, 0x31],
            b"x\n\n00:01.000 --> 00:02.000\ny",
        ] {
            assert_eq!(parse(file), None);
        }
    }

    #[test]
    fn times_have_two_or_three_parts_and_three_decimals() {
        let millis = |text: &str| time(text).map(|time| time.as_nanos() / 1_000_000);
        assert_eq!(millis("01:02:03,004"), Some(3_723_004));
        assert_eq!(millis("02:03.004"), Some(123_004));
        assert_eq!(millis("100:00:00"), Some(360_000_000));
        for bad in
            ["3,004", "1:2:3:4,000", "00:01,04", "00:01,0004", "00:,000", "0000001:00,000", "a:00,000", "00:-1,000"]
        {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_keys_of_a_keypad_place_a_cue() {
        use crate::text::{LineAlign, LinePosition, TextAlign};
        let layout = |key: char| {
            let file = format!("1\n00:00:01,000 --> 00:00:02,000\n{{\\an{key}}}x{{\\an1}}\n");
            let layout = parse(file.as_bytes()).unwrap().remove(0).layout;
            (layout.line, layout.line_align, layout.align)
        };
        let (left, right, center) = (TextAlign::Left, TextAlign::Right, TextAlign::Center);
        for (keys, line, edge) in [
            ("123", LinePosition::Auto, LineAlign::Start),
            ("456", LinePosition::Percent(50.0), LineAlign::Center),
            ("789", LinePosition::Line(0.0), LineAlign::Start),
        ] {
            for (key, align) in keys.chars().zip([left, center, right]) {
                assert_eq!(layout(key), (line, edge, align), "{key}");
            }
        }
    }

    #[test]
    fn a_number_or_a_comma_makes_a_file_genuine() {
        let count = |file: &str| parse(file.as_bytes()).map(|cues| cues.len());
        assert_eq!(count("1\n00:01.000 --> 00:02.000\nx\n"), Some(1));
        assert_eq!(count("00:01,000 --> 00:02,000\nx\n"), Some(1));
        assert_eq!(count("a\n00:01.000 --> 00:02.000\nx\n"), None);
        assert_eq!(count(" \n00:01.000 --> 00:02.000\nx\n"), None);
        let many = "1\n00:01,000 --> 00:02,000\n\n".repeat(MAX_CUES + 1);
        assert_eq!(count(&many), None);
    }
}
