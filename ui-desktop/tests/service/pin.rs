//! Trust in a gateway by the pin of its key.

use std::net::Ipv4Addr;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::any;
use kinora_kit::http::server::{Limits, Running, Transport, listen_with};
use kinora_kit::http::tls::Identity;
use player_core::ErrorCode;
use ui_desktop::api::{Reply, Request};
use ui_desktop::state::Problem;

use super::{Client, Value, account, signed_in};

/// A gateway with a key of its own, and the runtime that it is on.
struct Gateway {
    identity: Identity,
    base: String,
    _running: Running,
    _runtime: tokio::runtime::Runtime,
}

fn gateway(directory: &std::path::Path) -> Gateway {
    let identity = Identity::load_or_create(&directory.join("gateway.pem"), &["gateway.example".to_owned()]);
    let identity = identity.expect("a key");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let json = |body: Value| async move { ([("content-type", "application/json")], body.to_string()).into_response() };
    let router = Router::new()
        .route("/v1/sign-in", any(move || json(signed_in(1).1)))
        .route("/v1/account", any(move || json(account())));
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    let transport = Transport::Tls(identity.server_config());
    let running = runtime.block_on(listen_with(address, router, Limits::default(), transport, async {}));
    let running = running.expect("a loopback port");
    Gateway { base: running.url().to_owned(), identity, _running: running, _runtime: runtime }
}

#[test]
fn a_gateway_is_trusted_by_its_pin_whatever_its_certificate_is_called() {
    let directory = tempfile::tempdir().expect("a folder");
    let gateway = gateway(directory.path());
    let mut client = Client::start_at(&gateway.base, Some(gateway.identity.pin()), directory.path());
    assert!(matches!(client.sign_in(), Reply::SignedIn(Ok(account)) if account.display_name == "Demo"));
    drop(client);
    let mut client = Client::start_at(&gateway.base, Some(gateway.identity.pin()), directory.path());
    assert!(matches!(client.ask(Request::Restore), Reply::Restored(Some(_))));
}

#[test]
fn another_key_is_refused_with_a_sentence_of_its_own_and_gets_no_password() {
    let directory = tempfile::tempdir().expect("a folder");
    let gateway = gateway(directory.path());
    let other = Identity::load_or_create(&directory.path().join("other.pem"), &[]).expect("a key");
    let mut client = Client::start_at(&gateway.base, Some(other.pin()), directory.path());
    let Reply::SignedIn(Err(failure)) = client.sign_in() else { panic!("it is not trusted") };
    assert_eq!((failure.error.code, failure.is_outage()), (ErrorCode::TlsFailed, false));
    assert_eq!(
        failure.for_form(),
        "Another server answers at Kinora's address, which this app does not trust. Nothing was sent to it."
    );
    let card = Problem::of_service(&failure.error);
    assert_eq!(card.meaning, "Another server answers at Kinora's address.");
    assert!(!card.is_temporary());
    // Without a pin the system decides, which knows no authority of this certificate.
    let mut client = Client::start_at(&gateway.base, None, directory.path());
    assert!(matches!(client.sign_in(), Reply::SignedIn(Err(_))));
}
