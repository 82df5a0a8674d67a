//! Versions of a title: an address names the version that it means, so that segments of one never follow a manifest of another.
//!
//! The current version of a title lies in `DATA/media/<id>`. A version that was replaced lies in `DATA/media-replaced/<id>@<n>` for
//! a day, so that who plays it can play it to its end.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, ToSpan as _};

use super::{IngestError, TitleRecord, media_dir, record};
use crate::http::path::SafePath;

/// Name of the directory of replaced versions, beside the one of titles.
const REPLACED: &str = "media-replaced";
/// How long a replaced version stays.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// Replaced versions of one title that stay; the oldest go first.
const KEPT: usize = 2;

/// A file of the media tree.
#[derive(Debug)]
pub struct Opened {
    /// The file, open for reading.
    pub file: File,
    /// True if the address named a version: then its content never changes.
    pub is_versioned: bool,
}

/// Returns the name that stands for a version in addresses, between the title and the file: `v1764331200000`.
pub fn segment(version: i64) -> String {
    format!("v{version}")
}

/// Opens the file that an address names: `<id>/v<n>/<file>` or, for the current version whatever that is, `<id>/<file>`.
///
/// # Errors
/// `NotFound` when there is no such file in that version, or the version is gone.
pub fn open(data: &Path, address: &SafePath) -> io::Result<Opened> {
    let media = media_dir(data);
    let (id, rest) = address.names().split_first().ok_or(io::ErrorKind::NotFound)?;
    let Some((version, rest)) = rest.split_first().and_then(|(name, rest)| Some((number(name)?, rest))) else {
        let file = File::open(media.join(address.to_path_buf()))?;
        return Ok(Opened { file, is_versioned: false });
    };
    if rest.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let below = rest.iter().collect::<PathBuf>();
    let current = media.join(id);
    let opened = File::open(current.join(&below));
    // Asked after the file was opened: a title that is replaced in between would give the next version's file.
    if record::read(&media, id).is_some_and(|record| record.version() == version) {
        return Ok(Opened { file: opened?, is_versioned: true });
    }
    let replaced = media.with_file_name(REPLACED).join(directory(id, version));
    Ok(Opened { file: File::open(replaced.join(below))?, is_versioned: true })
}

/// Returns the version that a name of an address stands for, as [`segment`] writes it; `None` for every other name.
pub fn number(name: &str) -> Option<i64> {
    let digits = name.strip_prefix('v').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    // One spelling only, or one version would have many names in caches.
    digits.parse().ok().filter(|version: &i64| version.to_string() == digits)
}

fn directory(id: &str, version: i64) -> String {
    // No title's id holds this character.
    format!("{id}@{version}")
}

/// Returns a time of packaging for a new version of a title: `made`, or just after the present version where the clock went back.
pub(super) fn later_than_present(media: &Path, id: &str, made: Timestamp) -> Timestamp {
    let Some(present) = record::read(media, id).map(|record| record.created) else { return made };
    match present.checked_add(1.millisecond()) {
        Ok(next) if made < next => next,
        _ => made,
    }
}

/// Keeps a replaced version, which lies in `title`, and removes versions that were kept long enough.
pub(super) fn retire(media: &Path, title: &Path, old: &TitleRecord) -> Result<(), IngestError> {
    let replaced = media.with_file_name(REPLACED);
    fs::create_dir_all(&replaced).map_err(IngestError::io(&replaced))?;
    let target = replaced.join(directory(&old.id, old.version()));
    match fs::rename(title, &target) {
        // The titles lie on another file system than the rest: the old version goes at once.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => return Ok(()),
        moved => moved.map_err(IngestError::io(&target))?,
    }
    // The directory's time says when it was replaced.
    File::open(&target).and_then(|dir| dir.set_modified(SystemTime::now())).map_err(IngestError::io(&target))?;
    sweep(&replaced);
    Ok(())
}

/// Best effort: what cannot be removed now is tried again next time.
fn sweep(replaced: &Path) {
    let Ok(entries) = fs::read_dir(replaced) else { return };
    let mut versions: Vec<(String, i64, Duration)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let (id, version) = name.rsplit_once('@')?;
            let since = entry.metadata().and_then(|metadata| metadata.modified()).ok()?.elapsed().unwrap_or_default();
            Some((id.to_owned(), version.parse().ok()?, since))
        })
        .collect();
    versions.sort_by(|a, b| (&a.0, b.1).cmp(&(&b.0, a.1)));
    let mut last = (String::new(), 0);
    for (id, version, since) in versions {
        last = if last.0 == id { (id, last.1 + 1) } else { (id, 1) };
        if since < KEPT_FOR && last.1 <= KEPT {
            continue;
        }
        let path = replaced.join(directory(&last.0, version));
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove a replaced version");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::io::Read as _;

    /// A title of one file, `x.m4s`, which holds its version.
    fn write(dir: &Path, id: &str, version: i64) -> TitleRecord {
        let record = serde_json::json!({
            "id": id, "title": id, "duration_ms": 1, "frames": 1, "frame_rate": { "num": 25, "den": 1 },
            "rungs": [], "audio": [], "text": [], "files": super::super::Files::default(), "media_bytes": 1,
            "created": Timestamp::from_millisecond(version).unwrap(),
        });
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("x.m4s"), version.to_string()).unwrap();
        fs::write(dir.join("title.json"), record.to_string()).unwrap();
        serde_json::from_value(record).unwrap()
    }

    fn read(data: &Path, address: &str) -> Option<(String, bool)> {
        let mut opened = open(data, &SafePath::parse(address).unwrap()).ok()?;
        let mut text = String::new();
        opened.file.read_to_string(&mut text).unwrap();
        Some((text, opened.is_versioned))
    }

    #[test]
    fn an_address_gives_its_version_and_no_other() {
        let data = tempfile::tempdir().unwrap();
        let media = media_dir(data.path());
        write(&media.join("film"), "film", 1_000);
        assert_eq!(read(data.path(), "film/v1000/x.m4s"), Some(("1000".to_owned(), true)));
        assert_eq!(read(data.path(), "film/x.m4s"), Some(("1000".to_owned(), false)));
        for absent in ["film/v999/x.m4s", "film/v1000/y.m4s", "film/v1000", "film/v01000/x.m4s", "film/v/x.m4s"] {
            assert_eq!(read(data.path(), absent), None, "{absent}");
        }
    }

    #[test]
    fn a_replaced_version_stays_for_who_plays_it_and_then_goes() {
        let data = tempfile::tempdir().unwrap();
        let media = media_dir(data.path());
        write(&media.join("film"), "film", 1_000);
        for version in [2_000, 3_000, 4_000] {
            let staging = super::super::staging::Staging::new(&media).unwrap();
            write(&staging.title(), "film", version);
            staging.replace(&media, "film").unwrap();
            assert_eq!(read(data.path(), &format!("film/v{version}/x.m4s")), Some((version.to_string(), true)));
            let before = version - 1_000;
            assert_eq!(read(data.path(), &format!("film/v{before}/x.m4s")), Some((before.to_string(), true)));
            assert_eq!(read(data.path(), "film/x.m4s"), Some((version.to_string(), false)));
        }
        assert_eq!(read(data.path(), "film/v1000/x.m4s"), None, "two stay");
        let day_old = media.with_file_name(REPLACED).join("film@2000");
        File::open(&day_old).unwrap().set_modified(SystemTime::now() - KEPT_FOR).unwrap();
        sweep(&media.with_file_name(REPLACED));
        assert!(!day_old.exists() && media.with_file_name(REPLACED).join("film@3000").exists());
        assert_eq!(record::titles(data.path()).unwrap().len(), 1, "replaced versions are not titles");
    }

    #[test]
    fn a_new_version_has_a_new_number_though_the_clock_went_back() {
        let data = tempfile::tempdir().unwrap();
        let media = media_dir(data.path());
        let old = write(&media.join("film"), "film", 5_000);
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        assert_eq!(later_than_present(&media, "film", at(4_000)), at(5_001));
        assert_eq!(later_than_present(&media, "film", old.created), at(5_001));
        assert_eq!(later_than_present(&media, "film", at(6_000)), at(6_000));
        assert_eq!(later_than_present(&media, "new", at(4_000)), at(4_000));
    }
}
