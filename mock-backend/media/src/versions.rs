//! Versions of a title: an address names the version that it means, so that segments of one never follow a manifest of another.
//!
//! The current version of a title lies in `DATA/media/<id>`. A version that was replaced lies in `DATA/media-replaced/<id>@<n>` for
//! as long as a playback needs it. The backend knows the playbacks: it removes the others ([`sweep`]) and renews the time of each
//! directory that is needed. The packager knows none of them and removes only what no backend has renewed for days.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, ToSpan as _};

use super::made::{self, Content};
use super::{IngestError, TitleRecord, media_dir, record};
use kinora_kit::address::version_of;
use kinora_kit::http::path::SafePath;

/// Name of the directory of replaced versions, beside the one of titles.
const REPLACED: &str = "media-replaced";
/// Time for which a replaced version stays that no playback needs.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);
/// Maximum number of replaced versions of one title that stay though no playback needs them; the oldest go first.
const KEPT: usize = 2;
/// Time for which a replaced version stays in any case: a grant for it may be on its way to the database.
const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// Time after which a version that no backend has renewed is removed by the packager. Longer than a wall clock that is a day
/// ahead takes away.
const ABANDONED_AFTER: Duration = Duration::from_secs(3 * 24 * 3600);

/// A file of the media tree.
#[derive(Debug)]
pub struct Opened {
    /// The file, or the segment that was made.
    pub content: Content,
    /// True if the address named a version: then its content never changes.
    pub is_versioned: bool,
}

/// Opens the file that an address names: `<id>/v<n>/<file>` or, for the current version whatever that is, `<id>/<file>`.
///
/// # Errors
/// `NotFound` when there is no such file in that version, or the version is gone.
pub fn open(data: &Path, address: &SafePath) -> io::Result<Opened> {
    let media = media_dir(data);
    let (id, rest) = address.names().split_first().ok_or(io::ErrorKind::NotFound)?;
    let Some((version, rest)) = rest.split_first().and_then(|(name, rest)| Some((version_of(name)?, rest))) else {
        let content = made::open(&media.join(id), id, address.names().get(1..).unwrap_or_default())?;
        return Ok(Opened { content, is_versioned: false });
    };
    if rest.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let opened = made::open(&media.join(id), id, rest);
    // Asked after the file was opened: a title that is replaced in between would give the next version's file.
    if record::read(&media, id).is_some_and(|record| record.version() == version) {
        return Ok(Opened { content: opened?, is_versioned: true });
    }
    let replaced = media.with_file_name(REPLACED).join(directory(id, version));
    Ok(Opened { content: made::open(&replaced, id, rest)?, is_versioned: true })
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
    touch(&target).map_err(IngestError::io(&target))?;
    for version in replaced_versions(&replaced).into_iter().filter(|version| version.age >= ABANDONED_AFTER) {
        version.remove(&replaced);
    }
    Ok(())
}

/// Sets the time of a directory, which says when its version was replaced or last needed.
fn touch(directory: &Path) -> io::Result<()> {
    File::open(directory).and_then(|directory| directory.set_modified(SystemTime::now()))
}

/// A replaced version on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ReplacedVersion {
    id: String,
    version: i64,
    /// Time since it was replaced or last needed.
    age: Duration,
}

impl ReplacedVersion {
    /// Best effort: a version that cannot be removed now is tried again next time.
    fn remove(&self, replaced: &Path) {
        let path = replaced.join(directory(&self.id, self.version));
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove a replaced version");
        }
    }
}

/// Returns the replaced versions below a directory, in no order.
fn replaced_versions(replaced: &Path) -> Vec<ReplacedVersion> {
    let Ok(entries) = fs::read_dir(replaced) else { return Vec::new() };
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let (id, version) = name.rsplit_once('@')?;
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok()?.elapsed().unwrap_or_default();
        Some(ReplacedVersion { id: id.to_owned(), version: version.parse().ok()?, age })
    };
    entries.flatten().filter_map(read).collect()
}

/// Removes replaced versions that no playback needs: those that were kept for a day, and beyond the latest two of a title the
/// older ones. Each version that `is_needed` (by title and version) stays, and its directory is renewed.
pub fn sweep(data: &Path, is_needed: impl Fn(&str, i64) -> bool) {
    let replaced = data.join(REPLACED);
    let (needed, others): (Vec<_>, Vec<_>) =
        replaced_versions(&replaced).into_iter().partition(|version| is_needed(&version.id, version.version));
    for version in needed {
        let path = replaced.join(directory(&version.id, version.version));
        if let Err(error) = touch(&path) {
            tracing::warn!(%error, path = %path.display(), "a replaced version that is played cannot be renewed");
        }
    }
    for version in surplus(others) {
        version.remove(&replaced);
    }
}

/// Returns those of the versions without a playback that go.
fn surplus(mut versions: Vec<ReplacedVersion>) -> Vec<ReplacedVersion> {
    versions.sort_by_key(|version| std::cmp::Reverse(version.version));
    let mut later: HashMap<String, usize> = HashMap::new();
    versions.retain(|version| {
        let later = later.entry(version.id.clone()).or_default();
        *later += 1;
        version.age >= KEPT_FOR || (*later > KEPT && version.age >= SETTLED_AFTER)
    });
    versions
}

/// Returns true if a version of a title is there, as the current one or as a replaced one.
pub fn is_there(data: &Path, id: &str, version: i64) -> bool {
    let media = media_dir(data);
    record::read(&media, id).is_some_and(|record| record.version() == version)
        || record::read_in(&data.join(REPLACED).join(directory(id, version)), id).is_some()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;
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
        let opened = open(data, &SafePath::parse(address).unwrap()).ok()?;
        let mut text = String::new();
        let Content::File(mut file) = opened.content else { panic!("it is a file") };
        file.read_to_string(&mut text).unwrap();
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
        let is_there = |version| is_there(data.path(), "film", version);
        sweep(data.path(), |_, _| false);
        assert!([1_000, 2_000, 3_000, 4_000].map(is_there).iter().all(|there| *there), "none has settled");
        let replaced = data.path().join(REPLACED);
        let set_age = |version: i64, age| {
            let directory = File::open(replaced.join(directory("film", version))).unwrap();
            directory.set_modified(SystemTime::now() - age).unwrap();
        };
        for version in [1_000, 2_000, 3_000] {
            set_age(version, SETTLED_AFTER);
        }
        sweep(data.path(), |id, version| (id, version) == ("film", 1_000));
        assert!([1_000, 2_000, 3_000].map(is_there).iter().all(|there| *there), "the oldest is played, two stay");
        for version in [1_000, 2_000, 3_000] {
            set_age(version, KEPT_FOR);
        }
        sweep(data.path(), |_, version| version == 2_000);
        assert_eq!([1_000, 2_000, 3_000, 4_000].map(is_there), [false, true, false, true]);
        sweep(data.path(), |_, _| false);
        assert!(is_there(2_000), "a need renews it");
        assert_eq!(record::titles(data.path()).unwrap().len(), 1, "replaced versions are not titles");
    }

    #[test]
    fn the_packager_removes_only_what_no_backend_has_renewed() {
        let data = tempfile::tempdir().unwrap();
        let media = media_dir(data.path());
        write(&media.join("film"), "film", 1_000);
        let replaced = data.path().join(REPLACED);
        for version in 2_000..2_005 {
            let staging = super::super::staging::Staging::new(&media).unwrap();
            write(&staging.title(), "film", version);
            staging.replace(&media, "film").unwrap();
            let old = if version == 2_000 { 1_000 } else { version - 1 };
            let age = if version == 2_000 { ABANDONED_AFTER } else { ABANDONED_AFTER - Duration::from_secs(3600) };
            let directory = File::open(replaced.join(directory("film", old))).unwrap();
            directory.set_modified(SystemTime::now() - age).unwrap();
        }
        let there = [1_000, 2_000, 2_001, 2_002, 2_003, 2_004].map(|version| is_there(data.path(), "film", version));
        assert_eq!(there, [false, true, true, true, true, true]);
    }

    proptest! {
        #[test]
        fn two_of_each_title_stay_for_a_day(
            list in proptest::collection::vec(("[ab]", 0_i64..40, 0_u64..2 * 24 * 3600), 0..40),
        ) {
            let versions: std::collections::BTreeMap<(String, i64), Duration> = list
                .into_iter()
                .map(|(id, version, age)| ((id, version), Duration::from_secs(age)))
                .collect();
            let all: Vec<ReplacedVersion> = versions
                .iter()
                .map(|((id, version), age)| ReplacedVersion { id: id.clone(), version: *version, age: *age })
                .collect();
            let gone = surplus(all.clone());
            for version in &all {
                let later = all.iter().filter(|other| other.id == version.id && other.version > version.version).count();
                let goes = version.age >= KEPT_FOR || (later >= KEPT && version.age >= SETTLED_AFTER);
                prop_assert_eq!(gone.contains(version), goes, "{:?}", version);
            }
        }
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
