//! The host's network: what carries out requests.

use url::Url;

use super::reply::FetchReply;
use crate::engine::io::FetchRequest;

/// Carries out the requests of a player. [`HttpFetcher`](super::HttpFetcher) does it with HTTP; a host may give another
/// in [`HostParts`](super::HostParts), which may wrap that one.
///
/// A fetcher gives the raw bytes of exactly the part that was asked for. Time limits, the limit of bytes, decryption and
/// reading belong to the player, and are the same for every fetcher.
pub trait Fetcher: Send + Sync {
    /// Begins a request; the answer goes to `reply`, from any thread. Called on an I/O thread that other requests share,
    /// so it must not block. A panic in it fails the request.
    fn start(&self, request: FetchRequest, reply: FetchReply);

    /// Removes the user information from an address that the host loads, so that neither the engine nor a recording sees
    /// it. Called on the player's thread before the load. The default drops it: a fetcher that sends user information
    /// keeps it here, as that of HTTP does.
    fn take_credentials(&self, url: &mut Url) {
        // Both fail only for addresses that cannot have user information, and those have none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
}
