//! Opens a file of a title: one on disk, or a segment of a loop, which is made.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::package::segment;
use super::{TitleRecord, looped, record};

/// Largest stored segment that is read into memory, bytes.
const MAX_PART: u64 = 32 << 20;

/// Content of an address of the media tree.
#[derive(Debug)]
pub enum Content {
    /// A file, open for reading.
    File(File),
    /// A segment that was made.
    Made(Made),
}

/// A segment that was made: the same bytes, and the same tag, whenever it is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Made {
    /// The whole segment.
    pub bytes: Vec<u8>,
    /// Strong entity tag, in quotes.
    pub etag: String,
}

/// Opens what `below` names in the directory of title `id`.
///
/// # Errors
/// `NotFound` when there is neither such a file nor such a segment of a loop.
pub(super) fn open(title: &Path, id: &str, below: &[String]) -> io::Result<Content> {
    let path = below.iter().fold(title.to_path_buf(), |path, name| path.join(name));
    match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened.map(Content::File),
    }
    let [kind, rung, file] = below else { return Err(io::ErrorKind::NotFound.into()) };
    let Some(index) = index_of(file).filter(|_| kind == "video") else { return Err(io::ErrorKind::NotFound.into()) };
    // The title may be replaced while it is read: the record must be the same before and after.
    for _ in 0..3 {
        let Some(before) = record::read_in(title, id) else { break };
        let made = make(title, &before, rung, index);
        if record::read_in(title, id).is_some_and(|after| after.version() == before.version()) {
            return made.map(Content::Made);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Returns the index, from 0, of the segment that a file name names; none if it is not written as manifests write it.
fn index_of(file: &str) -> Option<u64> {
    let number: u64 = file.strip_prefix("seg-")?.strip_suffix(".m4s")?.parse().ok()?;
    let index = number.checked_sub(1)?;
    (segment::file_name(usize::try_from(index).ok()?) == file).then_some(index)
}

fn make(title: &Path, record: &TitleRecord, rung: &str, index: u64) -> io::Result<Made> {
    let looped = record.looped.as_ref().ok_or(io::ErrorKind::NotFound)?;
    let part = looped.part(index).ok_or(io::ErrorKind::NotFound)?;
    let name = looped::part_name(usize::try_from(part).map_err(io::Error::other)?);
    let mut file = File::open(title.join("video").join(rung).join(name))?;
    let metadata = file.metadata()?;
    let etag = etag(&metadata, index);
    if metadata.len() > MAX_PART {
        return Err(io::Error::other("a stored segment is too large"));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.read_to_end(&mut bytes)?;
    let later =
        (index - part).checked_mul(looped.segment_ticks).ok_or_else(|| io::Error::other("a time is too large"))?;
    let number = u32::try_from(index + 1).map_err(io::Error::other)?;
    segment::renumber(&mut bytes, number, later).map_err(io::Error::other)?;
    Ok(Made { bytes, etag })
}

/// Returns the tag of the segment at `index` made from a file: as that of the file, and the number.
fn etag(metadata: &fs::Metadata, index: u64) -> String {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("\"{:x}-{:x}-{:x}\"", metadata.len(), changed.as_nanos(), index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_as_manifests_write_them_are_segments() {
        assert_eq!(index_of("seg-00001.m4s"), Some(0));
        assert_eq!(index_of("seg-123456.m4s"), Some(123_455));
        for other in
            ["seg-00000.m4s", "seg-1.m4s", "seg-000001.m4s", "seg-+0001.m4s", "part-00001.m4s", "seg-00001.vtt"]
        {
            assert_eq!(index_of(other), None, "{other}");
        }
    }
}
