//! Parts of a presentation for tests: all that a test does not name is absent or empty.

use super::{
    AdaptationSet, ContainerFormat, MediaKind, Period, Presentation, PresentationKind, Protocol, Representation,
    RepresentationTraits, SegmentIndex, SegmentList, TrackId,
};

impl Representation {
    /// Returns a representation in fragmented MP4 with an empty list of segments.
    pub(crate) fn for_tests(id: &str, bandwidth: u64) -> Self {
        Self {
            id: id.to_owned(),
            bandwidth,
            average_bandwidth: None,
            codecs: Vec::new(),
            content: None,
            width: None,
            height: None,
            frame_rate: None,
            channels: None,
            sample_rate: None,
            format: ContainerFormat::Fmp4,
            audio_group: None,
            index: SegmentIndex::Known(SegmentList::Explicit(Vec::new())),
            availability: None,
            protection: Vec::new(),
            traits: RepresentationTraits::default(),
        }
    }
}

impl AdaptationSet {
    /// Returns a set that is no default and that no menu selects by itself.
    pub(crate) fn for_tests(id: &str, kind: MediaKind, representations: Vec<Representation>) -> Self {
        Self {
            id: TrackId(id.to_owned()),
            kind,
            language: None,
            label: None,
            roles: Vec::new(),
            default: false,
            autoselect: false,
            forced: false,
            representations,
        }
    }
}

impl Presentation {
    /// Returns a presentation on demand whose duration is not declared.
    pub(crate) fn for_tests(periods: Vec<Period>) -> Self {
        Self {
            protocol: Protocol::Dash,
            kind: PresentationKind::OnDemand,
            duration: None,
            start: None,
            periods,
            epoch: None,
            available_from: None,
            metadata: Vec::new(),
            session_data: Vec::new(),
            steering: None,
            pathways: Vec::new(),
            weights: Vec::new(),
            live: None,
        }
    }
}
