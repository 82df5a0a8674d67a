//! The calls that exist outside: which service answers each, how long it may take, and what it yields to when it is busy.

use std::time::Duration;

use axum::routing::MethodFilter;
use kinora_api::paths;

use crate::admission::Class;
use crate::topology::Service;

/// A call.
#[derive(Debug)]
pub struct Call {
    /// Path as axum writes it; in metrics and the log instead of the path that was asked for.
    pub path: &'static str,
    /// Method; `GET` covers `HEAD`.
    pub method: MethodFilter,
    /// Service that answers.
    pub service: Service,
    /// Who yields to whom.
    pub class: Class,
    /// Time until the answer begins, repeats included.
    pub deadline: Duration,
    /// The answer is kept, to be given while the service is silent.
    pub is_kept: bool,
}

const fn call(path: &'static str, method: MethodFilter, service: Service, class: Class, seconds: u64) -> Call {
    Call { path, method, service, class, deadline: Duration::from_secs(seconds), is_kept: false }
}

const fn kept(call: Call) -> Call {
    Call { is_kept: true, ..call }
}

/// Every call. What is not here cannot be reached from outside: `/origin`, the counters of services, calls among services.
pub static CALLS: [Call; 37] = {
    use Class::{Account, Browse, Play};
    use Service::{Accounts, Catalogue, Playback};
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    [
        // A password is hashed, in turn.
        call(paths::SIGN_IN, POST, Accounts, Account, 10),
        call(paths::REFRESH, POST, Accounts, Account, 5),
        call(paths::SIGN_OUT, POST, Accounts, Account, 5),
        call(paths::ACCOUNT, GET, Accounts, Account, 5),
        call(paths::PROFILES, GET, Accounts, Account, 5),
        call(paths::KEYS, GET, Accounts, Account, 5),
        call(paths::PROFILES, POST, Accounts, Account, 10),
        call("/v1/profiles/{id}", PUT, Accounts, Account, 10),
        call("/v1/profiles/{id}/delete", POST, Accounts, Account, 10),
        call("/v1/profiles/{id}/enter", POST, Accounts, Account, 10),
        call(paths::REGISTER, POST, Accounts, Account, 10),
        call(paths::REGISTER_CONFIRM, POST, Accounts, Account, 10),
        call(paths::PASSWORD, POST, Accounts, Account, 10),
        call(paths::PASSWORD_FORGOT, POST, Accounts, Account, 10),
        call(paths::PASSWORD_RESET, POST, Accounts, Account, 10),
        call(paths::EMAIL, POST, Accounts, Account, 10),
        call(paths::EMAIL_CONFIRM, POST, Accounts, Account, 10),
        call(paths::PIN, PUT, Accounts, Account, 10),
        call(paths::ERASE, POST, Accounts, Account, 10),
        call(paths::DEVICES, GET, Accounts, Account, 5),
        call("/v1/devices/{id}", MethodFilter::DELETE, Accounts, Account, 5),
        call(paths::DEVICE_AUTHORIZE, POST, Accounts, Account, 5),
        call(paths::DEVICE_TOKEN, POST, Accounts, Account, 5),
        call(paths::LINK, GET, Accounts, Account, 5),
        call(paths::LINK, POST, Accounts, Account, 10),
        kept(call("/v1/home", GET, Catalogue, Browse, 5)),
        kept(call("/v1/home/row", GET, Catalogue, Browse, 5)),
        kept(call("/v1/titles/{id}", GET, Catalogue, Browse, 5)),
        kept(call("/v1/search", GET, Catalogue, Browse, 5)),
        call("/v1/images/{*path}", GET, Catalogue, Browse, 10),
        call(paths::PLAYBACK, POST, Playback, Play, 5),
        call("/v1/playback/{session}/renew", POST, Playback, Play, 5),
        call("/v1/playback/{session}/heartbeat", POST, Playback, Play, 5),
        call("/v1/playback/{session}/stop", POST, Playback, Play, 5),
        call("/v1/positions", GET, Playback, Play, 5),
        call("/v1/positions/{title}", GET, Playback, Play, 5),
        call("/v1/positions/{title}", PUT, Playback, Play, 5),
    ]
};
