//! The target of topologies and ready lines. Apart from the other targets, so that a test of the supervisor shares it without their
//! dependencies.

use std::path::Path;

use kinora_supervisor::announcement::{Announced, Announcing, Line};
use kinora_supervisor::topology::{MAX_PROCESSES, MAX_REPLICAS, ReadyLine, Template, Topology};

/// A topology, an argument with placeholders, and the output of a process.
pub fn topologies(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Topology::parse(Path::new("t"), text) {
        Ok(topology) => {
            let processes = topology.processes();
            assert!((1..=MAX_PROCESSES).contains(&processes.len()));
            for (place, process) in processes.iter().enumerate() {
                assert!(process.after.iter().all(|other| *other < place), "an order of starting");
                assert_eq!(topology.find(&process.name), Some(place), "names are unique");
                assert!((1..=MAX_REPLICAS).contains(&process.replicas));
                assert!(process.policy.restart.first <= process.policy.restart.cap);
            }
        }
        Err(error) => assert!(!error.to_string().contains('\0') || text.contains('\0')),
    }
    if let Some(template) = Template::parse(text) {
        let filled = template.fill(|_| String::new());
        assert!(filled.len() <= text.len());
    }
    for kind in [ReadyLine::Address, ReadyLine::Json] {
        let mut announcing = Announcing::new(kind);
        for line in text.lines() {
            if let Line::Complete(Announced { url, port, .. }) = announcing.read(line) {
                assert!(port > 0 && url.starts_with("http://") && !url.ends_with('/'));
            }
        }
    }
}
