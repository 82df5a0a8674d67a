//! Locations that serve the same bytes: their order, the rewriting of addresses between them, and their exclusion after
//! failures.
//!
//! A location is the directory of one of the manifest addresses that `load` was given, moved by redirects. An address
//! below the directory of the manifest in use exists at every location under the same relative path; any other address
//! stands for itself, and its origin is what can be excluded. Addresses of a pathway that the manifest names belong to
//! it instead; which of several is used follows the orders of a steering server, or the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use url::Url;

use crate::engine::io::RangeNotice;
use crate::engine::jitter::Jitter;
use crate::manifest::PathwayClone;
use crate::model::{BaseWeight, Pathway, Resource};
use crate::time::Now;

/// Maximum time of exclusion: it doubles each time that a location fails again soon.
const LONGEST_EXCLUSION: Duration = Duration::from_secs(600);
/// More pathways, or folders of one, than this are not looked at.
const MOST_ROUTES: usize = 256;

/// Unit of exclusion: addresses that fail together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum ServiceLocation {
    /// One of the locations of the load request.
    Location(usize),
    /// Another origin that the manifest names.
    Origin(String),
    /// A pathway, by its name.
    Pathway(String),
    /// An address that the manifest names for its next state. No media is there.
    Update(usize),
}

/// An address to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Candidate {
    /// Its number among the candidates of the resource; the same each time.
    pub index: usize,
    /// Location that the address belongs to.
    pub place: ServiceLocation,
    /// Address to request.
    pub url: Url,
}

#[derive(Clone, Copy, Debug)]
struct Exclusion {
    until: Now,
    failures: u32,
}

/// The locations of a session.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Locations {
    manifests: Vec<Url>,
    /// Addresses of the next state of the manifest that the manifest names, best first.
    updates: Vec<Url>,
    directories: Vec<Url>,
    /// The location whose manifest was read: its addresses are the ones that are rewritten.
    home: usize,
    /// Asked first, until it is excluded.
    current: ServiceLocation,
    excluded: BTreeMap<ServiceLocation, Exclusion>,
    /// Places that media has been loaded from.
    media_places: BTreeSet<ServiceLocation>,
    routes: Vec<Route>,
    /// Names of pathways, best first, as ordered last.
    order: Vec<String>,
    /// Beginnings of addresses in the order in which they should be asked.
    bases: Vec<Url>,
    /// Habits of the servers that a warning has reported: an ignored range, and a partial answer without
    /// `Content-Range`.
    reported: (bool, bool),
    /// A location failed, and no media has come from its replacement yet.
    failing_over: bool,
}

/// A pathway of the manifest or of a steering server.
#[derive(Clone, Debug)]
struct Route {
    id: String,
    prefixes: Vec<Url>,
    /// It is made from another: all addresses of that one exist here too, rewritten.
    made_from: Option<PathwayClone>,
}

impl Locations {
    /// From the addresses of a load request, best first.
    pub(in crate::engine) fn new(manifests: &[Url]) -> Self {
        Self {
            manifests: manifests.to_vec(),
            updates: Vec::new(),
            directories: manifests.iter().map(directory).collect(),
            home: 0,
            current: ServiceLocation::Location(0),
            excluded: BTreeMap::new(),
            media_places: BTreeSet::new(),
            routes: Vec::new(),
            bases: Vec::new(),
            order: Vec::new(),
            reported: (false, false),
            failing_over: false,
        }
    }

    /// Returns true if a byte range that was served oddly must be reported: habits of a server once, missing bytes every
    /// time.
    pub(in crate::engine) fn is_news(&mut self, notice: RangeNotice) -> bool {
        match notice {
            RangeNotice::Ignored => !std::mem::replace(&mut self.reported.0, true),
            RangeNotice::Unlabelled => !std::mem::replace(&mut self.reported.1, true),
            RangeNotice::PastEnd { .. } => true,
        }
    }

    /// Takes the pathways of the manifest, best first; playback begins with `first`, if the manifest declares it.
    pub(in crate::engine) fn set_pathways(&mut self, pathways: &[Pathway], first: Option<&str>) {
        let route =
            |pathway: &Pathway| Route { id: pathway.id.clone(), prefixes: pathway.prefixes.clone(), made_from: None };
        self.routes = pathways.iter().map(route).collect();
        self.order = pathways.iter().map(|pathway| pathway.id.clone()).collect();
        self.order.sort_by_key(|id| Some(id.as_str()) != first);
        if let Some(first) = self.order.first() {
            self.current = ServiceLocation::Pathway(first.clone());
        }
    }

    /// Adds a pathway that is made from another. False when it is known already or its base is not.
    pub(in crate::engine) fn add_clone(&mut self, clone: &PathwayClone) -> bool {
        let known = |id: &str| self.routes.iter().any(|route| route.id == id);
        let wanted = known(&clone.base) && !known(&clone.id) && self.routes.len() < MOST_ROUTES;
        if wanted {
            self.routes.push(Route { id: clone.id.clone(), prefixes: Vec::new(), made_from: Some(clone.clone()) });
            self.order.push(clone.id.clone());
        }
        wanted
    }

    /// Addresses in the folder of `url` belong to a pathway too.
    pub(in crate::engine) fn add_prefix(&mut self, id: &str, url: &Url) {
        let folder = directory(url);
        let taken = self.routes.iter().any(|route| route.prefixes.contains(&folder));
        let route = self.routes.iter_mut().find(|route| route.id == id);
        if let Some(route) = route.filter(|route| !taken && route.prefixes.len() < MOST_ROUTES) {
            route.prefixes.push(folder);
        }
    }

    /// Adds the address that a candidate redirects to to the same pathway.
    pub(in crate::engine) fn redirected(&mut self, from: &Candidate, url: &Url) {
        if let ServiceLocation::Pathway(id) = &from.place
            && from.url != *url
            && self.route_of(url).is_none()
        {
            self.add_prefix(id, url);
        }
    }

    /// Takes the orders of a steering server: of the pathways that it names the first that is known and not excluded
    /// is used from now on. True when that is another one than before.
    pub(in crate::engine) fn prefer(&mut self, priority: &[String], now: Now) -> bool {
        let rank = |id: &String| priority.iter().position(|wanted| wanted == id).unwrap_or(priority.len());
        self.order.sort_by_key(rank);
        let known = |id: &&String| self.routes.iter().any(|route| route.id == **id);
        let usable = |id: &&String| !self.is_excluded(&ServiceLocation::Pathway((*id).clone()), now);
        let Some(best) = priority.iter().filter(known).find(usable) else { return false };
        let best = ServiceLocation::Pathway(best.clone());
        let other = self.current != best;
        self.current = best;
        other
    }

    /// The place that is asked first.
    pub(in crate::engine) const fn current(&self) -> &ServiceLocation {
        &self.current
    }

    /// The pathway in use.
    pub(in crate::engine) fn pathway(&self) -> Option<&str> {
        match &self.current {
            ServiceLocation::Pathway(id) => Some(id),
            ServiceLocation::Location(_) | ServiceLocation::Origin(_) | ServiceLocation::Update(_) => None,
        }
    }

    /// The pathway of an address.
    fn route_of(&self, url: &Url) -> Option<&Route> {
        let length = |route: &Route| {
            let own = route.prefixes.iter().filter(|prefix| url.as_str().starts_with(prefix.as_str()));
            own.map(|prefix| prefix.as_str().len()).max()
        };
        let owners = self.routes.iter().filter_map(|route| Some((length(route)?, route)));
        owners.max_by_key(|(length, _)| *length).map(|(_, route)| route)
    }

    /// An address of a pathway as those of the pathways that are made from it, and from them.
    fn rewritten(&self, id: &str, url: &Url) -> Vec<(ServiceLocation, Url)> {
        let mut found = vec![(id.to_owned(), url.clone())];
        let mut at = 0;
        while let Some((base, from)) = found.get(at).cloned() {
            at += 1;
            for route in &self.routes {
                let clone = route.made_from.as_ref().filter(|clone| clone.base == base);
                let fresh = found.iter().all(|(known, _)| *known != route.id);
                if let Some(moved) = clone.filter(|_| fresh).and_then(|clone| clone.rewrite(&from)) {
                    found.push((route.id.clone(), moved));
                }
            }
        }
        found.into_iter().map(|(id, url)| (ServiceLocation::Pathway(id), url)).collect()
    }

    /// Notes that the manifest was read from `location`, at `url` after redirects.
    pub(in crate::engine) fn manifest_came_from(&mut self, location: &ServiceLocation, url: &Url) {
        if let ServiceLocation::Location(index) = location
            && let Some(slot) = self.directories.get_mut(*index)
        {
            *slot = directory(url);
            self.home = *index;
            // A pathway that is in use stays: the manifest was read again.
            if self.pathway().is_none() {
                self.current = location.clone();
            }
        }
    }

    /// Takes the pathways of a manifest that was read again. Those that a steering server made stay, as do their order
    /// and the one in use, if it is still listed.
    pub(in crate::engine) fn renew_pathways(&mut self, pathways: &[Pathway]) {
        let before = std::mem::take(&mut self.routes);
        let learned = |id: &str| before.iter().find(|route| route.id == id).map_or(&[][..], |route| &route.prefixes);
        self.routes = pathways
            .iter()
            .map(|pathway| {
                let mut prefixes = pathway.prefixes.clone();
                let more = learned(&pathway.id).iter().filter(|prefix| !pathway.prefixes.contains(prefix));
                prefixes.extend(more.cloned());
                prefixes.truncate(MOST_ROUTES);
                Route { id: pathway.id.clone(), prefixes, made_from: None }
            })
            .collect();
        let is_new = |route: &Route| route.made_from.is_some() && pathways.iter().all(|pathway| pathway.id != route.id);
        self.routes.extend(before.iter().filter(|route| is_new(route)).cloned());
        let Self { routes, order, .. } = self;
        order.retain(|id| routes.iter().any(|route| route.id == *id));
        let added: Vec<String> = routes.iter().map(|route| route.id.clone()).filter(|id| !order.contains(id)).collect();
        order.extend(added);
        if self.pathway().is_none_or(|id| !self.order.iter().any(|known| known == id)) {
            self.current = self
                .order
                .first()
                .map_or(ServiceLocation::Location(self.home), |id| ServiceLocation::Pathway(id.clone()));
        }
    }

    /// Orders the places by the manifest's priorities, lower ones first, and those of equal priority by a random choice
    /// according to weight (DVB A168 §10.8.2.1). The order stays for the whole session, and is the same for equal
    /// seeds.
    pub(in crate::engine) fn weigh(&mut self, weights: &[BaseWeight], jitter: &mut Jitter) {
        let mut left: Vec<&BaseWeight> = weights.iter().collect();
        left.sort_by_key(|service| service.priority);
        self.bases.clear();
        while let Some(first) = left.first() {
            let equals = left.iter().take_while(|service| service.priority == first.priority).count();
            let shares = || left.iter().take(equals).map(|service| u64::from(service.weight));
            let total: u64 = shares().sum();
            let mut drawn = if equals > 1 { total.saturating_mul(jitter.draw()) >> 16 } else { 0 };
            let mut chosen = 0;
            for (at, weight) in shares().enumerate() {
                chosen = at;
                match drawn.checked_sub(weight) {
                    Some(exclusion) => drawn = exclusion,
                    None => break,
                }
            }
            self.bases.push(directory(&left.remove(chosen).base));
        }
    }

    /// Returns the rank of an address in that order; addresses of no declared place come first.
    fn rank(&self, url: &Url) -> usize {
        let begins = |(_, base): &(usize, &Url)| url.as_str().starts_with(base.as_str());
        let longest = self.bases.iter().enumerate().filter(begins).max_by_key(|(_, base)| base.as_str().len());
        longest.map_or(0, |(at, _)| at + 1)
    }

    /// The candidates for the manifest.
    pub(in crate::engine) fn manifest_candidates(&self) -> Vec<Candidate> {
        let named = self.updates.iter().enumerate().map(|(at, url)| (ServiceLocation::Update(at), url));
        let loaded = self.manifests.iter().enumerate().map(|(at, url)| (ServiceLocation::Location(at), url));
        let all = named.chain(loaded).enumerate();
        all.map(|(index, (place, url))| Candidate { index, place, url: url.clone() }).collect()
    }

    /// Takes the addresses that the manifest names for its next state, best first. Those of the load are asked after
    /// them.
    pub(in crate::engine) fn set_updates(&mut self, urls: Vec<Url>) {
        self.updates = urls;
        self.updates.retain(|url| !self.manifests.contains(url));
    }

    /// Returns the candidates for a resource, which is the manifest itself if `is_manifest`.
    pub(in crate::engine) fn candidates_of(&self, is_manifest: bool, resource: &Resource) -> Vec<Candidate> {
        if is_manifest { self.manifest_candidates() } else { self.candidates(resource) }
    }

    /// Returns the candidates for anything but the manifest, in the order of the manifest and then of the locations.
    ///
    /// An address of a pathway exists in each pathway that was made from it (RFC 8216bis §7.3). An address below the
    /// folder of the manifest in use exists under the same relative path at every location of the load. Any other
    /// address stands for itself, under its origin. An address to which two rules lead is listed once: as two
    /// candidates it would be asked twice after it failed. A candidate's number depends on the resource and on what is
    /// known of locations only, because a job notes by number which candidates it has tried.
    pub(in crate::engine) fn candidates(&self, resource: &Resource) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut add = |place: ServiceLocation, url: Url| {
            if found.iter().all(|known| known.url != url) {
                found.push(Candidate { index: found.len(), place, url });
            }
        };
        let mut urls: Vec<&Url> = resource.urls.iter().collect();
        if !self.bases.is_empty() {
            urls.sort_by_key(|url| self.rank(url));
        }
        for url in urls {
            let route = self.route_of(url);
            if let Some(route) = route {
                for (place, url) in self.rewritten(&route.id, url) {
                    add(place, url);
                }
            }
            let relative = self.directories.get(self.home).and_then(|home| url.as_str().strip_prefix(home.as_str()));
            match relative {
                Some(relative) => {
                    if route.is_none() {
                        add(ServiceLocation::Location(self.home), url.clone());
                    }
                    for (index, directory) in self.directories.iter().enumerate().filter(|(at, _)| *at != self.home) {
                        if let Ok(moved) = Url::parse(&format!("{directory}{relative}")) {
                            add(ServiceLocation::Location(index), moved);
                        }
                    }
                }
                None if route.is_some() => {}
                None => add(ServiceLocation::Origin(url.origin().ascii_serialization()), url.clone()),
            }
        }
        found
    }

    /// Returns the best candidate that was not tried yet: one that is not excluded, of the current place if possible.
    /// If every place is excluded, it is the one whose exclusion ends first.
    pub(in crate::engine) fn pick(&self, candidates: &[Candidate], tried: &[usize], now: Now) -> Option<Candidate> {
        let untried = candidates.iter().filter(|candidate| !tried.contains(&candidate.index));
        let best = untried.min_by_key(|candidate| {
            let exclusion = self.excluded_until(&candidate.place, now);
            let is_named = matches!(candidate.place, ServiceLocation::Update(_));
            let elsewhere = candidate.place != self.current && !is_named;
            let order = match &candidate.place {
                ServiceLocation::Location(index) => *index,
                ServiceLocation::Origin(_) | ServiceLocation::Update(_) => 0,
                ServiceLocation::Pathway(id) => {
                    self.order.iter().position(|known| known == id).unwrap_or(self.order.len())
                }
            };
            (exclusion, elsewhere, order, candidate.index)
        });
        best.cloned()
    }

    /// Returns the number of candidates that are neither tried nor excluded, except those of `except`.
    pub(in crate::engine) fn left(
        &self,
        candidates: &[Candidate],
        tried: &[usize],
        except: &ServiceLocation,
        now: Now,
    ) -> usize {
        let usable = |candidate: &&Candidate| {
            candidate.place != *except
                && !tried.contains(&candidate.index)
                && self.excluded_until(&candidate.place, now).is_none()
        };
        candidates.iter().filter(usable).count()
    }

    /// Returns true while a place is excluded.
    pub(in crate::engine) fn is_excluded(&self, place: &ServiceLocation, now: Now) -> bool {
        self.excluded_until(place, now).is_some()
    }

    /// Excludes a place, each time for longer if it fails again soon. Returns false if it was excluded already.
    pub(in crate::engine) fn exclude(&mut self, place: &ServiceLocation, span: Duration, now: Now) -> bool {
        if span.is_zero() || self.is_excluded(place, now) {
            return false;
        }
        let exclusion = self.excluded.entry(place.clone()).or_insert(Exclusion { until: now, failures: 0 });
        let span = span.saturating_mul(1 << exclusion.failures.min(6)).min(LONGEST_EXCLUSION.max(span));
        exclusion.until = now + span;
        exclusion.failures += 1;
        self.failing_over = true;
        true
    }

    /// Returns true if a location failed and no media has come from its replacement yet.
    pub(in crate::engine) const fn is_failing_over(&self) -> bool {
        self.failing_over
    }

    /// Notes that media has arrived whole: a failover, if there was one, is over.
    pub(in crate::engine) const fn end_failover(&mut self) {
        self.failing_over = false;
    }

    /// Notes that a place has answered. Its failures are forgotten, and it is asked first from now on if the current
    /// place is excluded. A single file that had to be fetched elsewhere changes nothing.
    pub(in crate::engine) fn served(&mut self, place: &ServiceLocation, now: Now) {
        // What no pathway has (a key, say) does not move one that uses pathways.
        let alike = self.routes.is_empty() || matches!(place, ServiceLocation::Pathway(_));
        let alike = alike && !matches!(place, ServiceLocation::Update(_));
        if alike && self.current != *place && self.is_excluded(&self.current, now) {
            self.current = place.clone();
        }
        if !self.excluded.is_empty() {
            self.excluded.remove(place);
        }
    }

    /// Records that media has been loaded from a place.
    pub(in crate::engine) fn record_media(&mut self, place: &ServiceLocation) {
        if !self.media_places.contains(place) {
            self.media_places.insert(place.clone());
        }
    }

    /// Returns true if media has been loaded from a place in this session.
    pub(in crate::engine) fn has_loaded_media(&self, place: &ServiceLocation) -> bool {
        self.media_places.contains(place)
    }

    /// Scheme, host and port of a place, or the name of a pathway, for reports.
    pub(in crate::engine) fn label(&self, place: &ServiceLocation) -> String {
        match place {
            ServiceLocation::Location(index) => {
                self.directories.get(*index).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
            }
            ServiceLocation::Origin(origin) => origin.clone(),
            ServiceLocation::Update(index) => {
                self.updates.get(*index).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
            }
            // An invented name is of less use than the origin that it leads to.
            ServiceLocation::Pathway(id) if id.starts_with('.') => {
                let prefix = self.routes.iter().find(|route| route.id == *id).and_then(|route| route.prefixes.first());
                prefix.map_or_else(|| id.clone(), |prefix| prefix.origin().ascii_serialization())
            }
            ServiceLocation::Pathway(id) => id.clone(),
        }
    }

    fn excluded_until(&self, place: &ServiceLocation, now: Now) -> Option<Now> {
        self.excluded.get(place).map(|exclusion| exclusion.until).filter(|until| *until > now)
    }
}

/// The address up to its last slash, without query and fragment.
fn directory(url: &Url) -> Url {
    let mut directory = url.clone();
    directory.set_query(None);
    directory.set_fragment(None);
    let kept = directory.path().rfind('/').map_or(0, |slash| slash + 1);
    let path = directory.path().get(..kept).unwrap_or("/").to_owned();
    directory.set_path(&path);
    directory
}

#[cfg(test)]
#[path = "location_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "location_exclusion_tests.rs"]
mod exclusion_tests;
