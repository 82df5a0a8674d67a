//! Counters in the text format of Prometheus. Each process, and each backend of a test, has a recorder of its own, so that two of
//! them do not mix; whoever counts is given it.

use std::sync::Arc;

use metrics::with_local_recorder;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

/// Upper bounds of histograms of durations, in seconds. They are for every name that ends with `_seconds`.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Counters, gauges and histograms. Cloning is cheap.
#[derive(Clone)]
pub struct Metrics(Arc<PrometheusRecorder>);

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS);
        // Fails for an empty list only.
        Self(Arc::new(builder.unwrap_or_default().build_recorder()))
    }

    /// Runs `count`, whose macros of the crate `metrics` count here.
    pub fn record<T>(&self, count: impl FnOnce() -> T) -> T {
        with_local_recorder(self.0.as_ref(), count)
    }

    /// Adds one to a counter without labels.
    pub fn count(&self, name: &'static str) {
        self.record(|| metrics::counter!(name).increment(1));
    }

    /// Sets a gauge without labels.
    pub fn set(&self, name: &'static str, value: f64) {
        self.record(|| metrics::gauge!(name).set(value));
    }

    /// The text (Prometheus exposition format 0.0.4).
    pub fn render(&self) -> String {
        self.0.handle().render()
    }

    /// Sums up what was recorded since the last time; without it durations would pile up until somebody asks.
    pub fn upkeep(&self) {
        self.0.handle().run_upkeep();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
