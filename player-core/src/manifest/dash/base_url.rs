//! `BaseURL` at every level (ISO/IEC 23009-1 §5.6; DVB-DASH §10.8.2 for priorities).

use url::Url;

use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;

/// Properties of a service location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) base: Url,
    /// Name by `@serviceLocation`, if any.
    pub(super) name: Option<String>,
    pub(super) priority: u32,
    pub(super) weight: u32,
}

/// Alternatives beyond this are dropped: they multiply from level to level.
const MAX_ALTERNATIVES: usize = 8;

/// Places about which something is said, in all; more are like those about which nothing is.
const MAX_SERVICES: usize = 256;

/// Addresses longer than this are dropped: every representation holds copies.
pub(super) const MAX_ADDRESS: usize = 8192;

/// The addresses of a level: each outer one joined with each `BaseURL` of `element`, best first, without
/// duplicates; the outer ones when there is none.
///
/// The properties of their service locations are added to `services`.
pub(super) fn resolve(
    outer: &[Url],
    element: &Element,
    services: &mut Vec<Service>,
    warnings: &mut Warnings,
) -> Vec<Url> {
    let number = |base: &Element, name: &str| base.any_attr(name).and_then(|text| text.parse().ok()).unwrap_or(1_u32);
    let mut listed: Vec<(u32, &Element)> =
        element.all("BaseURL").take(64).map(|base| (number(base, "priority"), base)).collect();
    if listed.is_empty() {
        return outer.to_vec();
    }
    let told = ["serviceLocation", "priority", "weight"];
    let said = listed.iter().any(|(_, base)| told.iter().any(|name| base.any_attr(name).is_some()));
    // Stable: equal priorities keep the order of the document.
    listed.sort_by_key(|(priority, _)| *priority);
    let mut out: Vec<Url> = Vec::new();
    for base in outer {
        for (_, element) in &listed {
            let text = element.text.trim();
            match base.join(text) {
                Ok(url) if url.as_str().len() <= MAX_ADDRESS => {
                    if !out.contains(&url) && out.len() < MAX_ALTERNATIVES {
                        let known = services.iter().any(|service| service.base == url);
                        if said && !known && services.len() < MAX_SERVICES {
                            services.push(Service {
                                base: url.clone(),
                                name: element.attr("serviceLocation").map(str::to_owned),
                                priority: number(element, "priority"),
                                weight: number(element, "weight").max(1),
                            });
                        }
                        out.push(url);
                    }
                }
                _ => warnings.push(element.line, "the BaseURL cannot be used"),
            }
        }
    }
    if out.is_empty() { outer.to_vec() } else { out }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::xml;

    fn resolved(outer: &[&str], inner: &str) -> Vec<String> {
        let outer: Vec<Url> = outer.iter().map(|url| url.parse().unwrap()).collect();
        let element = xml::parse(&format!("<R>{inner}</R>")).unwrap();
        resolve(&outer, &element, &mut Vec::new(), &mut Warnings::default()).iter().map(Url::to_string).collect()
    }

    #[test]
    fn addresses_have_a_length_that_counts_their_base() {
        let kept = |length: usize| resolved(&["http://h/m"], &format!("<BaseURL>{}/</BaseURL>", "a".repeat(length)));
        let least = MAX_ADDRESS - "http://h//".len();
        assert_eq!(kept(least)[0].len(), MAX_ADDRESS);
        assert_eq!(kept(least + 1), ["http://h/m"]);
    }

    #[test]
    fn as_many_services_are_known_as_the_limit_says() {
        let mut services = Vec::new();
        for number in 0..MAX_SERVICES + 2 {
            let base = format!("<R><BaseURL serviceLocation='s{number}'>http://h{number}/</BaseURL></R>");
            let outer = ["http://h/m".parse().unwrap()];
            resolve(&outer, &xml::parse(&base).unwrap(), &mut services, &mut Warnings::default());
            assert_eq!(services.len(), (number + 1).min(MAX_SERVICES));
        }
    }

    #[test]
    fn alternatives_multiply_and_absolute_ones_collapse() {
        let outer = ["http://a/x/m.mpd", "http://b/y/m.mpd"];
        assert_eq!(resolved(&outer, ""), outer);
        assert_eq!(resolved(&outer, "<BaseURL> v/ </BaseURL>"), ["http://a/x/v/", "http://b/y/v/"]);
        assert_eq!(resolved(&outer, "<BaseURL>http://c/</BaseURL>"), ["http://c/"]);
        assert_eq!(
            resolved(&outer[..1], "<BaseURL dvb:priority='2'>p2/</BaseURL><BaseURL>p1/</BaseURL>"),
            ["http://a/x/p1/", "http://a/x/p2/"]
        );
        assert_eq!(resolved(&outer[..1], "<BaseURL>http://[bad</BaseURL>"), ["http://a/x/m.mpd"]);
    }

    #[test]
    fn places_carry_what_is_said_about_them() {
        let text = "<R><BaseURL serviceLocation='A' dvb:weight='3'>http://a/</BaseURL><BaseURL>http://b/</BaseURL>\
                    <BaseURL serviceLocation='A' dvb:priority='2'>http://c/</BaseURL></R>";
        let mut services = Vec::new();
        let outer = ["http://h/m.mpd".parse().unwrap()];
        resolve(&outer, &xml::parse(text).unwrap(), &mut services, &mut Warnings::default());
        let said: Vec<_> =
            services.iter().map(|s| (s.base.as_str(), s.name.as_deref(), s.priority, s.weight)).collect();
        assert_eq!(said, [("http://a/", Some("A"), 1, 3), ("http://b/", None, 1, 1), ("http://c/", Some("A"), 2, 1)]);
    }
}
