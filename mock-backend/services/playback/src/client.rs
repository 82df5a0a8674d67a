//! The playbacks and positions as other services of the same process see them.

use kinora_api::internal::{self, NeededVersion, Reply, SignInChange};
use kinora_api::{ProfileId, ResumePosition};

use crate::Playback;
use crate::store::{positions, revocation, sessions};

impl internal::Playback for Playback {
    fn positions<'a>(&'a self, profile: &'a ProfileId) -> Reply<'a, Vec<ResumePosition>> {
        Box::pin(async move { Ok(positions::list(self.store.reads(), profile.as_str()).await?) })
    }

    fn position<'a>(&'a self, profile: &'a ProfileId, title: &'a str) -> Reply<'a, Option<ResumePosition>> {
        Box::pin(async move { Ok(positions::get(self.store.reads(), profile.as_str(), title).await?) })
    }

    fn needed_versions(&self) -> Reply<'_, Vec<NeededVersion>> {
        Box::pin(async move { Ok(sessions::needed_versions(&self.store, self.clock.now_ms()).await?) })
    }

    fn sign_in_changed<'a>(&'a self, change: &'a SignInChange) -> Reply<'a, ()> {
        let written = self.store.write(change.clone(), |connection, change| {
            Box::pin(async move { Ok(revocation::sign_in_changed(connection, change).await?) })
        });
        Box::pin(async move { Ok(written.await?) })
    }
}
