//! Multivariant playlists (RFC 8216bis §4.4.6).

use std::collections::BTreeSet;

use super::attributes::TagWriter;
use super::{VERSION, check_uri_line, opening, push_start};
use crate::error::check_characters;
use crate::{Layout, ManifestError};

/// A multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multivariant {
    /// `EXT-X-INDEPENDENT-SEGMENTS`: each segment can be decoded without others.
    pub independent_segments: bool,
    /// `TIME-OFFSET` of `EXT-X-START` in seconds; negative values count from the end.
    pub start_time_offset: Option<f64>,
    /// `EXT-X-CONTENT-STEERING`, if a server orders the pathways.
    pub content_steering: Option<ContentSteering>,
    /// Renditions of one group may have the same name and several defaults, which §4.4.6.1.1 forbids. A reader must survive
    /// it: the virtual film puts the subtitles of all its pathways into one group.
    pub repeats_names: bool,
    /// Renditions and variants in the order of the text. The first variant is the one to start with.
    pub tags: Vec<MultivariantTag>,
}

/// Attributes of `EXT-X-CONTENT-STEERING` (§4.4.6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentSteering {
    /// `SERVER-URI`: address of the steering manifest.
    pub server_uri: String,
    /// `PATHWAY-ID`: pathway to begin with.
    pub pathway_id: Option<String>,
}

/// A rendition or a variant.
#[derive(Clone, Debug, PartialEq)]
pub enum MultivariantTag {
    /// `EXT-X-MEDIA`.
    Media(Rendition),
    /// `EXT-X-STREAM-INF` and its address.
    StreamInf(Variant),
}

/// Attributes of `EXT-X-MEDIA` (§4.4.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// `TYPE`, with the attributes that only this type has.
    pub kind: RenditionKind,
    /// `GROUP-ID`.
    pub group_id: String,
    /// `NAME`; unique among the renditions of this type in the group.
    pub name: String,
    /// `LANGUAGE`: a BCP 47 tag.
    pub language: Option<String>,
    /// `DEFAULT`; at most one rendition of this type in the group is the default.
    pub is_default: Option<bool>,
    /// `AUTOSELECT`; not false for the default.
    pub is_autoselect: Option<bool>,
}

/// Type of a rendition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenditionKind {
    /// Audio.
    Audio {
        /// `CHANNELS`.
        channels: Option<String>,
        /// `URI`; `None` if the audio is in the variants.
        uri: Option<String>,
    },
    /// Subtitles, which always have an address.
    Subtitles {
        /// `FORCED`.
        is_forced: Option<bool>,
        /// `URI`.
        uri: String,
    },
    /// Captions inside the video, which have a channel and no address.
    ClosedCaptions {
        /// `INSTREAM-ID`: `CC1` to `CC4` or `SERVICE1` to `SERVICE63`.
        instream_id: String,
    },
}

impl RenditionKind {
    const fn name(&self) -> &'static str {
        match self {
            Self::Audio { .. } => "AUDIO",
            Self::Subtitles { .. } => "SUBTITLES",
            Self::ClosedCaptions { .. } => "CLOSED-CAPTIONS",
        }
    }
}

/// Attributes of `EXT-X-STREAM-INF` (§4.4.6.2) and the address of the variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// `BANDWIDTH`: peak rate in bits per second.
    pub bandwidth: u64,
    /// `AVERAGE-BANDWIDTH` in bits per second.
    pub average_bandwidth: Option<u64>,
    /// `CODECS` (RFC 6381); the attribute is absent if there are none.
    pub codecs: Vec<String>,
    /// `RESOLUTION`: width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// `FRAME-RATE` in frames per second, rounded to three decimals.
    pub frame_rate: Option<f64>,
    /// `AUDIO`: a group of audio renditions.
    pub audio: Option<String>,
    /// `SUBTITLES`: a group of subtitles.
    pub subtitles: Option<String>,
    /// `CLOSED-CAPTIONS`; if one variant has none by declaration, all have.
    pub closed_captions: Option<ClosedCaptions>,
    /// `HDCP-LEVEL`: an enumerated-string such as `TYPE-0`.
    pub hdcp_level: Option<String>,
    /// `SCORE`: preference among variants, 0 or more, rounded to three decimals.
    pub score: Option<f64>,
    /// `STABLE-VARIANT-ID`: letters, digits and `+/=.-_`.
    pub stable_variant_id: Option<String>,
    /// `PATHWAY-ID`, by the same characters.
    pub pathway_id: Option<String>,
    /// Address of the media playlist.
    pub uri: String,
}

/// `CLOSED-CAPTIONS` of a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedCaptions {
    /// There are none in the video.
    None,
    /// A group of closed captions.
    Group(String),
}

impl Multivariant {
    /// Returns the text of the playlist.
    ///
    /// # Errors
    /// For a value that its attribute cannot hold, two renditions of one name or two defaults in a group, a group without
    /// renditions, and a denial of closed captions by some variants only.
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        self.check()?;
        let mut text = opening(VERSION);
        if self.independent_segments {
            text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        push_start(&mut text, self.start_time_offset)?;
        if let Some(steering) = &self.content_steering {
            let mut tag = TagWriter::new("EXT-X-CONTENT-STEERING");
            tag.uri("SERVER-URI", &steering.server_uri)?;
            if let Some(pathway_id) = &steering.pathway_id {
                push_stable(&mut tag, "PATHWAY-ID", pathway_id)?;
            }
            text.push_str(&tag.finish());
        }
        text.push_str(layout.after_header());
        for tag in &self.tags {
            text.push_str(&match tag {
                MultivariantTag::Media(rendition) => rendition.to_line()?,
                MultivariantTag::StreamInf(variant) => variant.to_lines()?,
            });
        }
        Ok(text)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let (mut names, mut defaults, mut groups) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut variants = Vec::new();
        for tag in &self.tags {
            match tag {
                MultivariantTag::Media(rendition) => {
                    let group = (rendition.kind.name(), rendition.group_id.as_str());
                    groups.insert(group);
                    if self.repeats_names {
                        continue;
                    }
                    if !names.insert((group, rendition.name.as_str())) {
                        return Err(ManifestError::Duplicate { place: "NAME", name: rendition.name.clone() });
                    }
                    if rendition.is_default == Some(true) && !defaults.insert(group) {
                        let reason = "a group has two defaults";
                        return Err(ManifestError::Contradiction { place: "DEFAULT", reason });
                    }
                }
                MultivariantTag::StreamInf(variant) => variants.push(variant),
            }
        }
        for (place, name) in variants.iter().flat_map(|variant| variant.groups()) {
            if !groups.contains(&(place, name)) {
                return Err(ManifestError::UnknownGroup { place, name: name.to_owned() });
            }
        }
        let denying = variants.iter().filter(|variant| variant.closed_captions == Some(ClosedCaptions::None)).count();
        if denying != 0 && denying != variants.len() {
            let reason = "NONE in some variants and not in others";
            return Err(ManifestError::Contradiction { place: "CLOSED-CAPTIONS", reason });
        }
        Ok(())
    }
}

impl Rendition {
    fn to_line(&self) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-MEDIA");
        tag.enumerated("TYPE", self.kind.name())?;
        tag.quoted("GROUP-ID", &self.group_id)?;
        tag.quoted("NAME", &self.name)?;
        if let Some(language) = &self.language {
            tag.quoted("LANGUAGE", language)?;
        }
        if (self.is_default, self.is_autoselect) == (Some(true), Some(false)) {
            return Err(ManifestError::Contradiction { place: "AUTOSELECT", reason: "the default is NO" });
        }
        for (name, value) in [("DEFAULT", self.is_default), ("AUTOSELECT", self.is_autoselect)] {
            if let Some(value) = value {
                tag.yes_or_no(name, value);
            }
        }
        match &self.kind {
            RenditionKind::Audio { channels, uri } => {
                if let Some(channels) = channels {
                    tag.quoted("CHANNELS", channels)?;
                }
                if let Some(uri) = uri {
                    tag.uri("URI", uri)?;
                }
            }
            RenditionKind::Subtitles { is_forced, uri } => {
                if let Some(is_forced) = is_forced {
                    tag.yes_or_no("FORCED", *is_forced);
                }
                tag.uri("URI", uri)?;
            }
            RenditionKind::ClosedCaptions { instream_id } => {
                check_instream_id(instream_id)?;
                tag.quoted("INSTREAM-ID", instream_id)?;
            }
        }
        Ok(tag.finish())
    }
}

impl Variant {
    /// Returns the groups that the variant names, with the attribute that names each, which is their type.
    fn groups(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let captions = match &self.closed_captions {
            Some(ClosedCaptions::Group(group)) => Some(group),
            Some(ClosedCaptions::None) | None => None,
        };
        let named =
            [("AUDIO", self.audio.as_ref()), ("SUBTITLES", self.subtitles.as_ref()), ("CLOSED-CAPTIONS", captions)];
        named.into_iter().filter_map(|(place, group)| Some((place, group?.as_str())))
    }

    fn to_lines(&self) -> Result<String, ManifestError> {
        let mut tag = TagWriter::new("EXT-X-STREAM-INF");
        tag.integer("BANDWIDTH", self.bandwidth);
        if let Some(average) = self.average_bandwidth {
            tag.integer("AVERAGE-BANDWIDTH", average);
        }
        if !self.codecs.is_empty() {
            for codec in &self.codecs {
                check_characters("CODECS", codec, |character| character != ',')?;
            }
            tag.quoted("CODECS", &self.codecs.join(","))?;
        }
        if let Some(resolution) = self.resolution {
            tag.resolution("RESOLUTION", resolution);
        }
        if let Some(rate) = self.frame_rate {
            tag.decimal("FRAME-RATE", rate)?;
        }
        for (name, group) in self.groups() {
            tag.quoted(name, group)?;
        }
        if self.closed_captions == Some(ClosedCaptions::None) {
            tag.enumerated("CLOSED-CAPTIONS", "NONE")?;
        }
        if let Some(level) = &self.hdcp_level {
            tag.enumerated("HDCP-LEVEL", level)?;
        }
        if let Some(score) = self.score {
            tag.decimal("SCORE", score)?;
        }
        for (name, id) in [("STABLE-VARIANT-ID", &self.stable_variant_id), ("PATHWAY-ID", &self.pathway_id)] {
            if let Some(id) = id {
                push_stable(&mut tag, name, id)?;
            }
        }
        check_uri_line(&self.uri)?;
        Ok(format!("{}{}\n", tag.finish(), self.uri))
    }
}

/// Adds an id of the characters to which stable ids and pathways are limited (§4.4.6.1, §4.4.6.2).
fn push_stable(tag: &mut TagWriter, name: &'static str, id: &str) -> Result<(), ManifestError> {
    check_characters(name, id, |character| character.is_ascii_alphanumeric() || "+/=.-_".contains(character))?;
    tag.quoted(name, id)
}

fn check_instream_id(id: &str) -> Result<(), ManifestError> {
    let number = |prefix: &str| id.strip_prefix(prefix).filter(|number| !number.starts_with(['0', '+']))?.parse().ok();
    let is_valid = match (number("CC"), number("SERVICE")) {
        (Some(channel), _) => (1..=4).contains::<u8>(&channel),
        (_, Some(service)) => (1..=63).contains::<u8>(&service),
        _ => false,
    };
    crate::error::check_range("INSTREAM-ID", id, is_valid)
}
