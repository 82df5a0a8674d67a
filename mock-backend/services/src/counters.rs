//! Counters of a backend, for whoever has its token.

use std::time::Duration;

use kinora_kit::metrics::Metrics;
use metrics::{counter, gauge, histogram};

/// Counts an answer. `call` is the path of its route.
pub fn answered(metrics: &Metrics, call: &str, status: u16, took: Duration) {
    let class = match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics.record(|| {
        counter!("kinora_http_answers_total", "call" => call.to_owned(), "class" => class).increment(1);
        histogram!("kinora_http_request_seconds", "call" => call.to_owned()).record(took);
    });
}

/// Counts events that were moved from a store into the log.
pub fn logged(metrics: &Metrics, events: usize) {
    metrics.record(|| counter!("kinora_events_logged_total").increment(events as u64));
}

/// Sets the number of events of a service's store that wait for the log.
pub fn set_waiting(metrics: &Metrics, service: &'static str, events: i64) {
    metrics.record(|| gauge!("kinora_events_waiting", "service" => service).set(events as f64));
}

#[cfg(test)]
mod tests {
    use super::{Metrics, answered, logged, set_waiting};
    use std::time::Duration;

    #[test]
    fn counters_have_the_call_and_no_path() {
        let metrics = Metrics::new();
        for status in [200, 204, 404, 500] {
            answered(&metrics, "/v1/titles/{id}", status, Duration::from_millis(3));
        }
        logged(&metrics, 7);
        set_waiting(&metrics, "playback", 2);
        let text = metrics.render();
        for line in [
            "kinora_http_answers_total{call=\"/v1/titles/{id}\",class=\"2xx\"} 2",
            "kinora_http_request_seconds_bucket{call=\"/v1/titles/{id}\",le=\"0.005\"} 4",
            "kinora_events_logged_total 7",
            "kinora_events_waiting{service=\"playback\"} 2",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!Metrics::new().render().contains("kinora"), "another backend's counters");
    }
}
