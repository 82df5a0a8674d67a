//! What is remembered of the networks that films were watched over, so that the next film need not begin at the lowest
//! quality: one small JSON file, replaced as a whole. A network is known by its gateway.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A larger file is not ours.
const MAX_BYTES: u64 = 64 << 10;
/// Networks beyond this are forgotten, those not seen for the longest time first.
const MAX_NETWORKS: usize = 64;
/// Seconds after which a network may be another one behind the same gateway.
const MAX_AGE: u64 = 30 * 24 * 3600;

/// One network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// Bits per second that could be relied upon.
    bandwidth_bps: u64,
    /// When that was, in seconds since 1970.
    at: u64,
}

/// The networks of one user.
#[derive(Debug, Default)]
pub struct Networks {
    path: Option<PathBuf>,
    known: Mutex<BTreeMap<String, Memory>>,
}

impl Networks {
    /// Those remembered in a directory; without one they are kept until the app ends.
    pub fn load(directory: Option<&Path>) -> Self {
        let path = directory.map(|directory| directory.join("networks.json"));
        let known = path.as_deref().and_then(|path| {
            let fits = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= MAX_BYTES);
            let bytes = fs::read(path).ok().filter(|_| fits)?;
            serde_json::from_slice(&bytes).ok()
        });
        Self { path, known: Mutex::new(known.unwrap_or_default()) }
    }

    /// What could be relied upon in this network, in bits per second.
    pub fn recall(&self, network: &str) -> Option<u64> {
        let memory = self.known().get(network).copied()?;
        (memory.at.saturating_add(MAX_AGE) >= seconds()).then_some(memory.bandwidth_bps)
    }

    /// Remembers what can be relied upon in this network. A failure to write it down is only logged.
    pub fn remember(&self, network: &str, bandwidth_bps: u64) {
        let mut known = self.known();
        known.insert(network.to_owned(), Memory { bandwidth_bps, at: seconds() });
        while known.len() > MAX_NETWORKS {
            let oldest = known.iter().min_by_key(|(_, memory)| memory.at).map(|(name, _)| name.clone());
            oldest.and_then(|name| known.remove(&name));
        }
        let Some(path) = &self.path else { return };
        let written = (|| {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
            }
            let temporary = path.with_extension(format!("new-{}", std::process::id()));
            fs::write(&temporary, serde_json::to_vec_pretty(&*known)?)?;
            fs::rename(&temporary, path)
        })();
        if let Err(error) = written {
            tracing::warn!(%error, "what was learned about the network could not be written");
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Memory>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A name for the network that this machine is in now: a hash of the gateway's hardware address, where the system tells
/// it, or of its address. All networks are one where it tells neither.
pub fn current() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let gateway = gateway(&read("/proc/net/route"), &read("/proc/net/arp"));
    gateway.map_or_else(
        || "any".to_owned(),
        |gateway| {
            let mut hasher = DefaultHasher::new();
            gateway.hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        },
    )
}

/// The gateway of the default route in the tables that Linux shows: its hardware address, else its address.
fn gateway(routes: &str, neighbours: &str) -> Option<String> {
    let address = routes.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (destination, gateway) = (fields.get(1)?, fields.get(2)?);
        let bytes = u32::from_str_radix(gateway, 16).ok()?.to_le_bytes();
        (*destination == "00000000" && bytes != [0; 4]).then(|| std::net::Ipv4Addr::from(bytes).to_string())
    })?;
    let hardware = neighbours.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let hardware = fields.get(3).filter(|hardware| hardware.chars().any(|c| !matches!(c, '0' | ':')))?;
        (fields.first() == Some(&address.as_str())).then(|| (*hardware).to_owned())
    });
    Some(hardware.unwrap_or(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\nwlan0\t0000FEA9\t00000000\t0001\n\
                          wlan0\t00000000\t0101A8C0\t0003\n";

    #[test]
    fn a_network_is_its_gateway() {
        let neighbours = "IP address HW type Flags HW address Mask Device\n\
                          192.168.1.7 0x1 0x2 11:11:11:11:11:11 * wlan0\n192.168.1.1 0x1 0x2 aa:bb:cc:00:11:22 * wlan0\n";
        assert_eq!(gateway(ROUTES, neighbours).as_deref(), Some("aa:bb:cc:00:11:22"));
        let silent = "head\n192.168.1.1 0x1 0x0 00:00:00:00:00:00 * wlan0\n";
        assert_eq!(gateway(ROUTES, silent).as_deref(), Some("192.168.1.1"));
        assert_eq!(gateway(ROUTES, "").as_deref(), Some("192.168.1.1"));
        assert_eq!(gateway("head\nlo 0000007F 00000000 0001\nbroken\n", ""), None);
        assert_eq!(current(), current());
    }

    #[test]
    fn what_was_learned_survives_a_restart_for_a_while() {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let below = directory.path().join("below");
        let networks = Networks::load(Some(&below));
        assert_eq!(networks.recall("home"), None);
        networks.remember("home", 5_000_000);
        networks.remember("work", 900_000);
        let networks = Networks::load(Some(&below));
        assert_eq!((networks.recall("home"), networks.recall("work")), (Some(5_000_000), Some(900_000)));
        networks.known().insert("old".to_owned(), Memory { bandwidth_bps: 1, at: seconds() - MAX_AGE - 10 });
        assert_eq!(networks.recall("old"), None);
        for number in 0..2 * MAX_NETWORKS {
            networks.remember(&number.to_string(), 1);
        }
        assert_eq!(networks.known().len(), MAX_NETWORKS);
        fs::write(below.join("networks.json"), b"{ not json").expect("writes");
        assert_eq!(Networks::load(Some(&below)).recall("home"), None);
        Networks::default().remember("home", 1);
    }
}
