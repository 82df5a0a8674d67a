//! Events of viewers, as they stand in the log of events (`docs/adr/0029-event-log.md`): written by the services that see it,
//! read by those that learn from it. No client of the backend sees these types.

use serde::{Deserialize, Serialize};

use crate::{ProfileId, TitleId, UnixMillis};

/// Content of one entry of the log. Its key is the profile, or the account if it concerns no profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// Id of the account; absent if the writer does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Profile that did it; absent if it concerns the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileId>,
    /// Time by the clock of the service that saw it.
    pub at: UnixMillis,
    /// Event itself.
    #[serde(flatten)]
    pub event: ViewerEvent,
}

/// Something that a viewer did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
#[non_exhaustive]
pub enum ViewerEvent {
    /// A playback began.
    Play {
        /// The title.
        title: TitleId,
        /// Id of the playback.
        playback: String,
        /// Position of the beginning, milliseconds.
        position_ms: u64,
        /// Length of the title, milliseconds.
        duration_ms: u64,
    },
    /// A playback went on for a stretch: one for each heartbeat that played.
    Watch {
        /// The title.
        title: TitleId,
        /// Id of the playback.
        playback: String,
        /// Beginning of the stretch, milliseconds on the title's timeline.
        from_ms: u64,
        /// End of the stretch, milliseconds on the title's timeline.
        to_ms: u64,
        /// Length of the title, milliseconds.
        duration_ms: u64,
    },
    /// The viewer paused.
    Pause {
        /// The title.
        title: TitleId,
        /// Id of the playback.
        playback: String,
        /// Position, milliseconds.
        position_ms: u64,
    },
    /// The viewer went back.
    Rewind {
        /// The title.
        title: TitleId,
        /// Id of the playback.
        playback: String,
        /// Position before, milliseconds.
        from_ms: u64,
        /// Position after, milliseconds; lower than `from_ms`.
        to_ms: u64,
    },
    /// The viewer went forward, further than the film had played meanwhile.
    Seek {
        /// The title.
        title: TitleId,
        /// Id of the playback.
        playback: String,
        /// Position before, milliseconds.
        from_ms: u64,
        /// Position after, milliseconds; higher than `from_ms`.
        to_ms: u64,
    },
    /// The playback was stopped, or ceased to be heard of, before the end.
    Abandon {
        /// The title.
        title: TitleId,
        /// Id of the playback.
        playback: String,
        /// Position, milliseconds.
        position_ms: u64,
        /// Length of the title, milliseconds.
        duration_ms: u64,
    },
    /// The title was played to its end, or marked as watched.
    Finish {
        /// The title.
        title: TitleId,
        /// Id of the playback; absent if it was marked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        playback: Option<String>,
    },
    /// Titles were shown.
    Impression {
        /// Id of the row.
        row: String,
        /// The titles, in the order in which they were shown.
        titles: Vec<TitleId>,
    },
    /// A search was made.
    Search {
        /// Text after trimming.
        query: String,
        /// Number of titles that were found.
        found: u32,
    },
    /// A title was rated.
    Rating {
        /// The title.
        title: TitleId,
        /// The rating; absent if it was taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rating: Option<Rating>,
    },
    /// A title was put on the profile's list, or taken off it.
    Listed {
        /// The title.
        title: TitleId,
        /// True if it was put on the list.
        listed: bool,
    },
    /// All that is known of the profile, or of the account, is to be forgotten: it was deleted.
    Forget,
    /// A device signed in, or failed to.
    SignIn {
        /// Id of the device; absent if it gave none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<String>,
        /// Address of the client, as far as the service knows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// True if it succeeded.
        accepted: bool,
    },
    /// A sign-in, or a refresh, of the account is at risk.
    RiskAssessed {
        /// Score in thousandths; 500 and more mean an attack.
        score_permille: u16,
        /// Action that was due.
        action: RiskAction,
        /// Names of the reasons, the strongest first.
        reasons: Vec<String>,
    },
    /// An account, or a profile of it, was changed.
    AccountChanged {
        /// Kind of change.
        change: AccountChange,
    },
    /// An event of a newer writer.
    #[serde(other)]
    Other,
}

/// Action that follows from a risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RiskAction {
    /// It was logged.
    Log,
    /// A further proof was due.
    StepUp,
    /// Further tries had to wait.
    Limit,
    /// An action of a newer writer.
    #[serde(other)]
    Other,
}

/// Kind of change of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountChange {
    /// The account was made.
    Registered,
    /// Its password was changed.
    Password,
    /// Its address was changed.
    Address,
    /// Its PIN was set or removed.
    Pin,
    /// A device was signed out.
    SignedOut,
    /// A profile was made.
    ProfileAdded,
    /// Settings of a profile were changed.
    ProfileEdited,
    /// A profile was deleted.
    ProfileDeleted,
    /// A kind of a newer writer.
    #[serde(other)]
    Other,
}

impl LoggedEvent {
    /// Returns the key of the entry: the profile, else the account; `None` if neither is known, and the event cannot be logged.
    pub fn key(&self) -> Option<&str> {
        self.profile.as_ref().map(ProfileId::as_str).or(self.account.as_deref())
    }
}

/// Opinion of a viewer on a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rating {
    /// Liked.
    Up,
    /// Not liked.
    Down,
    /// Is not to be offered again.
    NotInterested,
}

impl Rating {
    /// All opinions.
    pub const ALL: [Self; 3] = [Self::Up, Self::Down, Self::NotInterested];

    /// Returns the name, as it stands in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::NotInterested => "not_interested",
        }
    }

    /// Returns the opinion of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rating| rating.name() == name)
    }
}

/// Body of `PUT /v1/ratings/{title}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PutRating {
    /// The opinion.
    pub rating: Rating,
}

#[cfg(test)]
mod tests {
    use super::{LoggedEvent, ViewerEvent};

    #[test]
    fn an_event_reads_from_its_documented_form_and_a_newer_one_is_passed_over() {
        let text =
            r#"{"profile":"p1","at":5,"event":"rewind","title":"tears","playback":"s","from_ms":9000,"to_ms":1000}"#;
        let event: LoggedEvent = serde_json::from_str(text).expect("the documented form reads");
        assert_eq!(serde_json::to_string(&event).expect("it is written"), text);
        let newer: LoggedEvent = serde_json::from_str(r#"{"at":5,"event":"dream","of":"sheep"}"#).expect("it reads");
        assert_eq!(newer.event, ViewerEvent::Other);
    }
}
