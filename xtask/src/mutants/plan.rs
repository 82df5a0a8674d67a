//! Which tests decide on the mutants of which part.

use super::sample::Part;

/// Tests for the mutants of one package.
pub struct Plan {
    pub package: &'static str,
    pub parts: &'static [Part],
    pub features: &'static [&'static str],
    /// Names of the tests in the order in which they run, with the arguments of cargo that build them. A later group
    /// tests only what the earlier ones missed.
    pub phases: &'static [Phase],
}

/// Tests that are built and run together.
pub struct Phase {
    pub label: &'static str,
    pub targets: &'static [&'static str],
}

pub const PLANS: [Plan; 2] = [
    Plan {
        package: "player-core",
        parts: &[Part::Engine, Part::Manifest, Part::Container, Part::Drm, Part::Text],
        // Neither HTTP nor GStreamer: a third of the code, and all of the large dependencies.
        features: &["--no-default-features", "--features=sim"],
        phases: &[
            Phase { label: "unit tests", targets: &["--lib"] },
            Phase { label: "virtual-time tests", targets: &["--test=engine", "--test=fuzz_corpus"] },
        ],
    },
    Plan {
        package: "abr",
        parts: &[Part::Abr],
        features: &[],
        // Not the test of allocations: noting what it reaches allocates.
        phases: &[
            Phase { label: "unit tests", targets: &["--lib"] },
            Phase { label: "tests of sessions and tools", targets: &["--bins", "--test=selection"] },
        ],
    },
];

impl Plan {
    /// Returns the folder of the package below the root of the repository.
    pub fn folder(&self) -> &'static str {
        self.package
    }
}
