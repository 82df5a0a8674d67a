//! Delivery of changes of sign-ins: from the outbox to playback, in order, until it has taken them.

use kinora_api::ApiError;
use kinora_api::internal::{Playback, ProfilesDeleted, SignInChange};
use kinora_store::outbox::Event;
use kinora_store::{Store, outbox};
use tokio::sync::Mutex;

use crate::store::{profiles, sign_ins};

/// The turn of those who deliver: one at a time, so that the order is kept.
#[derive(Debug, Default)]
pub struct Turn(Mutex<()>);

/// Delivers what waits; ends at the first event that is not taken.
///
/// # Errors
/// The receiver's or the store's. What was not taken stays.
pub async fn deliver(turn: &Turn, store: &Store, playback: &dyn Playback) -> Result<(), ApiError> {
    let _turn = turn.0.lock().await;
    loop {
        let events = outbox::waiting(store).await?;
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
        for event in &events {
            if let Err(error) = hand_over(event, playback).await {
                if event.seq > events[0].seq {
                    outbox::forget(store, event.seq - 1).await?;
                }
                return Err(error);
            }
        }
        outbox::forget(store, last).await?;
    }
}

async fn hand_over(event: &Event, playback: &dyn Playback) -> Result<(), ApiError> {
    let read = match event.topic.as_str() {
        sign_ins::TOPIC => match serde_json::from_str::<SignInChange>(&event.payload) {
            Ok(change) => return playback.sign_in_changed(&change).await,
            Err(error) => error.to_string(),
        },
        profiles::TOPIC => match serde_json::from_str::<ProfilesDeleted>(&event.payload) {
            Ok(deleted) => return playback.profiles_deleted(&deleted).await,
            Err(error) => error.to_string(),
        },
        _ => "the topic is not known".to_owned(),
    };
    // Kept, it would block all that come after it.
    tracing::error!(seq = event.seq, topic = event.topic, read, "an event that cannot be read is dropped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Turn, deliver};
    use kinora_api::internal::{NeededVersion, Playback, ProfilesDeleted, Reply, SignInChange, TitleViewing, Viewing};
    use kinora_api::{ApiError, ErrorCode, ProfileId};
    use kinora_store::{Location, outbox};
    use std::sync::Mutex;

    /// Takes as many changes as it may, then refuses.
    struct Receiver {
        taken: Mutex<Vec<SignInChange>>,
        most: usize,
    }

    impl Playback for Receiver {
        fn viewing<'a>(&'a self, _: &'a ProfileId) -> Reply<'a, Viewing> {
            Box::pin(async { Ok(Viewing::default()) })
        }

        fn viewing_of<'a>(&'a self, _: &'a ProfileId, _: &'a str) -> Reply<'a, TitleViewing> {
            Box::pin(async { Ok(TitleViewing::default()) })
        }

        fn needed_versions(&self) -> Reply<'_, Vec<NeededVersion>> {
            Box::pin(async { Ok(Vec::new()) })
        }

        fn sign_in_changed<'a>(&'a self, change: &'a SignInChange) -> Reply<'a, ()> {
            Box::pin(async move {
                let mut taken = self.taken.lock().expect("no test panics with it");
                if taken.len() == self.most {
                    return Err(ApiError::new(ErrorCode::ServiceUnavailable, "not now"));
                }
                taken.push(change.clone());
                Ok(())
            })
        }

        fn profiles_deleted<'a>(&'a self, _: &'a ProfilesDeleted) -> Reply<'a, ()> {
            Box::pin(async { Ok(()) })
        }
    }

    fn revoked(name: &str) -> SignInChange {
        SignInChange::Revoked { sign_in: name.to_owned(), at: 7 }
    }

    #[tokio::test]
    async fn what_is_not_taken_stays_and_is_told_again_in_order() {
        let (store, _writer) = kinora_store::open(&Location::Memory, &crate::store::SCHEMA).await.expect("it opens");
        let payloads: Vec<String> = ["a", "b", "c"]
            .map(|name| serde_json::to_string(&revoked(name)).expect("a change is JSON"))
            .into_iter()
            .chain(["not a change".to_owned()])
            .collect();
        let written = store.write(payloads, |connection, payloads| {
            Box::pin(async move {
                for payload in payloads {
                    outbox::append(connection, super::sign_ins::TOPIC, payload, 7).await?;
                }
                Ok(())
            })
        });
        written.await.expect("it writes");
        let turn = Turn::default();
        let mut playback = Receiver { taken: Mutex::default(), most: 1 };
        let error = deliver(&turn, &store, &playback).await.expect_err("the second is refused");
        assert_eq!(error.kind(), Some(ErrorCode::ServiceUnavailable));
        assert_eq!(outbox::waiting(&store).await.expect("it reads").len(), 3);
        playback.most = 9;
        deliver(&turn, &store, &playback).await.expect("all are taken");
        assert_eq!(*playback.taken.lock().expect("no test panics with it"), ["a", "b", "c"].map(revoked));
        assert_eq!(outbox::waiting(&store).await.expect("it reads"), []);
    }
}
