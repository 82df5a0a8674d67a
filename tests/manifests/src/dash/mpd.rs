//! The MPD, its periods and their events (ISO/IEC 23009-1 §5.3.1, §5.3.2, §5.10.2).

use std::collections::BTreeSet;
use std::time::Duration;

use super::element::Element;
use super::live::{BaseUrl, ContentSteering, PatchLocation, ServiceDescription, UtcTiming};
use super::sets::{AdaptationSet, Descriptor};
use crate::error::check_range;
use crate::uri::check_uri;
use crate::{DateTime, Layout, ManifestError};

/// An MPD.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mpd {
    /// `@id`, to which a [`Patch`](super::Patch) refers.
    pub id: Option<String>,
    /// `@profiles`: URNs, separated by commas.
    pub profiles: String,
    /// `@type`, with the attributes that it demands.
    pub mpd_type: MpdType,
    /// `@minBufferTime`.
    pub min_buffer_time: Duration,
    /// `@maxSegmentDuration`.
    pub max_segment_duration: Option<Duration>,
    /// `@availabilityStartTime`, an `xs:dateTime`.
    pub availability_start_time: Option<String>,
    /// `@publishTime`.
    pub publish_time: Option<DateTime>,
    /// Declares the namespace of XLink if a period is remote. Namespaces in XML demand it; MPDs without it exist, and
    /// readers that go by the prefix bear them.
    pub declares_xlink: bool,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// `Location`: addresses from which the MPD is to be fetched again.
    pub locations: Vec<String>,
    /// `PatchLocation`.
    pub patch_locations: Vec<PatchLocation>,
    /// `ServiceDescription`.
    pub service_descriptions: Vec<ServiceDescription>,
    /// `ContentSteering`.
    pub content_steering: Option<ContentSteering>,
    /// Periods in order; at least one.
    pub periods: Vec<PeriodElement>,
    /// `EssentialProperty`.
    pub essential_properties: Vec<Descriptor>,
    /// `SupplementalProperty`.
    pub supplemental_properties: Vec<Descriptor>,
    /// `UTCTiming`.
    pub utc_timings: Vec<UtcTiming>,
}

/// Type of an MPD. What is optional in one type is mandatory in another (§5.3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MpdType {
    /// Everything is available, and nothing will change.
    Static {
        /// `@mediaPresentationDuration`.
        media_presentation_duration: Duration,
    },
    /// Segments become available as time passes; `@availabilityStartTime` is mandatory.
    Dynamic(DynamicAttributes),
}

/// Attributes of a dynamic MPD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DynamicAttributes {
    /// `@minimumUpdatePeriod`; zero if events announce new MPDs, `None` if there will be none.
    pub minimum_update_period: Option<Duration>,
    /// `@timeShiftBufferDepth`; `None` if nothing ever goes.
    pub time_shift_buffer_depth: Option<Duration>,
    /// `@suggestedPresentationDelay`.
    pub suggested_presentation_delay: Option<Duration>,
    /// `@mediaPresentationDuration`, if the end is known.
    pub media_presentation_duration: Option<Duration>,
}

impl Default for MpdType {
    fn default() -> Self {
        Self::Static { media_presentation_duration: Duration::ZERO }
    }
}

/// A period, or a reference to one.
#[derive(Clone, Debug, PartialEq)]
pub enum PeriodElement {
    /// A period in the MPD.
    Inline(Period),
    /// A period in another file (§5.5), which is fetched when the MPD is.
    Remote {
        /// `@xlink:href`.
        href: String,
    },
}

/// `Period`. Without a start, behind one without a duration, it is an early available period (§5.3.2.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// `@id`; unique in the MPD.
    pub id: Option<String>,
    /// `@start` on the presentation timeline.
    pub start: Option<Duration>,
    /// `@duration`.
    pub duration: Option<Duration>,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// `EventStream`.
    pub event_streams: Vec<EventStream>,
    /// `ServiceDescription`.
    pub service_descriptions: Vec<ServiceDescription>,
    /// `AdaptationSet`.
    pub adaptation_sets: Vec<AdaptationSet>,
}

/// `EventStream` (§5.10.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventStream {
    /// `@schemeIdUri`.
    pub scheme_id_uri: String,
    /// `@value`.
    pub value: Option<String>,
    /// `@timescale` in ticks per second; at least one.
    pub timescale: u32,
    /// `Event` elements, ascending by time.
    pub events: Vec<Event>,
}

/// `Event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `@id`.
    pub id: u32,
    /// `@presentationTime` in ticks from the beginning of the period.
    pub presentation_time: u64,
    /// `@duration` in ticks.
    pub duration: u64,
    /// Content as text.
    pub message: String,
}

impl Mpd {
    /// Returns the text of the MPD.
    ///
    /// # Errors
    /// For a value that its place cannot hold, an id that appears again where it must not, an MPD without periods, a set
    /// without representations, a dynamic MPD without `@availabilityStartTime` and a `PatchLocation` in one without `@id`
    /// or `@publishTime`.
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        let mut text = layout.xml_declaration().to_owned();
        self.element(layout)?.push_to(&mut text, layout, 0)?;
        Ok(text)
    }

    pub(super) fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        let uses_xlink =
            self.declares_xlink && self.periods.iter().any(|period| matches!(period, PeriodElement::Remote { .. }));
        let element = Element::new("MPD")
            .attribute("xmlns", "urn:mpeg:dash:schema:mpd:2011")
            .optional("xmlns:xlink", uses_xlink.then_some("http://www.w3.org/1999/xlink"))
            .optional("id", self.id.as_ref())
            .attribute("profiles", &self.profiles);
        let element = self.typed(element, layout)?;
        let span = |span: Option<Duration>| span.map(|span| layout.xs_duration(span));
        let element = element
            .attribute("minBufferTime", layout.xs_duration(self.min_buffer_time))
            .optional("maxSegmentDuration", span(self.max_segment_duration))
            .optional("availabilityStartTime", self.availability_start_time.as_ref())
            .optional("publishTime", self.publish_time);
        // The schema demands this order of children (Annex B).
        let mut elements = Vec::with_capacity(self.periods.len());
        for url in &self.base_urls {
            elements.push(url.element(layout)?);
        }
        for url in &self.locations {
            check_uri("Location", url)?;
            elements.push(Element::new("Location").text(url.as_str()));
        }
        if !self.patch_locations.is_empty() && (self.id.is_none() || self.publish_time.is_none()) {
            let reason = "a patch refers to @id and @publishTime";
            return Err(ManifestError::Contradiction { place: "PatchLocation", reason });
        }
        for location in &self.patch_locations {
            elements.push(location.element(layout)?);
        }
        for description in &self.service_descriptions {
            elements.push(description.element()?);
        }
        if let Some(steering) = &self.content_steering {
            elements.push(steering.element()?);
        }
        self.push_periods(&mut elements, layout)?;
        let properties = [
            ("EssentialProperty", &self.essential_properties),
            ("SupplementalProperty", &self.supplemental_properties),
        ];
        for (name, descriptors) in properties {
            for descriptor in descriptors {
                elements.push(descriptor.element(name)?);
            }
        }
        elements.extend(self.utc_timings.iter().map(UtcTiming::element));
        Ok(element.elements(elements))
    }

    /// Adds `@type` and the attributes that depend on it.
    fn typed(&self, element: Element, layout: Layout) -> Result<Element, ManifestError> {
        let span = |span: Option<Duration>| span.map(|span| layout.xs_duration(span));
        let attributes = match self.mpd_type {
            MpdType::Static { media_presentation_duration } => {
                let element = element.attribute("type", "static");
                let duration = layout.xs_duration(media_presentation_duration);
                return Ok(element.attribute("mediaPresentationDuration", duration));
            }
            MpdType::Dynamic(_) if self.availability_start_time.is_none() => {
                let reason = "a dynamic MPD without it";
                return Err(ManifestError::Contradiction { place: "availabilityStartTime", reason });
            }
            MpdType::Dynamic(attributes) => attributes,
        };
        Ok(element
            .attribute("type", "dynamic")
            .optional("mediaPresentationDuration", span(attributes.media_presentation_duration))
            .optional("minimumUpdatePeriod", span(attributes.minimum_update_period))
            .optional("timeShiftBufferDepth", span(attributes.time_shift_buffer_depth))
            .optional("suggestedPresentationDelay", span(attributes.suggested_presentation_delay)))
    }

    fn push_periods(&self, elements: &mut Vec<Element>, layout: Layout) -> Result<(), ManifestError> {
        if self.periods.is_empty() {
            return Err(ManifestError::Empty { place: "MPD" });
        }
        let mut ids = BTreeSet::new();
        for period in &self.periods {
            elements.push(match period {
                PeriodElement::Inline(period) => {
                    check_unique("Period@id", &mut ids, period.id.as_ref())?;
                    period.element(layout)?
                }
                PeriodElement::Remote { href } => {
                    check_uri("xlink:href", href)?;
                    Element::new("Period").attribute("xlink:href", href).attribute("xlink:actuate", "onLoad")
                }
            });
        }
        Ok(())
    }
}

impl Period {
    /// Returns the text of a period that lies in a separate file.
    ///
    /// # Errors
    /// As [`Mpd::to_text`].
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        let mut text = String::new();
        self.element(layout)?.push_to(&mut text, layout, 0)?;
        Ok(text)
    }

    /// Returns the element, which a [`Patch`](super::Patch) may add.
    ///
    /// # Errors
    /// As [`Mpd::to_text`].
    pub fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        let element = Element::new("Period")
            .optional("id", self.id.as_ref())
            .optional("start", self.start.map(|start| layout.xs_duration(start)))
            .optional("duration", self.duration.map(|duration| layout.xs_duration(duration)));
        let mut elements = Vec::new();
        for url in &self.base_urls {
            elements.push(url.element(layout)?);
        }
        for stream in &self.event_streams {
            elements.push(stream.element()?);
        }
        for description in &self.service_descriptions {
            elements.push(description.element()?);
        }
        let (mut sets, mut representations) = (BTreeSet::new(), BTreeSet::new());
        for set in &self.adaptation_sets {
            check_unique("AdaptationSet@id", &mut sets, set.id.as_ref())?;
            for representation in &set.representations {
                check_unique("Representation@id", &mut representations, Some(&representation.id))?;
            }
            elements.push(set.element(layout)?);
        }
        Ok(element.elements(elements))
    }
}

impl EventStream {
    fn element(&self) -> Result<Element, ManifestError> {
        check_uri("schemeIdUri", &self.scheme_id_uri)?;
        check_range("timescale", self.timescale, self.timescale > 0)?;
        let events = self.events.iter().map(|event| {
            Element::new("Event")
                .attribute("id", event.id)
                .attribute("presentationTime", event.presentation_time)
                .attribute("duration", event.duration)
                .text(event.message.as_str())
        });
        let element = Element::new("EventStream")
            .attribute("schemeIdUri", &self.scheme_id_uri)
            .optional("value", self.value.as_ref())
            .attribute("timescale", self.timescale);
        Ok(element.elements(events.collect()))
    }
}

/// Returns an error if an id is in a set, which it joins otherwise.
fn check_unique<'a, T: Ord + ToString>(
    place: &'static str,
    known: &mut BTreeSet<&'a T>,
    id: Option<&'a T>,
) -> Result<(), ManifestError> {
    match id {
        Some(id) if !known.insert(id) => Err(ManifestError::Duplicate { place, name: id.to_string() }),
        _ => Ok(()),
    }
}
