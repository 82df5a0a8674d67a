//! What the network can do, learned from transfers: rate, time to first byte, and how far predictions fell short.

mod bandwidth;
mod downside;
mod ewma;
mod forecast;
mod pace;
mod sizes;

pub use bandwidth::Bandwidth;
pub use downside::Downside;
pub use ewma::Ewma;
pub use forecast::{Forecast, ForecastTuning, Outlook};
pub use pace::{Outages, Pace, PaceTuning};
pub use sizes::Sizes;
