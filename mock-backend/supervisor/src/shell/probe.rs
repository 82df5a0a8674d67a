//! Probes: one GET each, whose status is all that counts.

use std::time::Duration;

use kinora_kit::http::handed::PROCESS;
use reqwest::header::HeaderValue;

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

    /// Asks a process. Where several may accept from one socket, the answers of others than `process` do not count.
    pub(super) async fn ask(&self, url: &str, path: &str, timeout: Duration, process: Option<u32>) -> Answer {
        let asked = async {
            loop {
                let Ok(answer) = self.0.get(format!("{url}{path}")).send().await else { return Answer::Silent };
                let is_other = process.is_some_and(|process| {
                    // An answer without the field may be anyone's.
                    answer.headers().get(PROCESS).is_some_and(|field| *field != HeaderValue::from(process))
                });
                if !is_other {
                    return if answer.status().is_success() { Answer::Ready } else { Answer::NotReady };
                }
            }
        };
        tokio::time::timeout(timeout, asked).await.unwrap_or(Answer::Silent)
    }
}
