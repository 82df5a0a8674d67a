//! Modules that import one another, straight or round. They can only be understood together, and each change of one
//! may need a change of the other.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::Measure;
use super::modules::{ModulePath, Modules};
use super::syntax::Text;

/// Section of the table of limits.
const SECTION: &str = "modules_in_circles";

/// Counts the modules of each package that stand in a circle with others of their folder.
///
/// The modules of a folder are compared with each other, and a folder counts as one module among its neighbours, with
/// all that lies below it. The root of a folder (`mod.rs`, `lib.rs`, `main.rs`) is no module of that comparison: it
/// imports from the modules that it is made of, and they may import what it declares itself, as the trait that each of
/// them implements. Names that a root only passes on count as imports from the module that declares them. Code for tests
/// does not count, nor do calls of methods, which no path shows.
///
/// # Errors
/// For a source that is no Rust.
pub fn measure(sources: &[Text], packages: &[&str]) -> anyhow::Result<Vec<Measure>> {
    let texts: BTreeMap<&str, &str> =
        sources.iter().map(|source| (source.name.as_str(), source.text.as_str())).collect();
    let mut measures = Vec::new();
    for package in packages {
        let mut places = Vec::new();
        for root in texts.keys().filter(|name| is_root(package, name)) {
            let modules = Modules::read(root, &|name| texts.get(name).copied())?;
            places.extend(circles(&modules.imports()).into_iter().map(|place| format!("{root}: {place}")));
        }
        let value = places.len() as u64;
        measures.push(Measure { section: SECTION.to_owned(), key: (*package).to_owned(), value, target: 0, places });
    }
    Ok(measures)
}

/// Returns true for the root file of a library, a program, a test, a bench or an example of the package.
fn is_root(package: &str, name: &str) -> bool {
    let Some(file) = name.strip_prefix(package).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let parts: Vec<&str> = file.split('/').collect();
    match parts.as_slice() {
        ["src", "lib.rs" | "main.rs"] => true,
        ["src", "bin", rest @ ..] | ["tests" | "benches" | "examples", rest @ ..] => {
            matches!(rest, [_] | [_, "main.rs"])
        }
        _ => false,
    }
}

/// Returns a line for each module in a circle: `folder: module → modules of the circle that it imports`.
fn circles(imports: &BTreeSet<(ModulePath, ModulePath)>) -> Vec<String> {
    let mut folders: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, to) in imports {
        let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        // Without a name, one of the two is the root of the folder.
        let (Some(name), Some(other)) = (from.get(shared), to.get(shared)) else { continue };
        let folder = std::iter::once("crate").chain(from.iter().take(shared).map(String::as_str)).collect::<Vec<_>>();
        folders.entry(folder.join("::")).or_default().entry(name.clone()).or_default().insert(other.clone());
    }
    let lines = |(folder, imports): (&String, &BTreeMap<String, BTreeSet<String>>)| {
        in_circles(imports).into_iter().map(|line| format!("{folder}: {line}")).collect::<Vec<_>>()
    };
    folders.iter().flat_map(lines).collect()
}

/// Returns the modules that reach themselves through others, each with those that it imports in the circle.
pub fn in_circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|part| (part.as_str(), reachable(imports, part))).collect();
    let leads_back = |from: &str, to: &str| reach.get(from).is_some_and(|reached| reached.contains(to));
    let mut places = Vec::new();
    for (part, targets) in imports {
        let circular: Vec<&str> = targets.iter().map(String::as_str).filter(|to| leads_back(to, part)).collect();
        if !circular.is_empty() {
            places.push(format!("{part} → {}", circular.join(", ")));
        }
    }
    places
}

fn reachable<'a>(imports: &'a BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&str> = imports.get(from).into_iter().flatten().map(String::as_str).collect();
    while let Some(part) = waiting.pop() {
        if reached.insert(part) {
            waiting.extend(imports.get(part).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Returns the circles of the package `p`.
    fn places(files: &[(&str, &str)]) -> Vec<String> {
        let text = |(name, text): &(&str, &str)| Text { name: format!("p/{name}"), text: (*text).to_owned() };
        let sources: Vec<Text> = files.iter().map(text).collect();
        let measures = measure(&sources, &["p/fuzz", "p"]).unwrap();
        assert_eq!(measures.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["p/fuzz", "p"]);
        assert_eq!(measures[1].value, measures[1].places.len() as u64);
        measures[1].places.clone()
    }

    #[test]
    fn straight_and_round_circles_of_neighbours_count() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c; mod d; pub use c::C;"),
            ("src/a.rs", "use crate::b::B; pub struct A;"),
            ("src/b.rs", "use crate::C; pub struct B;"),
            ("src/c.rs", "pub struct C(crate::a::A);"),
            ("src/d.rs", "use crate::a::A;"),
        ];
        assert_eq!(
            places(&files),
            ["p/src/lib.rs: crate: a → b", "p/src/lib.rs: crate: b → c", "p/src/lib.rs: crate: c → a"]
        );
    }

    #[test]
    fn a_folder_is_one_module_among_its_neighbours() {
        let files = [
            ("src/main.rs", "mod a; mod b;"),
            ("src/a/mod.rs", "mod x; mod y;"),
            ("src/a/x.rs", "use crate::b::B; pub struct X;"),
            ("src/a/y.rs", "use super::x::X; pub fn y() {}"),
            ("src/b.rs", "pub struct B; fn f() { crate::a::y::y() }"),
        ];
        assert_eq!(places(&files), ["p/src/main.rs: crate: a → b", "p/src/main.rs: crate: b → a"]);
        let inner = [
            ("tests/it/main.rs", "mod a;"),
            ("tests/it/a/mod.rs", "mod x; mod y;"),
            ("tests/it/a/x.rs", "fn x() { super::y::y() }"),
            ("tests/it/a/y.rs", "use crate::a::x::x; pub fn y() {}"),
        ];
        assert_eq!(places(&inner), ["p/tests/it/main.rs: crate::a: x → y", "p/tests/it/main.rs: crate::a: y → x"]);
    }

    #[test]
    fn a_root_and_its_modules_may_import_each_other() {
        let files = [
            ("src/lib.rs", "mod rule; use rule::Rule;"),
            ("src/rule/mod.rs", "mod fixed; mod bola; pub trait Rule {} pub fn all() { fixed::new(); bola::new() }"),
            ("src/rule/fixed.rs", "use super::Rule; pub fn new() {}"),
            ("src/rule/bola.rs", "use super::Rule; use super::fixed::new as other; pub fn new() {}"),
        ];
        assert_eq!(places(&files), Vec::<String>::new());
    }
}
