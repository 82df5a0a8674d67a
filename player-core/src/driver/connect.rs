//! Times at which connections are opened for a request.
//!
//! The HTTP client opens connections inside of its connector, which knows nothing of requests. The connector is called
//! by the task of the request that first needs the connection, so the task keeps the place for the times.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    static TIMES: Arc<ConnectTimer>;
}

/// Place for the times of the last connection that a request opened.
#[derive(Debug, Default)]
pub struct ConnectTimer(Mutex<Option<(Instant, Instant)>>);

impl ConnectTimer {
    /// Runs a request; connections that it opens are timed here.
    pub async fn scope<F: Future>(self: &Arc<Self>, request: F) -> F::Output {
        TIMES.scope(Arc::clone(self), request).await
    }

    /// Returns the start and the end of the last connecting.
    pub fn times(&self) -> Option<(Instant, Instant)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Layer of the HTTP client's connector that takes the times.
#[derive(Clone, Copy, Debug)]
pub struct TimingLayer;

impl<S> Layer<S> for TimingLayer {
    type Service = TimedConnector<S>;

    fn layer(&self, connector: S) -> TimedConnector<S> {
        TimedConnector(connector)
    }
}

/// A connector whose successes are timed.
#[derive(Clone, Debug)]
pub struct TimedConnector<S>(S);

impl<S, R> Service<R> for TimedConnector<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let timer = TIMES.try_with(Arc::clone).ok();
        let start = Instant::now();
        let connecting = self.0.call(target);
        Box::pin(async move {
            let connection = connecting.await?;
            if let Some(timer) = timer {
                *timer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((start, Instant::now()));
            }
            Ok(connection)
        })
    }
}
