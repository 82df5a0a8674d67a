//! The accounts as other services see them: in the same process, or over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use kinora_api::internal::{self as contract, Reply, Viewer};
use kinora_kit::http::internal::{self, Caller, InternalKey};
use kinora_kit::http::problem::Problem;

use crate::{Accounts, store};

const IDENTIFY: &str = "/internal/accounts/identify";

impl contract::Accounts for Accounts {
    fn identify<'a>(&'a self, token: &'a str) -> Reply<'a, Viewer> {
        Box::pin(async move {
            let bearer = self.tokens.check(token, self.clock.now_ms())?;
            Ok(store::viewer(&self.store, bearer.account, bearer.family).await?)
        })
    }
}

/// The accounts, in another process.
pub struct HttpClient(Caller);

impl HttpClient {
    /// Asks through `caller`.
    pub fn new(caller: Caller) -> Self {
        Self(caller)
    }
}

impl contract::Accounts for HttpClient {
    fn identify<'a>(&'a self, token: &'a str) -> Reply<'a, Viewer> {
        Box::pin(async move { self.0.call(IDENTIFY, &token).await })
    }
}

/// Returns the routes behind [`HttpClient`].
pub fn routes(accounts: Arc<Accounts>, key: InternalKey) -> Router {
    internal::guard(Router::new().route(IDENTIFY, post(identify)).with_state(accounts), key)
}

async fn identify(State(accounts): State<Arc<Accounts>>, Json(token): Json<String>) -> Result<Json<Viewer>, Problem> {
    Ok(Json(contract::Accounts::identify(accounts.as_ref(), &token).await?))
}
