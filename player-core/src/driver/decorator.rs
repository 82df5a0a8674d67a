//! The host's changes to requests before they are sent and to answers before they are read.

use bytes::Bytes;
use url::Url;

use super::completion::Completion;
use crate::engine::io::{FetchRequest, ResponseHead};

/// The parts of a request that a host may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestParts {
    /// Address that is asked. The engine and its records go on knowing the address that the engine asked for, so that a
    /// token added here is in no log.
    pub url: Url,
    /// Header fields of this request. Names in [`REFUSED_HEADERS`](super::REFUSED_HEADERS) fail the request.
    pub headers: Vec<(String, String)>,
    /// Body; with one the request is a POST.
    pub post: Option<Bytes>,
}

/// Changes requests and answers: adds tokens, CMCD, signatures; unwraps bodies.
///
/// Its methods are called on I/O threads that other requests share, so they must not block: what takes time is
/// finished later through the completion, from any thread. An error given there fails the request as if the network
/// had failed so, and the engine's policy decides what follows; [`FetchError::Host`](crate::engine::io::FetchError::Host)
/// is the error without a better name. When the request is cancelled or its time limit passes, the completion's
/// cancellation is signalled and its result is ignored.
pub trait FetchDecorator: Send + Sync {
    /// Changes a request before it is sent. Called once for each attempt; the time counts against
    /// [`FetchRequest::first_byte_timeout`]. The default changes nothing.
    fn on_request(&self, request: &FetchRequest, parts: RequestParts, completion: Completion<RequestParts>) {
        let _ = request;
        completion.complete(Ok(parts));
    }

    /// Returns true if [`on_response`](Self::on_response) is to see the body of this answer. The body is then collected
    /// to its end before anything of it is read, which delays the first picture. Default false.
    fn decorates_response(&self, request: &FetchRequest, head: &ResponseHead) -> bool {
        let _ = (request, head);
        false
    }

    /// Changes the body of an answer before it is decrypted and read; `request` is the engine's own. The time counts
    /// against [`FetchRequest::stall_timeout`]. A body of more than [`FetchRequest::max_bytes`] fails the request. The
    /// default changes nothing.
    fn on_response(&self, request: &FetchRequest, head: &ResponseHead, body: Bytes, completion: Completion<Bytes>) {
        let _ = (request, head);
        completion.complete(Ok(body));
    }
}
