//! What end-to-end tests share: the demo films, servers that end with their test, and a player that is watched.

pub mod lock;
pub mod servers;
pub mod show;
pub mod system;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kinora_media::{self as media, TitleRecord};

/// The folder of the workspace's binaries.
pub fn binaries() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_kinora-qa")).parent().unwrap().to_owned()
}

/// A binary of another crate of the workspace.
pub fn binary(name: &str) -> PathBuf {
    let path = binaries().join(name);
    assert!(path.exists(), "{} is missing: run `cargo build --workspace --all-targets` first", path.display());
    path
}

/// The demo catalogue, made on first use and kept in the target folder.
pub fn demo() -> &'static Path {
    static DATA: OnceLock<PathBuf> = OnceLock::new();
    DATA.get_or_init(|| {
        let data = binaries().parent().unwrap().join("demo");
        media::demo::ensure(&data, &media::Silent, &media::Cancel::new()).unwrap();
        data
    })
}

/// The folder that is served: one folder a title.
pub fn films() -> PathBuf {
    media::media_dir(demo())
}

/// The `index`th short test card of the demo catalogue.
pub fn film(index: usize) -> TitleRecord {
    let titles = media::titles(demo()).unwrap();
    let cards = media::demo::cards();
    let is_short = |id: &str| id != media::demo::LONG_TITLE && cards.contains(&id);
    let mut short = titles.into_iter().filter(|title| is_short(&title.id));
    short.nth(index).unwrap()
}

/// Material from outside the repository; says why and is skipped when it is absent.
pub fn material(test: &str, path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    skip(test, "the conformance kit is not beside the repository");
    None
}

/// Says that a test is skipped, on standard error and in the list that `./test` counts.
pub fn skip(test: &str, reason: &str) {
    use std::io::Write as _;
    eprintln!("skipped {test}: {reason}");
    if let Some(log) = std::env::var_os("KINORA_SKIP_LOG") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(log).unwrap();
        writeln!(file, "{test}: {reason}").unwrap();
    }
}
