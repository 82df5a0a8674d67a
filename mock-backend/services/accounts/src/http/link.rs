//! The page on which a phone allows a sign-in by code: forms that need no script.
//!
//! A form is taken only with the token that its page carried, which is a digest of a cookie that other sites cannot read or send
//! (`SameSite=Strict`), so that no other site can fill it in for a viewer.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::{ErrorCode, Secret};
use kinora_kit::http::body::{self, BodyLimits};
use kinora_kit::http::extract::Params;
use kinora_kit::http::problem::Problem;
use kinora_kit::http::service::Service;
use kinora_kit::keyfile;
use serde::Deserialize;

use super::Shared;
use super::owner::Peer;
use crate::digest;

const COOKIE: &str = "kinora_link";
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:0 auto;padding:1rem;background:#111;color:#eee}\
input,button{font:inherit;box-sizing:border-box;width:100%;padding:.7rem;margin:.2rem 0 1rem;border-radius:.4rem;border:1px solid #888}\
button{background:#e8e8e8;color:#111}.no{background:#111;color:#eee}.bad{color:#ffb4a8}";

#[derive(Default, Deserialize)]
pub(super) struct LinkQuery {
    #[serde(default)]
    code: String,
}

/// Fields of both forms.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Form {
    /// Token of the page.
    pub csrf: String,
    /// User code, as it was typed.
    pub code: String,
    /// Address of the account.
    pub email: String,
    /// Password of the account.
    pub password: String,
    /// Ticket of the second page; empty on the first.
    pub ticket: String,
    /// `allow` or anything else.
    pub decision: String,
}

/// Shows the form, with the code of a QR code in it.
pub(super) async fn page(Params(query): Params<LinkQuery>, headers: HeaderMap) -> Result<Response, Problem> {
    sign_in_page(&headers, StatusCode::OK, &query.code, "")
}

/// Takes either form.
pub(super) async fn submit(
    State(service): State<Service<Shared>>,
    Peer(peer): Peer,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, Problem> {
    let limits: BodyLimits = axum::extract::FromRef::from_ref(&service);
    let Service(shared) = service;
    let refused = || Problem::new(ErrorCode::InvalidRequest, "the form cannot be read");
    let bytes = body::read(&headers, body, &limits).await.map_err(|_| refused())?;
    let form = parse(&bytes).ok_or_else(refused)?;
    let cookie = cookie(&headers).unwrap_or_default();
    if cookie.is_empty() || form.csrf != token(cookie) {
        return sign_in_page(&headers, StatusCode::FORBIDDEN, &form.code, "The page was too old. Please try again.");
    }
    if !form.ticket.is_empty() {
        let is_allowed = form.decision == "allow";
        let text = match (shared.accounts.decide(&Secret::new(form.ticket), is_allowed).await?, is_allowed) {
            (true, true) => "The device is signed in. You can put the phone away.",
            (true, false) => "The device was not signed in.",
            (false, _) => "That took too long. Start again on the device.",
        };
        return Ok(html(StatusCode::OK, &format!("<p>{text}</p>"), None));
    }
    match shared.accounts.look_up(peer, &form.code, &form.email, &Secret::new(form.password)).await {
        Ok(waiting) => {
            let body = format!(
                "<p>Sign in this device to your account?</p><p><strong>{}</strong><br>{}</p>\
                 <p>Only allow it if the code is shown on a device of yours, in front of you.</p>\
                 <form method=post action=/link><input type=hidden name=csrf value=\"{}\"><input type=hidden name=ticket value=\"{}\">\
                 <button name=decision value=allow>Allow</button><button class=no name=decision value=deny>Deny</button></form>",
                escape(&waiting.device.name),
                escape(&waiting.device.platform),
                token(cookie),
                waiting.ticket.expose(),
            );
            Ok(html(StatusCode::OK, &body, None))
        }
        Err(problem) => {
            let text = match problem.error().kind() {
                Some(ErrorCode::InvalidCredentials) => "Address or password is wrong.",
                Some(ErrorCode::CodeInvalid) => "No device waits with this code.",
                Some(ErrorCode::StepUpRequired) => {
                    "This sign-in is unusual. Sign in with your password on the device itself; a code comes by mail."
                }
                Some(ErrorCode::TooManyAttempts) => "Too many attempts. Please wait a little.",
                _ => return Err(problem),
            };
            sign_in_page(&headers, problem.status(), &form.code, text)
        }
    }
}

/// Reads a form (`application/x-www-form-urlencoded`); `None` if it is none.
pub fn parse(bytes: &[u8]) -> Option<Form> {
    let text = std::str::from_utf8(bytes).ok()?;
    let uri = axum::http::Uri::builder().path_and_query(format!("/?{text}")).build().ok()?;
    axum::extract::Query::<Form>::try_from_uri(&uri).ok().map(|query| query.0)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

fn token(cookie: &str) -> String {
    digest(&Secret::new(format!("link form\n{cookie}")))
}

fn sign_in_page(headers: &HeaderMap, status: StatusCode, code: &str, trouble: &str) -> Result<Response, Problem> {
    let known = cookie(headers).filter(|cookie| cookie.len() == 43).map(str::to_owned);
    let made = match &known {
        Some(_) => None,
        None => Some(URL_SAFE_NO_PAD.encode(keyfile::random::<32>().map_err(|error| Problem::internal(&error))?)),
    };
    let value = known.or_else(|| made.clone()).unwrap_or_default();
    let code: String = code.chars().take(20).collect();
    let body = format!(
        "<p class=bad role=alert>{trouble}</p><form method=post action=/link><input type=hidden name=csrf value=\"{}\">\
         <label>Code on the device<input name=code value=\"{}\" required autocapitalize=characters autocomplete=off></label>\
         <label>E-mail address<input name=email type=email required autocomplete=username></label>\
         <label>Password<input name=password type=password required autocomplete=current-password></label>\
         <button>Go on</button></form>",
        token(&value),
        escape(&code),
    );
    Ok(html(status, &body, made))
}

fn html(status: StatusCode, body: &str, cookie: Option<String>) -> Response {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>Kinora: sign in a device</title><style>{STYLE}</style><h1>Sign in a device</h1>{body}"
    );
    let mut response = (status, page).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let cookie = cookie.map(|value| format!("{COOKIE}={value}; Path=/link; Max-Age=1800; HttpOnly; SameSite=Strict"));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok()) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Escapes a text for HTML, also between double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{escape, parse};

    #[test]
    fn a_form_is_read_as_it_was_typed_and_shown_as_text() {
        let form = parse(b"code=BCDF-GHJK&email=a%40b.example&password=a+%26b&unknown=1").expect("a form");
        assert_eq!((form.email.as_str(), form.password.as_str()), ("a@b.example", "a &b"));
        assert!(parse(b"\xff").is_none() && parse(b"code=%zz%ff#").is_none_or(|form| form.email.is_empty()));
        assert_eq!(escape("<b a=\"'\">&"), "&lt;b a=&quot;'&quot;&gt;&amp;");
    }
}
