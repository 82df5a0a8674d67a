//! SubRip files. There is no standard; this reads what players agree on: blocks of an optional number, a line of
//! times, and text with the tags `i`, `b` and `u`; other tags and SubStation overrides (`{\an8}`) are removed.

use super::lines::Lines;
use super::{Cue, webvtt};
use crate::time::MediaTime;

/// Reads a file in UTF-8, or in UTF-16 with a byte order mark. Blocks without readable times are skipped; `None`
/// when no block has any, or when there are more cues than any film has.
pub fn parse(bytes: &[u8]) -> Option<Vec<Cue>> {
    let text = decode(bytes);
    let mut lines = Lines::new(&text);
    let mut cues: Vec<Cue> = Vec::new();
    while let Some(line) = lines.next() {
        let Some(times) = times(line) else { continue };
        let mut body = String::new();
        for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
            if !body.is_empty() {
                body.push('\n');
            }
            without_overrides(line.trim(), &mut body);
        }
        if cues.len() == webvtt::MAX_CUES {
            return None;
        }
        cues.push(webvtt::cue(None, times, "", &body));
    }
    (!cues.is_empty()).then_some(cues)
}

fn decode(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&pair| unit(pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// `[hours:]minutes:seconds[,milliseconds] --> …`.
fn times(line: &str) -> Option<(MediaTime, MediaTime)> {
    let (start, end) = line.split_once("-->")?;
    // Some writers put coordinates behind the times.
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

/// Appends a line without `{\…}`.
fn without_overrides(line: &str, out: &mut String) {
    let mut rest = line;
    while let Some((before, tail)) = rest.split_once("{\\") {
        out.push_str(before);
        match tail.split_once('}') {
            Some((_, after)) => rest = after,
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
        assert!(parse(file.as_bytes()).unwrap()[0].spans[0].style.italic);
    }

    #[test]
    fn a_file_without_times_is_not_subrip() {
        for file in [&b""[..], b"1\nhello\n", b"-->", b"1\n00:00:00,000 --> \n", &[0xff, 0xfe, 0x31]] {
            assert_eq!(parse(file), None);
        }
    }
}
