//! Steering manifests (RFC 8216bis §7.2, ETSI TS 103 998): JSON in, orders out, and the address of the next one. HLS
//! and DASH share the document and differ in the names of the query parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::ManifestError;
use crate::model::Protocol;

/// More bytes than this are no steering manifest.
const MAX_BYTES: usize = 1 << 20;
/// More pathways or clones than this are read no further.
const MAX_ENTRIES: usize = 100;
/// More replacements than this are read no further.
const MAX_ADDRESSES: usize = 10_000;
/// Default time until the next request.
const TTL: Duration = Duration::from_secs(300);
/// A server cannot make a player ask without end, nor for ever the same.
const TTL_LIMITS: (u64, u64) = (1, 86_400);

/// Orders of a steering server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SteeringManifest {
    /// Ask again after this.
    pub ttl: Duration,
    /// Address of the next request; relative to that of this answer.
    pub reload: Option<String>,
    /// Identifiers of pathways, best first.
    pub priority: Vec<String>,
    /// Pathways that the manifest does not name.
    pub clones: Vec<PathwayClone>,
}

/// A pathway made from another (RFC 8216bis §7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathwayClone {
    /// The pathway that it is made from.
    pub base: String,
    /// Identifier of the clone.
    pub id: String,
    /// Its host, when another; a port may follow.
    pub host: Option<String>,
    /// Query parameters that it sets.
    pub params: Vec<(String, String)>,
    /// Whole addresses by `STABLE-VARIANT-ID` or `STABLE-RENDITION-ID`; they come before host and parameters.
    pub addresses: BTreeMap<String, String>,
}

impl PathwayClone {
    /// An address of the base pathway as that of this one; `None` when nothing would change or cannot.
    pub fn rewrite(&self, url: &Url) -> Option<Url> {
        let mut moved = url.clone();
        if let Some(host) = &self.host {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !name.ends_with(':') && !port.contains(']') => (name, Some(port.parse().ok()?)),
                _ => (host.as_str(), None),
            };
            moved.set_host(Some(name)).ok()?;
            if port.is_some() {
                moved.set_port(port).ok()?;
            }
        }
        if !self.params.is_empty() {
            set_parameters(&mut moved, &self.params);
        }
        (moved != *url).then_some(moved)
    }
}

/// Reads a steering manifest.
///
/// # Errors
/// When it is too large, no JSON object, of another version, or names no pathway.
pub fn parse_steering(bytes: &[u8]) -> Result<SteeringManifest, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::TooLarge { what: "the steering manifest".to_owned(), limit: MAX_BYTES as u64 });
    }
    let malformed = |message: String| ManifestError::Malformed { message, line: None };
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| malformed(format!("the steering manifest: {error}")))?;
    let Value::Object(object) = value else {
        return Err(malformed("the steering manifest is no JSON object".to_owned()));
    };
    if let Some(version) = object.get("VERSION").filter(|version| version.as_u64() != Some(1)) {
        return Err(ManifestError::Unsupported { feature: format!("a steering manifest of version {version}") });
    }
    // The older name is that of DASH-IF's first draft.
    let priority = ["PATHWAY-PRIORITY", "SERVICE-LOCATION-PRIORITY"].iter().find_map(|name| object.get(*name));
    let priority: Vec<String> = strings(priority);
    if priority.is_empty() {
        return Err(malformed("the steering manifest names no pathway".to_owned()));
    }
    let ttl = object.get("TTL").and_then(Value::as_f64).filter(|seconds| *seconds > 0.0);
    let ttl = ttl.map_or(TTL, |seconds| Duration::from_secs((seconds as u64).clamp(TTL_LIMITS.0, TTL_LIMITS.1)));
    let clones = object.get("PATHWAY-CLONES").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(SteeringManifest {
        ttl,
        reload: text(&object, "RELOAD-URI"),
        priority,
        clones: clones.iter().take(MAX_ENTRIES).filter_map(clone).collect(),
    })
}

fn strings(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut out: Vec<String> = Vec::new();
    for name in list.iter().take(MAX_ENTRIES).filter_map(Value::as_str).filter(|name| !name.is_empty()) {
        if !out.iter().any(|known| known == name) {
            out.push(name.to_owned());
        }
    }
    out
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A clone without a name or base is left out.
fn clone(value: &Value) -> Option<PathwayClone> {
    let object = value.as_object()?;
    let (base, id) = (text(object, "BASE-ID")?, text(object, "ID")?);
    let replacement = object.get("URI-REPLACEMENT").and_then(Value::as_object)?;
    let pairs = |name: &str| {
        let map = replacement.get(name).and_then(Value::as_object);
        let pairs = map.into_iter().flatten().take(MAX_ADDRESSES);
        pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect::<Vec<_>>()
    };
    let params = pairs("PARAMS").into_iter().take(MAX_ENTRIES).collect();
    let addresses = pairs("PER-RENDITION-URIS").into_iter().chain(pairs("PER-VARIANT-URIS")).collect();
    Some(PathwayClone { base, id, host: text(replacement, "HOST"), params, addresses })
}

/// Returns the address of the next request for orders, with the pathway in use and its throughput (RFC 8216bis §7.2;
/// ETSI TS 103 998).
pub fn steering_request(protocol: Protocol, server: &Url, pathway: Option<&str>, throughput_bps: Option<u64>) -> Url {
    let (pathway_name, throughput_name) = match protocol {
        Protocol::Hls => ("_HLS_pathway", "_HLS_throughput"),
        Protocol::Dash => ("_DASH_pathway", "_DASH_throughput"),
    };
    let mut parameters = Vec::new();
    if let Some(pathway) = pathway {
        // ETSI TS 103 998 puts the names between quotes.
        let written = if protocol == Protocol::Dash { format!("\"{pathway}\"") } else { pathway.to_owned() };
        parameters.push((pathway_name.to_owned(), written));
    }
    if let Some(throughput) = throughput_bps {
        parameters.push((throughput_name.to_owned(), throughput.to_string()));
    }
    let mut url = server.clone();
    if !parameters.is_empty() {
        set_parameters(&mut url, &parameters);
    }
    url
}

/// Replaces or adds query parameters; the others stay where they are.
fn set_parameters(url: &mut Url, parameters: &[(String, String)]) {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| parameters.iter().all(|(name, _)| name != key))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut query = url.query_pairs_mut();
    query.clear();
    query.extend_pairs(kept);
    query.extend_pairs(parameters);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn orders_are_read_and_what_makes_no_sense_is_left_out() {
        let text = br#"{"VERSION":1,"TTL":45.9,"RELOAD-URI":"next?s=1","PATHWAY-PRIORITY":["b","a","b",7],
            "PATHWAY-CLONES":[{"BASE-ID":"a","ID":"c","URI-REPLACEMENT":{"HOST":"c.example","PARAMS":{"t":"1"},
            "PER-VARIANT-URIS":{"hi":"http://x/hi.m3u8"},"PER-RENDITION-URIS":{"en":"http://x/en.m3u8"}}},{"ID":"d"}]}"#;
        let orders = parse_steering(text).unwrap();
        assert_eq!((orders.ttl, orders.reload.as_deref()), (Duration::from_secs(45), Some("next?s=1")));
        assert_eq!(orders.priority, ["b", "a"]);
        assert_eq!(orders.clones.len(), 1);
        assert_eq!(orders.clones[0].addresses.len(), 2);
        let plain = parse_steering(br#"{"SERVICE-LOCATION-PRIORITY":["a"],"TTL":-1}"#).unwrap();
        assert_eq!((plain.ttl, plain.priority), (TTL, vec!["a".to_owned()]));
        for (ttl, expected) in [("0", 300), ("0.5", 1), ("1", 1), ("86400", 86_400), ("86401", 86_400), ("\"9\"", 300)]
        {
            let orders = parse_steering(format!(r#"{{"PATHWAY-PRIORITY":["a"],"TTL":{ttl}}}"#).as_bytes()).unwrap();
            assert_eq!(orders.ttl, Duration::from_secs(expected), "{ttl}");
        }
        for (text, what) in [
            (&b"{"[..], "the steering manifest: "),
            (b"[]", "the steering manifest is no JSON object"),
            (br#"{"VERSION":1,"PATHWAY-PRIORITY":[]}"#, "the steering manifest names no pathway"),
            (br#"{"VERSION":2,"PATHWAY-PRIORITY":["a"]}"#, "a steering manifest of version 2 is not supported"),
        ] {
            let error = parse_steering(text).unwrap_err().to_string();
            assert!(error.starts_with(what), "{error}");
        }
    }

    #[test]
    fn clones_change_host_and_parameters_and_nothing_else() {
        let mut clone = PathwayClone {
            base: "a".to_owned(),
            id: "b".to_owned(),
            host: Some("b.example:81".to_owned()),
            params: vec![("t".to_owned(), "2".to_owned())],
            addresses: BTreeMap::new(),
        };
        let moved = clone.rewrite(&url("http://a/x/1.ts?t=1&k=v")).unwrap();
        assert_eq!(moved.as_str(), "http://b.example:81/x/1.ts?k=v&t=2");
        clone.host = Some("[::1]".to_owned());
        assert_eq!(clone.rewrite(&url("http://a/x")).unwrap().as_str(), "http://[::1]/x?t=2");
        clone.host = Some("not a host".to_owned());
        assert_eq!(clone.rewrite(&url("http://a/x")), None);
        clone = PathwayClone { host: None, params: Vec::new(), ..clone };
        assert_eq!(clone.rewrite(&url("http://a/x")), None);
    }

    #[test]
    fn the_server_is_told_what_is_in_use() {
        let ask = |protocol, pathway| steering_request(protocol, &url("http://s/o?k=1"), pathway, Some(5)).to_string();
        assert_eq!(ask(Protocol::Hls, Some("a b")), "http://s/o?k=1&_HLS_pathway=a+b&_HLS_throughput=5");
        assert_eq!(ask(Protocol::Dash, Some("a")), "http://s/o?k=1&_DASH_pathway=%22a%22&_DASH_throughput=5");
        assert_eq!(steering_request(Protocol::Hls, &url("http://s/o"), None, None).as_str(), "http://s/o");
    }
}
