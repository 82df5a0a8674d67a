//! Where a profile left off.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ProfileId, TitleId, UnixMillis};

/// Position at which a profile left off in one title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResumePosition {
    /// The title.
    pub title_id: TitleId,
    /// The position on the presentation timeline.
    pub position_ms: u64,
    /// The title's whole length.
    pub duration_ms: u64,
    /// True if the profile has seen it to the end (or to the credits: the last 5 %).
    pub finished: bool,
    /// Time at which the position was recorded.
    pub updated_at: UnixMillis,
}

/// Body of `PUT /v1/positions/{title}`.
///
/// Among writes of several devices the one with the latest `recorded_at` wins, so that a position sent late by a device that
/// was offline does not undo a newer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutPosition {
    /// Whose position; absent: the account's default profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_id: Option<ProfileId>,
    /// The position on the presentation timeline; beyond the end it is taken as the end.
    pub position_ms: u64,
    /// Time of the position; absent or in the future: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<UnixMillis>,
}

/// Answer to `GET /v1/positions`: the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PositionList {
    /// At most one for each title.
    pub positions: Vec<ResumePosition>,
}

/// Answer to `GET /v1/my-list`: the titles that a profile keeps, the latest first, 50 at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MyList {
    /// Titles that the profile may see.
    pub titles: Vec<ListedTitle>,
    /// `GET` here for further ones; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A title that a profile keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedTitle {
    /// The title.
    pub title_id: TitleId,
    /// Time at which it was put on the list.
    pub added_at: UnixMillis,
}
