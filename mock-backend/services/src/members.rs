//! Services that run in this process, and those that are asked over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use kinora_kit::http::internal::{Caller, InternalKey, Peer};
use url::Url;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// Accounts, profiles, sign-in.
    Accounts,
    /// Titles, screens, search, pictures, media.
    Catalogue,
    /// Permission to play, positions.
    Playback,
    /// What to show to whom, from what viewers do.
    Recommendations,
}

impl Member {
    /// All services.
    pub const ALL: [Self; 4] = [Self::Accounts, Self::Catalogue, Self::Playback, Self::Recommendations];

    /// Name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Catalogue => "catalogue",
            Self::Playback => "playback",
            Self::Recommendations => "recommendations",
        }
    }

    /// Services that this one cannot do without. The catalogue asks the recommendations as well, and does without them.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Accounts => &[Self::Playback],
            Self::Catalogue => &[Self::Accounts, Self::Playback],
            Self::Playback => &[Self::Accounts, Self::Catalogue],
            // The process of playback has the log of events.
            Self::Recommendations => &[Self::Catalogue, Self::Playback],
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Member {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|member| member.name() == name);
        found.ok_or_else(|| format!("there is no service {name}: accounts, catalogue, playback, recommendations"))
    }
}

/// Services that are asked over HTTP.
#[derive(Debug)]
pub(crate) struct Peers {
    peers: BTreeMap<Member, Arc<Peer>>,
    key: InternalKey,
}

impl Peers {
    /// Those that do not run here, and those that have a URL.
    pub(crate) fn new(members: &BTreeSet<Member>, urls: &BTreeMap<Member, Url>, key: InternalKey) -> Self {
        let remote = Member::ALL.into_iter().filter(|member| !members.contains(member) || urls.contains_key(member));
        let peers = remote.map(|member| (member, Arc::new(Peer::new(urls.get(&member))))).collect();
        Self { peers, key }
    }

    /// Sets the base URL of one that is asked over HTTP.
    pub(crate) fn set(&self, member: Member, url: &Url) {
        if let Some(peer) = self.peers.get(&member) {
            peer.set(url);
        }
    }

    /// Returns true if a service is asked over HTTP.
    pub(crate) fn is_remote(&self, member: Member) -> bool {
        self.peers.contains_key(&member)
    }

    /// Returns what calls a service over HTTP.
    pub(crate) fn caller(&self, member: Member) -> Result<Caller, reqwest::Error> {
        Caller::new(self.peers.get(&member).map(Arc::clone).unwrap_or_default(), self.key.clone())
    }

    /// Returns the key if other processes ask the services of this one.
    pub(crate) fn key(&self) -> Option<InternalKey> {
        (!self.peers.is_empty()).then(|| self.key.clone())
    }
}
