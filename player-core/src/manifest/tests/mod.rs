//! Tests of manifests as wholes: golden dumps, hostile input, the conformance corpus, and other readers as oracles.

mod borders;
mod corpus;
mod dash;
mod dash_offer;
mod hls;
mod hls_precedence;
mod hls_tags;
mod hostile;
mod irregular;
mod live_faults;
mod live_updates;
mod oracle;
mod precedence;
mod records;

use std::fmt::Write as _;

use url::Url;

use super::{ManifestError, Parsed, ParsedIndex, parse};
use crate::model::{Resource, SegmentIndex, SegmentList, SegmentRef};

fn base() -> Url {
    "http://h/dir/main?token=x".parse().expect("a constant address")
}

fn error(text: &str) -> ManifestError {
    match parse(text.as_bytes(), &base(), None) {
        Err(error) => error,
        Ok(parsed) => panic!("expected an error, got\n{}", dump(&parsed)),
    }
}

fn parsed(text: &str) -> Parsed {
    match parse(text.as_bytes(), &base(), None) {
        Ok(parsed) => parsed,
        Err(error) => panic!("{error}"),
    }
}

/// A presentation in a few lines: one a period, set, representation, and what matters of its segments.
fn dump(parsed: &Parsed) -> String {
    let mut out = String::new();
    let presentation = &parsed.presentation;
    line(&mut out, format_args!("{:?} {:?}", presentation.protocol, presentation.duration));
    for period in &presentation.periods {
        line(&mut out, format_args!("period {} {:?} {:?}", period.id, period.start, period.duration));
        for set in &period.adaptation_sets {
            let flags = [(set.default, "default"), (set.autoselect, "auto"), (set.forced, "forced")];
            let flags: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
            line(
                &mut out,
                format_args!(
                    " set {} {} lang={} roles={:?} {}",
                    set.id.0,
                    set.kind.as_str(),
                    set.language.as_deref().unwrap_or("-"),
                    set.roles,
                    flags.join("+")
                ),
            );
            for representation in &set.representations {
                let content = representation.content.map_or("?".to_owned(), |kinds| {
                    let word = |on: bool, word: &'static str| if on { word } else { "" };
                    [word(kinds.video, "v"), word(kinds.audio, "a"), word(kinds.text, "t")].concat()
                });
                line(
                    &mut out,
                    format_args!(
                        "  {} {} {:?} {:?} content={content} group={} {}",
                        representation.id,
                        representation.bandwidth,
                        representation.codecs,
                        representation.format,
                        representation.audio_group.as_deref().unwrap_or("-"),
                        representation.width.map_or(0, u32::from),
                    ),
                );
                for protection in &representation.protection {
                    line(&mut out, format_args!("   protected {} {:?}", protection.scheme_id, protection.key_ids));
                }
                match &representation.index {
                    SegmentIndex::External(source) => {
                        line(&mut out, format_args!("   {:?} {}", source.format, resource(&source.resource)));
                    }
                    SegmentIndex::Known(list) => segments(&mut out, list),
                }
            }
        }
    }
    for warning in &parsed.warnings {
        line(&mut out, format_args!("warning {}: {}", warning.line.unwrap_or(0), warning.message));
    }
    out
}

fn dump_index(parsed: &ParsedIndex) -> String {
    let mut out = String::new();
    segments(&mut out, &parsed.segments);
    for warning in &parsed.warnings {
        line(&mut out, format_args!("warning {}: {}", warning.line.unwrap_or(0), warning.message));
    }
    out
}

/// The first four segments and the last one.
fn segments(out: &mut String, list: &SegmentList) {
    let last = list.len().checked_sub(1);
    let shown = (0..list.len().min(4)).chain(last.filter(|last| *last >= 4));
    if let Some(init) = list.get(0).and_then(|first| first.init) {
        line(out, format_args!("   init {}", resource(&init)));
    }
    for (index, segment) in shown.filter_map(|index| Some((index, list.get(index)?))) {
        line(out, format_args!("   {}", describe(index, &segment)));
    }
}

fn describe(index: u64, segment: &SegmentRef) -> String {
    let mut out = format!(
        "{} {:?}+{:?} {:?} {}",
        index,
        segment.start,
        segment.duration,
        segment.mapping,
        resource(&segment.resource)
    );
    if segment.gap {
        out.push_str(" gap");
    }
    for key in segment.encryption.iter().flat_map(|encryption| encryption.media.iter()) {
        out.push_str(&format!(" {:?} {}", key.method, key.system.name()));
    }
    out
}

fn resource(resource: &Resource) -> String {
    let mut out = resource.urls.iter().map(Url::as_str).collect::<Vec<_>>().join(" | ");
    if let Some(range) = resource.range {
        out.push_str(&format!(
            " @{}+{}",
            range.offset,
            range.length.map_or("".to_owned(), |length| length.to_string())
        ));
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String never fails");
    out.push('\n');
}
