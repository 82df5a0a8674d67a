//! Counters of the gateway, in the text format of Prometheus. Each gateway has its own recorder: two in one process do not mix.

use std::time::Duration;

use kinora_kit::metrics::Metrics;
use metrics::{counter, gauge, histogram};

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
#[derive(Default)]
pub struct Counters(Metrics);

impl Counters {
    /// Counts an answer. `call` is the path in the table of calls, `seconds` the time until the answer began.
    pub fn answered(&self, call: &'static str, status: u16, took: Duration) {
        let class = match status / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.0.record(|| {
            counter!("kinora_gateway_answers_total", "call" => call, "class" => class).increment(1);
            histogram!("kinora_gateway_request_seconds", "call" => call).record(took);
        });
    }

    /// Counts a request that the gateway refused.
    pub fn refused(&self, service: &'static str, reason: Reason) {
        self.0.record(|| {
            counter!("kinora_gateway_refused_total", "service" => service, "reason" => reason.name()).increment(1);
        });
    }

    /// Counts an answer that was kept and given while its service was silent.
    pub fn kept(&self, service: &'static str) {
        self.0.record(|| counter!("kinora_gateway_kept_total", "service" => service).increment(1));
    }

    /// Sets the gauges that are read when somebody asks.
    pub fn set_under_way(&self, requests: usize) {
        self.0.record(|| gauge!("kinora_gateway_requests").set(requests as f64));
    }

    /// Sets what a service did and has: repeats so far, free places.
    pub fn set_service(&self, service: &'static str, repeats: u64, free_places: usize) {
        self.0.record(|| {
            counter!("kinora_gateway_repeats_total", "service" => service).absolute(repeats);
            gauge!("kinora_gateway_free_places", "service" => service).set(free_places as f64);
        });
    }

    /// Sets whether a replica takes requests.
    pub fn set_replica(&self, service: &'static str, replica: &str, takes_requests: bool) {
        let labels = [("service", service.to_owned()), ("replica", replica.to_owned())];
        let value = f64::from(u8::from(takes_requests));
        self.0.record(|| gauge!("kinora_gateway_replica_takes_requests", &labels).set(value));
    }

    /// The text. Also to be called every few seconds by `upkeep`, which drops it.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Sums up what was recorded since the last time; without it durations would pile up until somebody asks.
    pub fn upkeep(&self) {
        self.0.upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, Reason};
    use std::time::Duration;

    #[test]
    fn counters_have_the_call_and_no_path() {
        let metrics = Counters::default();
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
        assert!(!Counters::default().render().contains("kinora_gateway"), "another gateway's counters");
    }
}
