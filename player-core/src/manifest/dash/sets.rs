//! Which adaptation sets of a period can be played, and what a viewer picks among them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::addressing::{Addresser, Owner, Span};
use super::mpd::{Period, Representation as Source, Set};
use super::protection;
use crate::drm::KeySystem;
use crate::manifest::document::{Warnings, clip};
use crate::manifest::xml::Element;
use crate::manifest::{ManifestError, codecs};
use crate::model::{
    AdaptationSet, ContainerFormat, ContentKinds, FrameRate, MediaKind, Protection, Representation,
    RepresentationTraits, Role, SegmentIndex, TrackId,
};
use crate::time::{MediaTime, duration_from_ticks};

/// Sets with this property show the main content sparsely, for trick play (DASH-IF IOP §3.2.9).
const TRICK_MODE: &str = "http://dashif.org/guidelines/trickmode";

/// Properties that change nothing for a player that decodes what it is given (ISO/IEC 23091, colour and layout).
const HARMLESS: &[&str] = &["urn:mpeg:mpegb:cicp:", "urn:dvb:dash:fontdownload:", "urn:dvb:dash:highest_quality"];

/// Sets and representations beyond these counts make the search for tracks slow.
const MAX_SETS: usize = 500;

/// The sets of a period that can be played, in document order.
///
/// # Errors
/// When the addresses of the document exceed the limit.
pub(super) fn playable(
    period: &Period<'_>,
    start: MediaTime,
    duration: Option<Duration>,
    addresser: &mut Addresser,
    warnings: &mut Warnings,
) -> Result<Vec<AdaptationSet>, ManifestError> {
    let span = Span { start, duration, trim: true, window: None };
    let mut out: Vec<AdaptationSet> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for set in period.sets.iter().take(MAX_SETS) {
        let Some(kind) = kind(set) else { continue };
        if !is_usable(set.element, "AdaptationSet", warnings) {
            continue;
        }
        let shared = Shared::of(set, kind, warnings);
        let mut representations = Vec::new();
        for source in &set.representations {
            if is_usable(source.element, "Representation", warnings) {
                representations.extend(representation(source, &shared, span, addresser, warnings)?);
            }
        }
        if representations.is_empty() {
            continue;
        }
        representations.sort_by_key(|representation| representation.bandwidth);
        unique(&mut representations, &mut ids);
        out.push(track(set, kind, representations, &mut names));
    }
    choose_defaults(&mut out);
    Ok(out)
}

/// What a viewer gets from a set; `None` for thumbnails and what is no media.
fn kind(set: &Set<'_>) -> Option<MediaKind> {
    let word = |word: &str| match word {
        "video" => Some(MediaKind::Video),
        "audio" => Some(MediaKind::Audio),
        "text" => Some(MediaKind::Text),
        _ => None,
    };
    if set.content_type() == Some("image") {
        return None;
    }
    if let Some(kind) = set.content_type().and_then(word) {
        return Some(kind);
    }
    let mime = set.mime_type().unwrap_or_default();
    if mime.contains("ttml") || mime.contains("vtt") || mime.contains("subrip") {
        return Some(MediaKind::Text);
    }
    let components: Vec<MediaKind> =
        set.element.all("ContentComponent").filter_map(|part| part.attr("contentType")).filter_map(word).collect();
    let codec = || {
        let list = set.representations.first()?.inherited("codecs")?;
        codecs::split(list).iter().filter_map(|codec| codecs::kind_of(codec)).min()
    };
    let mixed = || set.representations.first()?.inherited("mimeType")?.split('/').next().and_then(word);
    components.iter().min().copied().or_else(codec).or_else(mixed)
}

/// ISO/IEC 23009-1 §5.8.4.8: what carries an EssentialProperty that we do not know must not be used. Trick play and
/// thumbnails are left out without a warning: nothing is missing.
fn is_usable(element: &Element, what: &str, warnings: &mut Warnings) -> bool {
    for property in element.children.iter().filter(|child| &*child.name == "EssentialProperty") {
        let scheme = property.attr("schemeIdUri").unwrap_or_default();
        let lower = scheme.to_ascii_lowercase();
        if HARMLESS.iter().any(|known| lower.starts_with(known)) {
            continue;
        }
        if !lower.starts_with(TRICK_MODE) && !lower.contains("thumbnail_tile") {
            warnings.push(
                property.line,
                format!("{what} skipped: it demands the property {}, which is not supported", clip(scheme)),
            );
        }
        return false;
    }
    let trick = element.children.iter().filter(|child| &*child.name == "SupplementalProperty");
    if trick.into_iter().any(|property| property.attr("schemeIdUri") == Some(TRICK_MODE)) {
        return false;
    }
    if element.attr("dependencyId").is_some() {
        warnings.push(element.line, format!("{what} skipped: it depends on another one, which is not supported"));
        return false;
    }
    if element.any_attr("href").is_some() && element.first("Representation").is_none() && what == "AdaptationSet" {
        warnings.push(element.line, "AdaptationSet skipped: it lies in another document (xlink)");
        return false;
    }
    true
}

/// What a set says for all of its representations, looked up once: sets with ten thousand children exist.
struct Shared {
    protection: Vec<Arc<Protection>>,
    segment_encryption: Option<protection::SegmentEncryption>,
    /// Set when the set holds one kind only.
    content: Option<ContentKinds>,
    kind: MediaKind,
    channels: Option<u32>,
    last_number: Option<u64>,
}

impl Shared {
    fn of(set: &Set<'_>, kind: MediaKind, warnings: &mut Warnings) -> Self {
        let bases = set.representations.first().map_or(&[][..], |first| &first.bases);
        let set = set.element;
        let muxed = set.all("ContentComponent").count() > 1;
        Self {
            content: (!muxed).then(|| ContentKinds::only(kind)),
            kind,
            channels: channels(set),
            protection: protection::descriptors(set, bases),
            segment_encryption: protection::segment_encryption(set, bases, warnings),
            last_number: last_number(set),
        }
    }
}

fn representation(
    source: &Source<'_>,
    set: &Shared,
    span: Span,
    addresser: &mut Addresser,
    warnings: &mut Warnings,
) -> Result<Option<Representation>, ManifestError> {
    let line = source.element.line;
    let frame_rate = source.inherited("frameRate").and_then(codecs::frame_rate_text);
    let owner = Owner {
        id: source.id(),
        bandwidth: source.bandwidth(),
        line,
        bases: &source.bases,
        shortest: shortest(set.kind, frame_rate),
        last_number: last_number(source.element).or(set.last_number),
    };
    let Some(mut addressed) = addresser.address(&source.chain, owner, span, warnings)? else { return Ok(None) };
    if let SegmentIndex::Known(list) = &addressed.index {
        let timed = list.span(0).is_some_and(|(_, duration)| duration > Duration::ZERO);
        if !timed {
            warnings.push(line, "Representation skipped: it has no segments");
            return Ok(None);
        }
    }
    let protection = protect(source, set, &mut addressed.index, warnings);
    let codec_list = source.inherited("codecs").map(codecs::split).unwrap_or_default();
    let mime = source.inherited("mimeType").unwrap_or_default();
    let content = codecs::contents(&codec_list).or(set.content);
    let id = if source.id().is_empty() { format!("line-{line}") } else { source.id().to_owned() };
    Ok(Some(Representation {
        id,
        bandwidth: source.bandwidth(),
        average_bandwidth: None,
        format: format(mime, source),
        codecs: codec_list,
        content,
        width: source.number("width"),
        height: source.number("height"),
        frame_rate,
        channels: channels(source.element).or(set.channels),
        sample_rate: source
            .inherited("audioSamplingRate")
            .and_then(|text| text.split_whitespace().last()?.parse().ok()),
        audio_group: None,
        index: addressed.index,
        protection,
        traits: RepresentationTraits::default(),
    }))
}

/// The protection of a representation and of its set; its segments learn how they are encrypted.
fn protect(
    source: &Source<'_>,
    set: &Shared,
    index: &mut SegmentIndex,
    warnings: &mut Warnings,
) -> Vec<Arc<Protection>> {
    let mut found = protection::descriptors(source.element, &source.bases);
    found.extend(set.protection.iter().filter(|known| !found.contains(known)).cloned().collect::<Vec<_>>());
    let own = protection::segment_encryption(source.element, &source.bases, warnings);
    if let Some(whole) = own.as_ref().or(set.segment_encryption.as_ref()) {
        if protection::apply(index, &whole.periods) {
            found.push(Arc::clone(&whole.descriptor));
        } else {
            warnings.push(source.element.line, "encrypted segments that are not addressed by a template");
            let system = Some(KeySystem::Other("segment encryption of this addressing".to_owned()));
            found.push(Arc::new(Protection { system, key: None, ..whole.descriptor.as_ref().clone() }));
        }
    }
    found
}

/// DASH-IF IOP §4.4.3.6: the number of the last segment, where duration and segments do not match.
fn last_number(element: &Element) -> Option<u64> {
    let scheme = Some("http://dashif.org/guidelines/last-segment-number");
    element.all("SupplementalProperty").find(|property| property.attr("schemeIdUri") == scheme)?.number("value")
}

/// A numbered segment shorter than one frame exists on paper only: presentations are as long as their longest
/// track, and the others end a little earlier.
fn shortest(kind: MediaKind, frame_rate: Option<FrameRate>) -> Duration {
    const AUDIO_FRAME: Duration = Duration::from_millis(25);
    match (kind, frame_rate) {
        (MediaKind::Video, Some(rate)) if rate.numerator >= rate.denominator => {
            // Nine tenths: rates are rounded.
            duration_from_ticks(u64::from(rate.denominator) * 9, rate.numerator.saturating_mul(10))
        }
        _ => AUDIO_FRAME,
    }
}

fn format(mime: &str, source: &Source<'_>) -> ContainerFormat {
    match mime {
        "video/mp4" | "audio/mp4" | "application/mp4" | "video/iso.segment" | "audio/iso.segment" => {
            ContainerFormat::Fmp4
        }
        "video/webm" | "audio/webm" => ContainerFormat::WebM,
        "video/mp2t" | "audio/mp2t" => ContainerFormat::MpegTs,
        "text/vtt" => ContainerFormat::WebVtt,
        "application/ttml+xml" | "text/ttml" => ContainerFormat::Ttml,
        "" => source.bases.first().map_or(ContainerFormat::Unknown, |base| codecs::format_of(base.path())),
        _ => ContainerFormat::Unknown,
    }
}

/// `AudioChannelConfiguration` (§5.8.5.4): a plain number, or the mask of Dolby's scheme.
fn channels(element: &Element) -> Option<u32> {
    let configuration = element.first("AudioChannelConfiguration")?;
    let value = configuration.attr("value")?;
    let scheme = configuration.attr("schemeIdUri")?;
    if scheme.contains("23003:3") {
        return value.parse().ok();
    }
    if scheme.contains("CodingIndependent") || scheme.contains("cicp:ChannelConfiguration") {
        // ISO/IEC 23091-3, channel configurations 1 to 7 and 12.
        return match value.parse::<u32>().ok()? {
            count @ 1..=6 => Some(count),
            7 | 12 => Some(8),
            _ => None,
        };
    }
    if scheme.starts_with("tag:dolby.com,2014") {
        return dolby_channels(u16::from_str_radix(value, 16).ok()?);
    }
    None
}

/// ETSI TS 102 366 §E.1.3.1.8: one bit a channel from the highest down; some bits stand for a pair.
fn dolby_channels(mask: u16) -> Option<u32> {
    /// Lc/Rc, Lrs/Rrs, Lsd/Rsd, Lw/Rw, Lvh/Rvh and Lts/Rts.
    const PAIRS: u16 = 0x0674;
    let count = mask.count_ones() + (mask & PAIRS).count_ones();
    (count > 0).then_some(count)
}

fn track(
    set: &Set<'_>,
    kind: MediaKind,
    representations: Vec<Representation>,
    names: &mut BTreeMap<String, usize>,
) -> AdaptationSet {
    let roles = roles(set.element);
    let language = set.element.attr("lang").filter(|text| !text.is_empty() && *text != "und").map(str::to_owned);
    let label = set.element.first("Label").map(|label| label.text.trim().to_owned()).filter(|text| !text.is_empty());
    // The same track has the same name in every period: identifiers of the document need not be stable.
    let mut id = kind.as_str().to_owned();
    for part in [language.as_deref(), role_word(&roles), label.as_deref()].into_iter().flatten() {
        id.push('-');
        id.push_str(part);
    }
    let count = names.entry(id.clone()).or_default();
    *count += 1;
    if *count > 1 {
        id = format!("{id}-{count}");
    }
    let forced = roles.contains(&Role::ForcedSubtitle);
    AdaptationSet {
        id: TrackId(id),
        kind,
        language,
        label,
        default: roles.contains(&Role::Main),
        autoselect: kind != MediaKind::Text || forced,
        forced,
        roles,
        representations,
    }
}

fn role_word(roles: &[Role]) -> Option<&str> {
    roles.iter().find_map(|role| match role {
        Role::Main | Role::Subtitle => None,
        Role::Alternate => Some("alternate"),
        Role::Description => Some("description"),
        Role::Dub => Some("dub"),
        Role::Commentary => Some("commentary"),
        Role::ForcedSubtitle => Some("forced"),
        Role::Caption => Some("caption"),
        Role::Other(word) => Some(word),
    })
}

/// ISO/IEC 23009-1 §5.8.5.5, and the accessibility scheme of DVB for audio description.
fn roles(element: &Element) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    let mut add = |role: Role| {
        if !roles.contains(&role) && roles.len() < 8 {
            roles.push(role);
        }
    };
    for role in element.all("Role") {
        match role.attr("value").unwrap_or_default() {
            "" => {}
            "main" => add(Role::Main),
            "alternate" => add(Role::Alternate),
            "description" => add(Role::Description),
            "dub" => add(Role::Dub),
            "commentary" => add(Role::Commentary),
            "forced-subtitle" | "forced_subtitle" => add(Role::ForcedSubtitle),
            "caption" => add(Role::Caption),
            "subtitle" => add(Role::Subtitle),
            other => add(Role::Other(other.to_owned())),
        }
    }
    for accessibility in element.all("Accessibility") {
        let scheme = accessibility.attr("schemeIdUri").unwrap_or_default();
        match (scheme, accessibility.attr("value").unwrap_or_default()) {
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "1") | ("urn:mpeg:dash:role:2011", "description") => {
                add(Role::Description);
            }
            ("urn:tva:metadata:cs:AudioPurposeCS:2007", "2") | ("urn:mpeg:dash:role:2011", "caption") => {
                add(Role::Caption);
            }
            _ => {}
        }
    }
    roles
}

/// Without a main role the first set of a kind is the default; of several main ones too. Text is nobody's default.
fn choose_defaults(sets: &mut [AdaptationSet]) {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let chosen = sets.iter().position(|set| set.kind == kind && set.default);
        let chosen = chosen.or_else(|| sets.iter().position(|set| set.kind == kind));
        for (at, set) in sets.iter_mut().enumerate().filter(|(_, set)| set.kind == kind) {
            set.default = Some(at) == chosen;
        }
    }
    for set in sets.iter_mut().filter(|set| set.kind == MediaKind::Text) {
        set.default = false;
    }
}

/// Ids that another representation of the period has get their place appended.
fn unique(representations: &mut [Representation], seen: &mut BTreeMap<String, usize>) {
    for representation in representations {
        let count = seen.entry(representation.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            representation.id = format!("{}-{count}", representation.id);
        }
    }
}
