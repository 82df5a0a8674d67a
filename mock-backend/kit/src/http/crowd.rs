//! A pure table of connections, given a monotonic time: it decides which stay when there are more than the server can hold.
//!
//! There are seats for connections that do work, bounded in all and for each peer. When they run out, a newcomer gets the seat of
//! the connection that has been idle longest: its own peer's when that peer has too many, else the one of the peer that has
//! most. When all seats are busy, the newcomer goes to the lobby, where only the state of the service can be asked for. The
//! lobby is small, and its oldest guest leaves when another comes: a crowd that asks for nothing cannot keep out a probe.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// A subscriber: an IPv4 address, or the first 64 bits of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer(u64);

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(u32::from(address))),
            IpAddr::V6(address) => Self((u128::from(address) >> 64) as u64),
        }
    }
}

/// Bounds of a crowd.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Maximum number of seats.
    pub seats: usize,
    /// Maximum number of seats of one peer.
    pub per_peer: usize,
    /// Maximum number of connections in the lobby.
    pub lobby: usize,
}

/// Decision about a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It has a seat. The connection `instead_of` has lost its own and is to be closed.
    Seat {
        /// Connection to close.
        instead_of: Option<u64>,
    },
    /// It is in the lobby. The connection `instead_of` has to leave it.
    Lobby {
        /// Connection to close.
        instead_of: Option<u64>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    peer: Peer,
    requests: u32,
    idle_since_ms: i64,
}

/// The connections of a server.
#[derive(Debug)]
pub struct Crowd {
    bounds: Bounds,
    seats: BTreeMap<u64, Seat>,
    by_peer: HashMap<Peer, usize>,
    /// In the order of arrival.
    lobby: BTreeMap<u64, Peer>,
}

impl Crowd {
    /// An empty crowd.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, seats: BTreeMap::new(), by_peer: HashMap::new(), lobby: BTreeMap::new() }
    }

    /// Decides about connection `id`; ids grow from one connection to the next.
    pub fn admit(&mut self, id: u64, peer: Peer, now_ms: i64) -> Admission {
        let is_over = self.by_peer.get(&peer).copied().unwrap_or(0) >= self.bounds.per_peer;
        let mut instead_of = None;
        if is_over || self.seats.len() >= self.bounds.seats {
            instead_of = self.idlest(is_over.then_some(peer));
            let Some(victim) = instead_of else {
                return self.admit_to_lobby(id, peer);
            };
            self.leave(victim);
        }
        self.seats.insert(id, Seat { peer, requests: 0, idle_since_ms: now_ms });
        *self.by_peer.entry(peer).or_default() += 1;
        Admission::Seat { instead_of }
    }

    /// A request of connection `id` has arrived.
    pub fn begin_request(&mut self, id: u64) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.requests += 1;
        }
    }

    /// The answer to a request of connection `id` has been handed over.
    pub fn end_request(&mut self, id: u64, now_ms: i64) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.requests = seat.requests.saturating_sub(1);
            seat.idle_since_ms = now_ms;
        }
    }

    /// Connection `id` is closed.
    pub fn leave(&mut self, id: u64) {
        self.lobby.remove(&id);
        let Some(seat) = self.seats.remove(&id) else { return };
        if let Some(count) = self.by_peer.get_mut(&seat.peer) {
            *count -= 1;
            if *count == 0 {
                self.by_peer.remove(&seat.peer);
            }
        }
    }

    fn admit_to_lobby(&mut self, id: u64, peer: Peer) -> Admission {
        let is_full = self.lobby.len() >= self.bounds.lobby;
        let instead_of = if is_full { self.lobby.pop_first().map(|(id, _)| id) } else { None };
        self.lobby.insert(id, peer);
        Admission::Lobby { instead_of }
    }

    /// The connection without a request that is to make room.
    fn idlest(&self, of: Option<Peer>) -> Option<u64> {
        self.seats
            .iter()
            .filter(|(_, seat)| seat.requests == 0 && of.is_none_or(|peer| peer == seat.peer))
            .max_by_key(|(id, seat)| {
                let share = self.by_peer.get(&seat.peer).copied().unwrap_or(0);
                (share, std::cmp::Reverse(seat.idle_since_ms), std::cmp::Reverse(**id))
            })
            .map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Bounds, Crowd, Peer};
    use proptest::prelude::*;
    use std::net::IpAddr;

    const BOUNDS: Bounds = Bounds { seats: 6, per_peer: 4, lobby: 2 };

    fn peer(text: &str) -> Peer {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn idle_connections_make_room_and_busy_ones_do_not() {
        let (crowded, other) = (peer("192.0.2.1"), peer("192.0.2.2"));
        let mut crowd = Crowd::new(BOUNDS);
        for id in 0..4 {
            assert_eq!(crowd.admit(id, crowded, id as i64), Admission::Seat { instead_of: None });
        }
        crowd.begin_request(0);
        // Over its own share: its own oldest idle connection goes.
        assert_eq!(crowd.admit(4, crowded, 10), Admission::Seat { instead_of: Some(1) });
        for id in 5..7 {
            assert_eq!(crowd.admit(id, other, 11), Admission::Seat { instead_of: None });
        }
        // Full: the peer that has most gives way.
        assert_eq!(crowd.admit(7, other, 12), Admission::Seat { instead_of: Some(2) });
        for id in [3, 4, 5, 6, 7] {
            crowd.begin_request(id);
        }
        assert_eq!(crowd.admit(8, other, 13), Admission::Lobby { instead_of: None });
        assert_eq!(crowd.admit(9, crowded, 13), Admission::Lobby { instead_of: None });
        assert_eq!(crowd.admit(10, crowded, 13), Admission::Lobby { instead_of: Some(8) });
        crowd.end_request(6, 14);
        assert_eq!(crowd.admit(11, crowded, 15), Admission::Seat { instead_of: Some(6) });
    }

    #[test]
    fn one_subscriber_is_one_peer() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::2:3"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
    }

    proptest! {
        #[test]
        fn bounds_hold_and_a_busy_connection_keeps_its_seat(
            steps in proptest::collection::vec((0..4_u8, 0..5_u8, 0..40_u64), 1..200),
        ) {
            let mut crowd = Crowd::new(BOUNDS);
            let (mut next, mut busy) = (0_u64, std::collections::BTreeSet::new());
            for (now, (what, who, id)) in steps.into_iter().enumerate() {
                match what {
                    0 | 1 => {
                        let admission = crowd.admit(next, Peer(u64::from(who)), now as i64);
                        if let Admission::Seat { instead_of: Some(victim) } = admission {
                            prop_assert!(!busy.contains(&victim));
                        }
                        next += 1;
                    }
                    2 if crowd.seats.contains_key(&id) => {
                        crowd.begin_request(id);
                        busy.insert(id);
                    }
                    3 => {
                        crowd.leave(id);
                        busy.remove(&id);
                    }
                    _ => {}
                }
                prop_assert!(crowd.seats.len() <= BOUNDS.seats && crowd.lobby.len() <= BOUNDS.lobby);
                prop_assert!(crowd.by_peer.values().all(|count| (1..=BOUNDS.per_peer).contains(count)));
                prop_assert_eq!(crowd.by_peer.values().sum::<usize>(), crowd.seats.len());
                prop_assert!(busy.iter().all(|id| crowd.seats.contains_key(id)));
            }
        }
    }
}
