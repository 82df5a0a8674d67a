//! `kinora-qa`: drives the player for people who test it.

use std::process::ExitCode;

use clap::Parser as _;
use kinora_qa::cli::{Cli, RenderTo, Verb};
use kinora_qa::{inspect, play};
use player_core::render::gst;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("KINORA_LOG"))
        .with_writer(std::io::stderr)
        .init();
    match Cli::parse().verb {
        Verb::Play(options) => {
            if options.render != RenderTo::Null {
                gst::prepare();
            }
            play::run(&options)
        }
        Verb::Inspect(options) => inspect::run(&options),
    }
}
