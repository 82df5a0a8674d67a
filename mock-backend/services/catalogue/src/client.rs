//! The catalogue as other services of the same process see it.

use kinora_api::Profile;
use kinora_api::internal::{self, PlayableTitle, Reply};

use crate::Catalogue;

impl internal::Catalogue for Catalogue {
    fn title<'a>(&'a self, id: &'a str, profile: Option<&'a Profile>) -> Reply<'a, PlayableTitle> {
        Box::pin(async move {
            let titles = self.now();
            let entry = match profile {
                Some(profile) => titles.title(id, profile)?,
                None => titles.any_title(id)?.clone(),
            };
            Ok(PlayableTitle {
                id: entry.id.as_str().into(),
                version: entry.added_at,
                duration_ms: entry.duration_ms(),
                manifests: entry.manifests.clone(),
            })
        })
    }

    fn has_version<'a>(&'a self, id: &'a str, version: i64) -> Reply<'a, bool> {
        Box::pin(async move { Ok(Self::has_version(self, id, version).await?) })
    }
}
