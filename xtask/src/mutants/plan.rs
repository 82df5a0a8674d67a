//! Tests that decide on the mutants of each part.

use super::sample::Part;

/// Tests for the mutants of one package.
pub struct Plan {
    pub package: &'static str,
    pub parts: &'static [Part],
    pub features: &'static [&'static str],
    /// Arguments of cargo that name tests, in groups. A later group tests only what the earlier ones missed.
    pub phases: &'static [&'static [&'static str]],
}

pub const PLANS: [Plan; 2] = [
    Plan {
        package: "player-core",
        parts: &[Part::Engine, Part::Manifest, Part::Container, Part::Drm, Part::Text],
        // Neither HTTP nor GStreamer: a third of the code, and all of the large dependencies.
        features: &["--no-default-features", "--features=sim"],
        phases: &[&["--lib"], &["--test=engine", "--test=fuzz_corpus"]],
    },
    Plan {
        package: "abr",
        parts: &[Part::Abr],
        features: &[],
        // Not the test of allocations: noting what it reaches allocates.
        phases: &[&["--lib"], &["--bins", "--test=selection"]],
    },
];

impl Plan {
    /// Returns the folder of the package below the root of the repository.
    pub fn folder(&self) -> &'static str {
        self.package
    }
}
