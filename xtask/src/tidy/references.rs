//! Checks that files, folders, modules, functions and anchors exist that documents and comments name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::comments;
use super::syntax::{Text, read};

/// Endings by which a word with or without a folder is a file of the repository.
const ENDINGS: [&str; 3] = [".rs", ".md", ".toml"];
/// First names of paths that no lock file lists: crates and types of the language, and the C++ wrapper's namespace.
const STANDARD: [&str; 19] = [
    "std", "core", "alloc", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
    "u128", "usize", "str", "kinora",
];
/// Beginnings of a path that is relative to the crate at hand.
const RELATIVE: [&str; 3] = ["crate", "self", "super"];

/// Files, modules and crates by which names are looked up.
pub struct Repository<'a> {
    sources: &'a [Text],
    /// Files and folders.
    paths: BTreeSet<String>,
    /// Endings of these paths, from a folder or the file's name on.
    endings: BTreeSet<String>,
    /// Folders directly below the root.
    tops: BTreeSet<String>,
    /// Names of inline modules, each with the indices of its files in `sources`.
    inline: BTreeMap<&'a str, Vec<usize>>,
    /// Words of all sources.
    words: BTreeSet<&'a str>,
    /// Crates that the lock file names, as Rust writes them; those of the workspace too.
    crates: BTreeSet<String>,
}

impl<'a> Repository<'a> {
    /// Reads the names of crates from `Cargo.lock`, if there is one.
    pub fn new(root: &Path, files: &[String], sources: &'a [Text]) -> Self {
        let lock = read(&root.join("Cargo.lock")).unwrap_or_default();
        let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let mut crates: BTreeSet<String> = names.map(|name| name.replace('-', "_")).collect();
        crates.extend(STANDARD.map(ToOwned::to_owned));
        let mut paths = BTreeSet::new();
        for file in files {
            let mut path = file.as_str();
            while let Some((folder, _)) = path.rsplit_once('/') {
                paths.insert(path.to_owned());
                path = folder;
            }
            paths.insert(path.to_owned());
        }
        let mut endings = BTreeSet::new();
        for path in &paths {
            let starts = path.match_indices('/').map(|(at, _)| at + 1);
            endings.extend(std::iter::once(0).chain(starts).map(|start| path[start..].to_owned()));
        }
        let mut inline: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, source) in sources.iter().enumerate() {
            let names = source.text.lines().filter_map(|line| line.strip_suffix(" {")?.rsplit_once("mod "));
            for (_, name) in names {
                inline.entry(name).or_default().push(index);
            }
        }
        let words = sources.iter().flat_map(|source| words(&source.text)).collect();
        let tops = files.iter().filter_map(|file| Some(file.split_once('/')?.0.to_owned())).collect();
        Self { sources, paths, endings, tops, inline, words, crates }
    }

    /// Returns true if a file or folder has this path or ends in it. A decision record may be named by its number.
    fn has_path(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let record = format!("{path}-");
        let is_record = |known: &String| known.starts_with(&record);
        self.endings.contains(path) || (path.starts_with("docs/adr/") && self.paths.iter().any(is_record))
    }

    /// Returns the sources of a module: its file, all below its folder, and a file that has it inline.
    fn module(&self, names: &[&str]) -> impl Iterator<Item = &'a Text> {
        let path = names.join("/");
        let (file, folder) = (format!("/{path}.rs"), format!("/{path}/"));
        let inline = self.inline.get(path.as_str()).into_iter().flatten().map(|index| &self.sources[*index]);
        let is_module = move |source: &&Text| source.name.ends_with(&file) || source.name.contains(&folder);
        self.sources.iter().filter(is_module).chain(inline)
    }

    /// Returns true if a source whose path ends so contains a word, or if there is none: that is another fault.
    fn has_word_in(&self, path: &str, word: &str) -> bool {
        let ending = format!("/{path}");
        let mut files = self.sources.iter().filter(|file| file.name == path || file.name.ends_with(&ending)).peekable();
        files.peek().is_none() || files.any(|file| words(&file.text).any(|known| known == word))
    }

    /// Returns true if the path leads to a module, or to a word in the sources of one.
    fn has_module(&self, path: &str) -> bool {
        let mut names: Vec<&str> = path.split("::").collect();
        if RELATIVE.contains(&names[0]) {
            names.retain(|name| !RELATIVE.contains(name));
            let is_known = |name: &&str| self.words.contains(name) || self.module(&[name]).next().is_some();
            return names.iter().all(is_known);
        }
        if self.crates.contains(names[0]) && self.module(&names[..1]).next().is_none() {
            return true;
        }
        let is_module = |length: &usize| self.module(&names[..*length]).next().is_some();
        match (1..=names.len()).rev().find(is_module) {
            Some(length) if length < names.len() => {
                self.module(&names[..length]).any(|source| words(&source.text).any(|word| word == names[length]))
            }
            Some(_) => true,
            None => false,
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
}

/// Returns a line for each name that leads nowhere, in documents and in the comments of the sources.
pub fn faults(repository: &Repository<'_>, documents: &[Text]) -> Vec<String> {
    let anchors: BTreeMap<&str, BTreeSet<String>> =
        documents.iter().map(|document| (document.name.as_str(), anchors(&document.text))).collect();
    let mut faults = Vec::new();
    for document in documents {
        for (line, text) in prose_lines(&document.text) {
            let place = format!("{}:{line}", document.name);
            for target in links(text) {
                if let Some(fault) = broken_link(repository, &anchors, &document.name, target) {
                    faults.push(format!("{place}: {fault}"));
                }
            }
            faults.extend(broken_names(repository, text).into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    for source in repository.sources {
        for comment in comments::find(&source.text) {
            let place = format!("{}:{}", source.name, comment.line);
            let broken = broken_names(repository, &comment.text);
            faults.extend(broken.into_iter().map(|fault| format!("{place}: {fault}")));
        }
    }
    faults
}

/// Returns the lines outside fenced code, counted from 1.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((index + 1, line))
    })
}

/// Returns the anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose_lines(text).filter(|(_, line)| line.starts_with('#'));
    let slug = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    headings.map(|(_, heading)| slug(heading)).collect()
}

/// Returns the targets of the links in a line of Markdown.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn broken_link(
    repository: &Repository<'_>,
    anchors: &BTreeMap<&str, BTreeSet<String>>,
    document: &str,
    target: &str,
) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { document.to_owned() } else { join(document, path) };
    if !repository.paths.contains(path.trim_end_matches('/')) {
        return Some(format!("the link to `{target}` leads nowhere"));
    }
    let is_known = anchor.is_empty() || anchors.get(path.as_str()).is_none_or(|known| known.contains(anchor));
    (!is_known).then(|| format!("`{path}` has no heading for `#{anchor}`"))
}

/// Resolves a path relative to the folder of a document.
fn join(document: &str, path: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn broken_names(repository: &Repository<'_>, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // File whose functions and types are listed in parentheses after its name.
    let (mut file, mut listing) = (None, None);
    for (index, piece) in text.split('`').enumerate() {
        let is_code = index % 2 == 1;
        if is_code {
            if let Some(path) = listing.filter(|_| is_name(piece))
                && !repository.has_word_in(path, piece)
            {
                faults.push(format!("`{path}` has no `{piece}`"));
            }
            file = Some(piece).filter(|piece| piece.ends_with(".rs"));
        } else {
            listing = if piece == " (" { file } else { listing.filter(|_| !piece.contains(')')) };
        }
        for word in piece.split_whitespace() {
            let word = word.trim_start_matches(|it: char| "([\"'“".contains(it));
            let word = word.trim_end_matches(|it: char| ")],.;:\"'”".contains(it));
            for path in paths_in(word) {
                if is_path(repository, &path, is_code) && !repository.has_path(&path) {
                    faults.push(format!("`{path}` does not exist"));
                }
            }
            if is_code && is_module_path(word) && !repository.has_module(word) {
                faults.push(format!("`{word}` names no module or nothing in it"));
            }
        }
    }
    faults
}

/// Returns the paths that a word stands for: one for each choice in braces. An anchor or a line number is left out.
fn paths_in(word: &str) -> Vec<String> {
    let word = word.split('#').next().unwrap_or_default();
    let word = match word.rsplit_once(':') {
        Some((path, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => word,
    };
    match word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (choices, after))) => {
            choices.split(',').flat_map(|choice| paths_in(&format!("{before}{choice}{after}"))).collect()
        }
        None => vec![word.to_owned()],
    }
}

/// Returns true if a word is meant to be a path of the repository, not one of a server, a build or an example.
fn is_path(repository: &Repository<'_>, word: &str, is_code: bool) -> bool {
    let is_plain = word.chars().all(|it| it.is_ascii_alphanumeric() || "/._-".contains(it));
    if !is_plain || word.starts_with('/') || word.contains("//") || word.contains("..") {
        return false;
    }
    let is_below_top = word.split_once('/').is_some_and(|(top, _)| repository.tops.contains(top));
    let has_ending = ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending));
    (is_code && is_below_top) || (has_ending && (is_code || word.contains('/')))
}

/// Returns true for `engine::recovery` and `render::Window`: a module and what is in it.
fn is_module_path(word: &str) -> bool {
    word.contains("::") && word.starts_with(|it: char| it.is_ascii_lowercase()) && word.split("::").all(is_name)
}

/// Returns true for the name of a function, a type or a module.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> Text {
        Text { name: name.to_owned(), text: text.to_owned() }
    }

    fn faults_in(document: &str, comment: &str) -> Vec<String> {
        let sources = [
            text("player-core/src/engine/recovery.rs", "//! Decides.\npub fn decide() {}\n"),
            text("player-core/src/engine/mod.rs", comment),
        ];
        let documents = [text("docs/guide.md", document), text("README.md", "# The first part, again\n")];
        let mut files: Vec<String> = sources.iter().chain(&documents).map(|file| file.name.clone()).collect();
        files.extend(["docs/adr/0007-demuxer-state.md", ".cargo/config.toml"].map(ToOwned::to_owned));
        let mut repository = Repository::new(Path::new("/nowhere"), &files, &sources);
        repository.crates.insert("tokio".to_owned());
        faults(&repository, &documents)
    }

    #[test]
    fn names_that_exist_are_no_faults() {
        let document = "`engine/recovery.rs`, `recovery.rs`, `player-core/src/engine/`, docs/guide.md, `docs/adr/0007`,\n\
            [a](../README.md#the-first-part-again), [b](#here), [c](https://host/x.md), `engine::recovery::decide`,\n\
            `engine/{recovery,mod}.rs:7`, `.cargo/config.toml`, `recovery.rs` (`decide`), `recovery.rs` (as `never`), `f32::MAX`, `tokio::select`, `crate::engine`, `std::thread`, `/t/x.rs`, `video/mp4`.\n\
            # Here\n```sh\ncat docs/none.md\n```\n";
        assert_eq!(
            faults_in(document, "//! See `recovery`, docs/guide.md and `super::recovery`.\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn names_that_lead_nowhere_are_found() {
        let cases = [
            "`engine/recovering.rs`",
            "`covery.rs`",
            "docs/none.md",
            "`docs/adr/0008`",
            "`player-core/src/sim/`",
            "`engine/{recovery,none}.rs`",
            "[a](README.md)",
            "[a](../README.md#another)",
            "[a](#another)",
            "`engine::recovery::forget`",
            "`engine::forget`",
            "`forgotten::decide`",
            "`crate::Forgotten`",
            "`recovery.rs` (`forget`)",
            "`engine/recovery.rs` (`decide`, `forget`) and `other`",
        ];
        for case in cases {
            assert_eq!(faults_in(&format!("{case}\n"), "//! X.\n").len(), 1, "{case}");
        }
        assert_eq!(faults_in("", "//! X.\nfn f() {} // See `engine/none.rs`.\n").len(), 1);
    }
}
