//! Questions of one service to another: contracts inside the backend, which no client of it sees.
//!
//! A service that provides a trait implements it in process; a client over HTTP takes its place where the provider runs elsewhere.
//! So caller and provider share this module and nothing else.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use crate::events::Rating;
use crate::{
    ApiError, ErrorCode, Profile, ProfileId, Protocol, ReasonKind, ResumePosition, TitleId, TitleKind, UnixMillis,
};

/// Answer of another service, on its way.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// Bearer of an access token whose sign-in stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Id of the account.
    pub account: String,
    /// Id of the sign-in.
    pub sign_in: String,
    /// Maximum number of playbacks that the account runs at the same time.
    pub places: u32,
    /// Name of the device that signed in; empty if it is not known.
    #[serde(default)]
    pub device_name: String,
    /// Profiles of the account, the default first. Those that this sign-in may not use are marked as locked.
    pub profiles: Vec<Profile>,
    /// Profile that the sign-in has entered.
    #[serde(default)]
    pub entered: Option<ProfileId>,
}

impl Viewer {
    /// Returns the profile that a request names, else the one that the sign-in has entered, else the first that is not locked.
    /// Every operation that shows or plays something of the catalogue, or of a profile, takes its profile from here: this is the
    /// one place that keeps a child out of other profiles.
    ///
    /// # Errors
    /// 7009 when the account has no such profile, 7020 when it is locked.
    pub fn profile(&self, wanted: Option<&ProfileId>) -> Result<&Profile, ApiError> {
        let absent = || ApiError::new(ErrorCode::ProfileNotFound, "the account has no such profile");
        let Some(wanted) = wanted else {
            let entered = self.entered.as_ref().and_then(|id| self.profiles.iter().find(|profile| profile.id == *id));
            let open = || self.profiles.iter().find(|profile| !profile.locked);
            return entered.filter(|profile| !profile.locked).or_else(open).ok_or_else(absent);
        };
        let found = self.profiles.iter().find(|profile| profile.id == *wanted).ok_or_else(absent)?;
        if found.locked {
            return Err(ApiError::new(ErrorCode::ProfileLocked, "the profile has to be entered with the PIN first"));
        }
        Ok(found)
    }
}

/// End of profiles: what belongs to them is deleted. Taking one twice is the same as taking it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfilesDeleted {
    /// Ids of the profiles.
    pub profiles: Vec<ProfileId>,
    /// Time of the deletion.
    pub at: UnixMillis,
    /// True if all that was recorded of them goes, down to the events of playbacks: their account was erased.
    pub erased: bool,
}

/// The accounts, as other services need them.
pub trait Accounts: Send + Sync {
    /// Returns the bearer of an access token.
    ///
    /// # Errors
    /// 7002 when the token is none or past its time, 7003 when its sign-in was revoked.
    fn identify<'a>(&'a self, token: &'a str) -> Reply<'a, Viewer>;
}

/// A title, as far as playing it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayableTitle {
    /// Id of the title.
    pub id: TitleId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Kind of title. A series is kept on lists and rated, and not played.
    #[serde(default)]
    pub kind: TitleKind,
    /// Its representations of video, and the codecs of its audio.
    #[serde(default)]
    pub offer: Offer,
    /// Number of its current version.
    pub version: i64,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Manifests relative to its directory, the preferred first.
    pub manifests: Vec<(Protocol, String)>,
}

/// Representations of a title, to compare with what a device can play.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its representations of video.
    pub video: Vec<OfferedVideo>,
    /// Codecs of its audio, RFC 6381.
    pub audio_codecs: Vec<String>,
}

/// A representation of video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedVideo {
    /// Height in lines.
    pub height: u32,
    /// Peak bits per second, with the audio of the highest rate.
    pub bandwidth: u64,
    /// RFC 6381 string.
    pub codec: String,
}

/// The catalogue, as other services need it.
pub trait Catalogue: Send + Sync {
    /// Returns a title; one that `profile` may see, if there is one.
    ///
    /// # Errors
    /// 7008 when there is none, 7007 when the profile may not.
    fn title<'a>(&'a self, id: &'a str, profile: Option<&'a Profile>) -> Reply<'a, PlayableTitle>;

    /// Returns those of some titles that there are and that a profile may see, in the same order.
    ///
    /// # Errors
    /// When it does not answer.
    fn visible<'a>(&'a self, ids: &'a [TitleId], profile: &'a Profile) -> Reply<'a, Vec<TitleId>>;

    /// Returns what recommendations need to know of all titles; `None` if nothing changed since the version `known`.
    ///
    /// # Errors
    /// When it does not answer.
    fn facts(&self, known: Option<u64>) -> Reply<'_, Option<CatalogueFacts>>;

    /// Returns true if a version of a title can still be played.
    ///
    /// # Errors
    /// Of the catalogue.
    fn has_version<'a>(&'a self, id: &'a str, version: i64) -> Reply<'a, bool>;
}

/// Change of a sign-in that concerns what it plays. Taking one twice is the same as taking it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum SignInChange {
    /// It was revoked: what it plays ends.
    Revoked {
        /// Id of the sign-in.
        sign_in: String,
        /// Time of the revocation.
        at: UnixMillis,
    },
    /// The same device signed in again: what it plays goes on under the new sign-in.
    Replaced {
        /// Ids of its sign-ins until then.
        sign_ins: Vec<String>,
        /// Id of the new one.
        by: String,
        /// Time of the new sign-in.
        at: UnixMillis,
    },
}

/// A version of a title that a playback may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NeededVersion {
    /// Id of the title.
    pub title: String,
    /// Number of the version.
    pub version: i64,
}

/// Titles that a profile has watched and keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewing {
    /// Positions, the latest first; 500 at most.
    pub positions: Vec<ResumePosition>,
    /// Titles of `positions` that the viewer removed from those to continue.
    pub removed: Vec<TitleId>,
    /// Titles that it keeps, the latest first; 100 at most.
    pub listed: Vec<TitleId>,
    /// True if events of viewers have waited for the log for long.
    #[serde(default)]
    pub is_log_behind: bool,
}

/// Position of a profile in one title, and whether it keeps the title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TitleViewing {
    /// Its position; `None` if it never began.
    pub position: Option<ResumePosition>,
    /// True if it keeps the title.
    pub is_listed: bool,
    /// Its opinion.
    #[serde(default)]
    pub rating: Option<Rating>,
}

/// The playbacks and positions, as other services need them.
pub trait Playback: Send + Sync {
    /// Returns what a profile has watched and keeps, for its screens.
    ///
    /// # Errors
    /// Of its store.
    fn viewing<'a>(&'a self, profile: &'a ProfileId) -> Reply<'a, Viewing>;

    /// Returns what a profile has done with one title.
    ///
    /// # Errors
    /// Of its store.
    fn viewing_of<'a>(&'a self, profile: &'a ProfileId, title: &'a str) -> Reply<'a, TitleViewing>;

    /// Returns the positions of a profile in some titles, in any order; those that it never began are left out.
    ///
    /// # Errors
    /// Of its store.
    fn positions_of<'a>(&'a self, profile: &'a ProfileId, titles: &'a [TitleId]) -> Reply<'a, Vec<ResumePosition>> {
        Box::pin(async move {
            let mut positions = Vec::new();
            for title in titles {
                positions.extend(self.viewing_of(profile, title.as_str()).await?.position);
            }
            Ok(positions)
        })
    }

    /// Returns the versions of titles that playbacks need.
    ///
    /// # Errors
    /// Of its store.
    fn needed_versions(&self) -> Reply<'_, Vec<NeededVersion>>;

    /// Takes note of a change of a sign-in.
    ///
    /// # Errors
    /// Those of its store; the caller repeats the call then.
    fn sign_in_changed<'a>(&'a self, change: &'a SignInChange) -> Reply<'a, ()>;

    /// Ends the playbacks of profiles and deletes their positions.
    ///
    /// # Errors
    /// Those of its store; the caller repeats the call then.
    fn profiles_deleted<'a>(&'a self, deleted: &'a ProfilesDeleted) -> Reply<'a, ()>;
}

/// A title that is recommended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// Id of the title.
    pub title: TitleId,
    /// Reason.
    pub reason: ReasonKind,
}

/// A row of titles that are recommended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PickedRow {
    /// Kind of the row.
    pub kind: PickedKind,
    /// Titles, the best first.
    pub picks: Vec<Pick>,
}

/// Kind of a row of recommendations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
#[non_exhaustive]
pub enum PickedKind {
    /// Titles that the profile may like.
    ForYou,
    /// Titles that go with one title.
    BecauseWatched {
        /// The title, which the profile watched.
        title: TitleId,
    },
    /// Titles that many watched lately.
    Popular,
    /// Titles of a genre that the profile watches.
    Genre {
        /// The genre.
        genre: String,
    },
}

/// Facts about a title that recommendations need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TitleFacts {
    /// Id of the title.
    pub id: TitleId,
    /// Kind of title.
    #[serde(default)]
    pub kind: TitleKind,
    /// Title that an episode or a trailer belongs to: what viewers do with it counts for that one, and it is never recommended
    /// itself.
    #[serde(default)]
    pub part_of: Option<TitleId>,
    /// Its genres.
    #[serde(default)]
    pub genres: Vec<String>,
    /// Age from which it is suitable; absent if it has no rating.
    #[serde(default)]
    pub min_age: Option<u8>,
    /// Time at which it was added.
    #[serde(default)]
    pub added_at: UnixMillis,
}

/// All titles, as far as recommendations go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueFacts {
    /// Version of the catalogue: another one if a title came, went or changed, and after a restart.
    pub version: u64,
    /// Films and series that are offered, and all titles that belong to another one.
    pub titles: Vec<TitleFacts>,
}

/// Recommendations for a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picks {
    /// Rows, the best first.
    pub rows: Vec<PickedRow>,
    /// True if events could not be read for a while.
    #[serde(default)]
    pub is_behind: bool,
}

/// The recommendations, as other services need them.
pub trait Recommendations: Send + Sync {
    /// Returns the rows of a profile, the best first; `limit` is the age up to which titles are shown to it.
    ///
    /// # Errors
    /// When it does not answer.
    fn rows<'a>(&'a self, profile: &'a ProfileId, limit: Option<u8>) -> Reply<'a, Picks>;
}
