//! The routes for the owner of an account.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use kinora_api::{
    ChangeEmail, ChangePassword, ConfirmEmail, DeleteProfile, DeviceAuthorization, DeviceAuthorizeRequest, DeviceList,
    DeviceTokenRequest, EnterProfile, EraseAccount, ForgotPassword, PinRequest, Profile, ProfileId, ProfileRequest,
    RegisterConfirm, RegisterRequest, ResetPassword, SignInResponse,
};
use kinora_kit::http::extract::{Payload, Viewer};
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::Connection;

use super::{Answer, Service, Shared, check_device};
use crate::store::sign_ins;

type Done = Result<StatusCode, Problem>;

/// Address of the client.
pub(super) struct Peer(pub(super) Option<IpAddr>);

impl FromRequestParts<Service> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, Service(shared): &Service) -> Result<Self, Problem> {
        let connection = parts.extensions.get::<Connection>().cloned().map(axum::Extension);
        Ok(Self(shared.peer(connection, &parts.headers)))
    }
}

/// Delivers what a change ended, and answers that it is done.
async fn done(shared: &Arc<Shared>) -> Done {
    shared.deliver_now().await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn register(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Payload(request): Payload<RegisterRequest>,
) -> Done {
    shared.accounts.register(peer, &request).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn confirm_registration(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Payload(request): Payload<RegisterConfirm>,
) -> Answer<SignInResponse> {
    check_device(&request.device)?;
    Ok(axum::Json(shared.accounts.confirm_registration(peer, &request).await?))
}

pub(super) async fn change_password(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ChangePassword>,
) -> Done {
    let changed = shared.accounts.change_password(peer, &viewer, &request).await;
    let done = done(&shared).await;
    changed.and(done)
}

pub(super) async fn forgot_password(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Payload(request): Payload<ForgotPassword>,
) -> Done {
    shared.accounts.forgot_password(peer, &request.email).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn reset_password(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Payload(request): Payload<ResetPassword>,
) -> Done {
    shared.accounts.reset_password(peer, &request).await?;
    done(&shared).await
}

pub(super) async fn change_email(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ChangeEmail>,
) -> Done {
    shared.accounts.change_email(peer, &viewer, &request).await?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn confirm_email(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ConfirmEmail>,
) -> Done {
    shared.accounts.confirm_email(peer, &viewer, &request.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_pin(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<PinRequest>,
) -> Done {
    shared.accounts.set_pin(peer, &viewer, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn erase(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<EraseAccount>,
) -> Done {
    shared.accounts.erase_own(peer, &viewer, &request.password).await?;
    done(&shared).await
}

pub(super) async fn add_profile(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ProfileRequest>,
) -> Answer<Profile> {
    Ok(axum::Json(shared.accounts.add_profile(peer, &viewer, &request).await?))
}

pub(super) async fn edit_profile(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Path(id): Path<ProfileId>,
    Payload(request): Payload<ProfileRequest>,
) -> Answer<Profile> {
    Ok(axum::Json(shared.accounts.edit_profile(peer, &viewer, &id, &request).await?))
}

pub(super) async fn delete_profile(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Path(id): Path<ProfileId>,
    Payload(request): Payload<DeleteProfile>,
) -> Done {
    shared.accounts.delete_profile(peer, &viewer, &id, request.authority.as_ref()).await?;
    done(&shared).await
}

pub(super) async fn enter_profile(
    State(Service(shared)): State<Service>,
    Viewer(viewer): Viewer,
    Path(id): Path<ProfileId>,
    Payload(request): Payload<EnterProfile>,
) -> Answer<Profile> {
    Ok(axum::Json(shared.accounts.enter_profile(&viewer, &id, request.pin.as_ref()).await?))
}

pub(super) async fn devices(State(Service(shared)): State<Service>, Viewer(viewer): Viewer) -> Answer<DeviceList> {
    let devices = sign_ins::devices(&shared.accounts.store, &viewer.account, &viewer.sign_in).await?;
    Ok(axum::Json(DeviceList { devices }))
}

pub(super) async fn end_device(
    State(Service(shared)): State<Service>,
    Viewer(viewer): Viewer,
    Path(id): Path<String>,
) -> Done {
    let accounts = &shared.accounts;
    sign_ins::end_device(&accounts.store, &viewer.account, &id, accounts.clock.now_ms()).await?;
    done(&shared).await
}

pub(super) async fn authorize(
    State(Service(shared)): State<Service>,
    Peer(peer): Peer,
    Payload(request): Payload<DeviceAuthorizeRequest>,
) -> Answer<DeviceAuthorization> {
    check_device(&request.device)?;
    Ok(axum::Json(shared.accounts.authorize(peer, &request.device).await?))
}

pub(super) async fn device_token(
    State(Service(shared)): State<Service>,
    Payload(request): Payload<DeviceTokenRequest>,
) -> Answer<SignInResponse> {
    let signed_in = shared.accounts.device_token(&request.device_code).await?;
    shared.deliver_now().await;
    Ok(axum::Json(signed_in))
}
