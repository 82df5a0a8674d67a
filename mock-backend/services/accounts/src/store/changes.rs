//! Events of accounts for the event log.

use kinora_api::ProfileId;
use kinora_api::events::{AccountChange, LoggedEvent, ViewerEvent};
use kinora_store::{Connection, Error, events};

/// Logs a change of an account, or of a profile of it.
pub(super) async fn log(
    connection: &mut Connection,
    (account, profile): (&str, Option<&str>),
    change: AccountChange,
    at: i64,
) -> Result<(), Error> {
    let event = ViewerEvent::AccountChanged { change };
    let (account, profile) = (Some(account.to_owned()), profile.map(ProfileId::from));
    events::log(connection, &LoggedEvent { account, profile, at, event }).await
}

/// Logs that all that is known of a profile, or of an account, is to be forgotten.
pub(super) async fn forget(
    connection: &mut Connection,
    (account, profile): (&str, Option<&str>),
    at: i64,
) -> Result<(), Error> {
    let (account, profile) = (Some(account.to_owned()), profile.map(ProfileId::from));
    events::log(connection, &LoggedEvent { account, profile, at, event: ViewerEvent::Forget }).await
}
