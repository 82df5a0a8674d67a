//! Multivariant playlists as typed data (RFC 8216bis §4.4.6). Our lexer reads the lines and writes a clean text of the
//! three tags that `m3u8-rs` types (`EXT-X-STREAM-INF`, `EXT-X-I-FRAME-STREAM-INF`, `EXT-X-MEDIA`); everything it would
//! lose or refuse is kept here with its result, tied by the line number.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use m3u8_rs::{AlternativeMedia, ClosedCaptionGroupId, VariantStream};

use super::attributes::Attributes;
use super::lexer::{Content, Lexer};
use super::media::{Key, Start};
use crate::manifest::document::Warnings;
use crate::manifest::{ManifestError, codecs};

/// More variants or renditions than this are no playlist.
const MAX_ENTRIES: usize = 20_000;

/// The attribute that carries our line number through `m3u8-rs`.
const LINE: &str = "X-KINORA-LINE";

/// One variant, or one I-frame variant.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) line: u32,
    /// As written, variables replaced.
    pub(super) uri: String,
    pub(super) stream: VariantStream,
    /// `None` when the tag has none that can be read.
    pub(super) bandwidth: Option<u64>,
    /// Attributes as written, by name: what no field of `stream` holds, and what decides whether two variants are
    /// the same.
    pub(super) attributes: BTreeMap<String, String>,
}

impl Variant {
    /// An attribute as written, `None` when it is empty too.
    pub(super) fn written(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// `SCORE`: a number that is not negative (§4.4.6.2).
    pub(super) fn score(&self) -> Option<f64> {
        self.written("SCORE")?.parse().ok().filter(|score: &f64| score.is_finite() && *score >= 0.0)
    }

    pub(super) fn closed_captions(&self) -> Option<&str> {
        match self.stream.closed_captions.as_ref()? {
            ClosedCaptionGroupId::None => Some("NONE"),
            ClosedCaptionGroupId::GroupId(group) | ClosedCaptionGroupId::Other(group) => Some(group),
        }
    }

    /// Returns true for the enumerated string `CLOSED-CAPTIONS=NONE`. The quoted string `"NONE"` names a group
    /// (§4.4.6.2).
    pub(super) const fn denies_captions(&self) -> bool {
        matches!(self.stream.closed_captions, Some(ClosedCaptionGroupId::None))
    }

    /// Returns the codec strings of `CODECS`; none if it is absent.
    pub(super) fn codecs(&self) -> Vec<String> {
        self.stream.codecs.as_deref().map(codecs::split).unwrap_or_default()
    }
}

/// A rendition: `EXT-X-MEDIA` (§4.4.6.1).
#[derive(Clone, Debug)]
pub(super) struct Rendition {
    pub(super) line: u32,
    /// As written, variables replaced.
    pub(super) uri: Option<String>,
    pub(super) media: AlternativeMedia,
    /// Attributes as written, by name.
    pub(super) attributes: BTreeMap<String, String>,
}

impl Rendition {
    /// An attribute as written, `None` when it is empty too.
    pub(super) fn written(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// Data of the session: `EXT-X-SESSION-DATA` (§4.4.6.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionData {
    pub(super) data_id: String,
    pub(super) value: Option<String>,
    pub(super) uri: Option<String>,
    /// Value of `FORMAT`: `JSON` or `RAW`.
    pub(super) format: Option<String>,
    pub(super) language: Option<String>,
}

/// A steering server: `EXT-X-CONTENT-STEERING` (§4.4.6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Steering {
    pub(super) server_uri: String,
    pub(super) pathway_id: Option<String>,
}

/// A multivariant playlist as typed data.
#[derive(Clone, Debug, Default)]
pub(super) struct MultivariantPlaylist {
    pub(super) version: Option<u64>,
    pub(super) independent_segments: bool,
    pub(super) start: Option<Start>,
    pub(super) variants: Vec<Variant>,
    pub(super) iframe_variants: Vec<Variant>,
    pub(super) renditions: Vec<Rendition>,
    pub(super) session_data: Vec<SessionData>,
    pub(super) session_keys: Vec<Key>,
    pub(super) steering: Option<Steering>,
}

/// Content of a line before `m3u8-rs` typed it.
struct Original {
    uri: Option<String>,
    attributes: BTreeMap<String, String>,
}

#[derive(Default)]
struct Reader {
    playlist: MultivariantPlaylist,
    clean: String,
    originals: BTreeMap<u32, Original>,
    /// The line of a variant that still waits for its address.
    open: Option<u32>,
}

/// Reads a multivariant playlist to its end.
///
/// # Errors When a limit is exceeded. Any other fault gives a warning and is skipped.
pub(super) fn read(lexer: &mut Lexer<'_>, warnings: &mut Warnings) -> Result<MultivariantPlaylist, ManifestError> {
    let mut reader = Reader { clean: "#EXTM3U\n".to_owned(), ..Reader::default() };
    while let Some(line) = lexer.next(warnings)? {
        match line.content {
            Content::Uri(uri) => match reader.open.take() {
                Some(open) => reader.set_uri(open, &uri),
                None => warnings.push(line.number, "an address without EXT-X-STREAM-INF"),
            },
            Content::Tag { name, value } => reader.tag(line.number, name, &value, warnings),
        }
        if reader.originals.len() > MAX_ENTRIES {
            return Err(ManifestError::TooLarge {
                what: "the number of variants and renditions".to_owned(),
                limit: MAX_ENTRIES as u64,
            });
        }
    }
    Ok(reader.finish(warnings))
}

impl Reader {
    fn set_uri(&mut self, line: u32, uri: &str) {
        if let Some(original) = self.originals.get_mut(&line) {
            original.uri = Some(uri.to_owned());
        }
    }

    fn tag(&mut self, line: u32, name: &str, value: &str, warnings: &mut Warnings) {
        let attributes = Attributes::parse(value);
        let owned = |name: &str| attributes.filled(name).map(str::to_owned);
        match name {
            "EXT-X-STREAM-INF" => {
                if let Some(open) = self.open.replace(line) {
                    warnings.push(open, "EXT-X-STREAM-INF without an address");
                }
                self.stream(line, name, &attributes, warnings);
            }
            "EXT-X-I-FRAME-STREAM-INF" => {
                self.stream(line, name, &attributes, warnings);
                self.originals.entry(line).and_modify(|original| original.uri = owned("URI"));
            }
            "EXT-X-MEDIA" => self.media(line, &attributes, warnings),
            "EXT-X-SESSION-DATA" => match owned("DATA-ID") {
                Some(data_id) => self.playlist.session_data.push(SessionData {
                    data_id,
                    value: owned("VALUE"),
                    uri: owned("URI"),
                    format: owned("FORMAT"),
                    language: owned("LANGUAGE"),
                }),
                None => warnings.push(line, "EXT-X-SESSION-DATA without DATA-ID"),
            },
            "EXT-X-SESSION-KEY" => match Key::parse(&attributes) {
                Some(key) => self.playlist.session_keys.push(key),
                None => warnings.push(line, "EXT-X-SESSION-KEY without METHOD"),
            },
            "EXT-X-CONTENT-STEERING" => match owned("SERVER-URI") {
                Some(server_uri) => {
                    self.playlist.steering = Some(Steering { server_uri, pathway_id: owned("PATHWAY-ID") });
                }
                None => warnings.push(line, "EXT-X-CONTENT-STEERING without SERVER-URI"),
            },
            "EXT-X-START" => self.playlist.start = Start::parse(&attributes),
            "EXT-X-VERSION" => self.playlist.version = value.trim().parse().ok(),
            "EXT-X-INDEPENDENT-SEGMENTS" => self.playlist.independent_segments = true,
            _ => {}
        }
    }

    fn keep(&mut self, line: u32, uri: Option<String>, attributes: &Attributes<'_>) {
        let attributes = attributes.iter().map(|(name, value)| (name.to_owned(), value.text.to_owned())).collect();
        self.originals.insert(line, Original { uri, attributes });
    }

    /// Writes a stream tag as `m3u8-rs` reads it without loss: numbers that are numbers, strings that are not empty.
    fn stream(&mut self, line: u32, name: &str, attributes: &Attributes<'_>, warnings: &mut Warnings) {
        if attributes.integer("BANDWIDTH").is_none() {
            warnings.push(line, format!("{name} without BANDWIDTH"));
        }
        self.keep(line, None, attributes);
        let clean = &mut self.clean;
        write_to(clean, format_args!("#{name}:BANDWIDTH={}", attributes.integer("BANDWIDTH").unwrap_or(0)));
        if let Some(mean) = attributes.integer("AVERAGE-BANDWIDTH") {
            write_to(clean, format_args!(",AVERAGE-BANDWIDTH={mean}"));
        }
        if let Some((width, height)) = attributes.resolution("RESOLUTION") {
            write_to(clean, format_args!(",RESOLUTION={width}x{height}"));
        }
        if let Some(rate) = attributes.float("FRAME-RATE") {
            write_to(clean, format_args!(",FRAME-RATE={rate}"));
        }
        for name in ["CODECS", "AUDIO", "VIDEO", "SUBTITLES"] {
            quoted(clean, name, attributes.filled(name));
        }
        match attributes.get("CLOSED-CAPTIONS") {
            Some(value) if value.text == "NONE" && !value.quoted => clean.push_str(",CLOSED-CAPTIONS=NONE"),
            other => quoted(clean, "CLOSED-CAPTIONS", other.map(|value| value.text)),
        }
        write_to(clean, format_args!(",{LINE}={line}\n"));
    }

    /// Writes a rendition tag as `m3u8-rs` reads it without loss. Attributes that it demands and this one lacks get a
    /// stand-in.
    fn media(&mut self, line: u32, attributes: &Attributes<'_>, warnings: &mut Warnings) {
        let word = |kind: &&str| kind.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        let Some(kind) = attributes.filled("TYPE").filter(word) else {
            warnings.push(line, "EXT-X-MEDIA without TYPE");
            return;
        };
        for name in ["GROUP-ID", "NAME"] {
            if attributes.filled(name).is_none() {
                warnings.push(line, format!("EXT-X-MEDIA without {name}"));
            }
        }
        self.keep(line, attributes.filled("URI").map(str::to_owned), attributes);
        let clean = &mut self.clean;
        write_to(clean, format_args!("#EXT-X-MEDIA:TYPE={kind}"));
        quoted(clean, "GROUP-ID", Some(attributes.filled("GROUP-ID").unwrap_or("?")));
        quoted(clean, "NAME", Some(attributes.filled("NAME").unwrap_or("?")));
        for name in ["LANGUAGE", "ASSOC-LANGUAGE", "CHARACTERISTICS", "CHANNELS"] {
            quoted(clean, name, attributes.filled(name));
        }
        let yes = |clean: &mut String, name: &str| {
            if attributes.yes(name) {
                write_to(clean, format_args!(",{name}=YES"));
            }
        };
        yes(clean, "DEFAULT");
        yes(clean, "AUTOSELECT");
        match kind {
            "SUBTITLES" => yes(clean, "FORCED"),
            "CLOSED-CAPTIONS" => clean.push_str(",INSTREAM-ID=\"?\""),
            _ => {}
        }
        write_to(clean, format_args!(",{LINE}={line}\n"));
    }

    /// Ties the tags that `m3u8-rs` typed to their lines.
    fn finish(mut self, warnings: &mut Warnings) -> MultivariantPlaylist {
        if let Some(open) = self.open {
            warnings.push(open, "EXT-X-STREAM-INF without an address");
        }
        let typed = m3u8_rs::parse_master_playlist(self.clean.as_bytes()).map(|(_, typed)| typed).unwrap_or_default();
        for mut stream in typed.variants {
            let line = line_of(&mut stream.other_attributes);
            let Some((line, original)) = line.and_then(|line| self.originals.remove_entry(&line)) else { continue };
            let Some(uri) = original.uri else { continue };
            let bandwidth = (stream.bandwidth > 0 || original.attributes.get("BANDWIDTH").is_some_and(|b| b == "0"))
                .then_some(stream.bandwidth);
            let list = if stream.is_i_frame { &mut self.playlist.iframe_variants } else { &mut self.playlist.variants };
            list.push(Variant { line, uri, stream, bandwidth, attributes: original.attributes });
        }
        for mut media in typed.alternatives {
            let line = line_of(&mut media.other_attributes);
            let Some((line, original)) = line.and_then(|line| self.originals.remove_entry(&line)) else { continue };
            let rendition = Rendition { line, uri: original.uri, media, attributes: original.attributes };
            self.playlist.renditions.push(rendition);
        }
        for (line, original) in self.originals {
            if original.uri.is_some() {
                warnings.push(line, "the tag cannot be read");
            }
        }
        self.playlist
    }
}

fn line_of(other: &mut Option<std::collections::HashMap<String, m3u8_rs::QuotedOrUnquoted>>) -> Option<u32> {
    other.as_mut()?.remove(LINE)?.as_str().parse().ok()
}

fn write_to(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String never fails");
}

fn quoted(out: &mut String, name: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        // An unquoted value may hold a quote, which would end this one early.
        write_to(out, format_args!(",{name}=\"{}\"", text.replace('"', "'")));
    }
}
