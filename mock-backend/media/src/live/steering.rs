//! Content steering (RFC 8216bis §7): which edges a client may go to, and in which order.
//!
//! A channel's playlists are the same on all edges and name nothing but what lies beside them, so the pathway of a multivariant playlist
//! is the edge that served it. Every other edge is a clone of it with another host.

use serde::Serialize;

use super::asked::Answer;

/// Pathway of the edge that served the multivariant playlist.
pub(super) const HERE: &str = "here";
/// Name of the steering manifest.
pub(super) const FILE: &str = "steering.json";
/// Seconds after which a client asks again.
const TTL_S: u32 = 30;

#[derive(Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct Manifest<'a> {
    version: u32,
    ttl: u32,
    pathway_priority: Vec<String>,
    pathway_clones: Vec<PathwayClone<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct PathwayClone<'a> {
    base_id: &'static str,
    id: String,
    uri_replacement: Replacement<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct Replacement<'a> {
    host: &'a str,
}

/// Writes the steering manifest: a client stays where it is, and goes to the others in their order if that fails.
pub(super) fn manifest(edges: &[String]) -> Answer {
    if edges.len() < 2 {
        return Answer::Absent;
    }
    let id = |host: &String| host.replace(|character: char| !character.is_ascii_alphanumeric(), "-");
    let clone = |host| PathwayClone { base_id: HERE, id: id(host), uri_replacement: Replacement { host } };
    let manifest = Manifest {
        version: 1,
        ttl: TTL_S,
        pathway_priority: [HERE.to_owned()].into_iter().chain(edges.iter().map(id)).collect(),
        pathway_clones: edges.iter().map(clone).collect(),
    };
    match serde_json::to_string(&manifest) {
        Ok(text) => Answer::Manifest { text, max_age: 1 },
        Err(error) => Answer::Failed(error.to_string()),
    }
}
