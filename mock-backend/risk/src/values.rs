//! Words and numbers of cells.

use std::net::{IpAddr, SocketAddr};

use crate::event::Kind;

/// Words of an outcome that let in.
const ACCEPTED: [&str; 21] = [
    "1",
    "true",
    "t",
    "yes",
    "y",
    "ok",
    "success",
    "successful",
    "succeeded",
    "accepted",
    "accept",
    "pass",
    "passed",
    "allowed",
    "allow",
    "granted",
    "right",
    "valid",
    "authenticated",
    "login_success",
    "1.0",
];
/// Words of an outcome that refuse.
const REFUSED: [&str; 26] = [
    "0",
    "false",
    "f",
    "no",
    "n",
    "fail",
    "failed",
    "failure",
    "refused",
    "reject",
    "rejected",
    "denied",
    "deny",
    "error",
    "invalid",
    "wrong",
    "bad",
    "blocked",
    "locked",
    "limited",
    "unauthorized",
    "unauthorised",
    "wrong_password",
    "invalid_credentials",
    "invalid_password",
    "0.0",
];
/// Words of a label that say that there is no attack.
const CLEAN: [&str; 22] = [
    "",
    "0",
    "0.0",
    "false",
    "f",
    "no",
    "n",
    "clean",
    "normal",
    "benign",
    "legit",
    "legitimate",
    "honest",
    "good",
    "ok",
    "none",
    "null",
    "nan",
    "genuine",
    "safe",
    "negative",
    "-",
];

fn word(text: &str) -> String {
    text.trim().to_lowercase().replace([' ', '-'], "_")
}

/// Reads an outcome: a word, or a status of HTTP.
pub(crate) fn outcome(text: &str) -> Option<bool> {
    let word = word(text);
    if ACCEPTED.contains(&word.as_str()) {
        return Some(true);
    }
    let is_refused = REFUSED.contains(&word.as_str());
    match word.parse::<u16>() {
        Ok(200..=399) => Some(true),
        Ok(400..=599) => Some(false),
        _ => is_refused.then_some(false),
    }
}

/// Reads a label: every word that does not mean "no" is the name of an attack.
pub(crate) fn label(text: &str) -> bool {
    !CLEAN.contains(&word(text).as_str())
}

/// Reads the kind of an event, and the outcome that its name has. No name is a sign-in.
pub(crate) fn event(text: &str) -> (Kind, Option<bool>) {
    let name: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if name.is_empty() {
        return (Kind::SignIn, None);
    }
    let accepted = if has(&["fail", "refus", "den", "reject", "invalid", "wrong", "error", "bad"]) {
        Some(false)
    } else if has(&["succe", "accept", "granted"]) {
        Some(true)
    } else {
        None
    };
    if has(&["logout", "signout", "signoff"]) {
        return (Kind::Use, accepted);
    }
    if has(&["refresh", "token", "renew", "rotat"]) {
        return (Kind::Refresh, accepted);
    }
    let is_sign_in = has(&["login", "signin", "logon", "loggedin", "signedin", "auth", "password", "credential"]);
    // An outcome in the place of a kind.
    let is_outcome = outcome(text).is_some();
    if is_sign_in || is_outcome { (Kind::SignIn, accepted) } else { (Kind::Use, accepted) }
}

/// Returns true if a text is the name of a sign-in, a refresh or a use that is known.
pub(crate) fn is_event(text: &str) -> bool {
    let name = text.to_lowercase();
    let is_use = ["play", "watch", "stream", "heartbeat", "logout", "sign"].iter().any(|part| name.contains(part));
    !text.trim().is_empty() && (is_use || event(text).0 != Kind::Use)
}

/// Reads an address, with or without a port.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// Reads a time in milliseconds since the Unix epoch: RFC 3339, the same without an offset (UTC) or with a space, or a number of
/// seconds, milliseconds, microseconds or nanoseconds, by its size.
pub(crate) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let ms = match number.abs() {
            ..1e11 => number * 1e3,
            ..1e14 => number,
            ..1e17 => number / 1e3,
            ..1e20 => number / 1e6,
            _ => return None,
        };
        return Some(ms.round() as i64);
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let bare = text.trim_end_matches("UTC").trim_end();
    let civil: jiff::civil::DateTime = bare.parse().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{address, event, label, outcome, time};
    use crate::event::Kind;

    #[test]
    fn times_are_the_same_in_all_their_forms() {
        let ms = 1_767_225_600_250;
        for text in [
            "2026-01-01T00:00:00.250Z",
            "2026-01-01T01:00:00.250+01:00",
            "2026-01-01 00:00:00.250",
            "2026-01-01T00:00:00.25",
            "2026-01-01 00:00:00.25 UTC",
            "1767225600.25",
            "1767225600250",
            "1767225600250000",
        ] {
            assert_eq!(time(text), Some(ms), "{text}");
        }
        assert_eq!(time("2026-01-01"), Some(ms - 250));
        assert_eq!(time("1767225600"), Some(ms - 250));
        for text in ["", "yesterday", "1e300", "NaN", "inf", "2026-13-01T00:00:00Z"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn events_are_known_by_parts_of_their_names() {
        for (text, expected) in [
            ("", (Kind::SignIn, None)),
            ("sign_in", (Kind::SignIn, None)),
            ("LOGIN_FAILED", (Kind::SignIn, Some(false))),
            ("login-success", (Kind::SignIn, Some(true))),
            ("failure", (Kind::SignIn, Some(false))),
            ("refresh", (Kind::Refresh, None)),
            ("TokenRefresh", (Kind::Refresh, None)),
            ("play", (Kind::Use, None)),
            ("logout", (Kind::Use, None)),
        ] {
            assert_eq!(event(text), expected, "{text}");
        }
    }

    #[test]
    fn words_and_numbers_are_outcomes_and_labels() {
        for text in ["1", "True", "success", "200", "ok"] {
            assert_eq!(outcome(text), Some(true), "{text}");
        }
        for text in ["0", "false", "Failure", "401", "429", "wrong password"] {
            assert_eq!(outcome(text), Some(false), "{text}");
        }
        assert_eq!(outcome("perhaps"), None);
        assert!(label("1") && label("stuffing") && label("True") && !label("0") && !label("Benign") && !label(""));
        assert_eq!(address("192.0.2.1:443"), address("192.0.2.1"));
        assert_eq!(address("[2001:db8::1]:443"), address("2001:db8::1"));
        assert_eq!(address("a1b2c3"), None);
    }
}
