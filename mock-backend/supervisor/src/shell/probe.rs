//! Probes: one GET each, whose status is all that counts.

use std::time::Duration;

use crate::replica::Answer;

/// Asks processes for their state. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Prober(reqwest::Client);

impl Prober {
    /// Sets the client up: no proxy, no redirects, a new connection each time.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let redirects = reqwest::redirect::Policy::none();
        let builder = reqwest::Client::builder().no_proxy().redirect(redirects).pool_max_idle_per_host(0);
        Ok(Self(builder.build()?))
    }

    pub(super) async fn ask(&self, url: &str, path: &str, timeout: Duration) -> Answer {
        match self.0.get(format!("{url}{path}")).timeout(timeout).send().await {
            Ok(answer) if answer.status().is_success() => Answer::Ready,
            Ok(_) => Answer::NotReady,
            Err(_) => Answer::Silent,
        }
    }
}
