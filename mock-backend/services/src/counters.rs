//! A few counters in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Number of answers since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Answers by the first digit of their status: 1xx to 5xx.
    answers: [AtomicU64; 5],
}

impl Counters {
    /// Counts an answer.
    pub fn answered(&self, status: u16) {
        if let Some(counter) = usize::from(status / 100).checked_sub(1).and_then(|class| self.answers.get(class)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counters, those of the services that run here, and gauges that the caller has read, as text (Prometheus exposition
    /// format 0.0.4).
    pub fn render(
        &self,
        accounts: Option<&kinora_accounts::Counts>,
        playback: Option<(&kinora_playback::Counts, i64)>,
        titles: Option<usize>,
    ) -> String {
        let mut text = String::new();
        let mut line = |name: &str, kind: &str, samples: &[(String, i128)]| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let read = |counter: &AtomicU64| i128::from(counter.load(Ordering::Relaxed));
        let answers: Vec<(String, i128)> = self
            .answers
            .iter()
            .enumerate()
            .map(|(class, counter)| (format!("{{class=\"{}xx\"}}", class + 1), read(counter)))
            .collect();
        let plain = |value| [(String::new(), value)];
        line("kinora_http_answers_total", "counter", &answers);
        if let Some(counts) = accounts {
            line("kinora_sign_ins_total", "counter", &plain(read(&counts.sign_ins)));
            line("kinora_sign_ins_refused_total", "counter", &plain(read(&counts.refused)));
        }
        if let Some((counts, running)) = playback {
            line("kinora_playback_grants_total", "counter", &plain(read(&counts.grants)));
            line("kinora_heartbeats_total", "counter", &plain(read(&counts.heartbeats)));
            line("kinora_playbacks", "gauge", &plain(i128::from(running)));
        }
        if let Some(titles) = titles {
            line("kinora_titles", "gauge", &plain(titles as i128));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Counters;

    #[test]
    fn answers_are_counted_by_class() {
        let counters = Counters::default();
        for status in [200, 204, 404, 500, 0, 999] {
            counters.answered(status);
        }
        let text = counters.render(None, None, Some(7));
        assert!(text.contains("kinora_http_answers_total{class=\"2xx\"} 2\n"), "{text}");
        assert!(text.contains("kinora_titles 7\n"), "{text}");
        assert!(!text.contains("kinora_sign_ins"), "the accounts run elsewhere: {text}");
    }
}
