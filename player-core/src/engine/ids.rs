//! Names of what a manifest lists, as small integers that survive a reload: keys of periods, adaptation sets,
//! representations and segments, the interner that gives them out, and the presentation with its keys.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::ops::Deref;
use std::time::Duration;

use crate::model::{
    AdaptationSet, LiveDescription, MediaKind, Period, PlaylistGrowth, Presentation, PresentationKind, Representation,
    SegmentId, SegmentIndex, SegmentList, SegmentRef,
};
use crate::time::{MediaTime, Now, WallClock, WallClockMapping};

/// Things of one kind, no longer listed where they were, that are recognised if they come back.
pub(super) const MOST_GONE: usize = 64;

/// Names an item that was loaded, in the order of loading. Periods, sets and representations of two items may have equal
/// keys, so what holds media of several items goes by this too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ItemId(u32);

impl ItemId {
    /// Returns the name of the item that is loaded after this one.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Names a period of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeriodKey(u32);

impl PeriodKey {
    /// The first period of the first manifest of an item.
    pub(super) const FIRST: Self = Self(0);
}

/// Names an adaptation set of an item; sets of different periods have different keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SetKey(u32);

/// Names a representation of an item. Keys are ordered by first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RepKey {
    /// Period that lists the representation.
    pub period: PeriodKey,
    /// Adaptation set that lists it.
    pub set: SetKey,
    number: u32,
}

impl RepKey {
    /// Returns a key that names no representation, for what belongs to a period only.
    pub(super) const fn none(period: PeriodKey) -> Self {
        Self { period, set: SetKey(u32::MAX), number: u32::MAX }
    }
}

/// Names a stream of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum StreamId {
    /// Pictures, with or without sound in the same files.
    Main,
    /// Audio in separate files.
    Audio,
    /// Subtitles in separate files.
    Text,
}

impl StreamId {
    /// All streams that a session may have, in their order.
    pub(super) const ALL: [Self; 3] = [Self::Main, Self::Audio, Self::Text];
    /// Streams whose samples are buffered and handed to decoders.
    pub(super) const MEDIA: [Self; 2] = [Self::Main, Self::Audio];

    /// Returns the kind of adaptation set that the stream follows.
    pub(super) const fn kind(self) -> MediaKind {
        match self {
            Self::Main => MediaKind::Video,
            Self::Audio => MediaKind::Audio,
            Self::Text => MediaKind::Text,
        }
    }

    /// Returns the stream that follows adaptation sets of a kind.
    pub(super) const fn of(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Video => Self::Main,
            MediaKind::Audio => Self::Audio,
            MediaKind::Text => Self::Text,
        }
    }
}

/// Names a segment of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SegmentKey {
    /// Representation that lists the segment.
    pub rep: RepKey,
    /// Its media sequence number, or its time.
    pub id: SegmentId,
}

impl SegmentKey {
    /// Returns the key of a segment of a representation.
    pub(super) const fn of(rep: RepKey, segment: &SegmentRef) -> Self {
        Self { rep, id: segment.id }
    }
}

/// Names the segment that a part belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartOf {
    /// Representation of the segment.
    pub rep: RepKey,
    /// Its name in that; `None` for a span that belongs to no segment.
    pub segment: Option<SegmentId>,
    /// Name of the segment in front of it.
    pub previous: Option<SegmentId>,
    /// Reason of the adaptive rule for the representation.
    pub reason: abr::Reason,
}

impl PartOf {
    /// Returns what a part of a segment belongs to.
    pub(super) const fn new(rep: RepKey, segment: &SegmentRef, reason: abr::Reason) -> Self {
        Self { rep, segment: Some(segment.id), previous: segment.previous, reason }
    }

    /// Returns what a span of a period belongs to that has no segment.
    pub(super) const fn nothing(period: PeriodKey) -> Self {
        Self { rep: RepKey::none(period), segment: None, previous: None, reason: abr::Reason::Only }
    }

    /// Returns true if both are of the same segment.
    pub(super) fn is_same(self, other: Self) -> bool {
        (self.rep, self.segment) == (other.rep, other.segment)
    }

    /// Returns the segment, if it belongs to one.
    pub(super) fn key(self) -> Option<SegmentKey> {
        self.segment.map(|id| SegmentKey { rep: self.rep, id })
    }
}

#[cfg(test)]
impl PartOf {
    /// A part of a segment of a representation in the first set.
    pub(super) const fn for_tests(rep: u32, number: u64) -> Self {
        let previous = match number.checked_sub(1) {
            Some(before) => Some(SegmentId::Sequence(before)),
            None => None,
        };
        let rep = RepKey::for_tests(0, 0, rep);
        Self { rep, segment: Some(SegmentId::Sequence(number)), previous, reason: abr::Reason::Only }
    }
}

/// Something that a manifest calls by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    /// Name in the manifest, or else a fingerprint, which begins with `~`.
    name: String,
    /// Distinguishes what has the same name, as far as it differs; empty if nothing is known.
    detail: String,
}

/// A name that was seen, and what was seen in it.
#[derive(Clone, Debug)]
struct Known {
    name: Name,
    number: u32,
    /// Id that hosts know it by.
    public: String,
    /// Number of the last manifest that listed it.
    seen: u64,
    children: Vec<Self>,
}

/// Gives out keys. It lives as long as the item, so that equal names get equal keys in each of its manifests.
#[derive(Clone, Debug, Default)]
pub(super) struct Identities {
    periods: Vec<Known>,
    manifests: u64,
    next_period: u32,
    next_set: u32,
    next_rep: u32,
}

impl Identities {
    /// Gives every period, set and representation its key and the public id that it had when it first appeared.
    pub(super) fn intern(&mut self, mut presentation: Presentation) -> KeyedPresentation {
        self.manifests += 1;
        let now = self.manifests;
        let names = presentation.periods.iter().map(period_name).collect();
        let places = assign(&mut self.periods, names, now, &mut self.next_period);
        let mut keys = Vec::with_capacity(places.len());
        for (period, place) in presentation.periods.iter_mut().zip(places) {
            let Some(known) = self.periods.get_mut(place) else { continue };
            let key = PeriodKey(known.number);
            let names = period.adaptation_sets.iter().map(set_name).collect();
            let places = assign(&mut known.children, names, now, &mut self.next_set);
            let mut sets = Vec::with_capacity(places.len());
            for (set, place) in period.adaptation_sets.iter().zip(&places) {
                let Some(known) = known.children.get_mut(*place) else { continue };
                let names = set.representations.iter().map(|rep| rep_name(set.kind, rep)).collect();
                let reps = assign(&mut known.children, names, now, &mut self.next_rep);
                let number = |place: &usize| known.children.get(*place).map_or(u32::MAX, |rep| rep.number);
                let set = SetKey(known.number);
                let keys = reps.iter().map(|place| RepKey { period: key, set, number: number(place) }).collect();
                sets.push((place, reps, SetKeys { key: set, reps: keys }));
            }
            let placed: Vec<(usize, &[usize])> =
                sets.iter().map(|(place, reps, _)| (**place, reps.as_slice())).collect();
            rename(period, known, &placed);
            keys.push(PeriodKeys { key, sets: sets.into_iter().map(|(.., keys)| keys).collect() });
            for set in &mut known.children {
                forget(&mut set.children, now);
            }
            forget(&mut known.children, now);
        }
        forget(&mut self.periods, now);
        KeyedPresentation::new(presentation, keys)
    }

    /// Returns true if a period is listed, or would be recognised.
    pub(super) fn knows(&self, period: PeriodKey) -> bool {
        self.periods.iter().any(|known| known.number == period.0)
    }
}

/// Returns what a name is recognised by in one round; `None` if it takes no part in it.
type Recognise = fn(&Name) -> Option<(&str, &str)>;

/// Finds or makes the entry of each name; returns their places in `known`. The same name and detail is the same thing;
/// then the same name is; then the same detail, where the name is a fingerprint. Equals are matched in their order.
///
/// Each round goes over all names before the next, weaker one begins, so that nothing takes the entry of a thing that
/// is still listed under its exact name. A wrong match would apply the exclusions, choices and buffered media of one
/// representation to another one (`docs/adr/0017`).
fn assign(known: &mut Vec<Known>, found: Vec<Name>, now: u64, next: &mut u32) -> Vec<usize> {
    let mut places: Vec<Option<usize>> = vec![None; found.len()];
    let rounds: [Recognise; 3] = [
        |name| Some((name.name.as_str(), name.detail.as_str())),
        |name| Some((name.name.as_str(), "")),
        |name| (name.name.starts_with('~') && !name.detail.is_empty()).then_some(("~", name.detail.as_str())),
    ];
    let mut free = vec![true; known.len()];
    for round in rounds {
        let mut left: BTreeMap<(&str, &str), VecDeque<usize>> = BTreeMap::new();
        for (at, entry) in known.iter().enumerate().filter(|(at, _)| free.get(*at) == Some(&true)) {
            if let Some(key) = round(&entry.name) {
                left.entry(key).or_default().push_back(at);
            }
        }
        if left.is_empty() {
            continue;
        }
        for (name, place) in found.iter().zip(&mut places).filter(|(_, place)| place.is_none()) {
            let taken = round(name).and_then(|key| left.get_mut(&key)?.pop_front());
            if let Some(slot) = taken.and_then(|at| free.get_mut(at)) {
                (*slot, *place) = (false, taken);
            }
        }
    }
    let placed = found.into_iter().zip(places);
    placed
        .map(|(name, place)| {
            let at = place.unwrap_or(known.len());
            match known.get_mut(at) {
                Some(entry) => (entry.name, entry.seen) = (name, now),
                None => {
                    known.push(Known { name, number: *next, public: String::new(), seen: now, children: Vec::new() });
                    *next = next.saturating_add(1);
                }
            }
            at
        })
        .collect()
}

/// Forgets what has been gone for longest, beyond what is kept.
fn forget(known: &mut Vec<Known>, now: u64) {
    let mut gone: Vec<(u64, u32)> =
        known.iter().filter(|entry| entry.seen != now).map(|entry| (entry.seen, entry.number)).collect();
    if gone.len() <= MOST_GONE {
        return;
    }
    gone.sort_unstable();
    gone.truncate(gone.len() - MOST_GONE);
    let gone: BTreeSet<u32> = gone.into_iter().map(|(_, number)| number).collect();
    known.retain(|entry| !gone.contains(&entry.number));
}

/// Gives the sets and representations of a period the public ids by which they are known; new ones get one that
/// nothing else has.
fn rename(period: &mut Period, known: &mut Known, placed: &[(usize, &[usize])]) {
    let is_known = |public: &&str| !public.is_empty();
    let mut tracks: BTreeSet<String> =
        known.children.iter().map(|set| set.public.as_str()).filter(is_known).map(str::to_owned).collect();
    let reps = known.children.iter().flat_map(|set| &set.children);
    let mut ids: BTreeSet<String> = reps.map(|rep| rep.public.as_str()).filter(is_known).map(str::to_owned).collect();
    for (set, (place, reps)) in period.adaptation_sets.iter_mut().zip(placed) {
        let Some(known) = known.children.get_mut(*place) else { continue };
        adopt(&mut set.id.0, &mut known.public, &mut tracks);
        for (rep, place) in set.representations.iter_mut().zip(*reps) {
            if let Some(known) = known.children.get_mut(*place) {
                adopt(&mut rep.id, &mut known.public, &mut ids);
            }
        }
    }
}

/// Gives a thing its public id; one that is new gets a number if its id belongs to what an earlier manifest listed.
fn adopt(id: &mut String, public: &mut String, taken: &mut BTreeSet<String>) {
    if public.is_empty() {
        let mut free = id.clone();
        let mut number = 1_u32;
        while taken.contains(&free) {
            number += 1;
            free = format!("{id}-{number}");
        }
        if number > 1 {
            taken.insert(free.clone());
        }
        *public = free;
    }
    if id != public {
        id.clone_from(public);
    }
}

fn period_name(period: &Period) -> Name {
    let start = period.start.as_nanos().to_string();
    match period.is_unnamed {
        true => Name { name: start, detail: String::new() },
        false => Name { name: format!("id {}", period.id), detail: start },
    }
}

fn set_name(set: &AdaptationSet) -> Name {
    let (kind, language) = (set.kind.as_str(), set.language.as_deref().unwrap_or_default());
    let traits = || set.representations.iter().map(|rep| &rep.traits);
    let described = format!("{:?} {:?} {}", set.label, set.roles, set.forced);
    let codecs: BTreeSet<&str> =
        set.representations.iter().flat_map(|rep| &rep.codecs).map(|codec| family(codec)).collect();
    // A ladder that is written as several sets is known by the least of their names.
    let name = match traits().filter_map(|traits| traits.written_set.as_deref()).min() {
        Some(written) => format!("id {kind} {language} {written}"),
        None => format!("{kind} {language} {described}"),
    };
    Name { name, detail: format!("{codecs:?} {described}") }
}

fn family(codec: &str) -> &str {
    codec.split('.').next().unwrap_or_default()
}

fn rep_name(kind: MediaKind, rep: &Representation) -> Name {
    let traits = &rep.traits;
    let name = match (&traits.written_id, &traits.stable_id, &rep.audio_group) {
        (Some(id), ..) => format!("id {id}"),
        (None, Some(id), _) => format!("stable {id}"),
        (None, None, Some(group)) if kind == MediaKind::Audio => format!("group {group}"),
        (None, None, group) => {
            let mut print = format!("~{:?} {:?}x{:?} {:?}", rep.codecs, rep.width, rep.height, rep.frame_rate);
            let rates = (rep.bandwidth, rep.average_bandwidth, rep.channels, rep.sample_rate);
            let _infallible = write!(print, " {rates:?} {group:?} {:?} {:?}", traits.video_range, traits.name);
            print
        }
    };
    Name { name, detail: address(&rep.index) }
}

/// Path of the address without its query, which may hold a token. Of several addresses the least.
fn address(index: &SegmentIndex) -> String {
    match index {
        SegmentIndex::External(source) => {
            source.resource.urls.iter().map(url::Url::path).min().unwrap_or_default().to_owned()
        }
        SegmentIndex::Known(SegmentList::Template(template)) => template.media.clone(),
        SegmentIndex::Known(SegmentList::Explicit(_) | SegmentList::Listed(_)) => String::new(),
    }
}

/// Returns true for lists whose times count from their own beginning.
pub(super) fn is_relative(index: &SegmentIndex) -> bool {
    matches!(index, SegmentIndex::Known(list) if is_relative_list(list))
}

fn is_relative_list(list: &SegmentList) -> bool {
    matches!(list.id(0), Some(SegmentId::Sequence(_)))
}

/// Keys of a period and of what is in it, in the order of the manifest.
#[derive(Clone, Debug)]
struct PeriodKeys {
    key: PeriodKey,
    sets: Vec<SetKeys>,
}

#[derive(Clone, Debug)]
struct SetKeys {
    key: SetKey,
    reps: Vec<RepKey>,
}

/// A presentation and the keys of all that it lists: the way from a key to the model, and back.
#[derive(Clone, Debug)]
pub(super) struct KeyedPresentation {
    presentation: Presentation,
    keys: Vec<PeriodKeys>,
    /// Time from which its segments can be fetched; `None` is now, or not known.
    available_at: Option<Now>,
    /// Universal time, by which segments of a live presentation become available.
    clock: Option<WallClockMapping>,
    period_places: BTreeMap<PeriodKey, usize>,
    set_places: BTreeMap<SetKey, (usize, usize)>,
    rep_places: BTreeMap<RepKey, (usize, usize, usize)>,
}

impl Deref for KeyedPresentation {
    type Target = Presentation;
    fn deref(&self) -> &Presentation {
        &self.presentation
    }
}

impl KeyedPresentation {
    fn new(presentation: Presentation, keys: Vec<PeriodKeys>) -> Self {
        let (mut period_places, mut set_places, mut rep_places) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (period, of_period) in keys.iter().enumerate() {
            period_places.insert(of_period.key, period);
            for (set, of_set) in of_period.sets.iter().enumerate() {
                set_places.insert(of_set.key, (period, set));
                rep_places.extend(of_set.reps.iter().enumerate().map(|(rep, key)| (*key, (period, set, rep))));
            }
        }
        Self { presentation, keys, available_at: None, clock: None, period_places, set_places, rep_places }
    }

    /// Returns the period with a key, if it is listed.
    pub(super) fn period(&self, key: PeriodKey) -> Option<&Period> {
        self.presentation.periods.get(self.period_position(key)?)
    }

    /// Returns the place of a period in the manifest.
    pub(super) fn period_position(&self, key: PeriodKey) -> Option<usize> {
        self.period_places.get(&key).copied()
    }

    /// Returns the key of the period at a place in the manifest.
    pub(super) fn period_key(&self, position: usize) -> Option<PeriodKey> {
        self.keys.get(position).map(|period| period.key)
    }

    /// Returns the keys of the sets of a period, in the order of the manifest.
    pub(super) fn set_keys(&self, period: PeriodKey) -> impl Iterator<Item = SetKey> + '_ {
        let keys = self.period_position(period).and_then(|position| self.keys.get(position));
        keys.into_iter().flat_map(|period| &period.sets).map(|set| set.key)
    }

    /// Returns the set with a key, if it is listed.
    pub(super) fn set(&self, key: SetKey) -> Option<&AdaptationSet> {
        let (period, set) = *self.set_places.get(&key)?;
        self.presentation.periods.get(period)?.adaptation_sets.get(set)
    }

    /// Returns the keys of the representations of a set, in the order of the manifest.
    pub(super) fn rep_keys(&self, set: SetKey) -> &[RepKey] {
        let found = self.set_places.get(&set).and_then(|(period, set)| self.keys.get(*period)?.sets.get(*set));
        found.map_or(&[], |set| &set.reps)
    }

    /// Returns the representations of a set with their keys, in the order of the manifest.
    pub(super) fn reps_of(&self, set: SetKey) -> impl Iterator<Item = (RepKey, &Representation)> {
        let reps = self.set(set).map_or(&[][..], |set| &set.representations);
        self.rep_keys(set).iter().copied().zip(reps)
    }

    /// Returns a list by which one that is read for the first time can be placed, if segments may have been removed in
    /// front of it: of the same set, or else of another of the same kind. Variants of the same content have the same
    /// media sequence numbers.
    pub(super) fn sibling(&self, key: RepKey) -> Option<SegmentIndex> {
        let start = self.period(key.period)?.start;
        let kind = |set| self.set(set).map(|set| set.kind);
        let others = self.set_keys(key.period).filter(|set| *set != key.set && kind(*set) == kind(key.set));
        let starts_late = |index: &SegmentIndex| match index {
            SegmentIndex::Known(list) => list.start().is_some_and(|first| first > start),
            SegmentIndex::External(_) => false,
        };
        let reps = std::iter::once(key.set).chain(others).flat_map(|set| self.reps_of(set));
        let mut moved = reps
            .filter(|(rep, _)| *rep != key)
            .map(|(_, rep)| &rep.index)
            .filter(|index| is_relative(index) && starts_late(index));
        moved.next().cloned()
    }

    /// Returns the keys of all representations.
    pub(super) fn all_reps(&self) -> impl Iterator<Item = RepKey> + '_ {
        self.rep_places.keys().copied()
    }

    /// Returns the representation with a key, if it is listed.
    pub(super) fn representation(&self, key: RepKey) -> Option<&Representation> {
        let (period, set, rep) = *self.rep_places.get(&key)?;
        self.presentation.periods.get(period)?.adaptation_sets.get(set)?.representations.get(rep)
    }

    /// Returns the segments of a representation, if they are known.
    pub(super) fn known_list(&self, key: RepKey) -> Option<&SegmentList> {
        match &self.representation(key)?.index {
            SegmentIndex::Known(list) => Some(list),
            SegmentIndex::External(_) => None,
        }
    }

    /// Returns the index of a representation, to change it.
    pub(super) fn index_mut(&mut self, key: RepKey) -> Option<&mut SegmentIndex> {
        let (period, set, rep) = *self.rep_places.get(&key)?;
        let set = self.presentation.periods.get_mut(period)?.adaptation_sets.get_mut(set)?;
        set.representations.get_mut(rep).map(|rep| &mut rep.index)
    }

    /// Takes the index of a representation out of a presentation that is no longer used.
    pub(super) fn take_index(&mut self, key: RepKey) -> Option<SegmentIndex> {
        let nothing = SegmentIndex::Known(SegmentList::Explicit(Vec::new()));
        self.index_mut(key).map(|index| std::mem::replace(index, nothing))
    }

    /// Sets the wall-clock time of presentation time zero unless it is known.
    pub(super) fn learn_epoch(&mut self, epoch: Option<WallClock>) {
        self.presentation.epoch = self.presentation.epoch.or(epoch);
    }

    /// Returns when the segments can be fetched, if that is later than the start of the host's clock.
    pub(super) const fn available_at(&self) -> Option<Now> {
        self.available_at
    }

    /// Sets when the segments can be fetched, by the wall clock. Without a clock they can.
    pub(super) fn place_availability(&mut self, clock: Option<WallClockMapping>) {
        self.clock = clock;
        let from = self.presentation.available_from;
        self.available_at = clock.zip(from).map(|(clock, from)| clock.now_at(from)).filter(|at| *at > Now::ZERO);
    }
}

impl KeyedPresentation {
    /// Returns the time at which a segment of a live presentation becomes available (ISO/IEC 23009-1 §5.3.9.5.3):
    /// when it is complete, less the offset that the manifest declares. `None` if it is as soon as it is listed.
    pub(super) fn segment_available_at(&self, rep: RepKey, segment: &SegmentRef) -> Option<Now> {
        let availability = self.representation(rep)?.availability.filter(|found| found.offset != Duration::MAX)?;
        let end = self.utc_of(segment.end())?;
        let offset = i64::try_from(availability.offset.as_nanos()).unwrap_or(i64::MAX);
        Some(self.clock?.now_at(WallClock::from_unix_nanos(end.as_unix_nanos().saturating_sub(offset))))
    }

    /// Returns the universal time of a presentation time, if the manifest declares it.
    pub(super) fn utc_of(&self, time: MediaTime) -> Option<WallClock> {
        let epoch = self.presentation.epoch?;
        Some(WallClock::from_unix_nanos(epoch.as_unix_nanos().saturating_add(time.as_nanos())))
    }

    /// Returns the presentation time that is now by universal time; `None` without a clock or an epoch.
    pub(super) fn time_at(&self, now: Now) -> Option<MediaTime> {
        let (clock, epoch) = (self.clock?, self.presentation.epoch?);
        Some(MediaTime::from_nanos(clock.utc_at(now).as_unix_nanos().saturating_sub(epoch.as_unix_nanos())))
    }

    /// Returns true if segments may be added to a representation after those that are listed.
    pub(super) fn grows(&self, rep: RepKey) -> bool {
        match &self.representation(rep).map(|rep| &rep.index) {
            Some(SegmentIndex::Known(SegmentList::Listed(listing))) if listing.is_open() => true,
            Some(SegmentIndex::Known(list)) if !is_relative_list(list) => {
                self.presentation.kind == PresentationKind::Live
                    && self.period_position(rep.period).is_some_and(|at| at + 1 == self.presentation.periods.len())
            }
            _ => false,
        }
    }

    /// Ends the growth of the presentation: nothing will be added.
    pub(super) fn set_kind(&mut self, kind: PresentationKind) {
        self.presentation.kind = kind;
    }

    /// Takes what a newer manifest declares about its growth.
    pub(super) fn set_live(&mut self, live: LiveDescription) {
        self.presentation.live = Some(Box::new(live));
    }

    /// Takes the declarations of a media playlist that was loaded by itself.
    pub(super) fn take_playlist(&mut self) -> Option<Box<PlaylistGrowth>> {
        self.presentation.live.as_mut()?.playlist.take()
    }

    /// Sets the wall-clock time of presentation time zero, whatever was known.
    pub(super) const fn set_epoch(&mut self, epoch: WallClock) {
        self.presentation.epoch = Some(epoch);
    }
}

#[cfg(test)]
impl RepKey {
    /// The key of a representation in the first manifest of an item, by counts over all of it.
    pub(super) const fn for_tests(period: u32, set: u32, rep: u32) -> Self {
        Self { period: PeriodKey(period), set: SetKey(set), number: rep }
    }

    /// Counts over all of the item.
    pub(super) const fn number(self) -> u32 {
        self.number
    }
}

#[cfg(test)]
impl PeriodKey {
    /// The key of a period in the first manifest of an item.
    pub(super) const fn for_tests(number: u32) -> Self {
        Self(number)
    }
}

#[cfg(test)]
impl From<Presentation> for KeyedPresentation {
    /// As the first manifest of an item.
    fn from(presentation: Presentation) -> Self {
        Identities::default().intern(presentation)
    }
}

#[cfg(test)]
#[path = "ids_tests.rs"]
mod tests;
