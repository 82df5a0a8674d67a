//! The `Cache-Status` field (RFC 9211): how the edge came to an answer, for people who look for the reason of a slow or old one.
//! Pure.

use super::object::Outcome;

/// Writes the value of the field.
///
/// `name` is the edge's; `had_older` says that a copy was there and too old; `ttl_ms` is the freshness left in milliseconds,
/// negative when it is over, `None` when it is not known.
pub fn cache_status(name: &str, outcome: Outcome, had_older: bool, ttl_ms: Option<i64>) -> String {
    let ttl = ttl_ms.map_or_else(String::new, |ttl| format!("; ttl={}", ttl.div_euclid(1000)));
    let forward = if had_older { "fwd=stale" } else { "fwd=uri-miss" };
    let how = match outcome {
        Outcome::Hit | Outcome::Stale => format!("hit{ttl}"),
        Outcome::Miss => format!("{forward}; fwd-status=200; stored{ttl}"),
        Outcome::Collapsed => format!("{forward}; collapsed{ttl}"),
        Outcome::Revalidated => format!("fwd=stale; fwd-status=304{ttl}"),
        Outcome::Bypass => "fwd=bypass".to_owned(),
        Outcome::None => forward.to_owned(),
    };
    format!("{}; {how}", quoted(name))
}

/// A string of structured fields (RFC 8941 §3.3.3), without what cannot stand in one.
fn quoted(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push('"');
    for c in name.chars().filter(|c| (' '..='~').contains(c)).take(64) {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::cache_status;
    use crate::object::Outcome;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    #[test]
    fn the_members_of_the_standard() {
        for (outcome, had_older, ttl_ms, expected) in [
            (Outcome::Hit, true, Some(59_999), "\"a\"; hit; ttl=59"),
            (Outcome::Stale, true, Some(-1), "\"a\"; hit; ttl=-1"),
            (Outcome::Miss, false, Some(60_000), "\"a\"; fwd=uri-miss; fwd-status=200; stored; ttl=60"),
            (Outcome::Miss, true, None, "\"a\"; fwd=stale; fwd-status=200; stored"),
            (Outcome::Collapsed, false, None, "\"a\"; fwd=uri-miss; collapsed"),
            (Outcome::Revalidated, true, Some(1_000), "\"a\"; fwd=stale; fwd-status=304; ttl=1"),
            (Outcome::Bypass, false, None, "\"a\"; fwd=bypass"),
        ] {
            assert_eq!(cache_status("a", outcome, had_older, ttl_ms), expected);
        }
        assert_eq!(cache_status("a\"b\\\n", Outcome::Bypass, false, None), "\"a\\\"b\\\\\"; fwd=bypass");
    }

    proptest! {
        #[test]
        fn every_name_can_stand_in_a_header(name in ".{0,80}", ttl in any::<i64>()) {
            let text = cache_status(&name, Outcome::Hit, true, Some(ttl));
            prop_assert!(HeaderValue::from_str(&text).is_ok());
        }
    }
}
