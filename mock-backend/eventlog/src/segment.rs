//! Records in a file. Each is its length and CRC-32 (IEEE), both little-endian, and then: offset, time, key, id, content.

use super::{Event, LogError, Record};

/// Bytes before a record: length and CRC.
const HEAD: usize = 8;
/// Bytes of a record beside key, id and content.
const FIXED: usize = 8 + 8 + 2 + 2;
/// Maximum number of bytes of a key or an id.
pub const MAX_NAME: usize = 256;
/// Maximum number of bytes of a content.
pub const MAX_BODY: usize = 64 * 1024;
/// Key of an event that was erased; no other has it.
pub const ERASED: &str = "-erased-";
const MAX_RECORD: usize = FIXED + 2 * MAX_NAME + MAX_BODY;

/// Checks that an event can be written.
///
/// # Errors
/// [`LogError::Refused`].
pub fn check(event: &Event) -> Result<(), LogError> {
    if event.key == ERASED {
        return Err(LogError::Refused("the key of erased events is kept for them"));
    }
    check_bounds(event)
}

fn check_bounds(event: &Event) -> Result<(), LogError> {
    let is_name = |text: &str| (1..=MAX_NAME).contains(&text.len());
    if !is_name(&event.key) || !is_name(&event.id) {
        return Err(LogError::Refused("key and id of an event have 1 to 256 bytes"));
    }
    if event.body.len() > MAX_BODY {
        return Err(LogError::Refused("the content of an event has at most 64 KiB"));
    }
    Ok(())
}

/// Appends a record to `out`. The event was checked.
pub fn write(out: &mut Vec<u8>, offset: u64, event: &Event) {
    let mut record = Vec::with_capacity(FIXED + event.key.len() + event.id.len() + event.body.len());
    record.extend_from_slice(&offset.to_le_bytes());
    record.extend_from_slice(&event.at_ms.to_le_bytes());
    for name in [&event.key, &event.id] {
        record.extend_from_slice(&(name.len() as u16).to_le_bytes());
        record.extend_from_slice(name.as_bytes());
    }
    record.extend_from_slice(&event.body);
    out.extend_from_slice(&(record.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&record).to_le_bytes());
    out.extend_from_slice(&record);
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*head)
}

fn take_name(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(take(bytes)?));
    let (name, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let name = std::str::from_utf8(name).ok()?;
    (1..=MAX_NAME).contains(&name.len()).then(|| name.to_owned())
}

/// Reads the record at the beginning of `bytes`, and its length in bytes; `None` if there is no whole one.
pub fn read(bytes: &[u8]) -> Option<(Record, usize)> {
    let mut rest = bytes;
    let length = u32::from_le_bytes(take(&mut rest)?) as usize;
    let crc = u32::from_le_bytes(take(&mut rest)?);
    let mut record = rest.get(..length).filter(|_| (FIXED..=MAX_RECORD).contains(&length))?;
    if crc32fast::hash(record) != crc {
        return None;
    }
    let offset = u64::from_le_bytes(take(&mut record)?);
    let at_ms = i64::from_le_bytes(take(&mut record)?);
    let (key, id) = (take_name(&mut record)?, take_name(&mut record)?);
    let event = Event { key, id, at_ms, body: record.to_vec() };
    check_bounds(&event).ok()?;
    Some((Record { offset, event }, HEAD + length))
}

/// Reads records that follow one another from `first` on, and returns how many bytes they take. What comes after is no record.
pub fn scan(bytes: &[u8], first: u64, mut each: impl FnMut(Record)) -> usize {
    let (mut valid, mut next) = (0, first);
    while let Some((record, length)) = bytes.get(valid..).and_then(read) {
        if record.offset != next {
            break;
        }
        (valid, next) = (valid + length, next.saturating_add(1));
        each(record);
    }
    valid
}

#[cfg(test)]
mod tests {
    use super::{MAX_BODY, check, read, scan, write};
    use crate::{Event, LogError};

    fn event(id: &str) -> Event {
        Event { key: "profile".to_owned(), id: id.to_owned(), at_ms: -7, body: b"seek".to_vec() }
    }

    #[test]
    fn a_torn_or_changed_record_ends_what_is_valid() {
        let mut bytes = Vec::new();
        write(&mut bytes, 5, &event("a"));
        let first = bytes.len();
        write(&mut bytes, 6, &event("b"));
        let ids = |bytes: &[u8], from| {
            let mut ids = Vec::new();
            let valid = scan(bytes, from, |record| ids.push(record.event.id));
            (ids.concat(), valid)
        };
        assert_eq!(ids(&bytes, 5), ("ab".to_owned(), bytes.len()));
        assert_eq!(ids(&bytes, 4), (String::new(), 0), "another offset");
        for cut in first..bytes.len() {
            assert_eq!(ids(&bytes[..cut], 5), ("a".to_owned(), first), "cut after {cut}");
        }
        for at in first..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(ids(&changed, 5), ("a".to_owned(), first), "byte {at} changed");
        }
        assert_eq!(read(&bytes).map(|(record, length)| (record.event, length)), Some((event("a"), first)));
    }

    #[test]
    fn what_cannot_be_read_again_is_not_written() {
        for wrong in [
            Event { key: String::new(), ..event("a") },
            event(""),
            event(&"x".repeat(257)),
            Event { body: vec![0; MAX_BODY + 1], ..event("a") },
        ] {
            assert!(matches!(check(&wrong), Err(LogError::Refused(_))));
        }
        let largest = Event { key: "k".repeat(256), id: "i".repeat(256), at_ms: i64::MIN, body: vec![0; MAX_BODY] };
        let mut bytes = Vec::new();
        check(&largest).expect("within the bounds");
        write(&mut bytes, u64::MAX, &largest);
        assert_eq!(read(&bytes).map(|(record, _)| record.event), Some(largest));
    }
}
