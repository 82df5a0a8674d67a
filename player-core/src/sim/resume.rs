//! Interrupted transfers that the virtual host keeps, and whether a server lets one of them continue.

use crate::engine::io::{FetchId, Resume};

/// Way in which a host of the virtual network serves its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// Edition of its files; another one has other bytes.
    pub edition: u32,
    /// Answers have an `ETag`, which names edition and length.
    pub has_etags: bool,
    /// The rest of a file can be asked for. A host that does not permit it sends the whole file.
    pub serves_rests: bool,
}

impl Default for Serving {
    /// First edition, with `ETag`, and rests are served.
    fn default() -> Self {
        Self { edition: 0, has_etags: true, serves_rests: true }
    }
}

impl Serving {
    /// Returns the identity of a file of this length.
    pub(super) fn identify(self, length: u64) -> Identity {
        Identity { etag: self.has_etags.then_some((self.edition, length)), length }
    }
}

/// Means by which a host recognises a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    etag: Option<(u32, u64)>,
    length: u64,
}

/// Answer of a server to the request for a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The rest.
    Rest,
    /// The whole file.
    Whole,
    /// A part of another file: the host asks once more, for the whole file.
    Foreign,
}

/// An interrupted transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interrupted {
    /// Number of bytes received by all of its requests.
    pub received: u64,
    /// File that the bytes belong to.
    pub identity: Identity,
}

impl Interrupted {
    /// Returns how a server answers that has `identity` in its place: the comparison that `If-Range` asks for (RFC 9110
    /// §13.1.5) if there is an `ETag`, and that of the lengths by the host.
    pub fn answer(&self, serving: Serving, identity: Identity) -> Answer {
        let is_same = self.identity.length == identity.length;
        match self.identity.etag {
            _ if !serving.serves_rests => Answer::Whole,
            Some(_) if self.identity.etag != identity.etag => Answer::Whole,
            _ if is_same => Answer::Rest,
            _ => Answer::Foreign,
        }
    }
}

/// Interrupted transfers by the last request for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Vec<(FetchId, Interrupted)>);

impl Kept {
    /// Keeps an interrupted transfer.
    pub fn keep(&mut self, id: FetchId, interrupted: Interrupted) {
        self.0.push((id, interrupted));
    }

    /// Forgets a transfer.
    pub fn forget(&mut self, id: FetchId) {
        self.0.retain(|(kept, _)| *kept != id);
    }

    /// Takes the transfer that a request continues.
    ///
    /// # Panics
    /// If it is not kept, or broke off after another number of bytes: the engine asks for what the host has.
    pub fn take(&mut self, resume: Resume) -> Interrupted {
        let at = self.0.iter().position(|(id, _)| *id == resume.fetch);
        let found = at.map(|at| self.0.remove(at).1);
        let found = found.filter(|found| found.received == resume.received);
        found.unwrap_or_else(|| panic!("{resume:?} is not kept: {:?}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_by_its_etag_or_else_by_its_length() {
        let (plain, usual) = (Serving { has_etags: false, ..Serving::default() }, Serving::default());
        let table = [
            (usual, 9, usual, 9, Answer::Rest),
            (usual, 9, Serving { edition: 1, ..usual }, 9, Answer::Whole),
            (usual, 9, usual, 8, Answer::Whole),
            (usual, 9, plain, 9, Answer::Whole),
            (plain, 9, plain, 9, Answer::Rest),
            (plain, 9, usual, 9, Answer::Rest),
            (plain, 9, Serving { edition: 1, ..plain }, 9, Answer::Rest),
            (plain, 9, plain, 8, Answer::Foreign),
            (plain, 9, Serving { serves_rests: false, ..plain }, 9, Answer::Whole),
        ];
        for (before, length, after, then, expected) in table {
            let interrupted = Interrupted { received: 4, identity: before.identify(length) };
            assert_eq!(interrupted.answer(after, after.identify(then)), expected, "{before:?} {after:?} {then}");
        }
    }

    #[test]
    #[should_panic(expected = "is not kept")]
    fn a_transfer_that_broke_off_elsewhere_is_not_the_one() {
        let mut kept = Kept::default();
        kept.keep(FetchId(1), Interrupted { received: 4, identity: Serving::default().identify(9) });
        kept.take(Resume { fetch: FetchId(1), received: 5 });
    }
}
