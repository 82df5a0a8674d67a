//! MPDs (ISO/IEC 23009-1): representations are cut out of the text, and adaptation sets that lose all of theirs.

use std::ops::Range;

use kinora_kit::filter::{ManifestFilter, VideoTraits, is_audio};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{FilterError, MAX_ENTRIES};

/// Maximum depth of elements.
const MAX_DEPTH: usize = 64;

/// Attributes of a representation, or of the set that it inherits them from.
#[derive(Clone, Debug, Default)]
struct Traits {
    kind: Option<String>,
    codecs: Option<String>,
    height: Option<u32>,
    bandwidth: Option<u64>,
}

struct Representation {
    span: Range<usize>,
    traits: Traits,
}

struct Set {
    span: Range<usize>,
    period: usize,
    traits: Traits,
    representations: Vec<Representation>,
}

pub(super) fn apply(text: &str, filter: &ManifestFilter) -> Result<String, FilterError> {
    let sets = sets(text)?;
    let mut cuts = Vec::new();
    for period in sets.chunk_by(|a, b| a.period == b.period) {
        let is = |set: &&Set, kind| set.kind() == Some(kind);
        let of = |kind| period.iter().filter(move |set| is(set, kind)).flat_map(|set| &set.representations);
        let audio = of("audio").filter_map(|audio| audio.traits.bandwidth).max().unwrap_or(0);
        let is_left = |set: &Set, representation: &Representation| match set.kind() {
            Some(kind @ ("video" | "audio")) => representation.is_allowed(kind, audio, filter),
            _ => true,
        };
        for kind in ["video", "audio"] {
            let mut sets = period.iter().filter(|set| is(set, kind)).peekable();
            let left = |set: &Set| set.representations.iter().any(|representation| is_left(set, representation));
            if sets.peek().is_some() && !sets.any(left) {
                return Err(FilterError::NothingLeft);
            }
        }
        for set in period {
            let gone: Vec<&Representation> = set.representations.iter().filter(|one| !is_left(set, one)).collect();
            if gone.len() == set.representations.len() && !gone.is_empty() {
                cuts.push(set.span.clone());
            } else {
                cuts.extend(gone.iter().map(|representation| representation.span.clone()));
            }
        }
    }
    if sets.is_empty() {
        return Err(FilterError::Unreadable);
    }
    let mut left = String::with_capacity(text.len());
    let mut at = 0;
    for cut in cuts {
        // The indentation goes with the element.
        left.push_str(text[at..cut.start].trim_end_matches([' ', '\t', '\r', '\n']));
        at = cut.end;
    }
    left.push_str(&text[at..]);
    Ok(left)
}

impl Set {
    /// Returns the kind of media (§5.3.3.2); `None` if it is not declared.
    fn kind(&self) -> Option<&str> {
        let first = self.representations.first();
        let kind = self.traits.kind.as_deref().or_else(|| first?.traits.kind.as_deref())?;
        kind.split('/').next()
    }
}

impl Representation {
    fn is_allowed(&self, kind: &str, audio: u64, filter: &ManifestFilter) -> bool {
        let mut codecs = self.traits.codecs.as_deref().unwrap_or("").split(',').map(str::trim);
        if !codecs.clone().all(|codec| filter.allows_codec(codec)) {
            return false;
        }
        let (height, bandwidth) = (self.traits.height, self.traits.bandwidth.map(|own| own.saturating_add(audio)));
        let codec = codecs.find(|codec| !is_audio(codec));
        kind != "video" || filter.allows_video(VideoTraits { height, bandwidth, codec })
    }
}

impl Traits {
    fn read(element: &BytesStart<'_>, inherited: &Self) -> Result<Self, FilterError> {
        let mut traits = Self { bandwidth: None, ..inherited.clone() };
        let mut content_type = None;
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|_| FilterError::Unreadable)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| FilterError::Unreadable)?;
            match attribute.key.as_ref() {
                "contentType" => content_type = Some(value.into_owned()),
                "mimeType" => traits.kind = Some(value.into_owned()),
                "codecs" => traits.codecs = Some(value.into_owned()),
                "height" => traits.height = value.trim().parse().ok(),
                "bandwidth" => traits.bandwidth = value.trim().parse().ok(),
                _ => {}
            }
        }
        traits.kind = content_type.or(traits.kind);
        Ok(traits)
    }
}

/// Returns the adaptation sets of all periods with the places of their elements in the text.
fn sets(text: &str) -> Result<Vec<Set>, FilterError> {
    let unreadable = |_| FilterError::Unreadable;
    let mut reader = Reader::from_str(text);
    let (mut sets, mut open): (Vec<Set>, Vec<String>) = (Vec::new(), Vec::new());
    let (mut current, mut period, mut counted): (Option<Set>, usize, usize) = (None, 0, 0);
    loop {
        let begin = position(&reader);
        let event = reader.read_event().map_err(unreadable)?;
        let end = position(&reader);
        match &event {
            Event::Start(element) | Event::Empty(element) => {
                let is_empty = matches!(event, Event::Empty(_));
                let name = element.local_name().as_ref().to_owned();
                let path: Vec<&str> = open.iter().map(String::as_str).collect();
                match (path.as_slice(), name.as_str()) {
                    (["MPD"], "Period") => period += 1,
                    (["MPD", "Period"], "AdaptationSet") => {
                        let traits = Traits::read(element, &Traits::default())?;
                        let set = Set { span: begin..end, period, traits, representations: Vec::new() };
                        if is_empty { sets.push(set) } else { current = Some(set) }
                    }
                    (["MPD", "Period", "AdaptationSet"], "Representation") => {
                        counted += 1;
                        let set = current.as_mut().ok_or(FilterError::Unreadable)?;
                        let traits = Traits::read(element, &set.traits)?;
                        set.representations.push(Representation { span: begin..end, traits });
                    }
                    _ => {}
                }
                if !is_empty {
                    open.push(name);
                }
                if counted > MAX_ENTRIES || open.len() > MAX_DEPTH {
                    return Err(FilterError::TooLarge);
                }
            }
            Event::End(_) => {
                let path: Vec<&str> = open.iter().map(String::as_str).collect();
                match path.as_slice() {
                    ["MPD", "Period", "AdaptationSet"] => {
                        sets.extend(current.take().map(|set| Set { span: set.span.start..end, ..set }));
                    }
                    ["MPD", "Period", "AdaptationSet", "Representation"] => {
                        if let Some(last) = current.as_mut().and_then(|set| set.representations.last_mut()) {
                            last.span.end = end;
                        }
                    }
                    _ => {}
                }
                open.pop();
            }
            Event::Eof if open.is_empty() => return Ok(sets),
            Event::Eof => return Err(FilterError::Unreadable),
            _ => {}
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}
