//! The recommendations as other services see them: in the same process, or over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use kinora_api::ProfileId;
use kinora_api::internal::{self as contract, Picks, Reply};
use kinora_kit::http::internal::{self, Caller, InternalKey};
use kinora_kit::http::problem::Problem;

use crate::Recommendations;

const ROWS: &str = "/internal/recommendations/rows";

impl contract::Recommendations for Recommendations {
    fn rows<'a>(&'a self, profile: &'a ProfileId, limit: Option<u8>) -> Reply<'a, Picks> {
        Box::pin(async move { Ok(Picks { rows: Self::rows(self, profile, limit), is_behind: self.is_behind() }) })
    }
}

/// The recommendations, in another process.
pub struct HttpClient(Caller);

impl HttpClient {
    /// Asks through `caller`.
    pub fn new(caller: Caller) -> Self {
        Self(caller)
    }
}

impl contract::Recommendations for HttpClient {
    fn rows<'a>(&'a self, profile: &'a ProfileId, limit: Option<u8>) -> Reply<'a, Picks> {
        Box::pin(async move { self.0.call(ROWS, &(profile, limit)).await })
    }
}

/// Returns the routes behind [`HttpClient`].
pub fn routes(recommendations: Arc<Recommendations>, key: InternalKey) -> Router {
    internal::guard(Router::new().route(ROWS, post(rows)).with_state(recommendations), key)
}

async fn rows(
    State(recommendations): State<Arc<Recommendations>>,
    Json((profile, limit)): Json<(ProfileId, Option<u8>)>,
) -> Result<Json<Picks>, Problem> {
    Ok(Json(contract::Recommendations::rows(recommendations.as_ref(), &profile, limit).await?))
}
