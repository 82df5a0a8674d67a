//! Adaptation sets and representations (ISO/IEC 23009-1 §5.3.3, §5.3.5) and their descriptors (§5.8).

use super::addressing::SegmentAddressing;
use super::element::Element;
use super::live::{BaseUrl, ProducerReferenceTime, Resync};
use crate::error::{check_characters, check_not_empty, check_range};
use crate::uri::check_uri;
use crate::{Layout, ManifestError};

/// `AdaptationSet`: representations of the same content.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptationSet {
    /// `@id`; unique in the period.
    pub id: Option<u32>,
    /// `@contentType`.
    pub content_type: ContentType,
    /// `@mimeType`.
    pub mime_type: String,
    /// `@lang`: a BCP 47 tag.
    pub lang: Option<String>,
    /// `@segmentAlignment`; the attribute is absent if false.
    pub segment_alignment: bool,
    /// `@startWithSAP`: 0 to 6.
    pub start_with_sap: Option<u8>,
    /// `@par`: picture aspect ratio, width to height.
    pub par: Option<(u32, u32)>,
    /// `@maxWidth` in pixels.
    pub max_width: Option<u32>,
    /// `@maxHeight` in pixels.
    pub max_height: Option<u32>,
    /// `@frameRate` of all representations.
    pub frame_rate: Option<FrameRate>,
    /// `ContentProtection` of all representations.
    pub content_protections: Vec<ContentProtection>,
    /// `EssentialProperty`.
    pub essential_properties: Vec<Descriptor>,
    /// `SupplementalProperty`.
    pub supplemental_properties: Vec<Descriptor>,
    /// `InbandEventStream`: schemes of the event messages in segments.
    pub inband_event_streams: Vec<Descriptor>,
    /// `ProducerReferenceTime`.
    pub producer_reference_times: Vec<ProducerReferenceTime>,
    /// `Resync` of all representations.
    pub resyncs: Vec<Resync>,
    /// `Label`: names for people.
    pub labels: Vec<String>,
    /// `Accessibility`.
    pub accessibilities: Vec<Descriptor>,
    /// `Role`.
    pub roles: Vec<Descriptor>,
    /// Addresses of the segments of all representations.
    pub segments: Option<SegmentAddressing>,
    /// `Representation`; at least one.
    pub representations: Vec<Representation>,
}

/// Type of content, the first part of a media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles and captions.
    Text,
}

impl ContentType {
    const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Text => "text",
        }
    }
}

/// Frames per second as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// Frames; at least one.
    pub numerator: u32,
    /// Seconds; at least one.
    pub denominator: u32,
}

/// A descriptor: a scheme and a value by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// `@schemeIdUri`.
    pub scheme_id_uri: String,
    /// `@value`.
    pub value: Option<String>,
}

/// `ContentProtection` (§5.8.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentProtection {
    /// `@schemeIdUri` and `@value`.
    pub descriptor: Descriptor,
    /// `@default_KID` (ISO/IEC 23001-7 §11.2), written as it is.
    pub default_kid: Option<String>,
    /// Elements of the scheme. `Some` of an empty list is a start tag and an end tag around nothing.
    pub content: Option<Vec<Element>>,
}

/// `Representation`: one encoding.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Representation {
    /// `@id`, without white space; unique in the period.
    pub id: String,
    /// `@codecs` (RFC 6381).
    pub codecs: Option<String>,
    /// `@bandwidth` in bits per second; 32 bits by the schema.
    pub bandwidth: u64,
    /// `@width` in pixels.
    pub width: Option<u32>,
    /// `@height` in pixels.
    pub height: Option<u32>,
    /// `@sar`: sample aspect ratio, width to height.
    pub sar: Option<(u32, u32)>,
    /// `@frameRate`.
    pub frame_rate: Option<FrameRate>,
    /// `@audioSamplingRate` in samples per second.
    pub audio_sampling_rate: Option<u32>,
    /// `AudioChannelConfiguration`.
    pub audio_channel_configurations: Vec<Descriptor>,
    /// `InbandEventStream`: schemes of the event messages in segments.
    pub inband_event_streams: Vec<Descriptor>,
    /// `ProducerReferenceTime`.
    pub producer_reference_times: Vec<ProducerReferenceTime>,
    /// `Resync`.
    pub resyncs: Vec<Resync>,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// Addresses of the segments.
    pub segments: Option<SegmentAddressing>,
}

impl AdaptationSet {
    /// Creates a set of a type without anything else.
    pub fn new(content_type: ContentType, mime_type: impl Into<String>) -> Self {
        Self {
            id: None,
            content_type,
            mime_type: mime_type.into(),
            lang: None,
            segment_alignment: false,
            start_with_sap: None,
            par: None,
            max_width: None,
            max_height: None,
            frame_rate: None,
            content_protections: Vec::new(),
            essential_properties: Vec::new(),
            supplemental_properties: Vec::new(),
            inband_event_streams: Vec::new(),
            producer_reference_times: Vec::new(),
            resyncs: Vec::new(),
            labels: Vec::new(),
            accessibilities: Vec::new(),
            roles: Vec::new(),
            segments: None,
            representations: Vec::new(),
        }
    }

    pub(super) fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        check_not_empty("mimeType", &self.mime_type)?;
        if let Some(sap) = self.start_with_sap {
            check_range("startWithSAP", sap, sap <= 6)?;
        }
        if self.representations.is_empty() {
            return Err(ManifestError::Empty { place: "AdaptationSet" });
        }
        let element = Element::new("AdaptationSet")
            .optional("id", self.id)
            .attribute("contentType", self.content_type.name())
            .attribute("mimeType", &self.mime_type)
            .optional("lang", self.lang.as_ref())
            .optional("segmentAlignment", self.segment_alignment.then_some(true))
            .optional("startWithSAP", self.start_with_sap)
            .optional("par", ratio("par", self.par)?)
            .optional("maxWidth", self.max_width)
            .optional("maxHeight", self.max_height)
            .optional("frameRate", self.frame_rate.map(FrameRate::text).transpose()?);
        // The schema demands this order of children (Annex B).
        let mut elements = Vec::new();
        for protection in &self.content_protections {
            elements.push(protection.element()?);
        }
        let properties = [
            ("EssentialProperty", &self.essential_properties),
            ("SupplementalProperty", &self.supplemental_properties),
            ("InbandEventStream", &self.inband_event_streams),
        ];
        for (name, descriptors) in properties {
            for descriptor in descriptors {
                elements.push(descriptor.element(name)?);
            }
        }
        elements.extend(self.labels.iter().map(|label| Element::new("Label").text(label.as_str())));
        push_points(&mut elements, &self.producer_reference_times, &self.resyncs)?;
        for (name, descriptors) in [("Accessibility", &self.accessibilities), ("Role", &self.roles)] {
            for descriptor in descriptors {
                elements.push(descriptor.element(name)?);
            }
        }
        if let Some(segments) = &self.segments {
            elements.push(segments.element(layout)?);
        }
        for representation in &self.representations {
            elements.push(representation.element(layout)?);
        }
        Ok(element.elements(elements))
    }
}

impl Representation {
    fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        check_not_empty("Representation@id", &self.id)?;
        check_characters("Representation@id", &self.id, |character| !character.is_whitespace())?;
        check_range("bandwidth", self.bandwidth, u32::try_from(self.bandwidth).is_ok())?;
        let element = Element::new("Representation")
            .attribute("id", &self.id)
            .optional("codecs", self.codecs.as_ref())
            .attribute("bandwidth", self.bandwidth)
            .optional("width", self.width)
            .optional("height", self.height)
            .optional("sar", ratio("sar", self.sar)?)
            .optional("frameRate", self.frame_rate.map(FrameRate::text).transpose()?)
            .optional("audioSamplingRate", self.audio_sampling_rate);
        let mut elements = Vec::new();
        for descriptor in &self.audio_channel_configurations {
            elements.push(descriptor.element("AudioChannelConfiguration")?);
        }
        for descriptor in &self.inband_event_streams {
            elements.push(descriptor.element("InbandEventStream")?);
        }
        push_points(&mut elements, &self.producer_reference_times, &self.resyncs)?;
        for url in &self.base_urls {
            elements.push(url.element(layout)?);
        }
        if let Some(segments) = &self.segments {
            elements.push(segments.element(layout)?);
        }
        Ok(element.any_elements(elements))
    }
}

/// Adds the elements that describe points in the media.
fn push_points(
    elements: &mut Vec<Element>,
    times: &[ProducerReferenceTime],
    resyncs: &[Resync],
) -> Result<(), ManifestError> {
    elements.extend(times.iter().map(ProducerReferenceTime::element));
    for resync in resyncs {
        elements.push(resync.element()?);
    }
    Ok(())
}

impl Descriptor {
    /// Creates a descriptor with a value.
    pub fn new(scheme_id_uri: impl Into<String>, value: impl Into<String>) -> Self {
        Self { scheme_id_uri: scheme_id_uri.into(), value: Some(value.into()) }
    }

    pub(super) fn element(&self, name: &'static str) -> Result<Element, ManifestError> {
        check_uri("schemeIdUri", &self.scheme_id_uri)?;
        let element = Element::new(name).attribute("schemeIdUri", &self.scheme_id_uri);
        Ok(element.optional("value", self.value.as_ref()))
    }
}

impl ContentProtection {
    fn element(&self) -> Result<Element, ManifestError> {
        let element = self.descriptor.element("ContentProtection")?.optional("default_KID", self.default_kid.as_ref());
        Ok(match &self.content {
            Some(content) => element.elements(content.clone()),
            None => element,
        })
    }
}

impl FrameRate {
    fn text(self) -> Result<String, ManifestError> {
        let Self { numerator, denominator } = self;
        let text = if denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") };
        check_range("frameRate", &text, numerator > 0 && denominator > 0)?;
        Ok(text)
    }
}

fn ratio(place: &'static str, ratio: Option<(u32, u32)>) -> Result<Option<String>, ManifestError> {
    let Some((width, height)) = ratio else { return Ok(None) };
    let text = format!("{width}:{height}");
    check_range(place, &text, width > 0 && height > 0)?;
    Ok(Some(text))
}
