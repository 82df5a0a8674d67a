//! The routes of playback, and what the service does by itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use kinora_api::Problems;
use kinora_api::events::PutRating;
use kinora_api::internal::PlayableTitle;
use kinora_api::{
    ErrorCode, Heartbeat, HeartbeatReply, ListedTitle, MyList, NowPlayingList, PlaybackGrant, PlaybackRequest,
    PositionList, Profile, ProfileId, PutPosition, ResumePosition, TakeOver, TitleId, TitleKind, internal, paths,
};
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::extract::{Params, Payload, Viewer, check_edge};
use kinora_kit::http::problem::Problem;
use kinora_kit::http::service::{Extracted, Service};
use kinora_store::pruning::prune;
use serde::Deserialize;

use crate::store::{RULES, positions, revocation, silence};
use crate::{Deps, Playback};

/// Time from one look for silent players to the next.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Time from one pruning to the next.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// Description of the calls.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(kinora_api::ApiError)),
    paths(
        begin,
        renew,
        heartbeat,
        stop,
        take_over,
        playing,
        my_list,
        list_title,
        unlist_title,
        rate_title,
        unrate_title,
        mark_watched,
        mark_unwatched,
        remove_from_continue,
        all_positions,
        position,
        put_position
    )
)]
pub struct Description;

type Answer<T> = Result<axum::Json<T>, Problem>;

/// State that handlers share.
struct Shared {
    playback: Arc<Playback>,
    deps: Deps,
}

impl Shared {
    /// Returns a title to be played.
    ///
    /// # Errors
    /// Those of the catalogue; 7030 for a series, whose episodes are played.
    async fn played(&self, id: &str, profile: &Profile) -> Result<PlayableTitle, Problem> {
        let title = self.deps.catalogue.title(id, Some(profile)).await?;
        if title.kind == TitleKind::Series {
            let message = "a series is not played itself: its episodes are";
            return Err(Problem::new(ErrorCode::NothingPlayable, message));
        }
        Ok(title)
    }

    /// Returns those of some titles that a profile with an age limit may see; `None` for one without a limit, which may see all.
    async fn visible(
        &self,
        ids: impl Iterator<Item = &TitleId>,
        profile: &Profile,
    ) -> Result<Option<BTreeSet<TitleId>>, Problem> {
        if profile.max_age.is_none() {
            return Ok(None);
        }
        let ids: Vec<TitleId> = ids.cloned().collect();
        Ok(Some(self.deps.catalogue.visible(&ids, profile).await?.into_iter().collect()))
    }
}

impl Extracted for Shared {
    fn accounts(&self) -> Arc<dyn internal::Accounts> {
        Arc::clone(&self.deps.accounts)
    }

    fn body(&self) -> BodyLimits {
        self.deps.body
    }
}

/// The query string of calls that are about a profile.
#[derive(Clone, Debug, Default, Deserialize)]
struct ProfileQuery {
    /// Absent: the default profile.
    profile: Option<ProfileId>,
}

/// The query string of the list that a profile keeps.
#[derive(Clone, Debug, Default, Deserialize)]
struct ListQuery {
    /// Absent: the default profile.
    profile: Option<ProfileId>,
    /// Number of the first title; absent: 0.
    from: Option<u32>,
}

/// The query string of the list of revoked sessions.
#[derive(Clone, Debug, Default, Deserialize)]
struct RevokedQuery {
    /// `next` of the answer before; absent: from the beginning.
    after: Option<i64>,
}

pub(crate) fn router(playback: Arc<Playback>, deps: Deps) -> Router {
    let shared = Arc::new(Shared { playback, deps });
    tokio::spawn(keep_pruned(Arc::downgrade(&shared)));
    tokio::spawn(watch_silence(Arc::downgrade(&shared)));
    Router::new()
        .route(paths::PLAYBACK, post(begin))
        .route("/v1/playback/{session}/renew", post(renew))
        .route("/v1/playback/{session}/heartbeat", post(heartbeat))
        .route("/v1/playback/{session}/stop", post(stop))
        .route("/v1/playback/{session}/take-over", post(take_over))
        .route(paths::NOW, get(playing))
        .route(paths::MY_LIST, get(my_list))
        .route("/v1/my-list/{title}", put(list_title).delete(unlist_title))
        .route("/v1/ratings/{title}", put(rate_title).delete(unrate_title))
        .route("/v1/positions/{title}/watched", put(mark_watched).delete(mark_unwatched))
        .route("/v1/positions/{title}/continue", delete(remove_from_continue))
        .route("/v1/positions", get(all_positions))
        .route("/v1/positions/{title}", get(position).put(put_position))
        .route("/origin/revoked", get(revoked))
        .with_state(Service(shared))
}

/// Prunes at once and then every hour; ends with the service.
async fn keep_pruned(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let playback = &shared.playback;
        match prune(playback.store(), &RULES, playback.clock.now_ms()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old rows of playback were deleted"),
            Err(problem) => tracing::error!(error = %problem.error(), "old rows of playback could not be deleted"),
        }
        drop(shared);
        tokio::time::sleep(PRUNE_EVERY).await;
    }
}

/// Looks for players that fell silent, at once and then every minute; ends with the service.
async fn watch_silence(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let playback = &shared.playback;
        if let Err(problem) = silence::leave(playback.store(), playback.clock.now_ms()).await {
            tracing::error!(error = %problem.error(), "the ends of silent playbacks could not be logged");
        }
        drop(shared);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Grants permission to play a title.
#[utoipa::path(post, path = "/v1/playback", operation_id = "begin_playback", request_body = PlaybackRequest, responses((status = 200, body = PlaybackGrant), Problems), security(("bearer" = [])))]
async fn begin(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Payload(request): Payload<PlaybackRequest>,
) -> Answer<PlaybackGrant> {
    let profile = viewer.profile(request.profile_id.as_ref())?;
    let title = shared.played(request.title_id.as_str(), profile).await?;
    Ok(axum::Json(shared.playback.grant(&viewer, profile, &title, &request).await?))
}

/// Gives a playback fresh addresses.
#[utoipa::path(post, path = "/v1/playback/{session}/renew", operation_id = "renew_playback", params(("session" = String, Path)), responses((status = 200, body = PlaybackGrant), Problems), security(("bearer" = [])))]
async fn renew(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(session): Path<String>,
) -> Answer<PlaybackGrant> {
    Ok(axum::Json(shared.playback.renew(&viewer, &session, shared.deps.catalogue.as_ref()).await?))
}

/// Records a heartbeat.
#[utoipa::path(post, path = "/v1/playback/{session}/heartbeat", operation_id = "report_playback", params(("session" = String, Path)), request_body = Heartbeat, responses((status = 200, body = HeartbeatReply), Problems), security(("bearer" = [])))]
async fn heartbeat(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(session): Path<String>,
    Payload(beat): Payload<Heartbeat>,
) -> Answer<HeartbeatReply> {
    Ok(axum::Json(shared.playback.heartbeat(&viewer, &session, &beat).await?))
}

/// Ends a playback.
#[utoipa::path(post, path = "/v1/playback/{session}/stop", operation_id = "stop_playback", params(("session" = String, Path)), request_body = Heartbeat, responses((status = 204), Problems), security(("bearer" = [])))]
async fn stop(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(session): Path<String>,
    Payload(last): Payload<Heartbeat>,
) -> Result<StatusCode, Problem> {
    shared.playback.stop(&viewer, &session, &last).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a playback over to this device.
#[utoipa::path(post, path = "/v1/playback/{session}/take-over", operation_id = "take_over_playback", params(("session" = String, Path)), request_body = TakeOver, responses((status = 200, body = PlaybackGrant), Problems), security(("bearer" = [])))]
async fn take_over(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(session): Path<String>,
    Payload(request): Payload<TakeOver>,
) -> Answer<PlaybackGrant> {
    let profile = viewer.profile(request.profile_id.as_ref())?;
    let catalogue = shared.deps.catalogue.as_ref();
    Ok(axum::Json(shared.playback.take_over(&viewer, profile, (&session, &request), catalogue).await?))
}

/// Lists the playbacks of a profile that run.
#[utoipa::path(get, path = "/v1/playback/now", operation_id = "list_playing", params(("profile" = Option<String>, Query)), responses((status = 200, body = NowPlayingList), Problems), security(("bearer" = [])))]
async fn playing(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Params(query): Params<ProfileQuery>,
) -> Answer<NowPlayingList> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let mut list = shared.playback.playing(&viewer, profile).await?;
    // The limit of the profile may be a lower one than when the playback began.
    let ids: Vec<TitleId> =
        list.playing.iter().filter_map(|playing| Some(playing.title.as_ref()?.id.clone())).collect();
    if let Some(visible) = shared.visible(ids.iter(), profile).await? {
        for playing in &mut list.playing {
            playing.title = playing.title.take().filter(|title| visible.contains(&title.id));
        }
    }
    Ok(axum::Json(list))
}

/// Lists the titles that a profile keeps.
#[utoipa::path(get, path = "/v1/my-list", operation_id = "get_my_list", params(("profile" = Option<String>, Query), ("from" = Option<u32>, Query)), responses((status = 200, body = MyList), Problems), security(("bearer" = [])))]
async fn my_list(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Params(query): Params<ListQuery>,
) -> Answer<MyList> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let from = query.from.unwrap_or(0) as usize;
    let mut list = shared.playback.my_list(profile, query.profile.as_ref(), from).await?;
    let visible = shared.visible(list.titles.iter().map(|listed| &listed.title_id), profile).await?;
    list.titles.retain(|listed| visible.as_ref().is_none_or(|visible| visible.contains(&listed.title_id)));
    Ok(axum::Json(list))
}

/// Puts a title on the list of a profile.
#[utoipa::path(put, path = "/v1/my-list/{title}", operation_id = "put_my_list_title", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 200, body = ListedTitle), Problems), security(("bearer" = [])))]
async fn list_title(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Answer<ListedTitle> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let title = shared.deps.catalogue.title(&title, Some(profile)).await?;
    Ok(axum::Json(shared.playback.list_title(profile, &title).await?))
}

/// Takes a title off the list of a profile.
#[utoipa::path(delete, path = "/v1/my-list/{title}", operation_id = "delete_my_list_title", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 204), Problems), security(("bearer" = [])))]
async fn unlist_title(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Result<StatusCode, Problem> {
    shared.playback.unlist_title(viewer.profile(query.profile.as_ref())?, &title).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the opinion of a profile on a title.
#[utoipa::path(put, path = "/v1/ratings/{title}", operation_id = "put_rating", params(("title" = String, Path), ("profile" = Option<String>, Query)), request_body = PutRating, responses((status = 204), Problems), security(("bearer" = [])))]
async fn rate_title(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
    Payload(PutRating { rating }): Payload<PutRating>,
) -> Result<StatusCode, Problem> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let title = shared.deps.catalogue.title(&title, Some(profile)).await?;
    shared.playback.rate(profile, title.id.as_str(), Some(rating)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the opinion of a profile on a title back.
#[utoipa::path(delete, path = "/v1/ratings/{title}", operation_id = "delete_rating", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 204), Problems), security(("bearer" = [])))]
async fn unrate_title(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Result<StatusCode, Problem> {
    shared.playback.rate(viewer.profile(query.profile.as_ref())?, &title, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Marks a title as watched.
#[utoipa::path(put, path = "/v1/positions/{title}/watched", operation_id = "mark_watched", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 200, body = ResumePosition), Problems), security(("bearer" = [])))]
async fn mark_watched(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Answer<ResumePosition> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let title = shared.played(&title, profile).await?;
    Ok(axum::Json(shared.playback.mark_watched(profile, &title).await?))
}

/// Marks a title as never begun.
#[utoipa::path(delete, path = "/v1/positions/{title}/watched", operation_id = "mark_unwatched", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 204), Problems), security(("bearer" = [])))]
async fn mark_unwatched(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Result<StatusCode, Problem> {
    shared.playback.forget(viewer.profile(query.profile.as_ref())?, &title).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a title from those to continue.
#[utoipa::path(delete, path = "/v1/positions/{title}/continue", operation_id = "remove_from_continue", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 204), Problems), security(("bearer" = [])))]
async fn remove_from_continue(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Result<StatusCode, Problem> {
    let profile = viewer.profile(query.profile.as_ref())?;
    // An episode that is offered because the one before it was finished has not been begun.
    let is_there = shared.deps.catalogue.title(&title, Some(profile)).await.is_ok();
    shared.playback.remove_from_continue(profile, &title, is_there).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the positions of a profile.
#[utoipa::path(get, path = "/v1/positions", operation_id = "list_positions", params(("profile" = Option<String>, Query)), responses((status = 200, body = PositionList), Problems), security(("bearer" = [])))]
async fn all_positions(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Params(query): Params<ProfileQuery>,
) -> Answer<PositionList> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let (mut positions, _) = positions::list(shared.playback.store().reads(), profile.id.as_str()).await?;
    let visible = shared.visible(positions.iter().map(|position| &position.title_id), profile).await?;
    positions.retain(|position| visible.as_ref().is_none_or(|visible| visible.contains(&position.title_id)));
    Ok(axum::Json(PositionList { positions }))
}

/// Returns the position in a title.
#[utoipa::path(get, path = "/v1/positions/{title}", operation_id = "get_position", params(("title" = String, Path), ("profile" = Option<String>, Query)), responses((status = 200, body = ResumePosition), Problems), security(("bearer" = [])))]
async fn position(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Answer<ResumePosition> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let title = shared.deps.catalogue.title(&title, Some(profile)).await?;
    Ok(axum::Json(shared.playback.position_in(profile, &title).await?))
}

/// Records a position.
#[utoipa::path(put, path = "/v1/positions/{title}", operation_id = "put_position", params(("title" = String, Path)), request_body = PutPosition, responses((status = 200, body = ResumePosition), Problems), security(("bearer" = [])))]
async fn put_position(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(title): Path<String>,
    Payload(request): Payload<PutPosition>,
) -> Answer<ResumePosition> {
    let profile = viewer.profile(request.profile_id.as_ref())?;
    let title = shared.played(&title, profile).await?;
    Ok(axum::Json(shared.playback.put_position(profile, &title, &request).await?))
}

/// Sessions whose addresses edges have to refuse, from a number on.
async fn revoked(
    State(Service(shared)): State<Service<Shared>>,
    headers: HeaderMap,
    Params(query): Params<RevokedQuery>,
) -> Result<Response, Problem> {
    check_edge(shared.playback.secret(), &headers)?;
    let page = revocation::list(shared.playback.store().reads(), query.after.unwrap_or(0)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(page)).into_response())
}
