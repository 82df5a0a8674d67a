//! Remote elements (ISO/IEC 23009-1 §5.5): `xlink:href` on Period, AdaptationSet, EventStream and SegmentList. Missing
//! elements are listed, fetched ones are put in their place. Nothing is fetched here.

use url::Url;

use crate::manifest::document::Warnings;
use crate::manifest::remote::RemoteElements;
use crate::manifest::xml::{self, Element};

use super::base_url::MAX_ADDRESS;

/// The address that stands for nothing at all (§5.5.3).
pub(super) const RESOLVE_TO_ZERO: &str = "urn:mpeg:dash:resolve-to-zero:2013";

/// Remote elements inside remote elements beyond this depth are left out.
const MAX_DEPTH: usize = 4;
/// Elements that are replaced in one document; the same remote one may be used more than once.
const MAX_REPLACED: usize = 256;
/// Bytes of remote elements that are read for one document.
const MAX_READ: usize = 16 << 20;

/// Elements that may lie elsewhere.
const REMOTE: [&str; 4] = ["Period", "AdaptationSet", "EventStream", "SegmentList"];
/// Elements in which such may lie.
const PARENTS: [&str; 5] = ["MPD", "Period", "AdaptationSet", "Representation", "SegmentList"];

/// Puts the remote elements that are there into their places, and gives the addresses of those that are not. An element
/// that cannot be had keeps its own content (§5.5.3); one without content is left out, with a warning. `actuate` makes no
/// difference: what would be fetched on request is fetched at once.
pub(super) fn resolve(root: &mut Element, base: &Url, remotes: &RemoteElements, warnings: &mut Warnings) -> Vec<Url> {
    let mut resolver = Resolver { remotes, wanted: Vec::new(), replaced: 0, read: 0, warnings };
    resolver.inside(root, base, 0);
    resolver.wanted
}

struct Resolver<'r> {
    remotes: &'r RemoteElements,
    wanted: Vec<Url>,
    replaced: usize,
    read: usize,
    warnings: &'r mut Warnings,
}

impl Resolver<'_> {
    fn inside(&mut self, parent: &mut Element, base: &Url, depth: usize) {
        if !PARENTS.contains(&&*parent.name) {
            return;
        }
        let mut children = Vec::with_capacity(parent.children.len());
        for child in std::mem::take(&mut parent.children) {
            self.place(child, base, depth, &mut children);
        }
        parent.children = children.into_iter().collect();
    }

    /// Puts an element, or its replacement, after those before it.
    fn place(&mut self, mut element: Element, base: &Url, depth: usize, out: &mut Vec<Element>) {
        let href = element.any_attr("href").filter(|_| REMOTE.contains(&&*element.name)).map(str::to_owned);
        let Some(href) = href else {
            self.inside(&mut element, base, depth);
            return out.push(element);
        };
        if href == RESOLVE_TO_ZERO {
            return;
        }
        let Some(url) = base.join(&href).ok().filter(|url| url.as_str().len() <= MAX_ADDRESS) else {
            return self.without(element, "its address cannot be used", base, depth, out);
        };
        match self.remotes.get(&url) {
            None => {
                if !self.wanted.contains(&url) {
                    self.wanted.push(url);
                }
                self.inside(&mut element, base, depth);
                out.push(element);
            }
            Some(None) => self.without(element, "it cannot be had", base, depth, out),
            Some(Some(_)) if depth >= MAX_DEPTH || self.replaced >= MAX_REPLACED => {
                self.without(element, "there are too many", base, depth, out);
            }
            Some(Some(bytes)) => {
                self.replaced += 1;
                self.read = self.read.saturating_add(bytes.len());
                let found = if self.read <= MAX_READ { elements(bytes, &element.name) } else { Vec::new() };
                if found.is_empty() {
                    return self.without(element, "what is there is something else", base, depth, out);
                }
                for remote in found {
                    self.place(remote, &url, depth + 1, out);
                }
            }
        }
    }

    fn without(&mut self, mut element: Element, why: &str, base: &Url, depth: usize, out: &mut Vec<Element>) {
        let name = &element.name;
        if element.children.is_empty() {
            self.warnings.push(element.line, format!("a remote {name} is left out: {why}"));
        } else {
            self.warnings.push(element.line, format!("the content of a {name} stands for the remote one: {why}"));
            self.inside(&mut element, base, depth);
            out.push(element);
        }
    }
}

/// The elements of that name in a remote document: one, or several without a root, which no XML document may have, or
/// those of a whole MPD.
fn elements(bytes: &[u8], name: &str) -> Vec<Element> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let text = match text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")) {
        Some((_, rest)) => rest,
        None => text,
    };
    let Ok(root) = xml::parse_with(&format!("<Remote>{text}</Remote>"), super::VERBATIM) else { return Vec::new() };
    let mut found = Vec::new();
    for element in root.children {
        if *element.name == *name {
            found.push(element);
        } else if &*element.name == "MPD" {
            found.extend(element.children.into_iter().filter(|child| *child.name == *name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use bytes::Bytes;

    fn base() -> Url {
        "http://h/d/m.mpd".parse().unwrap()
    }

    /// The ids of the periods and sets that are left, the addresses wanted, and the number of warnings.
    fn resolved(text: &str, remotes: &RemoteElements) -> (String, Vec<String>, usize) {
        let mut root = xml::parse(text).unwrap();
        let mut warnings = Warnings::default();
        let wanted = resolve(&mut root, &base(), remotes, &mut warnings);
        let mut ids = Vec::new();
        for period in root.all("Period") {
            ids.push(period.attr("id").unwrap_or("-").to_owned());
            ids.extend(period.all("AdaptationSet").map(|set| set.attr("id").unwrap_or("-").to_owned()));
        }
        (ids.join(" "), wanted.iter().map(Url::to_string).collect(), warnings.into_list().len())
    }

    #[test]
    fn what_is_missing_is_listed_and_what_is_there_takes_its_place() {
        let text = "<MPD><Period id='1'/><Period xlink:href='ad.xml' xlink:actuate='onLoad'/>\
                    <Period xlink:href='urn:mpeg:dash:resolve-to-zero:2013'/>\
                    <Period id='2'><AdaptationSet xlink:href='http://x/set'/></Period></MPD>";
        let mut remotes = RemoteElements::default();
        let wanted = vec!["http://h/d/ad.xml".to_owned(), "http://x/set".to_owned()];
        assert_eq!(resolved(text, &remotes), ("1 - 2 -".to_owned(), wanted, 0));
        let two =
            "<?xml version='1.0'?><Period id='a'><AdaptationSet id='s'/></Period>\n<Period id='b' xlink:href='deep'/>";
        remotes.insert("http://h/d/ad.xml".parse().unwrap(), Some(Bytes::from(two)));
        remotes.insert("http://x/set".parse().unwrap(), None);
        assert_eq!(resolved(text, &remotes), ("1 a s b 2".to_owned(), vec!["http://h/d/deep".to_owned()], 1));
        remotes.insert("http://h/d/deep".parse().unwrap(), Some(Bytes::from("<MPD><Period id='c'/></MPD>")));
        assert_eq!(resolved(text, &remotes), ("1 a s c 2".to_owned(), Vec::new(), 1));
    }

    #[test]
    fn an_address_in_a_remote_element_is_relative_to_that_element() {
        let mut remotes = RemoteElements::default();
        let outer = Bytes::from("<Period id='a'><AdaptationSet xlink:href='set.xml'/></Period>");
        remotes.insert("http://ads/x/period.xml".parse().unwrap(), Some(outer));
        let text = "<MPD><Period xlink:href='http://ads/x/period.xml'/><Period xlink:href='own.xml'/></MPD>";
        let wanted = ["http://ads/x/set.xml", "http://h/d/own.xml"].map(str::to_owned).to_vec();
        assert_eq!(resolved(text, &remotes), ("a - -".to_owned(), wanted, 0));
    }

    #[test]
    fn damage_and_endless_recursion_end_in_warnings() {
        let text = "<MPD><Period xlink:href='x'/></MPD>";
        for body in ["", "<Period", "<html/>", "\u{0}", "<AdaptationSet/>"] {
            let mut remotes = RemoteElements::default();
            remotes.insert("http://h/d/x".parse().unwrap(), Some(Bytes::from(body)));
            assert_eq!(resolved(text, &remotes), (String::new(), Vec::new(), 1), "{body:?}");
        }
        let mut remotes = RemoteElements::default();
        remotes.insert("http://h/d/x".parse().unwrap(), Some(Bytes::from("<Period xlink:href='x'/>".repeat(50))));
        let (ids, wanted, warnings) = resolved(text, &remotes);
        assert_eq!((ids.as_str(), wanted.len()), ("", 0));
        assert!(warnings > 0);
        // Elements inside each other, and elements side by side, have a limit each.
        let chain = |length: usize| {
            let mut remotes = RemoteElements::default();
            for at in 0..length {
                let body = format!("<Period id='{at}' xlink:href='http://h/d/{}'/>", at + 1);
                remotes.insert(format!("http://h/d/{at}").parse().unwrap(), Some(Bytes::from(body)));
            }
            remotes.insert(format!("http://h/d/{length}").parse().unwrap(), Some(Bytes::from("<Period id='end'/>")));
            resolved("<MPD><Period xlink:href='http://h/d/0'/></MPD>", &remotes)
        };
        assert_eq!(chain(MAX_DEPTH - 1), ("end".to_owned(), Vec::new(), 0));
        assert_eq!((chain(MAX_DEPTH).0, chain(MAX_DEPTH).2), (String::new(), 1));
        let mut plain = RemoteElements::default();
        plain.insert("http://h/d/x".parse().unwrap(), Some(Bytes::from("<Period id='p'/>")));
        let many = "<Period xlink:href='x'/>".repeat(MAX_REPLACED + 3);
        let (ids, _, warnings) = resolved(&format!("<MPD>{many}</MPD>"), &plain);
        assert_eq!((ids.split(' ').count(), warnings), (MAX_REPLACED, 3));
        let kept = "<MPD><Period id='own' xlink:href='x'><AdaptationSet id='s'/></Period></MPD>";
        let mut gone = RemoteElements::default();
        gone.insert("http://h/d/x".parse().unwrap(), None);
        assert_eq!(resolved(kept, &gone).0, "own s");
    }
}
