//! Growth of a live presentation: when its manifest and its playlists were read and are due again (RFC 8216bis §6.3.4;
//! ISO/IEC 23009-1 §5.3.1.2), where its live edge is, and which times can be played.

use std::collections::BTreeMap;
use std::time::Duration;

use url::{Position, Url};

use super::Source;
use crate::engine::ids::{RepKey, SetKey};
use crate::model::{
    IndexSource, LiveDescription, ManifestUpdates, PlaylistGrowth, PresentationKind, RenditionReport, Resource,
    SegmentIndex, SegmentList,
};
use crate::time::{MediaTime, Now, TimeRange, WallClock};

/// No manifest is fetched more often than this.
const LEAST_PERIOD: Duration = Duration::from_millis(500);
/// An update that failed is asked for again after this at the latest.
const RETRY_PERIOD: Duration = Duration::from_secs(2);
/// A server that refused directives is asked without them for this long.
const PLAIN_PERIOD: Duration = Duration::from_secs(10);
/// Dates that lie further in the future than this are not those of the wall clock.
const FUTURE: i64 = 500_000_000;

/// State of a media playlist that grows.
#[derive(Clone, Debug)]
struct Playlist {
    growth: PlaylistGrowth,
    /// Time at which the request for the state that is known was sent.
    asked_at: Now,
    /// Time at which it was received.
    read_at: Now,
    /// Time at which it was last another one than before.
    changed_at: Now,
    /// It was another one than the state before it.
    has_changed: bool,
    /// The last request failed, at this time.
    failed_at: Option<Now>,
    /// The server refused directives: it is asked without them until this time.
    plain_until: Option<Now>,
    /// The last update was passed over, and not for a failure.
    is_refused: bool,
    /// The last update left out segments that are not known: the next one is a whole list.
    wants_whole: bool,
    /// Earliest time of the end of the list by its updates, as the end and the time at which that was listed.
    edge: (MediaTime, Now),
    /// End of the list as it was read last.
    end: MediaTime,
}

impl Playlist {
    /// Returns the live end of the list: what it grew to so far, carried on with time for as long as an update may take.
    fn edge(&self, now: Now) -> MediaTime {
        let (end, at) = self.edge;
        // Updates come a little late now and then: the edge does not wait for each of them.
        let slack = self.growth.part_target.map_or(self.growth.target_duration, |part| part * 2);
        (end + now.since(at)).min(self.end + slack)
    }

    fn due(&self) -> Now {
        if let Some(failed) = self.failed_at {
            let part = self.growth.part_target.filter(|_| self.is_refused);
            return failed + (part.unwrap_or(self.growth.target_duration) / 2).min(RETRY_PERIOD);
        }
        let growth = &self.growth;
        if growth.can_block_reload && self.plain_until.is_none_or(|until| self.read_at >= until) {
            return self.read_at;
        }
        let period = growth.part_target.unwrap_or(growth.target_duration);
        self.asked_at + if self.has_changed { period } else { period / 2 }
    }
}

/// State of a presentation that grows.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    playlists: BTreeMap<RepKey, Playlist>,
    /// Time at which the manifest was fetched last, and whether that succeeded.
    manifest: Option<(Now, bool)>,
    /// Time at which the manifest was read last.
    manifest_read_at: Option<Now>,
    /// Time at which the manifest last listed something else than before.
    manifest_changed_at: Option<Now>,
    /// The media announced a new manifest.
    is_update_announced: bool,
    /// Nanoseconds by which the media of a set turned out to lie after the times that follow from its segments' numbers.
    moved: BTreeMap<SetKey, i64>,
}

impl Live {
    /// Forgets the state of playlists that are listed no more.
    pub(super) fn retain(&mut self, stays: impl Fn(RepKey) -> bool) {
        self.playlists.retain(|rep, _| stays(*rep));
    }
}

impl Source {
    /// Returns true if something will be added to the presentation.
    pub(in crate::engine) fn is_live(&self) -> bool {
        self.presentation.kind == PresentationKind::Live
    }

    /// Begins a presentation that is live by its manifest, which was requested at `asked_at`. A media playlist that was
    /// loaded by itself is read again from where it was loaded.
    pub(in crate::engine) fn begin_live(&mut self, asked_at: Now, now: Now) {
        self.note_manifest_read(true, now);
        self.note_manifest_changed(now);
        let playlist = self.presentation.take_playlist();
        let rep = self.presentation.all_reps().next();
        if let (Some(growth), Some(rep)) = (playlist, rep) {
            let urls = self.locations.manifest_candidates().into_iter().map(|candidate| candidate.url).collect();
            let source = IndexSource::playlist(Resource { urls, range: None });
            if let Some(from) = self.locations.candidates(&source.resource).into_iter().next() {
                self.indexes.adopt(rep, source, &from);
            }
            self.note_playlist(rep, Some(*growth), asked_at, now);
        }
    }

    /// Returns true if the server may be asked to hold the answer to a reload. A server that failed to is asked plainly
    /// once.
    pub(in crate::engine) fn may_block(&self, rep: RepKey) -> bool {
        self.live.playlists.get(&rep).is_some_and(|playlist| {
            let is_plain = playlist.plain_until.is_some_and(|until| playlist.read_at < until);
            playlist.growth.can_block_reload && playlist.failed_at.is_none() && !is_plain
        })
    }

    /// Notes that a server refused a request with directives (RFC 8216bis §6.2.5.2, status 400): its numbers are not
    /// those of its playlist. It is asked plainly for a while.
    pub(in crate::engine) fn note_directives_refused(&mut self, rep: RepKey, now: Now) {
        if let Some(playlist) = self.live.playlists.get_mut(&rep) {
            playlist.plain_until = Some(now + PLAIN_PERIOD);
        }
    }

    /// Returns the value of `_HLS_skip` with which a playlist may be asked for; `None` if the whole list is wanted
    /// (RFC 8216bis §6.2.5.1): the state that is known must be younger than half of the skip boundary, and from the same
    /// place.
    pub(in crate::engine) fn skip_directive(&self, rep: RepKey, now: Now) -> Option<&'static str> {
        let playlist = self.live.playlists.get(&rep)?;
        let until = playlist.growth.can_skip_until?;
        let is_young = now.since(playlist.asked_at) < until / 2;
        let is_here = !self.indexes_elsewhere().contains(&rep);
        let may = is_young && is_here && !playlist.wants_whole && self.presentation.known_list(rep).is_some();
        may.then_some(if playlist.growth.can_skip_date_ranges { "v2" } else { "YES" })
    }

    /// Notes that an update was passed over: it left out what is not known (`is_misfit`), or was an older state. Returns
    /// true for the first of such updates in a row.
    pub(in crate::engine) fn note_playlist_refused(&mut self, rep: RepKey, is_misfit: bool, now: Now) -> bool {
        self.live.playlists.get_mut(&rep).is_none_or(|playlist| {
            playlist.wants_whole |= is_misfit;
            playlist.failed_at = Some(now).filter(|_| !is_misfit);
            !std::mem::replace(&mut playlist.is_refused, true)
        })
    }

    /// Returns what the manifest declares about its growth.
    pub(in crate::engine) fn live_description(&self) -> Option<&LiveDescription> {
        self.presentation.live.as_deref()
    }

    /// Returns what a playlist that grows declares.
    pub(in crate::engine) fn growth(&self, rep: RepKey) -> Option<&PlaylistGrowth> {
        self.live.playlists.get(&rep).map(|playlist| &playlist.growth)
    }

    /// Returns the representations whose playlists grow.
    pub(in crate::engine) fn growing(&self) -> impl Iterator<Item = RepKey> + '_ {
        self.live.playlists.keys().copied()
    }

    /// Notes a playlist that was read: it grows, or is complete (`growth` is `None`). `asked_at` is the time of the
    /// request. The presentation is live from the first playlist that grows until all of those in use are complete.
    pub(in crate::engine) fn note_playlist(
        &mut self,
        rep: RepKey,
        growth: Option<PlaylistGrowth>,
        asked_at: Now,
        now: Now,
    ) {
        let Some(growth) = growth else {
            self.live.playlists.remove(&rep);
            if self.live.playlists.is_empty() && self.is_live() && self.presentation.live.is_none() {
                self.presentation.set_kind(PresentationKind::OnDemand);
            }
            return;
        };
        let list = self.presentation.known_list(rep);
        let end = list.and_then(SegmentList::listed_end).unwrap_or_default();
        let dated = list.and_then(SegmentList::last_date);
        let before = self.live.playlists.get(&rep);
        let has_changed = before.is_none_or(|before| {
            (before.growth.next_sequence, before.growth.next_part) != (growth.next_sequence, growth.next_part)
        });
        let changed_at = before.map_or(now, |before| if has_changed { now } else { before.changed_at });
        let edge = match before {
            // An update that comes late moves nothing back, unless the list fell behind by more than one segment.
            Some(before) if before.edge(now) >= end && before.edge(now) <= end + growth.target_duration => {
                (before.edge(now), now)
            }
            _ => (end, now),
        };
        let playlist = Playlist {
            growth,
            asked_at,
            read_at: now,
            changed_at,
            has_changed,
            failed_at: None,
            plain_until: before.and_then(|before| before.plain_until),
            is_refused: false,
            wants_whole: false,
            edge,
            end,
        };
        self.live.playlists.insert(rep, playlist);
        self.presentation.set_kind(PresentationKind::Live);
        if let Some((start, date)) = dated {
            self.presentation
                .set_epoch(WallClock::from_unix_nanos(date.as_unix_nanos().saturating_sub(start.as_nanos())));
        }
    }

    /// Returns the latest state of a playlist that other playlists report (RFC 8216bis §4.4.5.4). Addresses are compared
    /// without their queries, which may hold tokens.
    pub(in crate::engine) fn report_for(&self, rep: RepKey) -> Option<&RenditionReport> {
        let source = self.index_source(rep)?;
        let is_same =
            |url: &Url| source.resource.urls.iter().any(|own| own[..Position::AfterPath] == url[..Position::AfterPath]);
        let others = self.live.playlists.iter().filter(|(other, _)| **other != rep);
        let newest = others.filter_map(|(_, playlist)| {
            Some((playlist.read_at, playlist.growth.reports.iter().find(|report| is_same(&report.url))?))
        });
        newest.max_by_key(|(at, _)| *at).map(|(_, report)| report)
    }

    /// Returns how the playlist of a representation is asked for that is not known yet: the state that another playlist
    /// reports, so that no cache answers with an older one.
    pub(in crate::engine) fn first_playlist_request(&self, rep: RepKey, source: &IndexSource) -> Resource {
        let mut resource = source.first_request();
        let report = self.report_for(rep).and_then(|report| Some((report.last_sequence?, report.last_part)));
        if let Some((sequence, part)) = report {
            for url in &mut resource.urls {
                let mut query = url.query_pairs_mut();
                query.append_pair("_HLS_msn", &sequence.to_string());
                if let Some(part) = part {
                    query.append_pair("_HLS_part", &part.to_string());
                }
            }
        }
        resource
    }

    /// Moves the lists of an adaptation set in time: media of `rep` was found `nanos` nanoseconds after where its list
    /// announces it, because durations are rounded. All lists of the set are moved, as their durations are rounded alike.
    /// The lists of other sets stay; their media shows its own difference. Dates go with the media.
    pub(in crate::engine) fn realign(&mut self, rep: RepKey, nanos: i64) {
        let reps: Vec<RepKey> = self.presentation.rep_keys(rep.set).to_vec();
        for key in reps {
            if let Some(SegmentIndex::Known(SegmentList::Listed(list))) = self.presentation.index_mut(key) {
                list.move_by(nanos);
            }
            if let Some(playlist) = self.live.playlists.get_mut(&key) {
                playlist.end = playlist.end.shifted(nanos);
                playlist.edge.0 = playlist.edge.0.shifted(nanos);
            }
        }
    }

    /// Notes that a playlist could not be read.
    pub(in crate::engine) fn note_playlist_failed(&mut self, rep: RepKey, now: Now) {
        if let Some(playlist) = self.live.playlists.get_mut(&rep) {
            playlist.failed_at = Some(now);
        }
    }

    /// Returns the time at which a playlist is due to be read again; `None` if it does not grow.
    pub(in crate::engine) fn playlist_due(&self, rep: RepKey) -> Option<Now> {
        self.live.playlists.get(&rep).map(Playlist::due)
    }

    /// Notes that the manifest was fetched, or could not be.
    pub(in crate::engine) fn note_manifest_read(&mut self, is_read: bool, now: Now) {
        self.live.manifest = Some((now, is_read));
        if is_read {
            self.live.manifest_read_at = Some(now);
            self.live.is_update_announced = false;
        }
    }

    /// Notes that the manifest listed something that was not listed before.
    pub(in crate::engine) const fn note_manifest_changed(&mut self, now: Now) {
        self.live.manifest_changed_at = Some(now);
    }

    /// Notes that the media announced a newer manifest.
    pub(in crate::engine) const fn announce_update(&mut self) {
        self.live.is_update_announced = true;
    }

    /// Returns the time at which the manifest is due to be fetched again. `is_awaited` is true while a stream waits for
    /// something that is not listed.
    pub(in crate::engine) fn manifest_due(&self, is_awaited: bool) -> Option<Now> {
        let (at, is_read) = self.live.manifest?;
        if !self.is_live() {
            return None;
        }
        if !is_read {
            return Some(at + RETRY_PERIOD);
        }
        let updates = self.presentation.live.as_ref()?.updates;
        if self.live.is_update_announced {
            return Some(at + LEAST_PERIOD);
        }
        match updates {
            // A manifest that promises no update and yet is live may have one.
            ManifestUpdates::Never => is_awaited.then_some(at + RETRY_PERIOD),
            ManifestUpdates::Every(period) => Some(at + period.max(LEAST_PERIOD)),
            ManifestUpdates::OnEvent => is_awaited.then_some(at + LEAST_PERIOD),
        }
    }

    /// Moves the segments of a set whose times follow from their numbers, because its media lies elsewhere: some writers
    /// number from another time than that of the media (ISO/IEC 23009-1 §5.3.9.5.3 has them equal). Returns true if they
    /// were moved.
    pub(in crate::engine) fn move_numbered(&mut self, rep: RepKey, nanos: i64) -> bool {
        let mut is_moved = false;
        for rep in self.presentation.rep_keys(rep.set).to_vec() {
            if let Some(SegmentIndex::Known(list)) = self.presentation.index_mut(rep) {
                is_moved |= list.move_rule(nanos);
            }
        }
        if is_moved {
            *self.live.moved.entry(rep.set).or_default() += nanos;
        }
        is_moved
    }

    /// Moves the segments of a newer manifest by as much as those of the one before.
    pub(super) fn move_again(&mut self) {
        for (set, nanos) in self.live.moved.clone() {
            for rep in self.presentation.rep_keys(set).to_vec() {
                if let Some(SegmentIndex::Known(list)) = self.presentation.index_mut(rep) {
                    list.move_rule(nanos);
                }
            }
        }
    }

    /// Returns for how long nothing was added to what is listed for a representation: from its last change to the last time
    /// at which it was read. Time in which nothing could be read does not count. `None` if its segments follow from a rule:
    /// nothing has to be added to them.
    pub(in crate::engine) fn silence(&self, rep: RepKey) -> Option<Duration> {
        let list = self.presentation.known_list(rep);
        if matches!(list, Some(SegmentList::Template(template)) if template.timeline.is_empty()) {
            return None;
        }
        let playlist = self.live.playlists.get(&rep).map(|playlist| playlist.read_at.since(playlist.changed_at));
        playlist.or_else(|| Some(self.live.manifest_read_at?.since(self.live.manifest_changed_at?)))
    }

    /// Returns the presentation time that is live: by the clock where segments have absolute times (DASH), else the end
    /// of the playlist of `rep`, carried on between its updates.
    pub(in crate::engine) fn live_edge(&self, rep: RepKey, now: Now) -> Option<MediaTime> {
        if let Some(playlist) = self.live.playlists.get(&rep) {
            return Some(playlist.edge(now));
        }
        if !self.is_live() {
            return None;
        }
        self.presentation.time_at(now).or_else(|| self.presentation.known_list(rep)?.end())
    }

    /// Returns the end of what can be fetched now of a representation, and of what follows it in later periods: listed,
    /// and available by the clock.
    pub(in crate::engine) fn available_end(&self, rep: RepKey, now: Now) -> Option<MediaTime> {
        let position = self.presentation.period_position(rep.period)?;
        let later = (position + 1..self.presentation.periods.len()).rev();
        let has_begun = |rep: &RepKey| {
            let begin = self.presentation.known_list(*rep).and_then(SegmentList::start);
            begin.is_some_and(|begin| self.presentation.time_at(now).is_none_or(|time| begin <= time))
        };
        let mut later = later
            .filter_map(|at| self.follower(rep, at))
            .filter(has_begun)
            .filter_map(|rep| self.available_in(rep, now));
        later.next().or_else(|| self.available_in(rep, now))
    }

    /// Returns a representation of the same kind in the period at a place, if its segments are known.
    fn follower(&self, rep: RepKey, position: usize) -> Option<RepKey> {
        let kind = self.presentation.set(rep.set)?.kind;
        let sets = self.presentation.set_keys(self.presentation.period_key(position)?);
        let mut sets = sets.filter(|set| self.presentation.set(*set).is_some_and(|set| set.kind == kind));
        let reps = self.presentation.rep_keys(sets.next()?);
        reps.iter().copied().find(|rep| self.presentation.known_list(*rep).is_some())
    }

    /// Returns the end of what can be fetched now of a representation alone.
    fn available_in(&self, rep: RepKey, now: Now) -> Option<MediaTime> {
        let list = self.presentation.known_list(rep)?;
        let listed = list.listed_end()?;
        let availability = self.presentation.representation(rep)?.availability;
        let (Some(availability), Some(time)) = (availability, self.presentation.time_at(now)) else {
            return Some(listed);
        };
        if availability.offset == Duration::MAX || listed <= time {
            return Some(listed);
        }
        let complete = time + availability.offset;
        // The last segment that is complete, or of which a part can be fetched.
        let Some(at) = list.at(complete) else {
            return Some(if availability.is_chunked { time } else { listed });
        };
        let (start, duration) = list.span(at)?;
        if availability.is_chunked {
            return Some(time.clamp(start, start + duration).min(listed));
        }
        Some(start.min(listed))
    }

    /// Returns the range of times that can be played, for the playlist or timeline of `rep`.
    pub(in crate::engine) fn live_window(&self, rep: RepKey, now: Now) -> Option<TimeRange> {
        let edge = self.live_edge(rep, now)?;
        let list = self.presentation.known_list(rep)?;
        let depth = self.presentation.live.as_ref().and_then(|live| live.window);
        let first = self.presentation.periods.first().map(|period| period.start);
        let mut start = if self.live.playlists.contains_key(&rep) { list.start() } else { first.max(list.start()) };
        // Segments of earlier periods may still be listed.
        if !self.live.playlists.contains_key(&rep) && self.presentation.periods.len() > 1 {
            start = first;
        }
        let start = start.unwrap_or_default();
        let end = self.available_end(rep, now).unwrap_or(edge);
        // Of a presentation that has stopped, the window that is listed stays.
        let is_listed = !matches!(list, SegmentList::Template(template) if template.timeline.is_empty());
        let newest = if is_listed { edge.min(end) } else { edge };
        let start = depth.map_or(start, |depth| start.max(newest - depth));
        Some(TimeRange { start: start.min(end), end })
    }

    /// Returns by how much the presentation's dates lead to a later time than the live edge has, in nanoseconds, if the
    /// dates can be those of the wall clock; `None` without dates, or if the edge would lie in the future.
    pub(in crate::engine) fn date_lead(&self, rep: RepKey, now: Now) -> Option<i64> {
        let time = self.presentation.time_at(now)?;
        let lead = time.nanos_from(self.live_edge(rep, now)?);
        (lead > -FUTURE).then_some(lead)
    }
}
