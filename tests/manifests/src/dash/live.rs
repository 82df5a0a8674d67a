//! Elements of presentations that grow: clocks, latency, service descriptions, base addresses, steering (ISO/IEC
//! 23009-1 §5.6, §5.8.4.11, §5.12, §5.13, §5.15.3, Annex K).

use std::time::Duration;

use super::element::Element;
use crate::error::{check_characters, check_not_empty, check_range};
use crate::uri::check_uri;
use crate::{DateTime, Layout, ManifestError};

/// `UTCTiming` (§5.8.4.11): a source of the time that the server means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UtcTiming {
    /// `@schemeIdUri`.
    pub scheme: UtcScheme,
    /// `@value`: a date with the scheme `direct`, and addresses separated by spaces with all others. Servers exist that
    /// leave it out or empty.
    pub value: Option<String>,
}

/// Scheme of a source of time (§5.8.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UtcScheme {
    /// `urn:mpeg:dash:utc:direct:2014`: the value is the time.
    Direct,
    /// `urn:mpeg:dash:utc:http-head:2014`: the header `Date` of an answer to HEAD.
    HttpHead,
    /// `urn:mpeg:dash:utc:http-xsdate:2014`: a body that is an `xs:dateTime`.
    HttpXsDate,
    /// `urn:mpeg:dash:utc:http-iso:2014`: a body that is an ISO 8601 date.
    HttpIso,
    /// `urn:mpeg:dash:utc:http-ntp:2014`: a body that is an NTP timestamp.
    HttpNtp,
    /// `urn:mpeg:dash:utc:ntp:2014`: servers of NTP.
    Ntp,
    /// `urn:mpeg:dash:utc:sntp:2014`: servers of SNTP.
    Sntp,
}

impl UtcScheme {
    /// Returns the URN.
    pub const fn urn(self) -> &'static str {
        match self {
            Self::Direct => "urn:mpeg:dash:utc:direct:2014",
            Self::HttpHead => "urn:mpeg:dash:utc:http-head:2014",
            Self::HttpXsDate => "urn:mpeg:dash:utc:http-xsdate:2014",
            Self::HttpIso => "urn:mpeg:dash:utc:http-iso:2014",
            Self::HttpNtp => "urn:mpeg:dash:utc:http-ntp:2014",
            Self::Ntp => "urn:mpeg:dash:utc:ntp:2014",
            Self::Sntp => "urn:mpeg:dash:utc:sntp:2014",
        }
    }
}

impl UtcTiming {
    /// Creates a source with a value.
    pub fn new(scheme: UtcScheme, value: impl Into<String>) -> Self {
        Self { scheme, value: Some(value.into()) }
    }

    pub(super) fn element(&self) -> Element {
        Element::new("UTCTiming").attribute("schemeIdUri", self.scheme.urn()).optional("value", self.value.as_ref())
    }
}

/// `ServiceDescription` (Annex K): how the service is meant to be consumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceDescription {
    /// `@id`.
    pub id: Option<u32>,
    /// `Latency`.
    pub latency: Option<Latency>,
    /// `PlaybackRate`.
    pub playback_rate: Option<PlaybackRate>,
}

/// `Latency`: distance from the time of a `ProducerReferenceTime` to that of presentation, written in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// `@referenceId`: id of the `ProducerReferenceTime`.
    pub reference_id: Option<u32>,
    /// `@target`.
    pub target: Option<Duration>,
    /// `@min`; not above the target.
    pub min: Option<Duration>,
    /// `@max`; not below the target.
    pub max: Option<Duration>,
}

/// `PlaybackRate`: bounds in which the rate may be used to hold the latency, as multiples of the normal rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlaybackRate {
    /// `@min`: above 0, at most 1.
    pub min: Option<f64>,
    /// `@max`: at least 1.
    pub max: Option<f64>,
}

impl ServiceDescription {
    pub(super) fn element(&self) -> Result<Element, ManifestError> {
        let mut elements = Vec::new();
        if let Some(Latency { reference_id, target, min, max }) = self.latency {
            let target_or = |bound: Duration| target.unwrap_or(bound);
            let millis = |place, value: Option<Duration>, is_valid: bool| match value {
                Some(value) => {
                    let millis = value.as_millis();
                    check_range(place, millis, is_valid && u32::try_from(millis).is_ok())?;
                    Ok(Some(millis))
                }
                None => Ok(None),
            };
            let is_ordered = min.zip(max).is_none_or(|(min, max)| min <= max);
            let element = Element::new("Latency")
                .optional("referenceId", reference_id)
                .optional("target", millis("target", target, true)?)
                .optional("min", millis("min", min, is_ordered && min.is_none_or(|min| min <= target_or(min)))?)
                .optional("max", millis("max", max, max.is_none_or(|max| target_or(max) <= max))?);
            elements.push(element);
        }
        if let Some(PlaybackRate { min, max }) = self.playback_rate {
            for (place, value, is_valid) in [
                ("min", min, min.is_none_or(|min| min > 0.0 && min <= 1.0)),
                ("max", max, max.is_none_or(|max| max.is_finite() && max >= 1.0)),
            ] {
                check_range(place, value.unwrap_or_default(), is_valid)?;
            }
            elements.push(Element::new("PlaybackRate").optional("min", min).optional("max", max));
        }
        Ok(Element::new("ServiceDescription").optional("id", self.id).any_elements(elements))
    }
}

/// `ProducerReferenceTime` (§5.12): the time at which a sample was encoded or captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerReferenceTime {
    /// `@id`.
    pub id: u32,
    /// `@inband`: segments have a `prft` box; the attribute is absent if false.
    pub inband: bool,
    /// `@type`.
    pub reference_type: ReferenceType,
    /// `@wallClockTime`.
    pub wall_clock_time: DateTime,
    /// `@presentationTime` in ticks of the representation.
    pub presentation_time: u64,
    /// `UTCTiming`: the clock that is meant.
    pub utc_timing: Option<UtcTiming>,
}

/// Moment that a `ProducerReferenceTime` describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceType {
    /// The sample entered the encoder, which is the default.
    Encoder,
    /// The sample was captured.
    Captured,
}

impl ProducerReferenceTime {
    pub(super) fn element(&self) -> Element {
        let is_captured = self.reference_type == ReferenceType::Captured;
        Element::new("ProducerReferenceTime")
            .attribute("id", self.id)
            .optional("inband", self.inband.then_some(true))
            .attribute("type", if is_captured { "captured" } else { "encoder" })
            .attribute("wallClockTime", self.wall_clock_time)
            .attribute("presentationTime", self.presentation_time)
            .any_elements(self.utc_timing.iter().map(UtcTiming::element).collect())
    }
}

/// `Resync` (§5.3.12): points at which reading may begin within a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resync {
    /// `@type`: type of the stream access point, 0 to 3; 0 is a chunk without one.
    pub sap_type: Option<u8>,
    /// `@dT`: longest distance of points in ticks.
    pub d_t: Option<u32>,
    /// `@dImax`: longest distance in bytes, as a multiple of a second at `@bandwidth`.
    pub d_i_max: Option<f64>,
    /// `@dImin`: shortest distance, by the same unit.
    pub d_i_min: Option<f64>,
    /// `@marker`: each point begins with a box by which it is recognised; the attribute is absent if false.
    pub marker: bool,
}

impl Resync {
    pub(super) fn element(&self) -> Result<Element, ManifestError> {
        if let Some(sap_type) = self.sap_type {
            check_range("Resync@type", sap_type, sap_type <= 3)?;
        }
        for (place, value) in [("dImax", self.d_i_max), ("dImin", self.d_i_min)] {
            check_range(place, value.unwrap_or_default(), value.is_none_or(|value| value.is_finite() && value >= 0.0))?;
        }
        Ok(Element::new("Resync")
            .optional("type", self.sap_type)
            .optional("dT", self.d_t)
            .optional("dImax", self.d_i_max)
            .optional("dImin", self.d_i_min)
            .optional("marker", self.marker.then_some(true)))
    }
}

/// `@availabilityTimeOffset`: time by which segments are available before they would be by their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvailabilityTimeOffset {
    /// A span, in decimal seconds.
    Span(Duration),
    /// `INF`: always.
    Infinite,
}

impl AvailabilityTimeOffset {
    pub(super) fn text(self, layout: Layout) -> String {
        match self {
            Self::Span(span) => layout.xs_duration(span).trim_matches(['P', 'T', 'S']).to_owned(),
            Self::Infinite => "INF".to_owned(),
        }
    }
}

/// `BaseURL` (§5.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseUrl {
    /// The address.
    pub url: String,
    /// `@serviceLocation`: name by which several addresses belong together.
    pub service_location: Option<String>,
    /// `@availabilityTimeOffset`.
    pub availability_time_offset: Option<AvailabilityTimeOffset>,
    /// `@availabilityTimeComplete`.
    pub availability_time_complete: Option<bool>,
    /// `@timeShiftBufferDepth` at this address.
    pub time_shift_buffer_depth: Option<Duration>,
}

impl BaseUrl {
    pub(super) fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        check_uri("BaseURL", &self.url)?;
        let element = Element::new("BaseURL")
            .optional("serviceLocation", self.service_location.as_ref())
            .optional("availabilityTimeOffset", self.availability_time_offset.map(|offset| offset.text(layout)))
            .optional("availabilityTimeComplete", self.availability_time_complete)
            .optional("timeShiftBufferDepth", self.time_shift_buffer_depth.map(|depth| layout.xs_duration(depth)));
        Ok(element.text(self.url.as_str()))
    }
}

impl<T: Into<String>> From<T> for BaseUrl {
    fn from(url: T) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

/// `PatchLocation` (§5.15.3): address of a [`Patch`](super::Patch) of this MPD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchLocation {
    /// The address.
    pub url: String,
    /// `@ttl`: time after `Mpd::publish_time` for which it is valid, in decimal seconds.
    pub ttl: Option<Duration>,
}

impl PatchLocation {
    pub(super) fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        check_uri("PatchLocation", &self.url)?;
        let ttl = self.ttl.map(|ttl| AvailabilityTimeOffset::Span(ttl).text(layout));
        Ok(Element::new("PatchLocation").optional("ttl", ttl).text(self.url.as_str()))
    }
}

/// `ContentSteering` (ETSI TS 103 998 §8): a server that orders the service locations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentSteering {
    /// Address of the steering manifest.
    pub url: String,
    /// `@defaultServiceLocation`: locations to begin with, at least one, best first.
    pub default_service_locations: Vec<String>,
    /// `@queryBeforeStart`: the server is asked before the first segment; the attribute is absent if false.
    pub query_before_start: bool,
}

impl ContentSteering {
    pub(super) fn element(&self) -> Result<Element, ManifestError> {
        check_uri("ContentSteering", &self.url)?;
        for name in &self.default_service_locations {
            check_not_empty("defaultServiceLocation", name)?;
            check_characters("defaultServiceLocation", name, |character| !character.is_whitespace())?;
        }
        let names = self.default_service_locations.join(" ");
        Ok(Element::new("ContentSteering")
            .optional("defaultServiceLocation", Some(names).filter(|names| !names.is_empty()))
            .optional("queryBeforeStart", self.query_before_start.then_some(true))
            .text(self.url.as_str()))
    }
}
