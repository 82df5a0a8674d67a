//! Describes an MPD as JSON, for tools. Live ones too; nothing is chosen.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::addressing::{Addresser, Owner, Span};
use super::mpd::{self, Mpd, Period, Representation, Set};
use crate::manifest::document::Warnings;
use crate::manifest::{ManifestError, xml};
use crate::model::{Resource, SegmentIndex};
use crate::time::{MediaTime, WallClock};

/// Reads an MPD and lists its contents in document order.
pub(in crate::manifest) fn describe(
    text: &str,
    base: &Url,
    now: Option<WallClock>,
    warnings: &mut Warnings,
) -> Result<Value, ManifestError> {
    let root = xml::parse_with(text, &[])?;
    let mpd = mpd::read(&root, base, now, warnings)?;
    let mut addresser = Addresser::default();
    let mut periods = Vec::new();
    for period in &mpd.periods {
        periods.push(describe_period(period, &mut addresser, warnings)?);
    }
    Ok(json!({
        "protocol": "dash",
        "kind": "mpd",
        "type": if mpd.dynamic { "dynamic" } else { "static" },
        "live": mpd.dynamic,
        "profiles": mpd.element.attr("profiles"),
        "duration_s": duration(&mpd),
        "periods": periods,
    }))
}

fn duration(mpd: &Mpd<'_>) -> Option<f64> {
    let last = || {
        let period = mpd.periods.last()?;
        Some((period.start? + period.duration?).as_secs_f64())
    };
    mpd.duration.map(|duration| duration.as_secs_f64()).or_else(last)
}

fn describe_period(
    period: &Period<'_>,
    addresser: &mut Addresser,
    warnings: &mut Warnings,
) -> Result<Value, ManifestError> {
    let mut sets = Vec::new();
    for set in &period.sets {
        let mut representations = Vec::new();
        for representation in &set.representations {
            representations.push(describe_representation(representation, period, addresser, warnings)?);
        }
        sets.push(describe_set(set, representations));
    }
    Ok(json!({
        "id": period.element.attr("id"),
        "start_s": period.start.map(MediaTime::as_secs_f64),
        "duration_s": period.duration.map(|duration| duration.as_secs_f64()),
        "adaptation_sets": sets,
    }))
}

fn describe_set(set: &Set<'_>, representations: Vec<Value>) -> Value {
    let protection: Vec<Value> = set
        .element
        .all("ContentProtection")
        .map(|element| json!({"scheme": element.attr("schemeIdUri"), "default_kid": element.any_attr("default_KID")}))
        .collect();
    json!({
        "id": set.element.attr("id"),
        "content_type": set.content_type(),
        "mime_type": set.mime_type(),
        "lang": set.element.attr("lang"),
        "roles": set.element.all("Role").filter_map(|role| role.attr("value")).collect::<Vec<_>>(),
        "content_protection": protection,
        "representations": representations,
    })
}

fn describe_representation(
    representation: &Representation<'_>,
    period: &Period<'_>,
    addresser: &mut Addresser,
    warnings: &mut Warnings,
) -> Result<Value, ManifestError> {
    let owner = Owner {
        id: representation.id(),
        bandwidth: representation.bandwidth(),
        line: representation.element.line,
        bases: &representation.bases,
        shortest: Duration::ZERO,
        last_number: None,
        indexed: false,
    };
    let span = Span {
        start: period.start.unwrap_or(MediaTime::ZERO),
        duration: period.duration,
        trim: false,
        window: period.window,
        grows: false,
    };
    let addressed = addresser.address(&representation.chain, owner, span, warnings)?;
    let url = |resource: &Resource| resource.urls.first().map(|url| url.as_str().to_owned());
    let init = addressed.as_ref().and_then(|addressed| addressed.init.as_ref()).and_then(url);
    let list = addressed.as_ref().and_then(|addressed| match &addressed.index {
        SegmentIndex::Known(list) => Some(list),
        SegmentIndex::External(_) => None,
    });
    let at = |index: Option<u64>| list.and_then(|list| list.get(index?)).and_then(|segment| url(&segment.resource));
    let count = list.map(|list| list.len());
    Ok(json!({
        "id": representation.element.attr("id"),
        "bandwidth": representation.element.number::<u64>("bandwidth"),
        "codecs": representation.inherited("codecs"),
        "mime_type": representation.inherited("mimeType"),
        "width": representation.number::<u64>("width"),
        "height": representation.number::<u64>("height"),
        "frame_rate": representation.inherited("frameRate"),
        "segment_count": count,
        "init_url": init,
        "first_segment_url": at(Some(0)),
        "last_segment_url": at(count.and_then(|count| count.checked_sub(1))),
    }))
}
