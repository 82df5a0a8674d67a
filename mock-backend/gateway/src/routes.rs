//! The calls that exist outside: which service answers each, how long it may take, and what it yields to when it is busy.

use std::time::Duration;

use axum::routing::MethodFilter;
use kinora_api::paths;

use crate::admission::Class;
use crate::topology::Service;

/// The description of all calls (OpenAPI 3.1), as it is committed: the gateway gives it out whatever service is away.
pub const DESCRIPTION: &str = include_str!("../../../docs/openapi.json");

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
pub static CALLS: [Call; 47] = {
    use Class::{Account, Browse, Play};
    use Service::{Accounts, Catalogue, Playback};
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    const DELETE: MethodFilter = MethodFilter::DELETE;
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
        call("/v1/devices/{id}", DELETE, Accounts, Account, 5),
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
        call("/v1/playback/{session}/take-over", POST, Playback, Play, 5),
        call(paths::NOW, GET, Playback, Play, 5),
        call(paths::MY_LIST, GET, Playback, Play, 5),
        call("/v1/my-list/{title}", PUT, Playback, Play, 5),
        call("/v1/my-list/{title}", DELETE, Playback, Play, 5),
        call("/v1/ratings/{title}", PUT, Playback, Play, 5),
        call("/v1/ratings/{title}", DELETE, Playback, Play, 5),
        call("/v1/positions/{title}/watched", PUT, Playback, Play, 5),
        call("/v1/positions/{title}/watched", DELETE, Playback, Play, 5),
        call("/v1/positions/{title}/continue", DELETE, Playback, Play, 5),
        call("/v1/positions", GET, Playback, Play, 5),
        call("/v1/positions/{title}", GET, Playback, Play, 5),
        call("/v1/positions/{title}", PUT, Playback, Play, 5),
    ]
};

#[cfg(test)]
mod tests {
    use super::CALLS;
    use axum::routing::MethodFilter;
    use serde_json::Value;

    /// The page for phones is no call of the interface.
    const PAGE: &str = "/link";

    /// Paths without the star by which axum takes several segments.
    fn plain(calls: Vec<(String, &str)>) -> Vec<(String, String)> {
        calls.into_iter().map(|(method, path)| (method, path.replace("{*", "{"))).collect()
    }

    #[test]
    fn every_call_that_is_described_can_be_made_and_every_other_cannot() {
        let described: Value = serde_json::from_str(super::DESCRIPTION).expect("JSON");
        let mut wanted: Vec<(String, &str)> = Vec::new();
        for (path, item) in described["paths"].as_object().expect("paths") {
            let methods = item.as_object().expect("methods").keys();
            wanted.extend(methods.map(|method| (method.to_uppercase(), path.as_str())));
        }
        let made: Vec<(String, &str)> = CALLS
            .iter()
            .filter(|call| call.path != PAGE)
            .map(|call| {
                let name = [("GET", MethodFilter::GET), ("POST", MethodFilter::POST), ("PUT", MethodFilter::PUT)];
                let name = name.iter().find(|(_, method)| *method == call.method).map_or("DELETE", |(name, _)| name);
                (name.to_owned(), call.path)
            })
            .collect();
        let (mut made, mut wanted) = (plain(made), plain(wanted));
        made.sort();
        wanted.sort();
        assert_eq!(made, wanted);
    }
}
