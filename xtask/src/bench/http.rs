//! Heads of HTTP/1.1 requests and answers, as far as a server of files needs them.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

/// Longest head of a request in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// Head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// True for `HEAD`: the answer has no body.
    pub is_head: bool,
    /// Path without its first slash and without a query.
    pub path: String,
    /// First and last byte of a `Range`; the last one is absent in `bytes=N-`.
    pub range: Option<(u64, Option<u64>)>,
    /// True if the connection ends after the answer.
    pub closes: bool,
}

impl Head {
    /// Reads a head, which ends with an empty line. Returns `None` for anything but `GET` and `HEAD` of a path.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let mut request = lines.next()?.split(' ');
        let is_head = match request.next()? {
            "GET" => false,
            "HEAD" => true,
            _ => return None,
        };
        let path = request.next()?.split(['?', '#']).next()?.strip_prefix('/')?.to_owned();
        let mut head = Self { is_head, path, range: None, closes: request.next()? == "HTTP/1.0" };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("range") {
                head.range = parse_range(value);
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes = value.eq_ignore_ascii_case("close");
            }
        }
        Some(head)
    }

    /// Returns the file below `root` that the path names, or `None` if it leaves the folder.
    pub fn file(&self, root: &Path) -> Option<PathBuf> {
        let path = Path::new(&self.path);
        path.components().all(|part| matches!(part, Component::Normal(_))).then(|| root.join(path))
    }

    /// Returns the bytes of a file of `length` bytes that are asked for: all without a range, `None` if the range
    /// begins after the end.
    pub fn wanted(&self, length: u64) -> Option<Range<u64>> {
        match self.range {
            None => Some(0..length),
            Some((first, _)) if first >= length => None,
            Some((first, last)) => Some(first..last.map_or(length, |last| last.saturating_add(1).min(length))),
        }
    }
}

/// Reads `bytes=N-` and `bytes=N-M`. Other ranges are answered with the whole file, as RFC 9110 §14.2 permits.
fn parse_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    let last = if last.is_empty() { None } else { Some(last.parse().ok().filter(|last| *last >= first)?) };
    Some((first, last))
}

/// Returns the media type of a file by its extension.
pub fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "m3u8" => "application/vnd.apple.mpegurl",
        "mpd" => "application/dash+xml",
        "ts" => "video/mp2t",
        "m4s" => "video/iso.segment",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Option<Head> {
        Head::parse(&text.replace('\n', "\r\n"))
    }

    #[test]
    fn heads_are_read() {
        let whole = head("GET /a/b.m4s?token=1 HTTP/1.1\nHost: x\n\n").expect("a head");
        assert_eq!(whole, Head { is_head: false, path: "a/b.m4s".to_owned(), range: None, closes: false });
        let part = head("HEAD /b HTTP/1.1\nRANGE: bytes=5-9\nConnection: Close\n\n").expect("a head");
        assert_eq!((part.is_head, part.range, part.closes), (true, Some((5, Some(9))), true));
        assert!(head("GET /b HTTP/1.0\n\n").expect("a head").closes);
        for bad in ["", "POST /a HTTP/1.1\n\n", "GET a HTTP/1.1\n\n", "GET /a\n\n"] {
            assert_eq!(head(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn ranges_end_with_the_file() {
        let wanted =
            |range: &str| head(&format!("GET /a HTTP/1.1\nRange: {range}\n\n")).and_then(|head| head.wanted(10));
        assert_eq!(wanted("bytes=2-4"), Some(2..5));
        assert_eq!(wanted("bytes=2-"), Some(2..10));
        assert_eq!(wanted("bytes=2-99"), Some(2..10));
        assert_eq!(wanted("bytes=10-"), None);
        for odd in ["bytes=-3", "bytes=4-2", "items=1-2", "bytes=1-2,4-5"] {
            assert_eq!(wanted(odd), Some(0..10), "{odd}");
        }
    }

    #[test]
    fn paths_stay_below_the_folder() {
        let file =
            |path: &str| head(&format!("GET {path} HTTP/1.1\n\n")).and_then(|head| head.file(Path::new("/film")));
        assert_eq!(file("/v/1.m4s"), Some(PathBuf::from("/film/v/1.m4s")));
        assert_eq!([file("/../secret"), file("//etc/passwd"), file("/a/../../b")], [None, None, None]);
    }
}
