//! The service of playback: permission to play, heartbeats, the end, and where viewers left off.
//!
//! * [`domain`] — rules, pure; [`store`] — its tables; [`client`] — what other services ask of it; [`http`] — its routes;
//! * `viewing` — what a heartbeat says of the viewer, for the event log;
//! * `limits` — representations that a device can play; [`edges`] — the edges that grants name, and which of them answer.

#![warn(missing_docs)]

pub mod client;
pub mod domain;
pub mod edges;
pub mod http;
mod limits;
pub mod store;
mod viewing;

use std::sync::Arc;

use axum::Router;
use kinora_api::events::Rating;
use kinora_api::internal::{Accounts, Catalogue, PlayableTitle, Viewer};
use kinora_api::{
    Capabilities, ErrorCode, Heartbeat, HeartbeatReply, ListedTitle, MyList, NowPlayingList, PlaybackGrant,
    PlaybackPhase, PlaybackRequest, PlaybackSource, Profile, ProfileId, Protocol, PutPosition, ResumePosition,
    TakeOver, paths,
};
use kinora_kit::address::version_name;
use kinora_kit::clock::{Clock, LogicalClock};
use kinora_kit::filter::ManifestFilter;
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::probe::Probe;
use kinora_kit::http::problem::Problem;
use kinora_kit::metrics::Metrics;
use kinora_kit::signature::{EdgeSecret, sign, signed_path};
use kinora_store::{Location, Store, StoreError};
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

pub use domain::Terms;
use domain::{Position, millis};
use edges::Edges;
use store::sessions::{self, Beat, Entry, Session};
use store::{my_list, now, positions, ratings};

/// Titles of a list in one answer.
const LIST_PAGE: usize = 50;

/// Settings of the service.
pub struct Config {
    /// For everything that expires.
    pub clock: Clock,
    /// Signs the addresses of media.
    pub secret: EdgeSecret,
    /// How playbacks are granted.
    pub terms: Terms,
    /// Base URLs of the edges.
    pub edges: Vec<Url>,
    /// Counters.
    pub metrics: Metrics,
}

/// Other services and settings that it needs.
pub struct Deps {
    /// Knows who asks.
    pub accounts: Arc<dyn Accounts>,
    /// Knows the titles.
    pub catalogue: Arc<dyn Catalogue>,
    /// Bounds of a request's body.
    pub body: BodyLimits,
}

/// Reason why the service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store is there and its rows cannot be read.
    #[error("the database cannot be read: {0}")]
    Unreadable(String),
}

/// The playbacks and positions.
pub struct Playback {
    store: Store,
    clock: Clock,
    /// Order of the positions that are written.
    order: LogicalClock,
    secret: EdgeSecret,
    terms: Terms,
    edges: Arc<Edges>,
    metrics: Metrics,
}

/// Returns the router of the service and starts what it does by itself, which ends with the router.
pub fn service(playback: Arc<Playback>, deps: Deps) -> Router {
    http::router(playback, deps)
}

impl Playback {
    /// Opens the store of the playbacks and watches the edges. The writer ends when the last user of the store is gone.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn open(config: Config, location: &Location) -> Result<(Self, JoinHandle<()>), OpenError> {
        let (store, writer) = kinora_store::open(location, &store::SCHEMA).await?;
        let unreadable = |problem: Problem| OpenError::Unreadable(problem.error().to_string());
        let listed = my_list::latest_order(store.reads()).await.map_err(unreadable)?;
        let latest = positions::latest_order(store.reads()).await.map_err(unreadable)?.max(listed);
        let edges = Arc::new(Edges::new(&config.edges));
        match Probe::new() {
            Ok(probe) => drop(tokio::spawn(edges::watch(Arc::clone(&edges), probe))),
            Err(error) => tracing::error!(%error, "the edges cannot be watched"),
        }
        let Config { clock, secret, terms, metrics, .. } = config;
        let order = LogicalClock::resume(clock.clone(), latest);
        Ok((Self { store, clock, order, secret, terms, edges, metrics }, writer))
    }

    /// The store, to be asked whether it can write.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Replaces the list of edges; grants from now on name the new ones.
    pub fn set_edges(&self, edges: &[Url]) {
        self.edges.set(edges);
    }

    /// What edges show to be let in is checked against this.
    pub fn secret(&self) -> &EdgeSecret {
        &self.secret
    }

    /// Grants permission to play a title.
    ///
    /// # Errors
    /// 7003 when the sign-in was revoked, 7005 when the account plays on as many devices as it may, 7013 when no wanted protocol
    /// is there, 7018 without edges, 7030 when the device plays no representation of the title.
    pub async fn grant(
        &self,
        who: &Viewer,
        profile: &Profile,
        title: &PlayableTitle,
        request: &PlaybackRequest,
    ) -> Result<PlaybackGrant, Problem> {
        let now_ms = self.clock.now_ms();
        let session = self.new_session(profile, title, request.capabilities.as_ref(), now_ms)?;
        let entry = match (&request.stop, request.ahead) {
            (_, true) => Entry::Ahead,
            (Some(other), false) => Entry::InPlaceOf(other.as_str().to_owned()),
            (None, false) => Entry::Now,
        };
        // Before the session exists, so that a request that cannot be granted takes no place.
        let grant = self.write_grant(&session, title, &request.protocols, now_ms).await?;
        sessions::begin(&self.store, who, session, (&self.terms, entry), now_ms).await?;
        self.metrics.count("kinora_playback_grants_total");
        Ok(grant)
    }

    fn new_session(
        &self,
        profile: &Profile,
        title: &PlayableTitle,
        capabilities: Option<&Capabilities>,
        now_ms: i64,
    ) -> Result<Session, Problem> {
        let filter = capabilities.map_or_else(|| Ok(String::new()), |own| limits::filter(own, &title.offer))?;
        Ok(Session {
            id: Uuid::now_v7().simple().to_string(),
            profile: profile.id.as_str().to_owned(),
            title: title.id.as_str().to_owned(),
            title_name: title.name.clone(),
            version: title.version,
            duration_ms: title.duration_ms,
            expires_at: now_ms + self.terms.grant_ms,
            filter,
        })
    }

    /// Takes over a playback of the profile: it goes on here, and ends there.
    ///
    /// # Errors
    /// 7010 when the profile has no such playback that runs; those of [`Self::grant`].
    pub async fn take_over(
        &self,
        who: &Viewer,
        profile: &Profile,
        (id, request): (&str, &TakeOver),
        catalogue: &dyn Catalogue,
    ) -> Result<PlaybackGrant, Problem> {
        let other = sessions::running(&self.store, &who.account, id).await?;
        if other.profile != profile.id.as_str() {
            let message = "there is no such playback, or it was stopped";
            return Err(Problem::new(ErrorCode::PlaybackSessionNotFound, message));
        }
        let title = catalogue.title(&other.title, Some(profile)).await?;
        let now_ms = self.clock.now_ms();
        let session = self.new_session(profile, &title, request.capabilities.as_ref(), now_ms)?;
        let grant = self.write_grant(&session, &title, &request.protocols, now_ms).await?;
        let entry = Entry::TakingOver(id.to_owned(), self.order.stamp_ms(now_ms));
        let position = sessions::begin(&self.store, who, session, (&self.terms, entry), now_ms).await?;
        self.metrics.count("kinora_playback_grants_total");
        Ok(PlaybackGrant { resume_position_ms: position.unwrap_or(grant.resume_position_ms), ..grant })
    }

    /// Returns the playbacks of a profile that run on the devices of the account.
    ///
    /// # Errors
    /// Of the database.
    pub async fn playing(&self, who: &Viewer, profile: &Profile) -> Result<NowPlayingList, Problem> {
        let (mut reads, profile) = (self.store.reads().clone(), profile.id.as_str());
        let playing = now::list(&mut reads, who, profile, &self.terms, self.clock.now_ms()).await;
        let playing = playing.map_err(kinora_store::problem)?.into_iter();
        Ok(NowPlayingList { playing: playing.filter(|(owner, _)| owner == profile).map(|(_, it)| it).collect() })
    }

    /// Returns a page of the titles that a profile keeps.
    ///
    /// # Errors
    /// Of the database.
    pub async fn my_list(&self, profile: &Profile, named: Option<&ProfileId>, from: usize) -> Result<MyList, Problem> {
        let first = i64::try_from(from).unwrap_or(i64::MAX);
        let mut titles = my_list::titles(self.store.reads(), profile.id.as_str(), first, LIST_PAGE as i64 + 1).await?;
        let next = (titles.len() > LIST_PAGE).then(|| paths::my_list(from + LIST_PAGE, named));
        titles.truncate(LIST_PAGE);
        Ok(MyList { titles, next })
    }

    /// Puts a title on the list of a profile.
    ///
    /// # Errors
    /// 7031 when the list is full; of the database.
    pub async fn list_title(&self, profile: &Profile, title: &PlayableTitle) -> Result<ListedTitle, Problem> {
        let now_ms = self.clock.now_ms();
        let (owner, id) = (profile.id.as_str().to_owned(), title.id.as_str().to_owned());
        let state = (owner, id, now_ms, self.order.stamp_ms(now_ms));
        let put = self.store.write(state, |connection, (profile, title, now_ms, order)| {
            Box::pin(my_list::put(connection, (profile, title), (*now_ms, *order)))
        });
        put.await?;
        let listed = my_list::get(self.store.reads(), profile.id.as_str(), title.id.as_str()).await?;
        Ok(listed.unwrap_or_else(|| ListedTitle { title_id: title.id.clone(), added_at: now_ms }))
    }

    /// Takes a title off the list of a profile.
    ///
    /// # Errors
    /// Of the database.
    pub async fn unlist_title(&self, profile: &Profile, title: &str) -> Result<(), Problem> {
        let state = (profile.id.as_str().to_owned(), title.to_owned(), self.clock.now_ms());
        let removed = self.store.write(state, |connection, (profile, title, now_ms)| {
            Box::pin(my_list::remove(connection, (profile, title), *now_ms))
        });
        removed.await
    }

    /// Sets the opinion of a profile on a title, or takes it back.
    ///
    /// # Errors
    /// Of the database.
    pub async fn rate(&self, profile: &Profile, title: &str, rating: Option<Rating>) -> Result<(), Problem> {
        let state = (profile.id.as_str().to_owned(), title.to_owned(), rating, self.clock.now_ms());
        let rated = self.store.write(state, |connection, (profile, title, rating, now_ms)| {
            Box::pin(ratings::put(connection, (profile, title), *rating, *now_ms))
        });
        rated.await
    }

    /// Marks a title as watched.
    ///
    /// # Errors
    /// Of the database.
    pub async fn mark_watched(&self, profile: &Profile, title: &PlayableTitle) -> Result<ResumePosition, Problem> {
        let now_ms = self.clock.now_ms();
        let position = Position::watched(profile.id.as_str(), title.id.as_str(), title.duration_ms);
        let position = position.at(now_ms, self.order.stamp_ms(now_ms));
        let put = self.store.write(position, |connection, position| {
            Box::pin(async move { Ok(positions::mark_watched(connection, position).await?) })
        });
        put.await?;
        self.position_in(profile, title).await
    }

    /// Makes a title one that the profile never began.
    ///
    /// # Errors
    /// Of the database.
    pub async fn forget(&self, profile: &Profile, title: &str) -> Result<(), Problem> {
        let order = self.order.stamp_ms(self.clock.now_ms());
        let state = (profile.id.as_str().to_owned(), title.to_owned(), order);
        let changed = self.store.write(state, |connection, (profile, title, order)| {
            Box::pin(async move { Ok(positions::forget(connection, profile, title, *order).await?) })
        });
        changed.await
    }

    /// Removes a title from those to continue; the position stays. With `may_add` also one that was never begun, so that it is not
    /// offered as the next episode.
    ///
    /// # Errors
    /// Of the database.
    pub async fn remove_from_continue(&self, profile: &Profile, title: &str, may_add: bool) -> Result<(), Problem> {
        let now_ms = self.clock.now_ms();
        let position = Position::new(profile.id.as_str(), title, 0, 0).at(now_ms, self.order.stamp_ms(now_ms));
        let changed = self.store.write((position, may_add), |connection, (position, may_add)| {
            Box::pin(async move {
                if *may_add {
                    positions::add(connection, position).await?;
                }
                Ok(positions::remove(connection, position).await?)
            })
        });
        changed.await
    }

    /// The same grant with fresh addresses. A renewal is a sign of life.
    ///
    /// # Errors
    /// 7010 when the account has no such playback or its version is gone, 7005 when other devices took its place, 7007 when the
    /// profile may no longer see the title.
    pub async fn renew(&self, who: &Viewer, id: &str, catalogue: &dyn Catalogue) -> Result<PlaybackGrant, Problem> {
        let session = sessions::running(&self.store, &who.account, id).await?;
        if session.version != 0 && !catalogue.has_version(&session.title, session.version).await? {
            // Addresses of another version would lead into other segments in the middle of a playback.
            let message = "the version that the playback plays is gone: begin another playback";
            return Err(Problem::new(ErrorCode::PlaybackSessionNotFound, message));
        }
        // What plays goes on though it is no longer offered, but not above a limit, which may be a lower one by now; and that this
        // sign-in may use the profile is decided anew.
        let profile = who.profile(Some(&session.profile.as_str().into()))?;
        let title = match catalogue.title(&session.title, Some(profile)).await {
            Err(error) if error.kind() != Some(ErrorCode::ParentalRestriction) => {
                catalogue.title(&session.title, None).await?
            }
            title => title?,
        };
        let now_ms = self.clock.now_ms();
        let expires_at = now_ms + self.terms.grant_ms;
        let session = sessions::renew(&self.store, who, id, (&self.terms, expires_at), now_ms).await?;
        self.write_grant(&session, &title, &[], now_ms).await
    }

    /// Records a heartbeat, and the position with it. A playback that was silent takes its place again. One whose place is taken
    /// is refused, and its position is recorded all the same, as of the moment in which it lost the place: a position that
    /// another device has reported since is later and stays.
    ///
    /// # Errors
    /// 7010 when the account has no such playback, 7005 when other devices took its place.
    pub async fn heartbeat(&self, who: &Viewer, id: &str, beat: &Heartbeat) -> Result<HeartbeatReply, Problem> {
        let now_ms = self.clock.now_ms();
        let expires_at = self.record(who, id, beat.clone(), now_ms).await?;
        self.metrics.count("kinora_heartbeats_total");
        Ok(HeartbeatReply {
            expires_at,
            expires_in_ms: millis(expires_at - now_ms),
            heartbeat_interval_ms: millis(self.terms.heartbeat_ms),
        })
    }

    /// Ends a playback and records its position. Its addresses are refused by the edges from then on.
    ///
    /// # Errors
    /// 7010 when the account has no such playback.
    pub async fn stop(&self, who: &Viewer, id: &str, last: &Heartbeat) -> Result<(), Problem> {
        let now_ms = self.clock.now_ms();
        // Two reports: an ended playback has its position at the end and is stopped all the same.
        if last.phase == PlaybackPhase::Ended {
            self.record(who, id, last.clone(), now_ms).await?;
        }
        let phase = PlaybackPhase::Stopped;
        let position_ms = if last.phase == PlaybackPhase::Ended { 0 } else { last.position_ms };
        self.record(who, id, Heartbeat { position_ms, phase }, now_ms).await?;
        Ok(())
    }

    async fn record(&self, who: &Viewer, id: &str, heartbeat: Heartbeat, now_ms: i64) -> Result<i64, Problem> {
        let beat = Beat {
            who: who.clone(),
            session: id.to_owned(),
            heartbeat,
            now_ms,
            ordered_at: self.order.stamp_ms(now_ms),
            terms: self.terms.clone(),
        };
        sessions::heartbeat(&self.store, beat).await
    }

    /// Returns a profile's position in a title; 0 when it never began.
    ///
    /// # Errors
    /// Of the database.
    pub async fn position_in(&self, profile: &Profile, title: &PlayableTitle) -> Result<ResumePosition, Problem> {
        let position = positions::get(self.store.reads(), profile.id.as_str(), title.id.as_str()).await?;
        Ok(position.unwrap_or_else(|| ResumePosition {
            title_id: title.id.clone(),
            position_ms: 0,
            duration_ms: title.duration_ms,
            finished: false,
            updated_at: 0,
        }))
    }

    /// Records a position that a client reports, unless a later one is there, and returns the one that counts.
    ///
    /// # Errors
    /// Of the database.
    pub async fn put_position(
        &self,
        profile: &Profile,
        title: &PlayableTitle,
        request: &PutPosition,
    ) -> Result<ResumePosition, Problem> {
        let now = self.clock.now_ms();
        let recorded_at = request.recorded_at.map_or(now, |at| at.clamp(0, now));
        let position = Position::new(profile.id.as_str(), title.id.as_str(), request.position_ms, title.duration_ms)
            .at(recorded_at, self.order.stamp_ms(recorded_at));
        self.store
            .write(position, |connection, position| {
                Box::pin(async move { Ok(positions::put(connection, position).await?) })
            })
            .await?;
        self.position_in(profile, title).await
    }

    /// Returns the number of playbacks that run in all.
    ///
    /// # Errors
    /// Of the database.
    pub async fn running(&self) -> Result<i64, Problem> {
        sessions::count_running(&self.store, &self.terms, self.clock.now_ms()).await
    }

    async fn write_grant(
        &self,
        session: &Session,
        title: &PlayableTitle,
        wanted: &[Protocol],
        now_ms: i64,
    ) -> Result<PlaybackGrant, Problem> {
        let expires_at = now_ms + self.terms.grant_ms;
        let token = sign(&self.secret, title.id.as_str(), &session.id, expires_at);
        let edges = self.edges.ranked(title.id.as_str());
        if edges.is_empty() {
            return Err(Problem::new(ErrorCode::ServiceUnavailable, "no edge is known that could serve the title"));
        }
        // The manifests' relative addresses inherit the version, as they do the signature.
        let version = version_name(if session.version == 0 { title.version } else { session.version });
        let filter = ManifestFilter::parse(&session.filter).unwrap_or_default();
        let source = |(protocol, manifest): &(Protocol, String)| {
            let manifest = filter.name(manifest);
            let path = signed_path(&token, title.id.as_str(), &format!("{version}/{manifest}"));
            PlaybackSource { protocol: *protocol, urls: edges.iter().map(|edge| format!("{edge}{path}")).collect() }
        };
        let mut sources: Vec<PlaybackSource> = title.manifests.iter().map(source).collect();
        if !wanted.is_empty() {
            sources.retain(|source| wanted.contains(&source.protocol));
            sources.sort_by_key(|source| wanted.iter().position(|protocol| *protocol == source.protocol));
        }
        if sources.is_empty() {
            return Err(Problem::new(
                ErrorCode::InvalidRequest,
                "the title is not there in any of the wanted protocols",
            ));
        }
        let position = positions::get(self.store.reads(), &session.profile, &session.title).await?;
        let session_id = session.id.as_str().into();
        Ok(PlaybackGrant {
            renew_path: paths::renew(&session_id),
            heartbeat_path: paths::heartbeat(&session_id),
            stop_path: paths::stop(&session_id),
            session_id,
            title_id: title.id.clone(),
            sources,
            expires_at,
            expires_in_ms: millis(self.terms.grant_ms),
            heartbeat_interval_ms: millis(self.terms.heartbeat_ms),
            resume_position_ms: position
                .filter(|position| !position.finished)
                .map_or(0, |position| position.position_ms),
            duration_ms: session.duration_ms,
        })
    }
}
