//! A static MPD as the model's presentation. Which sets can be played is decided in `sets`.

use std::collections::BTreeSet;
use std::time::Duration;

use url::Url;

use super::addressing::Addresser;
use super::mpd::{self, Mpd};
use super::sets;
use crate::manifest::document::Warnings;
use crate::manifest::{ManifestError, xml};
use crate::model::{Period, Presentation, PresentationKind, Protocol};
use crate::time::{MediaTime, WallClock};

/// Reads an MPD for playback.
pub(in crate::manifest) fn parse(
    text: &str,
    base: &Url,
    now: Option<WallClock>,
    warnings: &mut Warnings,
) -> Result<Presentation, ManifestError> {
    let root = xml::parse(text)?;
    let mpd = mpd::read(&root, base, now, warnings)?;
    if mpd.dynamic {
        return Err(ManifestError::Unsupported { feature: "live DASH".to_owned() });
    }
    let periods = periods(&mpd, warnings)?;
    let Some(first) = periods.first() else {
        return Err(ManifestError::Empty { message: "no period has anything that can be played".to_owned() });
    };
    let start = (first.start > MediaTime::ZERO).then_some(first.start);
    let end = periods.last().and_then(|last| Some((last.start + last.duration?).since(MediaTime::ZERO)));
    Ok(Presentation {
        protocol: Protocol::Dash,
        kind: PresentationKind::OnDemand,
        // Where both are told and differ, playback ends with the last period.
        duration: end.or(mpd.duration),
        start,
        periods,
        epoch: None,
        metadata: Vec::new(),
        session_data: Vec::new(),
        steering: None,
        pathways: Vec::new(),
    })
}

fn periods(mpd: &Mpd<'_>, warnings: &mut Warnings) -> Result<Vec<Period>, ManifestError> {
    let mut addresser = Addresser::default();
    let mut out: Vec<Period> = Vec::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    let starts: Vec<Option<MediaTime>> = mpd.periods.iter().map(|period| period.start).skip(1).chain([None]).collect();
    for (number, (period, next)) in mpd.periods.iter().zip(starts).enumerate() {
        let line = period.element.line;
        if period.sets.is_empty() && period.element.any_attr("href").is_some() {
            return Err(ManifestError::Unsupported { feature: "a remote period (xlink)".to_owned() });
        }
        let Some(start) = period.start else { continue };
        if out.last().is_some_and(|before| start < before.start) {
            warnings.push(line, "a period that begins before the one in front of it");
            continue;
        }
        // Periods do not overlap: the next one ends this one (§5.3.2.1).
        let room = next.map_or(Duration::MAX, |next| next.since(start));
        let duration = period.duration.map(|duration| duration.min(room));
        if duration == Some(Duration::ZERO) {
            warnings.push(line, "a period without length");
            continue;
        }
        let adaptation_sets = sets::playable(period, start, duration, &mut addresser, warnings)?;
        if adaptation_sets.is_empty() {
            warnings.push(line, "a period with nothing that can be played");
            continue;
        }
        let id = period.element.attr("id").filter(|id| !id.is_empty() && !ids.contains(*id));
        let id = id.map_or_else(|| format!("period-{number}"), str::to_owned);
        let id = if ids.contains(&id) { format!("{id}-{line}") } else { id };
        ids.insert(id.clone());
        out.push(Period::new(id, start, duration, adaptation_sets));
    }
    Ok(out)
}
