//! Companions of the film on screen: its page, and the pictures of its seek bar.

use kinora_api::{TitleDetail, TitleId, paths};
use reqwest::Method;

use super::service::Worker;
use super::session::NOTHING;
use super::{Companion, Reply, Sprites, thumbnails};

impl Worker {
    /// Answers with the title's page at once, and with the pictures of its seek bar when they are here. A film plays without
    /// them, so a failure is only logged.
    pub(super) async fn companion(&self, id: TitleId) {
        let path = paths::title(&id, self.profile.as_ref());
        let detail: TitleDetail = match self.session.call(Method::GET, &path, NOTHING).await {
            Ok(detail) => detail,
            Err(failure) => {
                tracing::info!(error = %failure.error, "the page of the film on screen could not be fetched");
                return;
            }
        };
        let index = detail.thumbnails.clone();
        let mut companion = Companion { detail, sprites: Sprites::default() };
        self.send_companion(&id, companion.clone()).await;
        if let Some(index) = index {
            companion.sprites = thumbnails::fetch(&self.client, &index.path).await;
            self.send_companion(&id, companion).await;
        }
    }

    async fn send_companion(&self, id: &TitleId, companion: Companion) {
        if self.is_current() {
            self.answers.send(Reply::Companion(id.clone(), Box::new(companion))).await;
        }
    }
}
