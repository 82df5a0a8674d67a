//! The paths of the calls, so that no client spells them by hand. Identifiers are percent-encoded where they need it.

use std::fmt::Write as _;

use crate::{PlaybackSessionId, ProfileId, SearchFilter, SignInId, TitleId};

/// `POST`: sign in.
pub const SIGN_IN: &str = "/v1/sign-in";
/// `POST`: trade a refresh token for a new pair.
pub const REFRESH: &str = "/v1/refresh";
/// `POST`: revoke the device's tokens.
pub const SIGN_OUT: &str = "/v1/sign-out";
/// `GET`: the signed-in account.
pub const ACCOUNT: &str = "/v1/account";
/// `POST`: ask for an account; always 202.
pub const REGISTER: &str = "/v1/register";
/// `POST`: prove the address of a new account, and sign in.
pub const REGISTER_CONFIRM: &str = "/v1/register/confirm";
/// `POST`: replace the password by another one.
pub const PASSWORD: &str = "/v1/account/password";
/// `POST`: ask for a code to set another password; always 202.
pub const PASSWORD_FORGOT: &str = "/v1/password/forgot";
/// `POST`: set another password by that code.
pub const PASSWORD_RESET: &str = "/v1/password/reset";
/// `POST`: ask for another address to sign in with.
pub const EMAIL: &str = "/v1/account/email";
/// `POST`: prove that address.
pub const EMAIL_CONFIRM: &str = "/v1/account/email/confirm";
/// `PUT`: set or remove the account's PIN.
pub const PIN: &str = "/v1/account/pin";
/// `POST`: erase the account.
pub const ERASE: &str = "/v1/account/erase";
/// `GET`: the account's devices.
pub const DEVICES: &str = "/v1/devices";
/// `POST`: begin a sign-in by code (RFC 8628 §3.1).
pub const DEVICE_AUTHORIZE: &str = "/v1/device/authorize";
/// `POST`: ask for the outcome of a sign-in by code (RFC 8628 §3.4).
pub const DEVICE_TOKEN: &str = "/v1/device/token";
/// `GET`: public keys of access tokens (RFC 7517 §5).
pub const KEYS: &str = "/v1/keys";
/// `GET` and `POST`: the page on which a phone allows a sign-in by code.
pub const LINK: &str = "/link";
/// `GET`: the account's profiles. `POST`: make another one.
pub const PROFILES: &str = "/v1/profiles";
/// `POST`: ask for leave to play.
pub const PLAYBACK: &str = "/v1/playback";
/// `GET`: the playbacks of a profile on the devices of the account.
pub const NOW: &str = "/v1/playback/now";
/// `GET`: the titles that a profile keeps.
pub const MY_LIST: &str = "/v1/my-list";
/// `GET`: the description of the calls.
pub const OPENAPI: &str = "/openapi.json";
/// `GET`: 200 while the service lives and its latest write did not fail.
pub const HEALTH: &str = "/healthz";
/// `GET`: 200 when the service has just written something durable.
pub const READY: &str = "/readyz";

/// `GET`: the home screen of a profile.
pub fn home(profile: Option<&ProfileId>) -> String {
    with_profile("/v1/home".to_owned(), profile)
}

/// `GET`: the home screen's genre rows from number `from` on.
pub fn home_from(from: usize, profile: Option<&ProfileId>) -> String {
    and_profile(format!("/v1/home?from={from}"), profile)
}

/// `GET`: the titles of a row of the home screen from number `from` on.
pub fn home_row(row: &str, from: usize, profile: Option<&ProfileId>) -> String {
    and_profile(format!("/v1/home/row?id={}&from={from}", encode(row)), profile)
}

/// `GET`: a title page.
pub fn title(title: &TitleId, profile: Option<&ProfileId>) -> String {
    with_profile(format!("/v1/titles/{}", encode(title.as_str())), profile)
}

/// `GET`: search the catalogue for `query`, at most `limit` titles.
pub fn search(query: &str, limit: usize, profile: Option<&ProfileId>) -> String {
    and_profile(format!("/v1/search?q={}&limit={limit}", encode(query)), profile)
}

/// `GET`: the same with filters.
pub fn search_filtered(query: &str, limit: usize, filter: &SearchFilter, profile: Option<&ProfileId>) -> String {
    let mut path = search(query, limit, profile);
    let mut add = |name: &str, value: &str| {
        // Appending to a `String` cannot fail.
        let _ = write!(path, "&{name}={}", encode(value));
    };
    if let Some(kind) = filter.kind {
        add("kind", kind.name());
    }
    if let Some(genre) = &filter.genre {
        add("genre", genre);
    }
    if let Some(language) = &filter.language {
        add("language", language);
    }
    if let Some(minutes) = filter.max_minutes {
        add("max_minutes", &minutes.to_string());
    }
    path
}

/// `GET`: every resume position of a profile.
pub fn positions(profile: Option<&ProfileId>) -> String {
    with_profile("/v1/positions".to_owned(), profile)
}

/// `GET` and `PUT`: the resume position in one title. `PUT` names the profile in its body.
pub fn position(title: &TitleId, profile: Option<&ProfileId>) -> String {
    with_profile(format!("/v1/positions/{}", encode(title.as_str())), profile)
}

/// `PUT` and `DELETE`: marks a title as watched, and as never begun.
pub fn watched(title: &TitleId, profile: Option<&ProfileId>) -> String {
    with_profile(format!("/v1/positions/{}/watched", encode(title.as_str())), profile)
}

/// `DELETE`: removes a title from those to continue.
pub fn to_continue(title: &TitleId, profile: Option<&ProfileId>) -> String {
    with_profile(format!("/v1/positions/{}/continue", encode(title.as_str())), profile)
}

/// `GET`: the playbacks of a profile on the devices of the account.
pub fn now(profile: Option<&ProfileId>) -> String {
    with_profile(NOW.to_owned(), profile)
}

/// `GET`: the titles that a profile keeps, from number `from` on.
pub fn my_list(from: usize, profile: Option<&ProfileId>) -> String {
    and_profile(format!("{MY_LIST}?from={from}"), profile)
}

/// `PUT` and `DELETE`: puts a title on the list of a profile, and takes it off.
pub fn my_list_title(title: &TitleId, profile: Option<&ProfileId>) -> String {
    with_profile(format!("{MY_LIST}/{}", encode(title.as_str())), profile)
}

/// `PUT` and `DELETE`: sets the opinion of a profile on a title, and takes it back.
pub fn rating(title: &TitleId, profile: Option<&ProfileId>) -> String {
    with_profile(format!("/v1/ratings/{}", encode(title.as_str())), profile)
}

/// `POST`: takes a playback over to this device.
pub fn take_over(session: &PlaybackSessionId) -> String {
    format!("/v1/playback/{}/take-over", encode(session.as_str()))
}

/// `POST`: fresh addresses for a running playback.
pub fn renew(session: &PlaybackSessionId) -> String {
    format!("/v1/playback/{}/renew", encode(session.as_str()))
}

/// `POST`: report on a running playback.
pub fn heartbeat(session: &PlaybackSessionId) -> String {
    format!("/v1/playback/{}/heartbeat", encode(session.as_str()))
}

/// `POST`: end a playback.
pub fn stop(session: &PlaybackSessionId) -> String {
    format!("/v1/playback/{}/stop", encode(session.as_str()))
}

/// `PUT`: change a profile.
pub fn profile(id: &ProfileId) -> String {
    format!("{PROFILES}/{}", encode(id.as_str()))
}

/// `POST`: delete a profile.
pub fn profile_delete(id: &ProfileId) -> String {
    format!("{PROFILES}/{}/delete", encode(id.as_str()))
}

/// `POST`: enter a profile on this device.
pub fn profile_enter(id: &ProfileId) -> String {
    format!("{PROFILES}/{}/enter", encode(id.as_str()))
}

/// `DELETE`: sign a device out.
pub fn device(id: &SignInId) -> String {
    format!("{DEVICES}/{}", encode(id.as_str()))
}

fn with_profile(mut path: String, profile: Option<&ProfileId>) -> String {
    if let Some(profile) = profile {
        path.push_str("?profile=");
        path.push_str(&encode(profile.as_str()));
    }
    path
}

/// Adds the profile to a path that has a query already.
fn and_profile(mut path: String, profile: Option<&ProfileId>) -> String {
    if let Some(profile) = profile {
        path.push_str("&profile=");
        path.push_str(&encode(profile.as_str()));
    }
    path
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{search, title};

    #[test]
    fn what_a_viewer_types_cannot_leave_its_place() {
        assert_eq!(search("a&b=ü/?", 5, None), "/v1/search?q=a%26b%3D%C3%BC%2F%3F&limit=5");
        assert_eq!(title(&"../x".into(), Some(&"p 1".into())), "/v1/titles/..%2Fx?profile=p%201");
    }
}
