//! Whether a server answers: one request for its health.

use std::time::Duration;

/// Time in which a server has to answer.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Asks servers whether they are there. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Probe(reqwest::Client);

impl Probe {
    /// Sets the client up.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(0).build()?;
        Ok(Self(client))
    }

    /// Returns true if `GET {base}/healthz` is answered in time with anything but a server error. `base` has no slash at its end.
    pub async fn answers(&self, base: &str) -> bool {
        let answer = self.0.get(format!("{base}/healthz")).send().await;
        answer.is_ok_and(|answer| !answer.status().is_server_error())
    }
}
