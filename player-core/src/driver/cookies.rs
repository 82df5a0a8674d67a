//! The cookies of one player (RFC 6265), in memory only.

use cookie_store::CookieStore;
use reqwest::header::{HeaderMap, SET_COOKIE};
use url::Url;

/// Longest `Set-Cookie` field that is read, in bytes (RFC 6265 §6.1).
const MAX_FIELD: usize = 4096;
/// Most cookies of one domain, and of all (RFC 6265 §6.1).
const MAX_PER_DOMAIN: usize = 50;
const MAX_COOKIES: usize = 3000;

/// A jar of cookies. `cookie_store` keeps the rules of domains, paths, `Secure` and expiry; the limits are kept here.
#[derive(Debug, Default)]
pub struct CookieJar(CookieStore);

impl CookieJar {
    /// Stores the cookies of an answer from `url`. Fields that break the rules or the limits are ignored.
    pub fn store(&mut self, url: &Url, headers: &HeaderMap) {
        for field in headers.get_all(SET_COOKIE) {
            let Ok(text) = str::from_utf8(field.as_bytes()) else { continue };
            if text.len() <= MAX_FIELD && !is_for_a_whole_suffix(text, url) && self.has_room(text, url) {
                // An error is a cookie that does not concern this address, or one that has expired.
                let _ = self.0.parse(text, url);
            }
        }
    }

    /// Returns the value of the `Cookie` field for an address, longer paths first (RFC 6265 §5.4).
    pub fn header(&self, url: &Url) -> Option<String> {
        let mut found = self.0.matches(url);
        found.sort_by(|a, b| b.path.len().cmp(&a.path.len()).then_with(|| a.name().cmp(b.name())));
        let pairs: Vec<_> = found.iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// True when a cookie may be added; one that replaces another of its name always may.
    fn has_room(&self, field: &str, url: &Url) -> bool {
        let name = field.split(['=', ';']).next().unwrap_or_default().trim();
        let same = || self.0.iter_any().filter(|cookie| cookie.domain.matches(url));
        same().any(|cookie| cookie.name() == name)
            || self.0.iter_any().count() < MAX_COOKIES && same().count() < MAX_PER_DOMAIN
    }
}

/// True for a cookie whose `Domain` is a name without a dot, such as `com`, and not the host itself: it would go to
/// hosts of other people (RFC 6265 §5.3 step 5).
fn is_for_a_whole_suffix(field: &str, url: &Url) -> bool {
    let attributes = field.split(';').skip(1).filter_map(|attribute| attribute.split_once('='));
    let domain = attributes.filter(|(name, _)| name.trim().eq_ignore_ascii_case("domain")).last();
    let domain = domain.map(|(_, domain)| domain.trim().trim_matches('.').to_ascii_lowercase());
    domain.filter(|domain| !domain.is_empty()).is_some_and(|domain| {
        // Without a dot and not the host itself.
        !domain.contains(['.', ':']) && url.host_str() != Some(domain.as_str())
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use reqwest::header::HeaderValue;

    use super::*;

    fn url(address: &str) -> Url {
        address.parse().unwrap()
    }

    fn jar(from: &str, fields: &[&str]) -> CookieJar {
        let mut jar = CookieJar::default();
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(SET_COOKIE, HeaderValue::from_str(field).unwrap());
        }
        jar.store(&url(from), &headers);
        jar
    }

    #[test]
    fn cookies_go_back_to_their_host_and_path() {
        let jar =
            jar("http://a.example/live/x.m3u8", &["t=1; Path=/; HttpOnly", "u=2", "v=3; Path=/other", "w=4; Secure"]);
        let sent = |address: &str| jar.header(&url(address));
        assert_eq!(sent("http://a.example/live/1.ts").as_deref(), Some("u=2; t=1"));
        assert_eq!(sent("http://a.example:81/").as_deref(), Some("t=1"), "ports share cookies");
        assert_eq!(sent("https://a.example/live/").as_deref(), Some("u=2; w=4; t=1"));
        assert_eq!(sent("http://b.example/live/1.ts"), None);
        assert_eq!(sent("http://sub.a.example/live/1.ts"), None, "no Domain means this host only");
    }

    #[test]
    fn domains_are_shared_below_and_never_above() {
        let jar = jar(
            "http://a.b.example/",
            &["d=1; Domain=b.example", "e=2; Domain=example", "f=3; Domain=c.example", "g=4; Domain="],
        );
        assert_eq!(jar.header(&url("http://other.b.example/")).as_deref(), Some("d=1"));
        assert_eq!(jar.header(&url("http://a.b.example/")).as_deref(), Some("d=1; g=4"));
        assert_eq!(jar.header(&url("http://c.example/")), None);
        assert_eq!(jar.header(&url("http://example/")), None);
    }

    #[test]
    fn an_expired_cookie_is_removed_and_a_new_value_replaces_the_old_one() {
        let mut jar = jar("http://h/", &["a=1", "b=1"]);
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=2"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=; Max-Age=0"));
        jar.store(&url("http://h/"), &headers);
        assert_eq!(jar.header(&url("http://h/")).as_deref(), Some("a=2"));
    }

    #[test]
    fn the_jar_has_limits() {
        let many: Vec<String> = (0..2 * MAX_PER_DOMAIN).map(|number| format!("c{number}=1")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let mut jar = jar("http://h/", &many);
        assert_eq!(jar.0.iter_any().count(), MAX_PER_DOMAIN);
        let newer = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_static("c0=2"))]);
        jar.store(&url("http://h/"), &newer);
        assert!(jar.header(&url("http://h/")).unwrap().contains("c0=2"), "a full jar still takes new values");
        let long = format!("l={}", "x".repeat(MAX_FIELD));
        let mut headers = HeaderMap::new();
        for field in [long.as_str(), "no pair", "=", ""] {
            headers.append(SET_COOKIE, HeaderValue::from_str(field).unwrap());
        }
        let mut other = CookieJar::default();
        other.store(&url("http://h/"), &headers);
        assert_eq!(other.header(&url("http://h/")), None);
    }
}
