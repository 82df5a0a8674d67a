//! Counters of the gateway, in the text format of Prometheus. Each gateway has its own recorder: two in one process do not mix.

use std::time::Duration;

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

/// Upper bounds of the histogram of durations, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
const SECONDS: &str = "kinora_gateway_request_seconds";

/// Reason why the gateway itself refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A quota is used up.
    Quota,
    /// The gateway is busy.
    Shed,
    /// The service's bulkhead is full.
    Bulkhead,
    /// No replica takes requests.
    Breaker,
    /// The last replica that was asked failed.
    Failed,
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Shed => "shed",
            Self::Bulkhead => "bulkhead",
            Self::Breaker => "breaker",
            Self::Failed => "failed",
        }
    }
}

/// The counters.
pub struct Metrics(PrometheusRecorder);

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), &BUCKETS);
        // Fails for an empty list only.
        Self(builder.unwrap_or_default().build_recorder())
    }

    /// Counts an answer. `call` is the path in the table of calls, `seconds` the time until the answer began.
    pub fn answered(&self, call: &'static str, status: u16, took: Duration) {
        let class = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        with_local_recorder(&self.0, || {
            counter!("kinora_gateway_answers_total", "call" => call, "class" => class).increment(1);
            histogram!(SECONDS, "call" => call).record(took);
        });
    }

    /// Counts a request that the gateway refused.
    pub fn refused(&self, service: &'static str, reason: Reason) {
        with_local_recorder(&self.0, || {
            counter!("kinora_gateway_refused_total", "service" => service, "reason" => reason.name()).increment(1);
        });
    }

    /// Counts an answer that was kept and given while its service was silent.
    pub fn kept(&self, service: &'static str) {
        with_local_recorder(&self.0, || counter!("kinora_gateway_kept_total", "service" => service).increment(1));
    }

    /// Sets the gauges that are read when somebody asks.
    pub fn set_under_way(&self, requests: usize) {
        with_local_recorder(&self.0, || gauge!("kinora_gateway_requests").set(requests as f64));
    }

    /// Sets what a service did and has: repeats so far, free places.
    pub fn set_service(&self, service: &'static str, repeats: u64, free_places: usize) {
        with_local_recorder(&self.0, || {
            counter!("kinora_gateway_repeats_total", "service" => service).absolute(repeats);
            gauge!("kinora_gateway_free_places", "service" => service).set(free_places as f64);
        });
    }

    /// Sets whether a replica takes requests.
    pub fn set_replica(&self, service: &'static str, replica: &str, takes_requests: bool) {
        let labels = [("service", service.to_owned()), ("replica", replica.to_owned())];
        let value = f64::from(u8::from(takes_requests));
        with_local_recorder(&self.0, || gauge!("kinora_gateway_replica_takes_requests", &labels).set(value));
    }

    /// The text. Also to be called every few seconds by `upkeep`, which drops it.
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

#[cfg(test)]
mod tests {
    use super::{Metrics, Reason};
    use std::time::Duration;

    #[test]
    fn counters_have_the_call_and_no_path() {
        let metrics = Metrics::new();
        metrics.answered("/v1/titles/{id}", 200, Duration::from_millis(3));
        metrics.answered("/v1/titles/{id}", 404, Duration::from_millis(3));
        metrics.refused("catalogue", Reason::Shed);
        metrics.set_service("catalogue", 2, 7);
        metrics.set_replica("catalogue", "http://a:1", false);
        let text = metrics.render();
        for line in [
            "kinora_gateway_answers_total{call=\"/v1/titles/{id}\",class=\"4xx\"} 1",
            "kinora_gateway_refused_total{service=\"catalogue\",reason=\"shed\"} 1",
            "kinora_gateway_request_seconds_bucket{call=\"/v1/titles/{id}\",le=\"0.0025\"} 0",
            "kinora_gateway_request_seconds_bucket{call=\"/v1/titles/{id}\",le=\"0.005\"} 2",
            "kinora_gateway_repeats_total{service=\"catalogue\"} 2",
            "kinora_gateway_free_places{service=\"catalogue\"} 7",
            "kinora_gateway_replica_takes_requests{service=\"catalogue\",replica=\"http://a:1\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!Metrics::new().render().contains("kinora_gateway"), "another gateway's counters");
    }
}
