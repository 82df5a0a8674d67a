//! Writes a file of labelled sign-in traffic to the standard output, and its summary to the standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use kinora_risk_traffic::{DEFAULT_ATTACKS, Form, generate_with};

/// Makes labelled sign-in traffic, by which scores of risk are judged.
#[derive(Debug, Parser)]
#[command(name = "kinora-risk-traffic", version)]
struct Arguments {
    /// Seed of the world: the same seed and options give the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Form of the file.
    #[arg(long, value_enum, default_value_t = Form::Full)]
    form: Form,
    /// Number of accounts, from 1 to 100,000.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    accounts: u64,
    /// Number of days, from 1 to 365.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u64).range(1..=365))]
    days: u64,
    /// Rows of attacks of a thousand rows, from 5 to 50.
    #[arg(long, default_value_t = DEFAULT_ATTACKS as u64, value_parser = clap::value_parser!(u64).range(5..=50))]
    attacks: u64,
}

fn main() -> ExitCode {
    let Arguments { seed, form, accounts, days, attacks } = Arguments::parse();
    let traffic = generate_with(seed, form, accounts as usize, days as usize, attacks as usize);
    if let Err(error) = io::stdout().write_all(traffic.csv.as_bytes()) {
        eprintln!("kinora-risk-traffic: cannot write the file: {error}");
        return ExitCode::FAILURE;
    }
    for (kind, rows) in &traffic.summary {
        eprintln!("{rows:>8} {kind:?}");
    }
    ExitCode::SUCCESS
}
