//! Wire types of the Kinora backend: what a client sends and what it is answered, and nothing else.
//!
//! No I/O, no logic beyond naming, no dependency but `serde` and `utoipa`, which describes the types: the desktop app, the QA tool and the backend share this crate so
//! that the compiler checks the contract on both sides.
//!
//! # Conventions
//!
//! * JSON over HTTP. Fields are `snake_case`, enumerations are lower-case strings.
//! * Unknown fields are ignored by readers, so that fields can be added; an absent optional field means "not known".
//! * Durations and positions are whole milliseconds (`*_ms`, `u64`); points in time are milliseconds since the Unix epoch, UTC
//!   ([`UnixMillis`]).
//! * Languages are BCP 47 tags.
//! * Every answer that is not 2xx carries an [`ApiError`].
//! * Requests after sign-in carry `Authorization: Bearer <access token>`. Images and `/healthz` need none.
//! * A URL in an answer is either absolute (edges) or begins with `/` and is relative to the backend's base URL.
//!
//! # The calls, in the order a client meets them
//!
//! | call | sends | answered |
//! |---|---|---|
//! | `POST /v1/sign-in` | [`SignInRequest`] | [`SignInResponse`] |
//! | `POST /v1/refresh` | [`RefreshRequest`] | [`TokenPair`] |
//! | `POST /v1/sign-out` | [`SignOutRequest`] | 204 |
//! | `GET /v1/account` | | [`Account`] |
//! | `GET /v1/profiles` | | [`ProfileList`] |
//! | `POST /v1/register` | [`RegisterRequest`] | 202 |
//! | `POST /v1/register/confirm` | [`RegisterConfirm`] | [`SignInResponse`] |
//! | `POST /v1/account/password` | [`ChangePassword`] | 204 |
//! | `POST /v1/password/forgot` | [`ForgotPassword`] | 202 |
//! | `POST /v1/password/reset` | [`ResetPassword`] | 204 |
//! | `POST /v1/account/email` | [`ChangeEmail`] | 202 |
//! | `POST /v1/account/email/confirm` | [`ConfirmEmail`] | 204 |
//! | `PUT /v1/account/pin` | [`PinRequest`] | 204 |
//! | `POST /v1/account/erase` | [`EraseAccount`] | 204 |
//! | `POST /v1/profiles` | [`ProfileRequest`] | [`Profile`] |
//! | `PUT /v1/profiles/{id}` | [`ProfileRequest`] | [`Profile`] |
//! | `POST /v1/profiles/{id}/delete` | [`DeleteProfile`] | 204 |
//! | `POST /v1/profiles/{id}/enter` | [`EnterProfile`] | [`Profile`] |
//! | `GET /v1/devices` | | [`DeviceList`] |
//! | `DELETE /v1/devices/{id}` | | 204 |
//! | `POST /v1/device/authorize` | [`DeviceAuthorizeRequest`] | [`DeviceAuthorization`] |
//! | `POST /v1/device/token` | [`DeviceTokenRequest`] | [`SignInResponse`] |
//! | `GET /v1/keys` | | a JSON Web Key Set |
//! | `GET /v1/home?profile=ID` | | [`Home`] |
//! | `GET /v1/home?from=N&profile=ID` | | [`Home`] with further rows; the path is in [`Home::next`] |
//! | `GET /v1/home/row?id=ROW&from=N&profile=ID` | | [`Row`] with further titles; the path is in [`Row::next`] |
//! | `GET /v1/titles/{id}?profile=ID` | | [`TitleDetail`] |
//! | `GET /v1/search?q=TEXT&limit=N` | | [`SearchResults`] |
//! | `POST /v1/playback` | [`PlaybackRequest`] | [`PlaybackGrant`] |
//! | `POST /v1/playback/{session}/renew` | | [`PlaybackGrant`] |
//! | `POST /v1/playback/{session}/heartbeat` | [`Heartbeat`] | [`HeartbeatReply`] |
//! | `POST /v1/playback/{session}/stop` | [`Heartbeat`] | 204 |
//! | `GET /v1/positions?profile=ID` | | [`PositionList`] |
//! | `GET /v1/positions/{title}?profile=ID` | | [`ResumePosition`] |
//! | `PUT /v1/positions/{title}` | [`PutPosition`] | [`ResumePosition`] |
//! | `PUT /v1/positions/{title}/watched?profile=ID` | | [`ResumePosition`], at the end |
//! | `DELETE /v1/positions/{title}/watched?profile=ID` | | 204; the title counts as never begun |
//! | `DELETE /v1/positions/{title}/continue?profile=ID` | | 204; not among the titles to continue until it is watched again |
//! | `GET /v1/playback/now?profile=ID` | | [`NowPlayingList`] |
//! | `POST /v1/playback/{session}/take-over` | [`TakeOver`] | [`PlaybackGrant`] |
//! | `GET /v1/my-list?profile=ID` | | [`MyList`]; the path of further titles is in [`MyList::next`] |
//! | `PUT /v1/my-list/{title}?profile=ID` | | [`ListedTitle`] |
//! | `DELETE /v1/my-list/{title}?profile=ID` | | 204 |
//! | `PUT /v1/ratings/{title}?profile=ID` | [`events::PutRating`] | 204 |
//! | `DELETE /v1/ratings/{title}?profile=ID` | | 204 |
//! | `GET /openapi.json` | | the description of these calls (OpenAPI 3.1) |
//! | `GET /v1/images/{title}/{file}` | | an image, with `ETag` and `Last-Modified` |
//!
//! The paths are built by the functions of [`paths`].

#![warn(missing_docs)]

mod account;
mod catalogue;
mod error;
pub mod events;
mod ids;
pub mod internal;
pub mod paths;
mod playback;
mod position;

pub use account::{
    AVATARS, Account, Authority, ChangeEmail, ChangePassword, ConfirmEmail, DeleteProfile, Device, DeviceAuthorization,
    DeviceAuthorizeRequest, DeviceInfo, DeviceList, DeviceTokenRequest, EnterProfile, EraseAccount, ForgotPassword,
    PinRequest, Profile, ProfileList, ProfileRequest, RefreshRequest, RegisterConfirm, RegisterRequest, ResetPassword,
    SignInRequest, SignInResponse, SignOutRequest, SubtitleBackground, SubtitleColour, SubtitleSize, SubtitleStyle,
    TokenPair,
};
pub use catalogue::{
    AgeRating, Chapter, Credit, Episode, EpisodePlace, FilterCount, Home, Image, Job, KindCount, Language, Marks,
    OnAir, Programme, Reason, ReasonKind, Row, RowKind, SearchFilter, SearchFilters, SearchResults, Season, Span,
    ThumbnailIndex, TitleCard, TitleDetail, TitleKind,
};
pub use error::{ApiError, ErrorCode, Problems};
pub use ids::{AccountId, DeviceId, PlaybackSessionId, ProfileId, Secret, SignInId, TitleId};
pub use playback::{
    Capabilities, Heartbeat, HeartbeatReply, NowPlaying, NowPlayingList, PlaybackGrant, PlaybackPhase, PlaybackRequest,
    PlaybackSource, PlayingTitle, Protocol, TakeOver,
};
pub use position::{ListedTitle, MyList, PositionList, PutPosition, ResumePosition};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMillis = i64;
