//! The routes of the catalogue, and what the service does by itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::get;
use kinora_api::Problems;
use kinora_api::internal::Picks;
use kinora_api::{
    ErrorCode, Home, Profile, ProfileId, Row, SearchFilter, SearchResults, TitleDetail, TitleKind, internal,
};
use kinora_kit::http::extract::{Params, Viewer, check_edge};
use kinora_kit::http::file;
use kinora_kit::http::path::SafePath;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::service::{Extracted, Service};
use serde::Deserialize;

use crate::domain::finder::Wanted;
use crate::domain::home::Scene;
use crate::searching::Searching;
use crate::shared::Shared;
use crate::shown::Shown;
use crate::tagged::tagged;
use crate::{Catalogue, Deps, live, origin, retention};

/// Time that recommendations may take before the home screen does without them.
const PICKING: Duration = Duration::from_millis(300);

/// Titles in one answer to a search.
const MAX_FOUND: usize = 100;

/// Description of the calls.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(kinora_api::ApiError)), paths(home_screen, home_row, title, search, image))]
pub struct Description;

type Answer<T> = Result<axum::Json<T>, Problem>;

impl Extracted for Shared {
    fn accounts(&self) -> Arc<dyn internal::Accounts> {
        Arc::clone(&self.deps.accounts)
    }
}

/// The query string of calls that are about a profile.
#[derive(Clone, Debug, Default, Deserialize)]
struct ProfileQuery {
    /// Absent: the default profile.
    profile: Option<ProfileId>,
}

/// The query string of the home screen and its rows.
#[derive(Clone, Debug, Default, Deserialize)]
struct HomeQuery {
    /// Absent: the default profile.
    profile: Option<ProfileId>,
    /// Id of a row; only for rows.
    id: Option<String>,
    /// Number of the first genre row, or of the first title of a row; absent: 0.
    from: Option<usize>,
}

/// The query string of a search.
#[derive(Clone, Debug, Deserialize)]
struct SearchQuery {
    /// What to look for.
    #[serde(default)]
    q: String,
    /// At most so many titles.
    limit: Option<usize>,
    /// Kind of the titles.
    kind: Option<String>,
    /// A genre of the titles.
    genre: Option<String>,
    /// A language of their sound, a BCP 47 tag.
    language: Option<String>,
    /// Maximum duration in minutes.
    max_minutes: Option<u32>,
    /// Absent: the default profile.
    profile: Option<ProfileId>,
}

impl SearchQuery {
    /// Returns the filters.
    ///
    /// # Errors
    /// 7013 when there is no such kind of title.
    fn filter(&self) -> Result<SearchFilter, Problem> {
        let kinds = [TitleKind::Film, TitleKind::Series, TitleKind::Episode, TitleKind::Trailer];
        let named = |name: &String| {
            let found = kinds.into_iter().find(|kind| kind.name() == name);
            let message = "the kind of a title is film, series, episode or trailer";
            found.ok_or_else(|| Problem::new(ErrorCode::InvalidRequest, message))
        };
        Ok(SearchFilter {
            kind: self.kind.as_ref().map(named).transpose()?,
            genre: self.genre.clone(),
            language: self.language.clone(),
            max_minutes: self.max_minutes,
        })
    }
}

pub(crate) fn router(catalogue: Arc<Catalogue>, deps: Deps) -> Router {
    let shown = Shown::start(Arc::clone(&deps.log));
    let shared = Arc::new(Shared { catalogue, shown, deps, searching: Searching::default() });
    tokio::spawn(retention::run(Arc::downgrade(&shared), shared.catalogue.changes()));
    tokio::spawn(Catalogue::watch(Arc::downgrade(&shared.catalogue)));
    Router::new()
        .route("/v1/home", get(home_screen))
        .route("/v1/home/row", get(home_row))
        .route("/v1/titles/{id}", get(title))
        .route("/v1/search", get(search))
        .route("/v1/images/{*path}", get(image))
        .route("/origin/{*path}", get(origin))
        .with_state(Service(shared))
}

impl Shared {
    /// Returns what is recommended to a profile, for the first page only; `None` if it is not known in time.
    async fn picked(&self, profile: &Profile, first: usize) -> Option<Picks> {
        if first > 0 {
            return Some(Picks::default());
        }
        let rows = self.deps.recommendations.rows(&profile.id, profile.max_age);
        match tokio::time::timeout(PICKING, rows).await {
            Ok(Ok(picks)) => Some(picks),
            Ok(Err(error)) => {
                tracing::debug!(%error, "recommendations do not answer");
                None
            }
            Err(_) => {
                tracing::debug!("recommendations do not answer in time");
                None
            }
        }
    }
}

/// Returns the home screen.
#[utoipa::path(get, path = "/v1/home", operation_id = "get_home", params(("profile" = Option<String>, Query), ("from" = Option<u32>, Query)), responses((status = 200, body = Home), (status = 304, description = "The client has this answer"), Problems), security(("bearer" = [])))]
async fn home_screen(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Params(query): Params<HomeQuery>,
    (method, headers): (Method, HeaderMap),
) -> Result<Response, Problem> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let first = query.from.unwrap_or(0);
    let (viewing, picked) = tokio::join!(shared.deps.playback.viewing(&profile.id), shared.picked(profile, first));
    let viewing = viewing?;
    let titles = shared.catalogue.now();
    let scene = Scene::new(titles.shelf(profile), &viewing.positions, query.profile.as_ref());
    let rows = picked.as_ref().map(|picks| picks.rows.as_slice());
    let mut home = scene.home(&titles.own_rows(&viewing, rows, profile, shared.deps.clock.now_ms()), first);
    home.is_behind = viewing.is_log_behind || picked.is_some_and(|picks| picks.is_behind);
    shared.shown.home(&profile.id, &home, shared.deps.clock.now_ms());
    tagged(&method, &headers, &home)
}

/// Returns further titles of a row.
#[utoipa::path(get, path = "/v1/home/row", operation_id = "get_home_row", params(("profile" = Option<String>, Query), ("id" = Option<String>, Query), ("from" = Option<u32>, Query)), responses((status = 200, body = Row), Problems), security(("bearer" = [])))]
async fn home_row(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Params(query): Params<HomeQuery>,
) -> Answer<Row> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let viewing = shared.deps.playback.viewing(&profile.id).await?;
    let titles = shared.catalogue.now();
    let scene = Scene::new(titles.shelf(profile), &viewing.positions, query.profile.as_ref());
    let row = scene.row(query.id.as_deref().unwrap_or_default(), query.from.unwrap_or(0));
    row.map(axum::Json).ok_or_else(|| Problem::new(ErrorCode::NotFound, "there is no such row"))
}

/// Returns a title page.
#[utoipa::path(get, path = "/v1/titles/{id}", operation_id = "get_title", params(("id" = String, Path), ("profile" = Option<String>, Query)), responses((status = 200, body = TitleDetail), (status = 304, description = "The client has this answer"), Problems), security(("bearer" = [])))]
async fn title(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(id): Path<String>,
    Params(query): Params<ProfileQuery>,
    (method, headers): (Method, HeaderMap),
) -> Result<Response, Problem> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let titles = shared.catalogue.now();
    let entry = titles.title(&id, profile)?;
    let beside = titles.beside(&entry, profile);
    let beside = async {
        if beside.is_empty() { Ok(Vec::new()) } else { shared.deps.playback.positions_of(&profile.id, &beside).await }
    };
    let (viewing, beside) = tokio::join!(shared.deps.playback.viewing_of(&profile.id, &entry.id), beside);
    let now = shared.deps.clock.now_ms();
    tagged(&method, &headers, &titles.detail(&entry, profile, &viewing?, &beside?, now))
}

/// Searches the catalogue.
#[utoipa::path(get, path = "/v1/search", operation_id = "search", params(("q" = Option<String>, Query), ("limit" = Option<u32>, Query), ("kind" = Option<TitleKind>, Query), ("genre" = Option<String>, Query), ("language" = Option<String>, Query), ("max_minutes" = Option<u32>, Query), ("profile" = Option<String>, Query)), responses((status = 200, body = SearchResults), (status = 304, description = "The client has this answer"), Problems), security(("bearer" = [])))]
async fn search(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Params(query): Params<SearchQuery>,
    (method, headers): (Method, HeaderMap),
) -> Result<Response, Problem> {
    let profile = viewer.profile(query.profile.as_ref())?;
    let wanted = Wanted {
        text: query.q.trim().chars().take(200).collect(),
        limit: query.limit.unwrap_or(20).min(MAX_FOUND),
        filter: query.filter()?,
        max_age: profile.max_age,
    };
    let (found, is_simple) = shared.searching.search(&shared.catalogue.now(), &wanted).await;
    shared.shown.search(&profile.id, &wanted.text, found.titles.len(), shared.deps.clock.now_ms());
    let titles = found.titles.iter().map(|entry| entry.card(None)).collect();
    let results = SearchResults { query: wanted.text, titles, filters: found.filters, is_simple };
    tagged(&method, &headers, &results)
}

/// Posters and seek-bar pictures. They name no viewer: who has the address may see them.
#[utoipa::path(get, path = "/v1/images/{path}", operation_id = "get_image", params(("path" = String, Path)), responses((status = 200), Problems), security(()))]
async fn image(
    State(Service(shared)): State<Service<Shared>>,
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
    if !shared.catalogue.may_see_pictures(path.names().first().map_or("", String::as_str), key) {
        return Err(not_there());
    }
    let is_image = matches!(file::content_type(path.file_name().as_ref()), "image/jpeg" | "image/png" | "image/webp");
    let is_thumbnail_index = path.names().get(1).is_some_and(|name| name == "thumbs");
    if !is_image && !is_thumbnail_index {
        return Err(not_there());
    }
    // The address changes when the picture does.
    file::serve(&method, &headers, &shared.catalogue.file(&path), "public, max-age=86400, immutable").await
}

/// The media tree, for edges.
async fn origin(
    State(Service(shared)): State<Service<Shared>>,
    method: Method,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    check_edge(&shared.deps.secret, &headers)?;
    let path = below(&request, "/origin/")?;
    let titles = shared.catalogue.now();
    if let Some(channel) = path.names().first().and_then(|id| titles.channels().get(id)) {
        let clock = &shared.deps.clock;
        let (asked, edges) = ((&path, request.uri().query()), shared.catalogue.edges());
        return live::serve(channel, clock, (&method, &headers), asked, &edges).await;
    }
    origin::serve(&shared.catalogue, (&method, &headers), path).await
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
