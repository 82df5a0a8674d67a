//! `BaseURL` at every level (ISO/IEC 23009-1 §5.6; DVB-DASH §10.8.2 for priorities).

use url::Url;

use crate::manifest::document::Warnings;
use crate::manifest::xml::Element;

/// Alternatives beyond this are dropped: they multiply from level to level.
const MAX_ALTERNATIVES: usize = 8;

/// Addresses longer than this are dropped: every representation holds copies.
pub(super) const MAX_ADDRESS: usize = 8192;

/// The addresses of a level: each outer one joined with each `BaseURL` of `element`, best first, without
/// duplicates; the outer ones when there is none.
pub(super) fn resolve(outer: &[Url], element: &Element, warnings: &mut Warnings) -> Vec<Url> {
    let mut listed: Vec<(u64, &Element)> = element
        .all("BaseURL")
        .take(64)
        .map(|base| (base.any_attr("priority").and_then(|text| text.parse().ok()).unwrap_or(1), base))
        .collect();
    if listed.is_empty() {
        return outer.to_vec();
    }
    // Stable: equal priorities keep the order of the document.
    listed.sort_by_key(|(priority, _)| *priority);
    let mut out: Vec<Url> = Vec::new();
    for base in outer {
        for (_, element) in &listed {
            let text = element.text.trim();
            match base.join(text) {
                Ok(url) if url.as_str().len() <= MAX_ADDRESS => {
                    if !out.contains(&url) && out.len() < MAX_ALTERNATIVES {
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
        resolve(&outer, &element, &mut Warnings::default()).iter().map(Url::to_string).collect()
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
}
