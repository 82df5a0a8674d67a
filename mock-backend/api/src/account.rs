//! Sign-in, tokens, devices and profiles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AccountId, DeviceId, ProfileId, Secret, SignInId, UnixMillis};

/// Description of the machine that a client runs on; shown to the account's owner in the list of devices.
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
    /// Code that was mailed after error 7032; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// Answer to a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInResponse {
    /// The tokens to go on with.
    pub tokens: TokenPair,
    /// Account that has signed in, with the profiles to choose from.
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
    /// Expiry of the access token by the server's clock.
    pub access_expires_at: UnixMillis,
    /// Time for which the access token works from now: to be preferred over `access_expires_at` when the client's clock may be wrong.
    pub access_expires_in_ms: u64,
    /// Goes into [`RefreshRequest`], once.
    pub refresh_token: Secret,
    /// Expiry of the refresh token.
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
    /// Maximum number of playbacks at the same time.
    pub max_streams: u32,
    /// True if a PIN protects the profiles with a higher age limit, or none.
    #[serde(default)]
    pub has_pin: bool,
    /// At least one; the first is the default.
    pub profiles: Vec<Profile>,
}

/// One viewer of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// One of [`AVATARS`]; absent: the client's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Style of subtitles; absent: the client's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle_style: Option<SubtitleStyle>,
    /// True if the client should use little data.
    #[serde(default)]
    pub data_saver: bool,
    /// True if the PIN is needed to enter it from this sign-in; requests that name it are answered with
    /// [`crate::ErrorCode::ProfileLocked`] until then.
    #[serde(default)]
    pub locked: bool,
}

/// Ids of the pictures that a profile may have. The pictures are the client's.
pub const AVATARS: [&str; 12] =
    ["fox", "owl", "cat", "bear", "whale", "frog", "robot", "rocket", "moon", "star", "leaf", "wave"];

/// Style of subtitles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubtitleStyle {
    /// Size of the letters.
    #[serde(default)]
    pub size: SubtitleSize,
    /// Colour of the letters.
    #[serde(default)]
    pub colour: SubtitleColour,
    /// Background of the letters.
    #[serde(default)]
    pub background: SubtitleBackground,
}

/// Size of subtitles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleSize {
    /// Smaller than usual.
    Small,
    /// The default.
    #[default]
    Medium,
    /// Larger than usual.
    Large,
}

/// Colour of subtitles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleColour {
    /// The default.
    #[default]
    White,
    /// Easier to tell from a bright picture.
    Yellow,
}

/// Background of subtitles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleBackground {
    /// An outline only.
    None,
    /// Half transparent; the default.
    #[default]
    Shade,
    /// Black.
    Solid,
}

/// Body of `POST /v1/profiles` and `PUT /v1/profiles/{id}`, both answered with the [`Profile`]. All settings are replaced: an
/// absent one is unset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileRequest {
    /// 1 to 40 characters.
    pub name: String,
    /// See [`Profile::max_age`]; 0 to 21.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u8>,
    /// BCP 47 tag, 35 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// One of [`AVATARS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// See [`Profile::subtitle_style`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle_style: Option<SubtitleStyle>,
    /// See [`Profile::data_saver`].
    #[serde(default)]
    pub data_saver: bool,
    /// Needed once the account has a PIN: for a new profile, and for a change of `max_age`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
}

/// Proof that a parent asks: `{"pin": "…"}` or `{"password": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The account's PIN.
    Pin(Secret),
    /// The account's password.
    Password(Secret),
}

/// Body of `POST /v1/profiles/{id}/delete`, answered with 204. Its positions are deleted with it, its playbacks end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeleteProfile {
    /// Needed once the account has a PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
}

/// Body of `POST /v1/profiles/{id}/enter`, answered with the [`Profile`]. From then on requests of this sign-in that name no profile
/// mean this one, until another one is entered. A locked profile needs the PIN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnterProfile {
    /// The account's PIN; not needed for a profile that is not locked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Secret>,
}

/// Body of `PUT /v1/account/pin`, answered with 204. All devices have to enter locked profiles anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinRequest {
    /// 4 to 8 digits; absent: the account has no PIN from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Secret>,
    /// The account's password.
    pub password: Secret,
}

/// Body of `POST /v1/register`, answered with 202 whether the address has an account or not: a mail tells its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterRequest {
    /// The address to sign in with.
    pub email: String,
    /// The password, 1–256 bytes.
    pub password: Secret,
    /// Name shown in clients, and of the first profile; 1 to 40 characters; absent: the address up to the @.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// Body of `POST /v1/register/confirm`, answered with [`SignInResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisterConfirm {
    /// The address.
    pub email: String,
    /// The code that was mailed to it; case, spaces and hyphens do not matter.
    pub code: Secret,
    /// The device that signs in.
    pub device: DeviceInfo,
}

/// Body of `POST /v1/account/password`, answered with 204. Sign-ins of other devices end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangePassword {
    /// The password until now.
    pub present: Secret,
    /// The password from now on.
    pub new: Secret,
}

/// Body of `POST /v1/password/forgot`, answered with 202 whether the address has an account or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForgotPassword {
    /// The address.
    pub email: String,
}

/// Body of `POST /v1/password/reset`, answered with 204. All sign-ins end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResetPassword {
    /// The address.
    pub email: String,
    /// The code that was mailed to it.
    pub code: Secret,
    /// The password from now on.
    pub password: Secret,
}

/// Body of `POST /v1/account/email`, answered with 202: a code is mailed to the new address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeEmail {
    /// The new address.
    pub email: String,
    /// The account's password.
    pub password: Secret,
}

/// Body of `POST /v1/account/email/confirm`, answered with 204. A mail informs the old address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfirmEmail {
    /// The code that was mailed to the new address.
    pub code: Secret,
}

/// Body of `POST /v1/account/erase`, answered with 204.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EraseAccount {
    /// The account's password.
    pub password: Secret,
}

/// One device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// For `DELETE /v1/devices/{id}`.
    pub id: SignInId,
    /// See [`DeviceInfo::name`].
    pub name: String,
    /// See [`DeviceInfo::platform`].
    pub platform: String,
    /// Time of its sign-in.
    pub signed_in_at: UnixMillis,
    /// Time of its latest tokens, which it renews every few minutes while it is used.
    pub last_seen_at: UnixMillis,
    /// True for the device that asks.
    pub this: bool,
}

/// Answer to `GET /v1/devices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceList {
    /// The device seen last comes first.
    pub devices: Vec<Device>,
}

/// Body of `POST /v1/device/authorize`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceAuthorizeRequest {
    /// The device that wants to be signed in; its name is shown to who decides.
    pub device: DeviceInfo,
}

/// Answer to `POST /v1/device/authorize` (RFC 8628 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceAuthorization {
    /// For `POST /v1/device/token`; not to be shown.
    pub device_code: Secret,
    /// `XXXX-XXXX`, to be shown.
    pub user_code: String,
    /// The page to open on a phone, relative to the backend's base URL.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code.
    pub verification_uri_complete: String,
    /// Seconds for which the codes work.
    pub expires_in: u64,
    /// Seconds between two questions for the outcome.
    pub interval: u64,
}

/// Body of `POST /v1/device/token`, answered with [`SignInResponse`] or one of the errors 7024 to 7027.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceTokenRequest {
    /// From [`DeviceAuthorization::device_code`].
    pub device_code: Secret,
}

/// Answer to `GET /v1/profiles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileList {
    /// At least one; the first is the default where a request names no profile.
    pub profiles: Vec<Profile>,
}
