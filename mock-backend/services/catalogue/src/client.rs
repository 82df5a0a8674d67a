//! The catalogue as other services see it: in the same process, or over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use kinora_api::internal::{self as contract, CatalogueFacts, NeededVersion, PlayableTitle, Reply};
use kinora_api::{Profile, TitleId};
use kinora_kit::http::internal::{self, Caller, InternalKey};
use kinora_kit::http::problem::Problem;

use crate::Catalogue;

const TITLE: &str = "/internal/catalogue/title";
const VISIBLE: &str = "/internal/catalogue/visible";
const FACTS: &str = "/internal/catalogue/facts";
const HAS_VERSION: &str = "/internal/catalogue/has-version";

impl contract::Catalogue for Catalogue {
    fn title<'a>(&'a self, id: &'a str, profile: Option<&'a Profile>) -> Reply<'a, PlayableTitle> {
        Box::pin(async move {
            let titles = self.now();
            let entry = match profile {
                Some(profile) => titles.title(id, profile)?,
                None => titles.any_title(id)?.clone(),
            };
            Ok(PlayableTitle {
                id: entry.id.as_str().into(),
                name: entry.name().to_owned(),
                offer: entry.offer.clone(),
                kind: entry.kind(),
                version: entry.version,
                duration_ms: entry.duration_ms(),
                manifests: entry.manifests.clone(),
            })
        })
    }

    fn visible<'a>(&'a self, ids: &'a [TitleId], profile: &'a Profile) -> Reply<'a, Vec<TitleId>> {
        Box::pin(async move {
            let titles = self.now();
            Ok(ids.iter().filter(|id| titles.title(id.as_str(), profile).is_ok()).cloned().collect())
        })
    }

    fn facts(&self, known: Option<u64>) -> Reply<'_, Option<CatalogueFacts>> {
        Box::pin(async move {
            let version = self.version();
            Ok((known != Some(version)).then(|| CatalogueFacts { version, titles: self.now().facts() }))
        })
    }

    fn has_version<'a>(&'a self, id: &'a str, version: i64) -> Reply<'a, bool> {
        Box::pin(async move { Ok(Self::has_version(self, id, version).await?) })
    }
}

/// The catalogue, in another process.
pub struct HttpClient(Caller);

impl HttpClient {
    /// Asks through `caller`.
    pub fn new(caller: Caller) -> Self {
        Self(caller)
    }
}

impl contract::Catalogue for HttpClient {
    fn title<'a>(&'a self, id: &'a str, profile: Option<&'a Profile>) -> Reply<'a, PlayableTitle> {
        Box::pin(async move { self.0.call(TITLE, &(id, profile)).await })
    }

    fn visible<'a>(&'a self, ids: &'a [TitleId], profile: &'a Profile) -> Reply<'a, Vec<TitleId>> {
        Box::pin(async move { self.0.call(VISIBLE, &(ids, profile)).await })
    }

    fn facts(&self, known: Option<u64>) -> Reply<'_, Option<CatalogueFacts>> {
        Box::pin(async move { self.0.call(FACTS, &known).await })
    }

    fn has_version<'a>(&'a self, id: &'a str, version: i64) -> Reply<'a, bool> {
        Box::pin(async move { self.0.call(HAS_VERSION, &NeededVersion { title: id.to_owned(), version }).await })
    }
}

/// Returns the routes behind [`HttpClient`].
pub fn routes(catalogue: Arc<Catalogue>, key: InternalKey) -> Router {
    let routes = Router::new()
        .route(TITLE, post(title))
        .route(VISIBLE, post(visible))
        .route(FACTS, post(facts))
        .route(HAS_VERSION, post(has_version));
    internal::guard(routes.with_state(catalogue), key)
}

async fn title(
    State(catalogue): State<Arc<Catalogue>>,
    Json((id, profile)): Json<(String, Option<Profile>)>,
) -> Result<Json<PlayableTitle>, Problem> {
    Ok(Json(contract::Catalogue::title(catalogue.as_ref(), &id, profile.as_ref()).await?))
}

async fn visible(
    State(catalogue): State<Arc<Catalogue>>,
    Json((ids, profile)): Json<(Vec<TitleId>, Profile)>,
) -> Result<Json<Vec<TitleId>>, Problem> {
    Ok(Json(contract::Catalogue::visible(catalogue.as_ref(), &ids, &profile).await?))
}

async fn facts(
    State(catalogue): State<Arc<Catalogue>>,
    Json(known): Json<Option<u64>>,
) -> Result<Json<Option<CatalogueFacts>>, Problem> {
    Ok(Json(contract::Catalogue::facts(catalogue.as_ref(), known).await?))
}

async fn has_version(
    State(catalogue): State<Arc<Catalogue>>,
    Json(wanted): Json<NeededVersion>,
) -> Result<Json<bool>, Problem> {
    Ok(Json(contract::Catalogue::has_version(catalogue.as_ref(), &wanted.title, wanted.version).await?))
}
