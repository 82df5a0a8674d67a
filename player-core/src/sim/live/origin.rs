//! The origin of a virtual live service: its answer to each request, by the time at which the request arrives.

use std::borrow::Cow;

use bytes::Bytes;
use kinora_manifests::{Layout, ManifestError};
use url::{Url, form_urlencoded};

use super::super::film::Content;
use super::film::{LiveContainer, LiveFilm, LivePathway, LiveSteering, PartFiles, Patching};
use super::hls::SkipRequest;
use super::service::{Chunk, Rendition, Service};
use super::timeline::{Segment, nanos};
use crate::model::{ByteRange, Protocol};
use crate::time::{Now, WallClock};

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveQuery<'a> {
    /// Name of the host, by which a pathway is found.
    pub host: &'a str,
    /// Path of the address.
    pub path: &'a str,
    /// Query of the address, without the question mark; empty for none.
    pub query: &'a str,
    /// Range that is asked for.
    pub range: Option<ByteRange>,
}

impl<'a> LiveQuery<'a> {
    /// Returns the request for a path that may have a query, at a host without a name.
    pub fn of(address: &'a str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Self { host: "", path, query, range: None }
    }

    /// Returns the request for an address.
    pub fn to_url(url: &'a Url, range: Option<ByteRange>) -> Self {
        let host = url.host_str().unwrap_or_default();
        Self { host, path: url.path(), query: url.query().unwrap_or_default(), range }
    }

    /// Returns the value of a parameter.
    fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        form_urlencoded::parse(self.query.as_bytes()).find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.parameter(name)?.parse().ok()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct LiveAnswer {
    /// HTTP status; `None` if the host refuses connections.
    pub status: Option<u16>,
    /// Time at which its head leaves the origin.
    pub ready: Now,
    /// Content; `None` with a status of failure.
    pub content: Option<Content>,
    /// Places in the body at which it must wait, ascending, each with the time at which it goes on. An answer with any
    /// has no length.
    pub holds: Vec<(u64, Now)>,
    /// The `Date` header.
    pub date: Option<WallClock>,
}

/// Answer in service time: when it leaves, and what it is.
struct Reply {
    status: u16,
    ready: u64,
    content: Option<Content>,
    holds: Vec<(u64, u64)>,
}

impl Reply {
    const fn failure(status: u16, ready: u64) -> Self {
        Self { status, ready, content: None, holds: Vec::new() }
    }

    fn file(content_type: &'static str, bytes: impl Into<Bytes>, ready: u64) -> Self {
        let content = Some(Content::File { content_type, bytes: bytes.into() });
        Self { status: 200, ready, content, holds: Vec::new() }
    }
}

/// The origin of a service.
#[derive(Clone, Debug)]
pub struct LiveOrigin {
    service: Service,
    usual: LivePathway,
}

impl LiveOrigin {
    /// Opens a service.
    ///
    /// # Panics
    /// If its description contradicts itself: audio both separate and muxed, troubles within one another, or a segment, a
    /// frame or a group of pictures without duration.
    pub fn new(film: LiveFilm) -> Self {
        Self { service: Service::new(film), usual: LivePathway::new("") }
    }

    /// Returns the description.
    pub const fn film(&self) -> &LiveFilm {
        &self.service.film
    }

    /// Returns the nanoseconds since 1970 at a time of the session, by the clock of the origin.
    pub fn utc(&self, now: Now) -> i64 {
        self.service.utc(self.service.at(now))
    }

    /// Returns the nanoseconds since the service began at a time of the session.
    pub fn service_time(&self, now: Now) -> u64 {
        self.service.at(now)
    }

    /// Returns the answer to a request that arrives at a time of the session.
    ///
    /// # Panics
    /// If the description has a name or a number that its manifest cannot hold.
    pub fn answer(&self, query: &LiveQuery<'_>, now: Now) -> LiveAnswer {
        let service = &self.service;
        let pathway = service.film.pathways.iter().find(|it| it.host == query.host).unwrap_or(&self.usual);
        let dead = pathway.dies_at.filter(|(at, _)| now.as_duration() >= *at);
        let date = service.date_header(service.at(now));
        if let Some((_, status)) = dead {
            return LiveAnswer { status, ready: now, content: None, holds: Vec::new(), date: status.and(date) };
        }
        let lag = nanos(pathway.lag);
        let reply = self.reply(query, service.at(now).saturating_sub(lag), pathway);
        let at = |time: u64| service.now(time.saturating_add(lag));
        LiveAnswer {
            status: Some(reply.status),
            ready: at(reply.ready).max(now),
            content: reply.content,
            holds: reply.holds.into_iter().map(|(bytes, time)| (bytes, at(time))).collect(),
            date: service.date_header(reply.ready.saturating_add(lag)),
        }
    }

    fn reply(&self, query: &LiveQuery<'_>, time: u64, pathway: &LivePathway) -> Reply {
        let service = &self.service;
        let missing = Reply::failure(404, time);
        let Some(path) = query.path.strip_prefix("/live/") else { return missing };
        let film = &service.film;
        match path {
            "master.m3u8" if film.protocol == Protocol::Hls => {
                return playlist(service.multivariant().to_text(Layout::Compact), time);
            }
            "manifest.mpd" => return self.mpd(time),
            _ if film.dash.location.as_deref() == Some(path) => return self.mpd(time),
            "patch.mpp" => return self.patch(query, time),
            "orders.json" => return film.steering.as_ref().map_or(missing, |it| self.orders(it, time)),
            _ => {}
        }
        let mut names = path.split('/');
        let mut name = || names.next().unwrap_or_default();
        let (group, rung, file, rest) = (name(), name(), name(), name());
        if group == "time" {
            return service.time_body(rung, time).map_or(missing, |body| Reply::file("text/plain", body, time));
        }
        let Some(rendition) = service.rendition(group, rung) else { return missing };
        match file {
            "index.m3u8" if film.protocol == Protocol::Hls => self.media_playlist(query, &rendition, time, pathway),
            "init.mp4" if film.container == LiveContainer::Cmaf => {
                Reply::file("video/mp4", service.init(&rendition), time)
            }
            _ => self.media(query, &rendition, (file, rest), time),
        }
    }

    fn mpd(&self, time: u64) -> Reply {
        if self.service.film.protocol != Protocol::Dash {
            return Reply::failure(404, time);
        }
        match self.service.mpd(self.service.shown(time)) {
            Some(mpd) => manifest("application/dash+xml", mpd.to_text(Layout::Compact), time),
            None => Reply::failure(404, time),
        }
    }

    fn patch(&self, query: &LiveQuery<'_>, time: u64) -> Reply {
        let shown = self.service.shown(time);
        let Patching::Serves(ttl) = self.service.film.dash.patching else { return Reply::failure(404, time) };
        let Some(from) = query.number("from").filter(|from| *from <= shown) else { return Reply::failure(404, time) };
        if from.saturating_add(nanos(ttl)) < shown {
            return Reply::failure(410, time);
        }
        match self.service.patch(from, shown) {
            Some(patch) => manifest("application/dash-patch+xml", patch, time),
            None => Reply::failure(404, time),
        }
    }

    fn orders(&self, steering: &LiveSteering, time: u64) -> Reply {
        let age = self.service.film.age;
        let order = steering.orders.iter().rfind(|(from, _)| nanos(age + *from) <= time).or(steering.orders.first());
        let mut orders = serde_json::json!({
            "VERSION": 1,
            "TTL": steering.ttl.as_secs(),
            "PATHWAY-PRIORITY": order.map(|(_, names)| names.as_slice()).unwrap_or_default(),
        });
        if let Some(uri) = &steering.reload_uri {
            orders["RELOAD-URI"] = uri.as_str().into();
        }
        Reply::file("application/json", orders.to_string(), time)
    }

    fn media_playlist(&self, query: &LiveQuery<'_>, rendition: &Rendition, time: u64, pathway: &LivePathway) -> Reply {
        let service = &self.service;
        let asked = query.number("_HLS_msn").filter(|_| service.film.hls.blocks_reload);
        let ready = match asked {
            Some(msn) => match service.blocked_until(rendition, (msn, query.number("_HLS_part")), time, pathway) {
                Ok(ready) => ready,
                Err((status, ready)) => return Reply::failure(status, ready),
            },
            None => time,
        };
        let skip = query.parameter("_HLS_skip").and_then(|value| match value.as_ref() {
            "YES" => Some(SkipRequest::Segments),
            "v2" => Some(SkipRequest::DateRanges),
            _ => None,
        });
        let skip = match skip {
            Some(SkipRequest::DateRanges) if service.film.hls.date_range_every.is_none() => Some(SkipRequest::Segments),
            other => other,
        };
        match service.playlist(rendition, service.shown(ready), skip, pathway) {
            Some(written) => playlist(written.to_text(Layout::Compact), ready),
            None => Reply::failure(404, ready),
        }
    }

    /// Returns the answer to a request for a segment or a part.
    fn media(&self, query: &LiveQuery<'_>, rendition: &Rendition, (file, rest): (&str, &str), time: u64) -> Reply {
        let service = &self.service;
        let missing = Reply::failure(404, time);
        let found = match service.film.protocol {
            Protocol::Hls => {
                let mut names = file.split('.');
                let mut number = || names.next().and_then(|name| name.parse::<u64>().ok());
                let (ordinal, part) = (number(), number());
                ordinal.and_then(|ordinal| service.timeline.segment(ordinal)).map(|segment| (segment, part))
            }
            Protocol::Dash => {
                let number = rest.split('.').next().and_then(|name| name.parse().ok());
                number.and_then(|number| service.addressed(rendition, file, number)).map(|segment| (segment, None))
            }
        };
        let Some((segment, part)) = found else { return missing };
        let chunks = service.chunks(rendition, &segment);
        let is_whole = service.film.hls.parts == PartFiles::Whole || service.film.low_latency.is_none();
        let wanted = match (part, query.range) {
            (Some(part), None) if is_whole => usize::try_from(part).ok().map(|part| (part, part + 1)),
            (None, Some(range)) => self.chunks_in(rendition, &segment, &chunks, range),
            (None, None) => Some((0, chunks.len())),
            (Some(_), _) => None,
        };
        let Some((first, last)) = wanted.filter(|(first, last)| first < last && *last <= chunks.len()) else {
            return missing;
        };
        if service.is_gone(&segment, time) {
            return Reply::failure(service.film.troubles.too_late, time);
        }
        if chunks.iter().take(last).skip(first).any(|chunk| chunk.is_gap) {
            return missing;
        }
        self.body(rendition, &segment, &chunks, (first, last), part.is_some(), time)
    }

    /// Returns the chunks of a segment that a range of its file covers; `None` if it cuts one.
    fn chunks_in(
        &self,
        rendition: &Rendition,
        segment: &Segment,
        chunks: &[Chunk],
        range: ByteRange,
    ) -> Option<(usize, usize)> {
        let sizes = self.service.sizes(rendition, segment, chunks);
        let ends = sizes.iter().scan(0, |end, size| {
            *end += size;
            Some(*end)
        });
        let ends: Vec<u64> = ends.collect();
        let place = |offset: u64| match offset {
            0 => Some(0),
            offset => ends.iter().position(|end| *end == offset).map(|place| place + 1),
        };
        let last = match range.length {
            Some(length) => place(range.offset.checked_add(length)?)?,
            None => chunks.len(),
        };
        Some((place(range.offset)?, last))
    }

    /// Returns the answer with some chunks of a segment, which may still be under way.
    fn body(
        &self,
        rendition: &Rendition,
        segment: &Segment,
        chunks: &[Chunk],
        (first, last): (usize, usize),
        is_part: bool,
        time: u64,
    ) -> Reply {
        let (service, film) = (&self.service, &self.service.film);
        let late = nanos(film.troubles.late_files);
        let available = |place: usize| chunks.get(place).map_or(u64::MAX, |chunk| chunk.available + late);
        let (begins, complete) = (available(first), available(last - 1));
        let is_hinted = film.protocol == Protocol::Hls && film.low_latency.is_some() && film.hls.hints && {
            let before = match first.checked_sub(1) {
                Some(before) => available(before),
                None => {
                    let before = service.timeline.before(segment);
                    before.map_or(0, |before| service.completed_at(rendition, &before) + late)
                }
            };
            // A whole segment can only be read while it is written if its parts are ranges of it.
            before <= time && (is_part || film.hls.parts == PartFiles::Ranges)
        };
        let is_chunked = match film.protocol {
            Protocol::Dash => film.low_latency.is_some(),
            Protocol::Hls => is_hinted || (film.hls.parts == PartFiles::Ranges && film.low_latency.is_some()),
        };
        let due = if is_chunked { begins } else { complete };
        let holds = nanos(film.troubles.holds);
        if due > time && !is_hinted && due - time > holds {
            return Reply::failure(film.troubles.too_early, time);
        }
        let ready = due.max(time);
        let Some(content) = service.content(rendition, segment, (first, last)) else {
            return Reply::failure(404, time);
        };
        let mut waits = Vec::new();
        if let Content::Media { pieces, .. } = &content {
            for (place, (end, _)) in (first..last - 1).zip(pieces) {
                if available(place + 1) > ready {
                    waits.push((*end, available(place + 1)));
                }
            }
        }
        let is_whole = (first, last) == (0, chunks.len()) || is_part;
        Reply { status: if is_whole { 200 } else { 206 }, ready, content: Some(content), holds: waits }
    }
}

/// Returns the answer with a playlist.
fn playlist(written: Result<String, ManifestError>, ready: u64) -> Reply {
    manifest("application/vnd.apple.mpegurl", written, ready)
}

/// # Panics
/// If the manifest cannot be written: its author is a test.
fn manifest(content_type: &'static str, written: Result<String, ManifestError>, ready: u64) -> Reply {
    match written {
        Ok(text) => Reply::file(content_type, text, ready),
        Err(error) => panic!("the service cannot be described: {error}"),
    }
}
