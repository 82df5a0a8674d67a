//! The calls of the service: from requests to the services and back. What a call does is in the service it belongs to.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kinora_api::{
    Account, ErrorCode, Heartbeat, HeartbeatReply, Home, PlaybackGrant, PlaybackRequest, PositionList, Profile,
    ProfileId, ProfileList, PutPosition, RefreshRequest, ResumePosition, Row, SearchResults, SignInRequest,
    SignInResponse, SignOutRequest, TitleDetail, TokenPair, paths,
};

use super::attempts::Settled;
use super::extract::{HomeQuery, Params, Payload, ProfileQuery, RevokedQuery, SearchQuery, Viewer, bearer_token};
use super::home::Scene;
use super::positions::{self, Position};
use super::{Backend, accounts, revocation};
use kinora_kit::address::is_manifest;
use kinora_kit::http::file;
use kinora_kit::http::host;
use kinora_kit::http::path::SafePath;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::Connection;
use kinora_kit::signature::ORIGIN_KEY_HEADER;

/// Titles in one answer to a search.
const MAX_FOUND: usize = 100;

type Shared = State<Arc<Backend>>;
type Answer<T> = Result<axum::Json<T>, Problem>;

/// Every call of the service.
pub fn router(backend: Arc<Backend>) -> Router {
    Router::new()
        .route(paths::SIGN_IN, post(sign_in))
        .route(paths::REFRESH, post(refresh))
        .route(paths::SIGN_OUT, post(sign_out))
        .route(paths::ACCOUNT, get(account))
        .route(paths::PROFILES, get(profiles))
        .route("/v1/home", get(home_screen))
        .route("/v1/home/row", get(home_row))
        .route("/v1/titles/{id}", get(title))
        .route("/v1/search", get(search))
        .route(paths::PLAYBACK, post(playback))
        .route("/v1/playback/{session}/renew", post(renew))
        .route("/v1/playback/{session}/heartbeat", post(heartbeat))
        .route("/v1/playback/{session}/stop", post(stop))
        .route("/v1/positions", get(all_positions))
        .route("/v1/positions/{title}", get(position).put(put_position))
        .route("/v1/images/{*path}", get(image))
        .route("/origin/{*path}", get(origin))
        .route("/origin/revoked", get(revoked))
        .route(paths::HEALTH, get(health))
        .route(paths::READY, get(ready))
        .route("/metrics", get(metrics))
        .fallback(async || Problem::new(ErrorCode::NotFound, "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(ErrorCode::MethodNotAllowed, "the path does not take this method")
        })
        .layer(middleware::from_fn_with_state(Arc::clone(&backend), count))
        .layer(middleware::from_fn(host::check))
        .with_state(backend)
}

async fn count(State(backend): Shared, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    backend.counters.answered(response.status().as_u16());
    response
}

async fn sign_in(
    State(backend): Shared,
    connection: Option<axum::Extension<Connection>>,
    Payload(request): Payload<SignInRequest>,
) -> Answer<SignInResponse> {
    if request.device.id.as_str().is_empty() || request.device.id.as_str().len() > 64 {
        return Err(Problem::new(ErrorCode::InvalidRequest, "a device's id has 1 to 64 characters"));
    }
    let peer = connection.map(|axum::Extension(connection)| connection.peer.ip());
    let result = attempt_sign_in(&backend, peer, &request).await;
    let counter = if result.is_ok() { &backend.counters.sign_ins } else { &backend.counters.sign_ins_refused };
    counter.fetch_add(1, Ordering::Relaxed);
    result.map(axum::Json)
}

async fn attempt_sign_in(
    backend: &Backend,
    peer: Option<IpAddr>,
    request: &SignInRequest,
) -> Result<SignInResponse, Problem> {
    let email = accounts::normal_email(&request.email).unwrap_or_default();
    let device = request.device.id.as_str();
    let known = backend.sign_ins.is_known_device(&email, device).await?.then_some(device);
    let reservation = backend.sign_in_limit.reserve(&email, known, peer).await?;
    let account = match backend.accounts.authenticate(&request.email, &request.password).await {
        Ok(account) => account,
        Err(problem) => {
            let is_wrong = problem.error().kind() == Some(ErrorCode::InvalidCredentials);
            let outcome = if is_wrong { Settled::Wrong } else { Settled::NotCompared };
            backend.sign_in_limit.settle(reservation, outcome).await?;
            return Err(problem);
        }
    };
    // Both writes share a transaction.
    let (settled, tokens) = tokio::join!(
        backend.sign_in_limit.settle(reservation, Settled::Right),
        backend.sign_ins.begin(account.id.as_str(), &request.device, backend.clock.now_ms()),
    );
    settled?;
    Ok(SignInResponse { tokens: tokens?, account })
}

async fn refresh(State(backend): Shared, Payload(request): Payload<RefreshRequest>) -> Answer<TokenPair> {
    Ok(axum::Json(backend.sign_ins.rotate(&request.refresh_token, backend.clock.now_ms()).await?))
}

async fn sign_out(State(backend): Shared, Payload(request): Payload<SignOutRequest>) -> Result<StatusCode, Problem> {
    backend.sign_ins.end(&request.refresh_token, backend.clock.now_ms()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn account(State(backend): Shared, Viewer(bearer): Viewer) -> Answer<Account> {
    Ok(axum::Json(backend.accounts.account(&bearer.account).await?))
}

async fn profiles(State(backend): Shared, Viewer(bearer): Viewer) -> Answer<ProfileList> {
    Ok(axum::Json(ProfileList { profiles: backend.accounts.account(&bearer.account).await?.profiles }))
}

async fn home_screen(State(backend): Shared, viewer: Viewer, Params(query): Params<HomeQuery>) -> Answer<Home> {
    let profile = backend.profile(&viewer, query.profile.as_ref()).await?;
    let positions = positions::list(backend.store.reads(), profile.id.as_str()).await?;
    let titles = backend.catalogue.now();
    let scene = Scene::new(titles.shelf(&profile), &positions, query.profile.as_ref());
    Ok(axum::Json(scene.home(&titles.begun(&positions, &profile), query.from.unwrap_or(0))))
}

async fn home_row(State(backend): Shared, viewer: Viewer, Params(query): Params<HomeQuery>) -> Answer<Row> {
    let profile = backend.profile(&viewer, query.profile.as_ref()).await?;
    let positions = positions::list(backend.store.reads(), profile.id.as_str()).await?;
    let titles = backend.catalogue.now();
    let scene = Scene::new(titles.shelf(&profile), &positions, query.profile.as_ref());
    let row = scene.row(query.id.as_deref().unwrap_or_default(), query.from.unwrap_or(0));
    row.map(axum::Json).ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is no such row"))
}

async fn title(
    State(backend): Shared,
    viewer: Viewer,
    Path(id): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Answer<TitleDetail> {
    let profile = backend.profile(&viewer, query.profile.as_ref()).await?;
    let titles = backend.catalogue.now();
    let entry = titles.title(&id, &profile)?;
    let resume = positions::get(backend.store.reads(), profile.id.as_str(), &entry.id).await?;
    Ok(axum::Json(titles.detail(&entry, &profile, resume.as_ref())))
}

async fn search(State(backend): Shared, viewer: Viewer, Params(query): Params<SearchQuery>) -> Answer<SearchResults> {
    let profile = backend.profile(&viewer, query.profile.as_ref()).await?;
    let text: String = query.q.trim().chars().take(200).collect();
    let limit = query.limit.unwrap_or(20).min(MAX_FOUND);
    // A search walks through the whole catalogue: one at a time, and away from the threads that answer everybody.
    let turn = Arc::clone(&backend.searches).acquire_owned().await.map_err(|error| Problem::internal(&error))?;
    let (titles, words) = (backend.catalogue.now(), text.clone());
    let found = tokio::task::spawn_blocking(move || {
        let found = titles.search(&words, &profile, limit);
        drop(turn);
        found
    });
    let found = found.await.map_err(|error| Problem::internal(&error))?;
    Ok(axum::Json(SearchResults { titles: found.iter().map(|entry| entry.card(None)).collect(), query: text }))
}

async fn playback(
    State(backend): Shared,
    viewer: Viewer,
    Payload(request): Payload<PlaybackRequest>,
) -> Answer<PlaybackGrant> {
    let account = backend.accounts.account(&viewer.0.account).await?;
    let profile = accounts::choose(account.profiles, request.profile_id.as_ref())?;
    let entry = backend.catalogue.now().title(request.title_id.as_str(), &profile)?;
    let now = backend.clock.now_ms();
    let grant = backend.playback.grant((&viewer.0, account.max_streams), &profile, &entry, &request, now).await?;
    backend.counters.grants.fetch_add(1, Ordering::Relaxed);
    Ok(axum::Json(grant))
}

async fn renew(State(backend): Shared, Viewer(bearer): Viewer, Path(session): Path<String>) -> Answer<PlaybackGrant> {
    let (title, version) = backend.playback.title_of(&bearer.account, &session).await?;
    if version != 0 && !backend.catalogue.has_version(&title, version).await? {
        // Addresses of another version would lead into other segments in the middle of a playback.
        let message = "the version that the playback plays is gone: begin another playback";
        return Err(Problem::new(ErrorCode::PlaybackSessionNotFound, message));
    }
    // Whether the profile may see the title was decided when the playback began.
    let anyone = Profile { id: ProfileId::new(""), name: String::new(), max_age: None, language: None };
    let entry = backend.catalogue.now().title(&title, &anyone)?;
    let whose = backend.places(&bearer).await?;
    Ok(axum::Json(backend.playback.renew(whose, &session, &entry, backend.clock.now_ms()).await?))
}

async fn heartbeat(
    State(backend): Shared,
    Viewer(bearer): Viewer,
    Path(session): Path<String>,
    Payload(beat): Payload<Heartbeat>,
) -> Answer<HeartbeatReply> {
    let (whose, now) = (backend.places(&bearer).await?, backend.clock.now_ms());
    let reply = backend.playback.heartbeat(whose, &session, &beat, now, &backend.order).await?;
    backend.counters.heartbeats.fetch_add(1, Ordering::Relaxed);
    Ok(axum::Json(reply))
}

async fn stop(
    State(backend): Shared,
    Viewer(bearer): Viewer,
    Path(session): Path<String>,
    Payload(last): Payload<Heartbeat>,
) -> Result<StatusCode, Problem> {
    let (whose, now) = (backend.places(&bearer).await?, backend.clock.now_ms());
    backend.playback.stop(whose, &session, &last, now, &backend.order).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn all_positions(
    State(backend): Shared,
    viewer: Viewer,
    Params(query): Params<ProfileQuery>,
) -> Answer<PositionList> {
    let profile = backend.profile(&viewer, query.profile.as_ref()).await?;
    Ok(axum::Json(PositionList { positions: positions::list(backend.store.reads(), profile.id.as_str()).await? }))
}

async fn position(
    State(backend): Shared,
    viewer: Viewer,
    Path(title): Path<String>,
    Params(query): Params<ProfileQuery>,
) -> Answer<ResumePosition> {
    let profile = backend.profile(&viewer, query.profile.as_ref()).await?;
    let entry = backend.catalogue.now().title(&title, &profile)?;
    Ok(axum::Json(backend.position(&profile, &entry.id, entry.duration_ms()).await?))
}

async fn put_position(
    State(backend): Shared,
    viewer: Viewer,
    Path(title): Path<String>,
    Payload(request): Payload<PutPosition>,
) -> Answer<ResumePosition> {
    let profile = backend.profile(&viewer, request.profile_id.as_ref()).await?;
    let entry = backend.catalogue.now().title(&title, &profile)?;
    let now = backend.clock.now_ms();
    let recorded_at = request.recorded_at.map_or(now, |at| at.clamp(0, now));
    let position = Position::new(profile.id.as_str(), &entry.id, request.position_ms, entry.duration_ms())
        .at(recorded_at, backend.order.stamp_ms(recorded_at));
    backend
        .store
        .write(move |connection| Box::pin(async move { Ok(positions::put(connection, &position).await?) }))
        .await?;
    Ok(axum::Json(backend.position(&profile, &entry.id, entry.duration_ms()).await?))
}

/// Posters and seek-bar pictures. They name no viewer: who has the address may see them.
async fn image(
    State(backend): Shared,
    method: Method,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let not_there = || Problem::new(ErrorCode::NotFound, "there is no such picture");
    let text = request.uri().path().strip_prefix("/v1/images/").unwrap_or_default();
    let (key, text) = match text.split_once('/') {
        Some((key, text)) if key.starts_with('~') => (Some(key), text),
        _ => (None, text),
    };
    let path = SafePath::parse(text).ok_or_else(not_there)?;
    if !backend.catalogue.may_see_pictures(path.names().first().map_or("", String::as_str), key) {
        return Err(not_there());
    }
    let is_image = matches!(file::content_type(path.file_name().as_ref()), "image/jpeg" | "image/png" | "image/webp");
    let is_thumbnail_index = path.names().get(1).is_some_and(|name| name == "thumbs");
    if !is_image && !is_thumbnail_index {
        return Err(not_there());
    }
    // The address changes when the picture does.
    file::serve(&method, &headers, &backend.catalogue.file(&path), "public, max-age=86400, immutable").await
}

/// The media tree, for edges.
async fn origin(
    State(backend): Shared,
    method: Method,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    check_edge(&backend, &headers)?;
    let path = below(&request, "/origin/")?;
    let name = path.to_path_buf();
    let (opened, is_versioned) = match backend.catalogue.open_file(path).await {
        Ok(opened) => (Ok(tokio::fs::File::from_std(opened.file)), opened.is_versioned),
        Err(error) => (Err(error), false),
    };
    let lasting = match (is_versioned, is_manifest(&name.to_string_lossy())) {
        (true, false) => "public, max-age=31536000, immutable",
        (true, true) => "public, max-age=1",
        // Another version may lie there at any time.
        (false, _) => "public, no-cache",
    };
    file::serve_open(&method, &headers, opened, &name, lasting).await
}

/// Sessions whose addresses edges have to refuse, from a number on.
async fn revoked(
    State(backend): Shared,
    headers: HeaderMap,
    Params(query): Params<RevokedQuery>,
) -> Result<Response, Problem> {
    check_edge(&backend, &headers)?;
    let page = revocation::list(backend.store.reads(), query.after.unwrap_or(0)).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(page)).into_response())
}

/// Refuses a request that does not show the key of the edges.
fn check_edge(backend: &Backend, headers: &HeaderMap) -> Result<(), Problem> {
    let shown = headers.get(ORIGIN_KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if backend.playback.secret().is_origin_key(shown) {
        return Ok(());
    }
    Err(Problem::new(ErrorCode::GrantInvalid, "the origin answers edges only"))
}

/// The path of a request below a prefix: from the request as it came, because a router's captures are decoded.
fn below(request: &Request, prefix: &str) -> Result<SafePath, Problem> {
    request
        .uri()
        .path()
        .strip_prefix(prefix)
        .and_then(SafePath::parse)
        .ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is nothing at this path"))
}

/// Alive, and not known to be unable to write. After a write that failed, this asks for another, so that the answer is 200 again
/// as soon as writing works.
async fn health(State(backend): Shared) -> Result<impl IntoResponse, Problem> {
    if backend.store.is_failing() {
        backend.store.prove_writable(backend.clock.now_ms()).await?;
    }
    Ok("ok\n")
}

/// Ready for work: a write was durable just now.
async fn ready(State(backend): Shared) -> Result<impl IntoResponse, Problem> {
    backend.store.prove_writable(backend.clock.now_ms()).await?;
    Ok("ready\n")
}

/// The counters, for whoever has the token in `keys/metrics.token`.
async fn metrics(State(backend): Shared, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let shown = bearer_token(&headers).unwrap_or_default();
    if verify_slices_are_equal(shown.as_bytes(), backend.metrics_token.trim().as_bytes()).is_err() {
        return Err(Problem::new(ErrorCode::SignInExpired, "the counters are for operators"));
    }
    let titles = backend.catalogue.now().count();
    let playbacks = backend.playback.running(backend.clock.now_ms()).await?;
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((headers, backend.counters.render(titles, playbacks)))
}
