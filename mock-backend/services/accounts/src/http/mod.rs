//! The routes of the accounts, and what the service does by itself.
//!
//! * [`owner`] — what the owner of an account does; [`link`] — the page on which a phone allows a sign-in by code.

pub mod link;
mod owner;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post, put};
use kinora_api::Problems;
use kinora_api::{
    Account, DeviceInfo, ErrorCode, ProfileList, RefreshRequest, SignInRequest, SignInResponse, SignOutRequest,
    TokenPair, internal, paths,
};
use kinora_kit::http::body::BodyLimits;
use kinora_kit::http::extract::{Payload, Viewer};
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::Connection;
use kinora_kit::http::service::{Extracted, Service};
use kinora_store::pruning::prune;

use crate::delivery::{self, Turn};
use crate::{Accounts, Deps, store};

/// Time from one pruning to the next.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// Time between two looks at events that could not be delivered.
const DELIVER_EVERY: Duration = Duration::from_secs(5);
/// Maximum time that a request waits for the delivery of what it changed.
const DELIVERY_WAIT: Duration = Duration::from_millis(500);

/// Description of the calls.
#[derive(utoipa::OpenApi)]
#[openapi(
    components(schemas(kinora_api::ApiError)),
    paths(
        sign_in,
        refresh,
        sign_out,
        account,
        profiles,
        keys,
        owner::register,
        owner::confirm_registration,
        owner::change_password,
        owner::forgot_password,
        owner::reset_password,
        owner::change_email,
        owner::confirm_email,
        owner::set_pin,
        owner::erase,
        owner::add_profile,
        owner::edit_profile,
        owner::delete_profile,
        owner::enter_profile,
        owner::devices,
        owner::end_device,
        owner::authorize,
        owner::device_token
    )
)]
pub struct Description;

type Answer<T> = Result<axum::Json<T>, Problem>;

/// State that handlers share.
struct Shared {
    accounts: Arc<Accounts>,
    deps: Deps,
    turn: Turn,
    /// True from a delivery that failed until the next one that did not.
    is_failing: AtomicBool,
}

impl Shared {
    /// Returns the address of the client.
    fn peer(&self, connection: Option<axum::Extension<Connection>>, headers: &HeaderMap) -> Option<IpAddr> {
        connection.map(|axum::Extension(connection)| self.deps.gateway.client(headers, connection.peer.ip()))
    }

    /// Delivers changes of sign-ins; those that are not taken are delivered later.
    async fn deliver(&self) {
        let delivered = delivery::deliver(&self.turn, &self.accounts.store, self.deps.playback.as_ref()).await;
        if let Err(error) = &delivered {
            tracing::error!(%error, "a change of a sign-in could not be delivered; it is tried again");
        }
        self.is_failing.store(delivered.is_err(), Ordering::Relaxed);
    }

    /// Delivers what a request changed before it is answered, unless playback does not answer: nobody waits for it to sign in.
    async fn deliver_now(&self) {
        if self.is_failing.load(Ordering::Relaxed) {
            return;
        }
        if tokio::time::timeout(DELIVERY_WAIT, self.deliver()).await.is_err() {
            self.is_failing.store(true, Ordering::Relaxed);
        }
    }
}

/// Refuses a device that cannot be kept.
fn check_device(device: &DeviceInfo) -> Result<(), Problem> {
    if device.id.as_str().is_empty() || device.id.as_str().len() > 64 {
        return Err(Problem::new(ErrorCode::InvalidRequest, "a device's id has 1 to 64 characters"));
    }
    Ok(())
}

impl Extracted for Shared {
    fn accounts(&self) -> Arc<dyn internal::Accounts> {
        Arc::<Accounts>::clone(&self.accounts)
    }

    fn body(&self) -> BodyLimits {
        self.deps.body
    }
}

pub(crate) fn router(accounts: Arc<Accounts>, deps: Deps) -> Router {
    let shared = Arc::new(Shared { accounts, deps, turn: Turn::default(), is_failing: AtomicBool::new(false) });
    tokio::spawn(keep_delivered(Arc::downgrade(&shared)));
    tokio::spawn(keep_pruned(Arc::downgrade(&shared)));
    Router::new()
        .route(paths::SIGN_IN, post(sign_in))
        .route(paths::REFRESH, post(refresh))
        .route(paths::SIGN_OUT, post(sign_out))
        .route(paths::ACCOUNT, get(account))
        .route(paths::PROFILES, get(profiles).post(owner::add_profile))
        .route("/v1/profiles/{id}", put(owner::edit_profile))
        .route("/v1/profiles/{id}/delete", post(owner::delete_profile))
        .route("/v1/profiles/{id}/enter", post(owner::enter_profile))
        .route(paths::REGISTER, post(owner::register))
        .route(paths::REGISTER_CONFIRM, post(owner::confirm_registration))
        .route(paths::PASSWORD, post(owner::change_password))
        .route(paths::PASSWORD_FORGOT, post(owner::forgot_password))
        .route(paths::PASSWORD_RESET, post(owner::reset_password))
        .route(paths::EMAIL, post(owner::change_email))
        .route(paths::EMAIL_CONFIRM, post(owner::confirm_email))
        .route(paths::PIN, put(owner::set_pin))
        .route(paths::ERASE, post(owner::erase))
        .route(paths::DEVICES, get(owner::devices))
        .route("/v1/devices/{id}", delete(owner::end_device))
        .route(paths::DEVICE_AUTHORIZE, post(owner::authorize))
        .route(paths::DEVICE_TOKEN, post(owner::device_token))
        .route(paths::LINK, get(link::page).post(link::submit))
        .route(paths::KEYS, get(keys))
        .with_state(Service(shared))
}

/// Delivers at once what an earlier process left, and then every few seconds; ends with the service.
async fn keep_delivered(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        shared.deliver().await;
        drop(shared);
        tokio::time::sleep(DELIVER_EVERY).await;
    }
}

/// Prunes at once and then every hour; ends with the service.
async fn keep_pruned(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let accounts = &shared.accounts;
        match prune(&accounts.store, &store::RULES, accounts.clock.now_ms()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old rows of accounts were deleted"),
            Err(problem) => tracing::error!(error = %problem.error(), "old rows of accounts could not be deleted"),
        }
        drop(shared);
        tokio::time::sleep(PRUNE_EVERY).await;
    }
}

/// Signs a device in.
#[utoipa::path(post, path = "/v1/sign-in", operation_id = "sign_in", request_body = SignInRequest, responses((status = 200, body = SignInResponse), Problems), security(()))]
async fn sign_in(
    State(Service(shared)): State<Service<Shared>>,
    connection: Option<axum::Extension<Connection>>,
    headers: HeaderMap,
    Payload(request): Payload<SignInRequest>,
) -> Answer<SignInResponse> {
    check_device(&request.device)?;
    let peer = shared.peer(connection, &headers);
    let signed_in = shared.accounts.sign_in(peer, &request).await?;
    // What the device played before goes on under the new sign-in from its first request.
    shared.deliver_now().await;
    Ok(axum::Json(signed_in))
}

/// Trades a refresh token for a new pair.
#[utoipa::path(post, path = "/v1/refresh", operation_id = "refresh", request_body = RefreshRequest, responses((status = 200, body = TokenPair), Problems), security(()))]
async fn refresh(
    State(Service(shared)): State<Service<Shared>>,
    connection: Option<axum::Extension<Connection>>,
    headers: HeaderMap,
    Payload(request): Payload<RefreshRequest>,
) -> Answer<TokenPair> {
    let peer = shared.peer(connection, &headers);
    let rotated = shared.accounts.rotate(peer, &request.refresh_token).await;
    if rotated.is_err() {
        // A token that came twice has revoked its sign-in.
        shared.deliver_now().await;
    }
    Ok(axum::Json(rotated?))
}

/// Signs a device out.
#[utoipa::path(post, path = "/v1/sign-out", operation_id = "sign_out", request_body = SignOutRequest, responses((status = 204), Problems), security(()))]
async fn sign_out(
    State(Service(shared)): State<Service<Shared>>,
    Payload(request): Payload<SignOutRequest>,
) -> Result<StatusCode, Problem> {
    shared.accounts.sign_out(&request.refresh_token).await?;
    shared.deliver_now().await;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns the account.
#[utoipa::path(get, path = "/v1/account", operation_id = "get_account", responses((status = 200, body = Account), Problems), security(("bearer" = [])))]
async fn account(State(Service(shared)): State<Service<Shared>>, Viewer(viewer): Viewer) -> Answer<Account> {
    let account = store::account(&shared.accounts.store, &viewer.account).await?;
    // What is locked depends on what the sign-in has entered.
    Ok(axum::Json(Account { profiles: viewer.profiles, ..account }))
}

/// Returns the public keys of access tokens (RFC 7517 §5).
#[utoipa::path(get, path = "/v1/keys", operation_id = "get_keys", responses((status = 200, description = "A JSON Web Key Set"), Problems), security(()))]
async fn keys(State(Service(shared)): State<Service<Shared>>) -> axum::Json<jsonwebtoken::jwk::JwkSet> {
    axum::Json(shared.accounts.tokens.public())
}

/// Lists the profiles.
#[utoipa::path(get, path = "/v1/profiles", operation_id = "list_profiles", responses((status = 200, body = ProfileList), Problems), security(("bearer" = [])))]
async fn profiles(Viewer(viewer): Viewer) -> Answer<ProfileList> {
    Ok(axum::Json(ProfileList { profiles: viewer.profiles }))
}
