//! The playbacks and positions as other services see them: in the same process, or over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use kinora_api::internal::{
    self as contract, NeededVersion, ProfilesDeleted, Reply, SignInChange, TitleViewing, Viewing,
};
use kinora_api::{ProfileId, ResumePosition, TitleId};
use kinora_kit::http::internal::{self, Caller, InternalKey};
use kinora_kit::http::problem::Problem;

use kinora_store::events;

use crate::Playback;
use crate::store::{my_list, positions, ratings, revocation, sessions};

/// Time for which an event waits for the log until screens say that they are behind, in milliseconds.
const LOG_BEHIND_AFTER_MS: i64 = 10_000;

/// Titles of a list that screens show.
const LISTED: i64 = 100;

const VIEWING: &str = "/internal/playback/viewing";
const VIEWING_OF: &str = "/internal/playback/viewing-of";
const POSITIONS_OF: &str = "/internal/playback/positions-of";
const NEEDED_VERSIONS: &str = "/internal/playback/needed-versions";
const SIGN_IN_CHANGED: &str = "/internal/playback/sign-in-changed";
const PROFILES_DELETED: &str = "/internal/playback/profiles-deleted";

impl contract::Playback for Playback {
    fn viewing<'a>(&'a self, profile: &'a ProfileId) -> Reply<'a, Viewing> {
        Box::pin(async move {
            let (reads, profile) = (self.store.reads(), profile.as_str());
            let (positions, removed) = positions::list(reads, profile).await?;
            let listed = my_list::titles(reads, profile, 0, LISTED).await?;
            let listed = listed.into_iter().map(|listed| listed.title_id).collect();
            let waiting = events::waiting_since(reads).await?;
            let is_log_behind = waiting.is_some_and(|at| self.clock.now_ms().saturating_sub(at) >= LOG_BEHIND_AFTER_MS);
            Ok(Viewing { positions, removed, listed, is_log_behind })
        })
    }

    fn viewing_of<'a>(&'a self, profile: &'a ProfileId, title: &'a str) -> Reply<'a, TitleViewing> {
        Box::pin(async move {
            let (reads, profile) = (self.store.reads(), profile.as_str());
            let position = positions::get(reads, profile, title).await?;
            let is_listed = my_list::get(reads, profile, title).await?.is_some();
            Ok(TitleViewing { position, is_listed, rating: ratings::get(reads, profile, title).await? })
        })
    }

    fn positions_of<'a>(&'a self, profile: &'a ProfileId, titles: &'a [TitleId]) -> Reply<'a, Vec<ResumePosition>> {
        Box::pin(async move { Ok(positions::of(self.store.reads(), profile.as_str(), titles).await?) })
    }

    fn needed_versions(&self) -> Reply<'_, Vec<NeededVersion>> {
        Box::pin(async move { Ok(sessions::needed_versions(&self.store, self.clock.now_ms()).await?) })
    }

    fn sign_in_changed<'a>(&'a self, change: &'a SignInChange) -> Reply<'a, ()> {
        let written = self.store.write(change.clone(), |connection, change| {
            Box::pin(async move { Ok(revocation::sign_in_changed(connection, change).await?) })
        });
        Box::pin(async move { Ok(written.await?) })
    }

    fn profiles_deleted<'a>(&'a self, deleted: &'a ProfilesDeleted) -> Reply<'a, ()> {
        let written = self.store.write(deleted.clone(), |connection, deleted| {
            Box::pin(async move { Ok(revocation::profiles_deleted(connection, deleted).await?) })
        });
        Box::pin(async move {
            written.await?;
            if deleted.erased {
                // The caller does not wait for a file to be written anew.
                let store = self.store.clone();
                tokio::spawn(async move {
                    if let Err(error) = store.scrub().await {
                        tracing::error!(%error, "deleted rows may still be in the file of the database");
                    }
                });
            }
            Ok(())
        })
    }
}

/// The playbacks and positions, in another process.
pub struct HttpClient(Caller);

impl HttpClient {
    /// Asks through `caller`.
    pub fn new(caller: Caller) -> Self {
        Self(caller)
    }
}

impl contract::Playback for HttpClient {
    fn viewing<'a>(&'a self, profile: &'a ProfileId) -> Reply<'a, Viewing> {
        Box::pin(async move { self.0.call(VIEWING, profile).await })
    }

    fn viewing_of<'a>(&'a self, profile: &'a ProfileId, title: &'a str) -> Reply<'a, TitleViewing> {
        Box::pin(async move { self.0.call(VIEWING_OF, &(profile, title)).await })
    }

    fn positions_of<'a>(&'a self, profile: &'a ProfileId, titles: &'a [TitleId]) -> Reply<'a, Vec<ResumePosition>> {
        Box::pin(async move { self.0.call(POSITIONS_OF, &(profile, titles)).await })
    }

    fn needed_versions(&self) -> Reply<'_, Vec<NeededVersion>> {
        Box::pin(async move { self.0.call(NEEDED_VERSIONS, &()).await })
    }

    fn sign_in_changed<'a>(&'a self, change: &'a SignInChange) -> Reply<'a, ()> {
        Box::pin(async move { self.0.call(SIGN_IN_CHANGED, change).await })
    }

    fn profiles_deleted<'a>(&'a self, deleted: &'a ProfilesDeleted) -> Reply<'a, ()> {
        Box::pin(async move { self.0.call(PROFILES_DELETED, deleted).await })
    }
}

type Service = State<Arc<Playback>>;

/// Returns the routes behind [`HttpClient`].
pub fn routes(playback: Arc<Playback>, key: InternalKey) -> Router {
    let routes = Router::new()
        .route(VIEWING, post(all))
        .route(VIEWING_OF, post(one))
        .route(POSITIONS_OF, post(some))
        .route(NEEDED_VERSIONS, post(needed))
        .route(SIGN_IN_CHANGED, post(changed))
        .route(PROFILES_DELETED, post(profiles_deleted));
    internal::guard(routes.with_state(playback), key)
}

async fn all(State(playback): Service, Json(profile): Json<ProfileId>) -> Result<Json<Viewing>, Problem> {
    Ok(Json(contract::Playback::viewing(playback.as_ref(), &profile).await?))
}

async fn one(
    State(playback): Service,
    Json((profile, title)): Json<(ProfileId, String)>,
) -> Result<Json<TitleViewing>, Problem> {
    Ok(Json(contract::Playback::viewing_of(playback.as_ref(), &profile, &title).await?))
}

async fn some(
    State(playback): Service,
    Json((profile, titles)): Json<(ProfileId, Vec<TitleId>)>,
) -> Result<Json<Vec<ResumePosition>>, Problem> {
    Ok(Json(contract::Playback::positions_of(playback.as_ref(), &profile, &titles).await?))
}

async fn needed(State(playback): Service) -> Result<Json<Vec<NeededVersion>>, Problem> {
    Ok(Json(contract::Playback::needed_versions(playback.as_ref()).await?))
}

async fn changed(State(playback): Service, Json(change): Json<SignInChange>) -> Result<Json<()>, Problem> {
    contract::Playback::sign_in_changed(playback.as_ref(), &change).await?;
    Ok(Json(()))
}

async fn profiles_deleted(State(playback): Service, Json(deleted): Json<ProfilesDeleted>) -> Result<Json<()>, Problem> {
    contract::Playback::profiles_deleted(playback.as_ref(), &deleted).await?;
    Ok(Json(()))
}
