//! The MPD, its periods and their events (ISO/IEC 23009-1 §5.3.1, §5.3.2, §5.10.2).

use std::collections::BTreeSet;
use std::time::Duration;

use super::element::Element;
use super::sets::AdaptationSet;
use crate::error::check_range;
use crate::uri::check_uri;
use crate::{Layout, ManifestError};

/// An MPD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mpd {
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
    /// Declares the namespace of XLink if a period is remote. Namespaces in XML demand it; MPDs without it exist, and
    /// readers that go by the prefix bear them.
    pub declares_xlink: bool,
    /// Periods in order; at least one.
    pub periods: Vec<PeriodElement>,
}

/// Type of an MPD. What is optional in one type is mandatory in another (§5.3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MpdType {
    /// Everything is available, and nothing will change.
    Static {
        /// `@mediaPresentationDuration`.
        media_presentation_duration: Duration,
    },
}

/// A period, or a reference to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeriodElement {
    /// A period in the MPD.
    Inline(Period),
    /// A period in another file (§5.5), which is fetched when the MPD is.
    Remote {
        /// `@xlink:href`.
        href: String,
    },
}

/// `Period`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// `@id`; unique in the MPD.
    pub id: Option<String>,
    /// `@start` on the presentation timeline.
    pub start: Option<Duration>,
    /// `@duration`.
    pub duration: Option<Duration>,
    /// `EventStream`.
    pub event_streams: Vec<EventStream>,
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
    /// For a value that its place cannot hold, an id that appears again where it must not, an MPD without periods and a
    /// set without representations.
    pub fn to_text(&self, layout: Layout) -> Result<String, ManifestError> {
        let MpdType::Static { media_presentation_duration } = self.mpd_type;
        if self.periods.is_empty() {
            return Err(ManifestError::Empty { place: "MPD" });
        }
        let uses_xlink =
            self.declares_xlink && self.periods.iter().any(|period| matches!(period, PeriodElement::Remote { .. }));
        let element = Element::new("MPD")
            .attribute("xmlns", "urn:mpeg:dash:schema:mpd:2011")
            .optional("xmlns:xlink", uses_xlink.then_some("http://www.w3.org/1999/xlink"))
            .attribute("profiles", &self.profiles)
            .attribute("type", "static")
            .attribute("mediaPresentationDuration", layout.xs_duration(media_presentation_duration))
            .attribute("minBufferTime", layout.xs_duration(self.min_buffer_time))
            .optional("maxSegmentDuration", self.max_segment_duration.map(|duration| layout.xs_duration(duration)))
            .optional("availabilityStartTime", self.availability_start_time.as_ref());
        let mut ids = BTreeSet::new();
        let mut elements = Vec::with_capacity(self.periods.len());
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
        let mut text = layout.xml_declaration().to_owned();
        element.elements(elements).push_to(&mut text, layout, 0)?;
        Ok(text)
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

    fn element(&self, layout: Layout) -> Result<Element, ManifestError> {
        let element = Element::new("Period")
            .optional("id", self.id.as_ref())
            .optional("start", self.start.map(|start| layout.xs_duration(start)))
            .optional("duration", self.duration.map(|duration| layout.xs_duration(duration)));
        let mut elements = Vec::new();
        for stream in &self.event_streams {
            elements.push(stream.element()?);
        }
        let (mut sets, mut representations) = (BTreeSet::new(), BTreeSet::new());
        for set in &self.adaptation_sets {
            check_unique("AdaptationSet@id", &mut sets, set.id.as_ref())?;
            for representation in &set.representations {
                check_unique("Representation@id", &mut representations, Some(&representation.id))?;
            }
            elements.push(set.element()?);
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
