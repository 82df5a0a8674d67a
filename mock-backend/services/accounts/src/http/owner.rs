//! The routes for the owner of an account.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use kinora_api::Problems;
use kinora_api::{
    ChangeEmail, ChangePassword, ConfirmEmail, DeleteProfile, DeviceAuthorization, DeviceAuthorizeRequest, DeviceList,
    DeviceTokenRequest, EnterProfile, EraseAccount, ForgotPassword, PinRequest, Profile, ProfileId, ProfileRequest,
    RegisterConfirm, RegisterRequest, ResetPassword, SignInResponse,
};
use kinora_kit::http::extract::{Payload, Viewer};
use kinora_kit::http::problem::Problem;
use kinora_kit::http::server::Connection;
use kinora_kit::http::service::Service;

use super::{Answer, Shared, check_device};
use crate::store::sign_ins;

type Done = Result<StatusCode, Problem>;

/// Address of the client.
pub(super) struct Peer(pub(super) Option<IpAddr>);

impl FromRequestParts<Service<Shared>> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, Service(shared): &Service<Shared>) -> Result<Self, Problem> {
        let connection = parts.extensions.get::<Connection>().cloned().map(axum::Extension);
        Ok(Self(shared.peer(connection, &parts.headers)))
    }
}

/// Delivers what a change ended, and answers that it is done.
async fn done(shared: &Arc<Shared>) -> Done {
    shared.deliver_now().await;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for an account; a code goes to the address.
#[utoipa::path(post, path = "/v1/register", operation_id = "register", request_body = RegisterRequest, responses((status = 202), Problems), security(()))]
pub(super) async fn register(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Payload(request): Payload<RegisterRequest>,
) -> Done {
    shared.accounts.register(peer, &request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Makes the account with the code, and signs in.
#[utoipa::path(post, path = "/v1/register/confirm", operation_id = "confirm_registration", request_body = RegisterConfirm, responses((status = 200, body = SignInResponse), Problems), security(()))]
pub(super) async fn confirm_registration(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Payload(request): Payload<RegisterConfirm>,
) -> Answer<SignInResponse> {
    check_device(&request.device)?;
    Ok(axum::Json(shared.accounts.confirm_registration(peer, &request).await?))
}

/// Sets another password and ends the sign-ins of other devices.
#[utoipa::path(post, path = "/v1/account/password", operation_id = "change_password", request_body = ChangePassword, responses((status = 204), Problems), security(("bearer" = [])))]
pub(super) async fn change_password(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ChangePassword>,
) -> Done {
    let changed = shared.accounts.change_password(peer, &viewer, &request).await;
    let done = done(&shared).await;
    changed.and(done)
}

/// Has a code sent that sets another password.
#[utoipa::path(post, path = "/v1/password/forgot", operation_id = "forgot_password", request_body = ForgotPassword, responses((status = 202), Problems), security(()))]
pub(super) async fn forgot_password(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Payload(request): Payload<ForgotPassword>,
) -> Done {
    shared.accounts.forgot_password(peer, &request.email).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets another password with the code, and ends all sign-ins.
#[utoipa::path(post, path = "/v1/password/reset", operation_id = "reset_password", request_body = ResetPassword, responses((status = 204), Problems), security(()))]
pub(super) async fn reset_password(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Payload(request): Payload<ResetPassword>,
) -> Done {
    shared.accounts.reset_password(peer, &request).await?;
    done(&shared).await
}

/// Asks for another address; a code goes to it.
#[utoipa::path(post, path = "/v1/account/email", operation_id = "change_email", request_body = ChangeEmail, responses((status = 202), Problems), security(("bearer" = [])))]
pub(super) async fn change_email(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ChangeEmail>,
) -> Done {
    shared.accounts.change_email(peer, &viewer, &request).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Changes the address with the code.
#[utoipa::path(post, path = "/v1/account/email/confirm", operation_id = "confirm_email", request_body = ConfirmEmail, responses((status = 204), Problems), security(("bearer" = [])))]
pub(super) async fn confirm_email(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ConfirmEmail>,
) -> Done {
    shared.accounts.confirm_email(peer, &viewer, &request.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets or removes the PIN.
#[utoipa::path(put, path = "/v1/account/pin", operation_id = "set_pin", request_body = PinRequest, responses((status = 204), Problems), security(("bearer" = [])))]
pub(super) async fn set_pin(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<PinRequest>,
) -> Done {
    shared.accounts.set_pin(peer, &viewer, &request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Erases the account.
#[utoipa::path(post, path = "/v1/account/erase", operation_id = "erase_account", request_body = EraseAccount, responses((status = 204), Problems), security(("bearer" = [])))]
pub(super) async fn erase(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<EraseAccount>,
) -> Done {
    shared.accounts.erase_own(peer, &viewer, &request.password).await?;
    done(&shared).await
}

/// Makes another profile.
#[utoipa::path(post, path = "/v1/profiles", operation_id = "add_profile", request_body = ProfileRequest, responses((status = 200, body = Profile), Problems), security(("bearer" = [])))]
pub(super) async fn add_profile(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Payload(request): Payload<ProfileRequest>,
) -> Answer<Profile> {
    Ok(axum::Json(shared.accounts.add_profile(peer, &viewer, &request).await?))
}

/// Changes a profile.
#[utoipa::path(put, path = "/v1/profiles/{id}", operation_id = "edit_profile", params(("id" = ProfileId, Path, description = "Id of the profile")), request_body = ProfileRequest, responses((status = 200, body = Profile), Problems), security(("bearer" = [])))]
pub(super) async fn edit_profile(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Path(id): Path<ProfileId>,
    Payload(request): Payload<ProfileRequest>,
) -> Answer<Profile> {
    Ok(axum::Json(shared.accounts.edit_profile(peer, &viewer, &id, &request).await?))
}

/// Deletes a profile with its positions.
#[utoipa::path(post, path = "/v1/profiles/{id}/delete", operation_id = "delete_profile", params(("id" = ProfileId, Path, description = "Id of the profile")), request_body = DeleteProfile, responses((status = 204), Problems), security(("bearer" = [])))]
pub(super) async fn delete_profile(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Viewer(viewer): Viewer,
    Path(id): Path<ProfileId>,
    Payload(request): Payload<DeleteProfile>,
) -> Done {
    shared.accounts.delete_profile(peer, &viewer, &id, request.authority.as_ref()).await?;
    done(&shared).await
}

/// Enters a profile on this device.
#[utoipa::path(post, path = "/v1/profiles/{id}/enter", operation_id = "enter_profile", params(("id" = ProfileId, Path, description = "Id of the profile")), request_body = EnterProfile, responses((status = 200, body = Profile), Problems), security(("bearer" = [])))]
pub(super) async fn enter_profile(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(id): Path<ProfileId>,
    Payload(request): Payload<EnterProfile>,
) -> Answer<Profile> {
    Ok(axum::Json(shared.accounts.enter_profile(&viewer, &id, request.pin.as_ref()).await?))
}

/// Lists the devices that are signed in.
#[utoipa::path(get, path = "/v1/devices", operation_id = "list_devices", responses((status = 200, body = DeviceList), Problems), security(("bearer" = [])))]
pub(super) async fn devices(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
) -> Answer<DeviceList> {
    let devices = sign_ins::devices(&shared.accounts.store, &viewer.account, &viewer.sign_in).await?;
    Ok(axum::Json(DeviceList { devices }))
}

/// Signs a device out.
#[utoipa::path(delete, path = "/v1/devices/{id}", operation_id = "sign_device_out", params(("id" = String, Path, description = "Id of the sign-in of the device")), responses((status = 204), Problems), security(("bearer" = [])))]
pub(super) async fn end_device(
    State(Service(shared)): State<Service<Shared>>,
    Viewer(viewer): Viewer,
    Path(id): Path<String>,
) -> Done {
    let accounts = &shared.accounts;
    sign_ins::end_device(&accounts.store, &viewer.account, &id, accounts.clock.now_ms()).await?;
    done(&shared).await
}

/// Begins a sign-in by code (RFC 8628 §3.1).
#[utoipa::path(post, path = "/v1/device/authorize", operation_id = "authorize_device", request_body = DeviceAuthorizeRequest, responses((status = 200, body = DeviceAuthorization), Problems), security(()))]
pub(super) async fn authorize(
    State(Service(shared)): State<Service<Shared>>,
    Peer(peer): Peer,
    Payload(request): Payload<DeviceAuthorizeRequest>,
) -> Answer<DeviceAuthorization> {
    check_device(&request.device)?;
    Ok(axum::Json(shared.accounts.authorize(peer, &request.device).await?))
}

/// Returns the outcome of a sign-in by code (RFC 8628 §3.4).
#[utoipa::path(post, path = "/v1/device/token", operation_id = "device_token", request_body = DeviceTokenRequest, responses((status = 200, body = SignInResponse), Problems), security(()))]
pub(super) async fn device_token(
    State(Service(shared)): State<Service<Shared>>,
    Payload(request): Payload<DeviceTokenRequest>,
) -> Answer<SignInResponse> {
    let signed_in = shared.accounts.device_token(&request.device_code).await?;
    shared.deliver_now().await;
    Ok(axum::Json(signed_in))
}
