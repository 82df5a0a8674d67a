//! The shape of the playback engine: one writer for each piece of state. A part is a file or folder directly below
//! the engine's folder; its root file is the part `mod`.

use std::collections::{BTreeMap, BTreeSet};

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::circles::in_circles;
use super::guards;
use super::limits::Measure;
use super::syntax::{ENGINE_FOLDER, EngineFile, Text, is_test, parse_engine_file};

/// Name of the part that the root file is.
const ROOT: &str = "mod";

/// Counts everything that the shape forbids.
pub fn measure(sources: &[Text]) -> anyhow::Result<Vec<Measure>> {
    let mut files = Vec::new();
    for source in sources.iter().filter(|source| source.name.starts_with(ENGINE_FOLDER) && !is_test_file(&source.name))
    {
        files.push(parse_engine_file(&source.name, &source.text)?);
    }
    let shape = Shape::read(&files);
    let measure = |key: &str, target, places: Vec<String>| Measure {
        section: "engine".to_owned(),
        key: key.to_owned(),
        value: places.len() as u64,
        target,
        places,
    };
    Ok(vec![
        measure("early_returns", 10, guards::find(&files)),
        measure("files_with_impl_engine", 1, shape.engine_files.into_iter().collect()),
        measure("foreign_impls", 0, shape.foreign_impls),
        measure("glob_imports", 0, shape.globs),
        measure("parts_in_cycles", 0, in_circles(&shape.imports)),
        measure("pub_fields_of_mutable_types", 0, shape.pub_fields),
    ])
}

fn is_test_file(name: &str) -> bool {
    name.ends_with("_tests.rs") || name.ends_with("/tests.rs") || name.contains("/tests/")
}

/// All that is read from the engine's files.
#[derive(Default)]
struct Shape {
    /// Files with an `impl Engine`.
    engine_files: BTreeSet<String>,
    /// An `impl` of a type in another part than the one that declares it.
    foreign_impls: Vec<String>,
    globs: Vec<String>,
    /// Parts that a part imports from.
    imports: BTreeMap<String, BTreeSet<String>>,
    pub_fields: Vec<String>,
}

impl Shape {
    fn read(files: &[EngineFile]) -> Self {
        let mut shape = Self::default();
        let parts: BTreeSet<&str> = files.iter().map(|file| file.part.as_str()).collect();
        let mut declared: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut items = Vec::new();
        for file in files {
            let mut reader = Items::new(file, &parts);
            reader.visit_file(&file.syntax);
            for name in &reader.types {
                declared.entry(name.clone()).or_default().insert(&file.part);
            }
            shape.globs.extend(reader.globs.iter().map(|line| format!("{}:{line}", file.name)));
            shape.imports.entry(file.part.clone()).or_default().append(&mut reader.imports);
            items.push(reader);
        }
        let mutable: BTreeSet<(&str, &str)> =
            items.iter().flat_map(|it| it.mutable.iter().map(|name| (it.file.part.as_str(), name.as_str()))).collect();
        for reader in &items {
            let file = reader.file;
            for (name, line) in &reader.impls {
                if name == "Engine" {
                    shape.engine_files.insert(file.name.clone());
                }
                if declared.get(name).is_some_and(|parts| !parts.contains(file.part.as_str())) {
                    shape.foreign_impls.push(format!("{}:{line}: impl {name}", file.name));
                }
            }
            for (name, field, line) in &reader.pub_fields {
                if mutable.contains(&(file.part.as_str(), name.as_str())) {
                    shape.pub_fields.push(format!("{}:{line}: {name}.{field}", file.name));
                }
            }
        }
        shape
    }
}

/// Items and paths of one file, without those of tests.
struct Items<'a> {
    file: &'a EngineFile,
    parts: &'a BTreeSet<&'a str>,
    /// Modules from the engine's root to the file.
    module: Vec<String>,
    types: BTreeSet<String>,
    /// Types with an `impl` here, each with its line.
    impls: Vec<(String, usize)>,
    /// Types with a method here that takes `&mut self`.
    mutable: BTreeSet<String>,
    /// Type, field and line of fields that are visible outside their module.
    pub_fields: Vec<(String, String, usize)>,
    globs: Vec<usize>,
    imports: BTreeSet<String>,
}

impl<'a> Items<'a> {
    fn new(file: &'a EngineFile, parts: &'a BTreeSet<&'a str>) -> Self {
        let path = file.name.trim_end_matches(".rs");
        let module = path.split('/').filter(|name| *name != ROOT).map(ToOwned::to_owned).collect();
        Self {
            file,
            parts,
            module,
            types: BTreeSet::new(),
            impls: Vec::new(),
            mutable: BTreeSet::new(),
            pub_fields: Vec::new(),
            globs: Vec::new(),
            imports: BTreeSet::new(),
        }
    }

    /// Notes the part that a path leads to. Paths that lead out of the engine are none of its imports.
    fn import(&mut self, path: &[String]) {
        let mut at = self.module.clone();
        let mut rest = path;
        if let [first, second, after @ ..] = path
            && first == "crate"
            && second == "engine"
        {
            at.clear();
            rest = after;
        } else {
            match path.first().map(String::as_str) {
                Some("super" | "self") => {}
                // In the root file a part's name is a path of its own.
                Some(first) if at.is_empty() && self.parts.contains(first) => {}
                _ => return,
            }
        }
        while let [first, after @ ..] = rest {
            match first.as_str() {
                "self" => {}
                "super" if at.pop().is_none() => return,
                "super" => {}
                _ => break,
            }
            rest = after;
        }
        at.extend(rest.first().cloned());
        let target = match at.first() {
            Some(name) if self.parts.contains(name.as_str()) => name.as_str(),
            _ => ROOT,
        };
        if target != self.file.part {
            self.imports.insert(target.to_owned());
        }
    }

    fn use_tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(prefix, &path.tree);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(prefix, tree)),
            syn::UseTree::Glob(glob) => {
                self.globs.push(glob.span().start().line);
                self.import(prefix);
            }
            syn::UseTree::Name(syn::UseName { ident }) | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                prefix.push(ident.to_string());
                self.import(prefix);
                prefix.pop();
            }
        }
    }
}

impl<'ast> Visit<'ast> for Items<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.use_tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.import(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let name = item.ident.to_string();
        for field in item.fields.iter().filter(|field| !matches!(field.vis, syn::Visibility::Inherited)) {
            let field_name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            self.pub_fields.push((name.clone(), field_name, field.span().start().line));
        }
        self.types.insert(name);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.types.insert(item.ident.to_string());
        visit::visit_item_enum(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_test(&item.attrs) {
            return;
        }
        if let syn::Type::Path(path) = &*item.self_ty
            && let Some(segment) = path.path.segments.last()
        {
            let name = segment.ident.to_string();
            let is_mutable = |item: &syn::ImplItem| match item {
                syn::ImplItem::Fn(method) => method
                    .sig
                    .receiver()
                    .is_some_and(|receiver| receiver.reference.is_some() && receiver.mutability.is_some()),
                _ => false,
            };
            if item.trait_.is_none() && item.items.iter().any(is_mutable) {
                self.mutable.insert(name.clone());
            }
            self.impls.push((name, item.span().start().line));
        }
        visit::visit_item_impl(self, item);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn places(sources: &[(&str, &str)], key: &str) -> Vec<String> {
        let sources: Vec<Text> = sources
            .iter()
            .map(|(name, text)| Text { name: format!("{ENGINE_FOLDER}{name}"), text: (*text).to_owned() })
            .collect();
        measure(&sources).unwrap().into_iter().find(|measure| measure.key == key).unwrap().places
    }

    #[test]
    fn the_engine_is_implemented_in_files_and_not_in_tests() {
        let sources = [
            ("mod.rs", "pub struct Engine; impl Engine { fn f(&self) {} }"),
            ("feed.rs", "use super::Engine; impl Engine {} impl Drop for Engine {}"),
            ("clock.rs", "#[cfg(test)] mod tests { impl Engine {} } #[cfg(test)] impl Engine {}"),
            ("feed_tests.rs", "impl Engine {}"),
        ];
        assert_eq!(places(&sources, "files_with_impl_engine"), ["feed.rs", "mod.rs"]);
    }

    #[test]
    fn a_type_is_implemented_in_its_part() {
        let sources = [
            ("download/mod.rs", "pub struct Stream;"),
            ("download/cursor.rs", "impl super::Stream {}"),
            ("playback.rs", "impl Stream {}\nimpl Presentation {}\nimpl Engine {}"),
            ("mod.rs", "pub struct Engine; impl Engine {}"),
        ];
        assert_eq!(places(&sources, "foreign_impls"), ["playback.rs:1: impl Stream", "playback.rs:3: impl Engine"]);
    }

    #[test]
    fn globs_count_outside_tests() {
        let sources = [("feed.rs", "use super::buffer::{X, *};\n#[cfg(test)] mod tests { use super::*; }")];
        assert_eq!(places(&sources, "glob_imports"), ["feed.rs:1"]);
    }

    #[test]
    fn cycles_show_through_imports_and_paths() {
        let sources = [
            ("mod.rs", "mod a; mod b; mod c; mod d; use a::A; pub struct Engine { b: b::B }"),
            ("a/mod.rs", "use super::b::B; pub struct A;"),
            ("a/inner.rs", "use super::A; use super::super::c::C;"),
            ("b.rs", "fn f() { crate::engine::a::g() }"),
            ("c.rs", "use crate::error::Error; use super::d; #[cfg(test)] mod tests { use crate::engine::a::A; }"),
            ("d.rs", "use crate::model::Presentation;"),
        ];
        assert_eq!(places(&sources, "parts_in_cycles"), ["a → b", "b → a"]);
        let up = [("mod.rs", "use a::A; pub struct Engine;"), ("a.rs", "use super::Engine;")];
        assert_eq!(places(&up, "parts_in_cycles"), ["a → mod", "mod → a"]);
    }

    #[test]
    fn fields_of_a_type_that_changes_itself_are_private() {
        let sources = [(
            "feed.rs",
            "pub struct Feed {\n pub(super) lead: u8,\n own: u8,\n}\nimpl Feed { fn push(&mut self) {} }\n\
             pub struct Plain { pub lead: u8 }\nimpl Plain { fn lead(&self, out: &mut u8) {} }",
        )];
        assert_eq!(places(&sources, "pub_fields_of_mutable_types"), ["feed.rs:2: Feed.lead"]);
    }
}
