//! `kinora-qa inspect`: reads files and says what is in them; fetches nothing.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use player_core::WallClock;
use player_core::container::{self, DemuxError};
use player_core::error::ErrorCode;
use player_core::manifest::{self, ManifestError};
use player_core::text;
use serde_json::{Value, json};
use url::Url;

use crate::cli::InspectOptions;

/// The largest file that is read.
const MAX_FILE: u64 = 512 << 20;

/// Why a file could not be read.
struct Failure {
    code: ErrorCode,
    message: String,
}

/// What a file seems to be, from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Manifest,
    Text,
    Media,
}

/// Inspects every file; exit status 1 when any is not in order.
pub fn run(options: &InspectOptions) -> ExitCode {
    let mut all_ok = true;
    for path in &options.files {
        let mut object = match inspect(path, options) {
            Ok(object) => object,
            Err(failure) => {
                all_ok = false;
                let Failure { code, message } = failure;
                json!({"ok": false, "error": {"code": code.number(), "name": code.name(), "message": message}})
            }
        };
        if let Some(map) = object.as_object_mut() {
            map.insert("input".to_owned(), Value::String(path.display().to_string()));
            map.entry("ok").or_insert(Value::Bool(true));
            map.entry("live").or_insert(Value::Bool(false));
            map.entry("warnings").or_insert_with(|| Value::Array(Vec::new()));
        }
        if writeln!(std::io::stdout(), "{object}").is_err() {
            return ExitCode::from(2);
        }
    }
    if all_ok { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn inspect(path: &Path, options: &InspectOptions) -> Result<Value, Failure> {
    let unreadable = |message: String| Failure { code: ErrorCode::BadAddress, message };
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(Failure { code: ErrorCode::BodyTooLarge, message: format!("{length} bytes exceed {MAX_FILE}") });
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    match kind(&bytes) {
        Kind::Manifest => {
            let base = options.base_url.clone().or_else(|| file_url(path));
            let base = base.ok_or_else(|| unreadable("the path makes no address".to_owned()))?;
            manifest::describe(&bytes, &base, Some(now(options))).map_err(Failure::from)
        }
        Kind::Text => text::describe(&bytes)
            .map_err(|error| Failure { code: ErrorCode::MediaMalformed, message: error.to_string() }),
        Kind::Media => container::describe_samples(&bytes).map_err(Failure::from),
    }
}

fn file_url(path: &Path) -> Option<Url> {
    Url::from_file_path(std::path::absolute(path).ok()?).ok()
}

fn now(options: &InspectOptions) -> WallClock {
    let time = options.now.unwrap_or_else(jiff::Timestamp::now);
    WallClock::from_unix_nanos(i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX))
}

fn kind(bytes: &[u8]) -> Kind {
    let trimmed = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let boxed = bytes.get(4..8).is_some_and(|name| {
        matches!(
            name,
            b"ftyp" | b"styp" | b"moov" | b"moof" | b"sidx" | b"emsg" | b"free" | b"mdat" | b"prft" | b"uuid"
        )
    });
    if text::ttml::is_ttml(bytes) {
        Kind::Text
    } else if boxed || bytes.first() == Some(&0x47) || bytes.starts_with(b"ID3") {
        Kind::Media
    } else if trimmed.starts_with(b"WEBVTT") || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        Kind::Text
    } else if trimmed.starts_with(b"<") {
        if root_name(trimmed) == b"tt" { Kind::Text } else { Kind::Manifest }
    } else if trimmed.starts_with(b"#EXTM3U") || find(&trimmed[..trimmed.len().min(4096)], b"-->").is_none() {
        Kind::Manifest
    } else {
        Kind::Text
    }
}

/// The local name of the first element, behind declarations and comments; empty when there is none.
fn root_name(mut text: &[u8]) -> &[u8] {
    loop {
        let Some(begin) = find(text, b"<") else { return &[] };
        text = &text[begin + 1..];
        let end = match text.first() {
            Some(b'!') if text.starts_with(b"!--") => b"-->".as_slice(),
            Some(b'!' | b'?') => b">",
            _ => break,
        };
        let Some(skip) = find(text, end) else { return &[] };
        text = &text[skip + end.len()..];
    }
    let stop = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let name = &text[..text.iter().position(stop).unwrap_or(text.len())];
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

impl From<ManifestError> for Failure {
    fn from(error: ManifestError) -> Self {
        let code = match &error {
            ManifestError::NotAManifest { .. } => ErrorCode::NotAManifest,
            ManifestError::Malformed { .. } => ErrorCode::ManifestMalformed,
            ManifestError::Empty { .. } => ErrorCode::ManifestEmpty,
            ManifestError::TooLarge { .. } => ErrorCode::ManifestTooLarge,
            ManifestError::Unsupported { .. } => ErrorCode::ManifestUnsupported,
        };
        Self { code, message: error.to_string() }
    }
}

impl From<DemuxError> for Failure {
    fn from(error: DemuxError) -> Self {
        let code = match &error {
            DemuxError::Unsupported { .. } => ErrorCode::ContainerUnsupported,
            _ => ErrorCode::MediaMalformed,
        };
        Self { code, message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_first_bytes() {
        let cases: [(&[u8], Kind); 9] = [
            (b"<?xml version='1.0'?><!-- <tt> --><m:MPD a='<tt'/>", Kind::Manifest),
            (b"<!doctype x><t:tt>", Kind::Text),
            (b"\xef\xbb\xbf#EXTM3U\n", Kind::Manifest),
            (b"WEBVTT\n", Kind::Text),
            (b"<?xml version='1.0'?><tt xmlns='http://www.w3.org/ns/ttml'/>", Kind::Text),
            (b"1\n00:00:01,000 --> 00:00:02,000\nHi\n", Kind::Text),
            (b"<?xml version='1.0'?><MPD/>", Kind::Manifest),
            (b"\0\0\0\x18ftypiso5", Kind::Media),
            (b"\x47\x40\0\x10", Kind::Media),
        ];
        for (bytes, expected) in cases {
            assert_eq!(kind(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
