//! An MPD as the model's presentation. Which sets can be played is decided in `sets`.

use std::collections::BTreeSet;
use std::time::Duration;

use url::Url;

use super::addressing::Addresser;
use super::base_url::Service;
use super::kept::PatchableManifest;
use super::mpd::{self, Mpd};
use super::{events, live, sets, xlink};
use crate::manifest::document::{Warnings, clip};
use crate::manifest::xml::{self, Element};
use crate::manifest::{ManifestError, RemoteElements, dates};
use crate::model::{
    BaseWeight, ContentSteering, Pathway, Period, Presentation, PresentationKind, Protocol, Resource, TimedMetadata,
};
use crate::time::{MediaTime, WallClock};

/// The addresses of remote elements that are not there yet.
pub(in crate::manifest) fn missing(
    text: &str,
    base: &Url,
    remotes: &RemoteElements,
) -> Result<Vec<Url>, ManifestError> {
    let mut root = xml::parse_with(text, &[])?;
    Ok(xlink::resolve(&mut root, base, remotes, &mut Warnings::default()))
}

/// Reads an MPD for playback. One that names an address of its changes is kept.
pub(in crate::manifest) fn parse(
    text: &str,
    base: &Url,
    now: Option<WallClock>,
    remotes: &RemoteElements,
    warnings: &mut Warnings,
) -> Result<(Presentation, Option<Box<PatchableManifest>>), ManifestError> {
    let mut root = xml::parse_with(text, super::VERBATIM)?;
    xlink::resolve(&mut root, base, remotes, warnings);
    let presentation = present(&root, base, now, warnings)?;
    // Patches address the document without its remote parts.
    let kept = if remotes.is_empty() { PatchableManifest::keep(root, base) } else { None };
    Ok((presentation, kept))
}

/// Makes a presentation of a document.
pub(super) fn present(
    root: &Element,
    base: &Url,
    now: Option<WallClock>,
    warnings: &mut Warnings,
) -> Result<Presentation, ManifestError> {
    let mpd = mpd::read(root, base, now, warnings)?;
    let mut metadata = Vec::new();
    let periods = periods(&mpd, &mut metadata, warnings)?;
    metadata.sort_by_key(|event| event.start);
    let Some(first) = periods.first() else {
        return Err(ManifestError::Empty { message: "no period has anything that can be played".to_owned() });
    };
    let live = mpd.dynamic.then(|| Box::new(live::description(root, base, warnings)));
    let start = (first.start > MediaTime::ZERO && live.is_none()).then_some(first.start);
    let end = periods.last().and_then(|last| Some((last.start + last.duration?).since(MediaTime::ZERO)));
    let available = available_from(&mpd, warnings);
    Ok(Presentation {
        protocol: Protocol::Dash,
        kind: if live.is_some() { PresentationKind::Live } else { PresentationKind::OnDemand },
        // Where both are declared and differ, playback ends with the last period.
        duration: end.or(mpd.duration).filter(|_| live.is_none()),
        start,
        periods,
        epoch: live.as_ref().and(available),
        available_from: available.filter(|_| live.is_none()),
        metadata,
        session_data: Vec::new(),
        steering: steering(&mpd, base),
        pathways: pathways(&mpd.services),
        weights: weights(&mpd.services),
        live,
    })
}

/// `@availabilityStartTime`: from then on the segments of a static presentation are available (§5.3.1.2), and the times of
/// a dynamic one count from it.
fn available_from(mpd: &Mpd<'_>, warnings: &mut Warnings) -> Option<WallClock> {
    let written = mpd.element.attr("availabilityStartTime")?;
    let found = dates::instant(written);
    if found.is_none() {
        warnings.push(mpd.element.line, format!("{} is no date", clip(written)));
    }
    found.map(WallClock::from_unix_nanos)
}

/// `ContentSteering` (ETSI TS 103 998 §5).
fn steering(mpd: &Mpd<'_>, base: &Url) -> Option<ContentSteering> {
    let element = mpd.element.first("ContentSteering")?;
    let server = base.join(element.text.trim()).ok()?;
    let pathway = element.attr("defaultServiceLocation").and_then(|names| names.split_whitespace().next());
    Some(ContentSteering { server: Resource::new(server), pathway: pathway.map(str::to_owned) })
}

/// `serviceLocation`s: a request that fails at one address of that name is not sent to any other (§5.6.5).
fn pathways(services: &[Service]) -> Vec<Pathway> {
    let mut out: Vec<Pathway> = Vec::new();
    for service in services {
        let Some(name) = &service.name else { continue };
        match out.iter_mut().find(|known| known.id == *name) {
            Some(known) => known.prefixes.push(service.base.clone()),
            None => out.push(Pathway { id: name.clone(), prefixes: vec![service.base.clone()] }),
        }
    }
    // One place is no choice.
    if out.len() > 1 { out } else { Vec::new() }
}

fn weights(services: &[Service]) -> Vec<BaseWeight> {
    let plain = services.iter().all(|service| service.priority == 1 && service.weight == 1);
    let weight = |service: &Service| BaseWeight {
        base: service.base.clone(),
        priority: service.priority,
        weight: service.weight,
    };
    if plain { Vec::new() } else { services.iter().map(weight).collect() }
}

fn periods(
    mpd: &Mpd<'_>,
    metadata: &mut Vec<TimedMetadata>,
    warnings: &mut Warnings,
) -> Result<Vec<Period>, ManifestError> {
    let mut addresser = Addresser::default();
    let mut out: Vec<Period> = Vec::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let starts: Vec<Option<MediaTime>> = mpd.periods.iter().map(|period| period.start).skip(1).chain([None]).collect();
    for (number, (period, next)) in mpd.periods.iter().zip(starts).enumerate() {
        let line = period.element.line;
        if period.sets.is_empty() && period.element.any_attr("href").is_some() {
            warnings.push(line, "a remote period is left out: it is not here");
            continue;
        }
        let Some(start) = period.start else { continue };
        let begins_within = |before: &Period| start < before.start + before.duration.unwrap_or_default();
        if out.last().is_some_and(|before| start <= before.start || begins_within(before)) {
            warnings.push(line, "a period that begins before the one in front of it ends");
            continue;
        }
        // Periods do not overlap: the next one ends this one (§5.3.2.1).
        let room = next.map_or(Duration::MAX, |next| next.since(start));
        let duration = period.duration.map(|duration| duration.min(room));
        if duration == Some(Duration::ZERO) {
            warnings.push(line, "a period without length");
            continue;
        }
        let offer = sets::offer(period, start, duration, mpd.dynamic, &mut addresser, warnings)?;
        if offer.sets.is_empty() {
            warnings.push(line, "a period with nothing that can be played");
            continue;
        }
        let id = period.element.attr("id").filter(|id| !id.is_empty() && !ids.contains(*id));
        let is_unnamed = id.is_none();
        let id = id.map_or_else(|| format!("period-{number}"), str::to_owned);
        let id = if ids.contains(&id) { format!("{id}-{line}") } else { id };
        ids.insert(id.clone());
        events::read(period, start, metadata, warnings);
        let sets::Offer { sets, trick, thumbnails, captions } = offer;
        let period = Period::new(id, start, duration, sets);
        out.push(Period { is_unnamed, trick_sets: trick, thumbnails, captions, ..period });
    }
    Ok(out)
}
