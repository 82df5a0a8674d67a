//! Multivariant playlists (RFC 8216bis §4.4.6), line by line.

use std::collections::HashSet;

use kinora_kit::filter::{ManifestFilter, VideoTraits, is_audio};

use super::{FilterError, MAX_ENTRIES};

/// Attributes that name a group of renditions, and the type of its renditions.
const GROUPS: [&str; 4] = ["AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"];

/// A tag with the lines that belong to it.
struct Entry<'t> {
    lines: &'t str,
    attributes: Option<(Kind, Vec<(&'t str, &'t str)>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Variant,
    IFrames,
    Rendition,
}

pub(super) fn apply(text: &str, filter: &ManifestFilter) -> Result<String, FilterError> {
    if !text.starts_with("#EXTM3U") {
        return Err(FilterError::Unreadable);
    }
    let entries = entries(text)?;
    let is_left = |entry: &Entry<'_>| match &entry.attributes {
        Some((Kind::Variant | Kind::IFrames, attributes)) => is_allowed(attributes, filter),
        _ => true,
    };
    let variants = || entries.iter().filter(|entry| entry.is(Kind::Variant));
    if variants().next().is_none() {
        return Err(FilterError::Unreadable);
    }
    let groups = |left: bool| -> HashSet<(&str, &str)> {
        variants().filter(|variant| is_left(variant) == left).flat_map(Entry::groups).collect()
    };
    let (used, unused) = (groups(true), groups(false));
    if !variants().any(is_left) {
        return Err(FilterError::NothingLeft);
    }
    let is_wanted = |entry: &&Entry<'_>| match &entry.attributes {
        Some((Kind::Rendition, attributes)) => {
            let group = (value(attributes, "TYPE").unwrap_or(""), value(attributes, "GROUP-ID").unwrap_or(""));
            used.contains(&group) || !unused.contains(&group)
        }
        _ => is_left(entry),
    };
    Ok(entries.iter().filter(is_wanted).map(|entry| entry.lines).collect())
}

impl<'t> Entry<'t> {
    fn is(&self, kind: Kind) -> bool {
        self.attributes.as_ref().is_some_and(|(own, _)| *own == kind)
    }

    /// Groups of renditions that a variant names.
    fn groups(&self) -> Vec<(&'static str, &'t str)> {
        let attributes = self.attributes.as_ref().map_or(&[][..], |(_, attributes)| attributes);
        GROUPS.into_iter().filter_map(|kind| Some((kind, value(attributes, kind)?))).collect()
    }
}

/// Divides a playlist into tags. A variant extends to the line of its address.
fn entries(text: &str) -> Result<Vec<Entry<'_>>, FilterError> {
    let (mut entries, mut counted, mut at) = (Vec::new(), 0, 0);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut n = 0;
    while n < lines.len() {
        let begin = at;
        let line = lines[n].trim();
        let tag = |name: &str| line.strip_prefix(name).map(attributes);
        let attributes = None
            .or_else(|| tag("#EXT-X-STREAM-INF:").map(|list| (Kind::Variant, list)))
            .or_else(|| tag("#EXT-X-I-FRAME-STREAM-INF:").map(|list| (Kind::IFrames, list)))
            .or_else(|| tag("#EXT-X-MEDIA:").map(|list| (Kind::Rendition, list)));
        counted += usize::from(attributes.is_some());
        if counted > MAX_ENTRIES {
            return Err(FilterError::TooLarge);
        }
        at += lines[n].len();
        n += 1;
        if matches!(attributes, Some((Kind::Variant, _))) {
            loop {
                let line = lines.get(n).ok_or(FilterError::Unreadable)?;
                if line.starts_with("#EXT") {
                    return Err(FilterError::Unreadable);
                }
                at += line.len();
                n += 1;
                if !line.trim().is_empty() && !line.starts_with('#') {
                    break;
                }
            }
        }
        entries.push(Entry { lines: &text[begin..at], attributes });
    }
    Ok(entries)
}

/// Reads an attribute list (§4.2); values without their quotes.
fn attributes(list: &str) -> Vec<(&str, &str)> {
    let (mut found, mut rest) = (Vec::new(), list);
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((value, after)) => (value, after),
                None => break,
            },
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        found.push((name.trim(), value.trim()));
        rest = after.trim_start().strip_prefix(',').unwrap_or("");
    }
    found
}

fn value<'t>(attributes: &[(&'t str, &'t str)], name: &str) -> Option<&'t str> {
    attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
}

fn is_allowed(attributes: &[(&str, &str)], filter: &ManifestFilter) -> bool {
    let codecs: Vec<&str> = value(attributes, "CODECS").unwrap_or("").split(',').map(str::trim).collect();
    let height = value(attributes, "RESOLUTION").and_then(|size| size.split_once('x')?.1.parse().ok());
    let bandwidth = value(attributes, "BANDWIDTH").and_then(|text| text.parse().ok());
    let video = codecs.iter().copied().find(|codec| !is_audio(codec));
    filter.allows_video(VideoTraits { height, bandwidth, codec: video })
        && codecs.into_iter().all(|codec| filter.allows_codec(codec))
}
