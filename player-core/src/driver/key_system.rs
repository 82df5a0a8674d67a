//! The host's side of keys and licences. The engine decides when a key is asked for, the key system how.

use bytes::Bytes;

use super::completion::Completion;
use super::decorator::RequestParts;
use crate::drm::{self, KeyFile, LicensedKey};
use crate::engine::io::{FetchError, FetchRequest};

/// Writes requests for keys and reads their answers. Calls and completions are as those of a
/// [`FetchDecorator`](super::FetchDecorator).
pub trait KeySystem: Send + Sync {
    /// Changes a request for keys before decorators see it. `parts` hold the player's own request, for a licence that of
    /// ClearKey; [`FetchRequest::key_ids`] names the keys that a licence is to bring. The time counts against
    /// [`FetchRequest::first_byte_timeout`]. The default changes nothing.
    fn on_request(&self, request: &FetchRequest, parts: RequestParts, completion: Completion<RequestParts>) {
        let _ = request;
        completion.complete(Ok(parts));
    }

    /// Reads the answer to a request for keys. An answer without a key is an error. The time counts against
    /// [`FetchRequest::stall_timeout`].
    fn read_keys(&self, request: &FetchRequest, file: KeyFile, body: Bytes, completion: Completion<Vec<LicensedKey>>);
}

/// The default: ClearKey licences (W3C Encrypted Media Extensions §9.1) and files that are the key.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClearKeySystem;

impl KeySystem for ClearKeySystem {
    fn read_keys(&self, _: &FetchRequest, file: KeyFile, body: Bytes, completion: Completion<Vec<LicensedKey>>) {
        completion.complete(drm::read_keys(file, &body).map_err(FetchError::Key));
    }
}
