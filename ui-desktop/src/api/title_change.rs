//! Changes of what a profile keeps of a title, and what is known of its titles beside their pages.

use std::collections::BTreeSet;

use kinora_api::{
    ListedTitle, NowPlaying, NowPlayingList, PositionList, ProfileId, PutPosition, ResumePosition, TitleId, paths,
};
use reqwest::Method;

use super::Failure;
use super::session::{NOTHING, Session};

/// A change of what a profile keeps of a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TitleChange {
    /// Puts it on the list of the profile, or takes it off.
    Listed(bool),
    /// Marks it as watched, or as never begun.
    Watched(bool),
    /// Removes it from those to continue.
    NotContinued,
    /// Puts it back among those to continue.
    Continued {
        /// The position that it had.
        position_ms: u64,
    },
}

/// Sends a change.
///
/// # Errors
/// The service refuses or is away.
pub async fn send(
    session: &Session,
    profile: Option<&ProfileId>,
    id: &TitleId,
    change: TitleChange,
) -> Result<(), Failure> {
    match change {
        TitleChange::Listed(true) => {
            let path = paths::my_list_title(id, profile);
            session.call(Method::PUT, &path, NOTHING).await.map(|_: ListedTitle| ())
        }
        TitleChange::Listed(false) => session.tell(Method::DELETE, &paths::my_list_title(id, profile), NOTHING).await,
        TitleChange::Watched(true) => {
            session.call(Method::PUT, &paths::watched(id, profile), NOTHING).await.map(|_: ResumePosition| ())
        }
        TitleChange::Watched(false) => session.tell(Method::DELETE, &paths::watched(id, profile), NOTHING).await,
        TitleChange::NotContinued => session.tell(Method::DELETE, &paths::to_continue(id, profile), NOTHING).await,
        TitleChange::Continued { position_ms } => {
            let body = PutPosition { profile_id: profile.cloned(), position_ms, recorded_at: None };
            let path = paths::position(id, None);
            session.call(Method::PUT, &path, Some(&body)).await.map(|_: ResumePosition| ())
        }
    }
}

/// Returns the titles that a profile has watched to their end.
///
/// # Errors
/// The service refuses or is away.
pub async fn watched(session: &Session, profile: Option<&ProfileId>) -> Result<BTreeSet<TitleId>, Failure> {
    let list: PositionList = session.call(Method::GET, &paths::positions(profile), NOTHING).await?;
    let finished = list.positions.into_iter().filter(|position| position.finished);
    Ok(finished.map(|position| position.title_id).collect())
}

/// Returns what a profile plays on the devices of the account.
///
/// # Errors
/// The service refuses or is away.
pub async fn now_playing(session: &Session, profile: Option<&ProfileId>) -> Result<Vec<NowPlaying>, Failure> {
    let list: NowPlayingList = session.call(Method::GET, &paths::now(profile), NOTHING).await?;
    Ok(list.playing)
}
