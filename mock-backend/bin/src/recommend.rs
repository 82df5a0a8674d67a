//! The commands of recommendations.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use kinora_recommendations::domain::evaluate::{Settings, evaluate};
use kinora_recommendations::domain::ratings;

/// Commands of recommendations.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Judge the model on a file of ratings: train on a random part of them, and compare its lists of ten with the rest
    Evaluate(Evaluate),
}

/// What to judge on.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// File in the form of MovieLens-100K's u.data: user, item, rating and time, one rating to a line
    #[arg(long, value_name = "FILE")]
    ratings: PathBuf,
    /// Seed of the random split
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Share of the ratings that are held back
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    held_back: f64,
    /// Count only ratings from this one on; default: every rating counts
    #[arg(long, value_name = "RATING")]
    liked_from: Option<f32>,
    /// Regularisation of the model; default: the one that does best on a tenth of the training part
    #[arg(long, value_name = "NUMBER")]
    regularisation: Option<f64>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs a command.
///
/// # Errors
/// When the file cannot be read or the settings are not usable.
pub fn run(task: Task) -> anyhow::Result<()> {
    let Task::Evaluate(arguments) = task;
    let file = File::open(&arguments.ratings).with_context(|| arguments.ratings.display().to_string())?;
    let ratings = ratings::read(BufReader::new(file)).with_context(|| arguments.ratings.display().to_string())?;
    let settings = Settings {
        seed: arguments.seed,
        held_back: arguments.held_back,
        liked_from: arguments.liked_from,
        regularisation: arguments.regularisation,
    };
    let result = evaluate(&ratings, &settings)?;
    if arguments.json {
        let line = serde_json::json!({
            "ndcg_at_10": result.model, "popularity_ndcg_at_10": result.popularity, "users": result.users,
            "items": result.items, "trained_on": result.trained_on, "tested_on": result.tested_on,
            "regularisation": result.regularisation, "seed": arguments.seed,
        });
        println!("{line}");
    } else {
        println!("NDCG@10     {:.4}  EASE^R, regularisation {}", result.model, result.regularisation);
        println!("NDCG@10     {:.4}  popularity", result.popularity);
        println!(
            "{} users, {} items; trained on {} ratings, judged on {}; seed {}",
            result.users, result.items, result.trained_on, result.tested_on, arguments.seed
        );
    }
    Ok(())
}
