//! Sign-in, tokens, devices and profiles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AccountId, DeviceId, ProfileId, Secret, UnixMillis};

/// What a client says about the machine it runs on; shown to the account's owner in the list of devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceInfo {
    /// The installation's own id.
    pub id: DeviceId,
    /// A name that its owner recognises, such as the host name.
    pub name: String,
    /// Operating system and form, such as `linux-desktop`.
    pub platform: String,
    /// The client's version.
    pub app_version: String,
}

/// Body of `POST /v1/sign-in`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInRequest {
    /// The account's e-mail address; compared without regard to case.
    pub email: String,
    /// The password, 1–256 bytes.
    pub password: Secret,
    /// The device that signs in; its refresh tokens form one chain.
    pub device: DeviceInfo,
}

/// Answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInResponse {
    /// The tokens to go on with.
    pub tokens: TokenPair,
    /// Who has signed in, with the profiles to choose from.
    pub account: Account,
}

/// An access token for requests and a refresh token for the next pair.
///
/// A refresh token works once. Presenting it a second time is taken as theft and revokes the device's whole chain
/// (RFC 9700 §4.14.2), so a client stores the new pair before it uses it, and never refreshes twice at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenPair {
    /// Goes into `Authorization: Bearer`.
    pub access_token: Secret,
    /// When the access token stops working, by the server's clock.
    pub access_expires_at: UnixMillis,
    /// How long the access token works from now: to be preferred over `access_expires_at` when the client's clock may be wrong.
    pub access_expires_in_ms: u64,
    /// Goes into [`RefreshRequest`], once.
    pub refresh_token: Secret,
    /// When the refresh token stops working.
    pub refresh_expires_at: UnixMillis,
}

/// Body of `POST /v1/refresh`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefreshRequest {
    /// The latest refresh token of the device.
    pub refresh_token: Secret,
}

/// Body of `POST /v1/sign-out`. Signing out an unknown token is not an error: the wanted state is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignOutRequest {
    /// Any refresh token of the device that signs out.
    pub refresh_token: Secret,
}

/// The signed-in account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// The address it signs in with.
    pub email: String,
    /// The name shown in the client.
    pub display_name: String,
    /// How many playbacks may run at the same time.
    pub max_streams: u32,
    /// At least one; the first is the default.
    pub profiles: Vec<Profile>,
}

/// One viewer of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    /// The profile's id.
    pub id: ProfileId,
    /// The name shown in the client.
    pub name: String,
    /// The highest [`crate::AgeRating::min_age`] this profile may see; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u8>,
    /// The language to prefer for the interface and audio, when the viewer chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Answer to `GET /v1/profiles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileList {
    /// At least one; the first is the default where a request names no profile.
    pub profiles: Vec<Profile>,
}
