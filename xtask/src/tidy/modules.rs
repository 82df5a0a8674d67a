//! The modules of a crate, and which of them a module imports from. A name leads to the module that declares it: names
//! that another module only passes on, by a `use` of its own, are followed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::syntax::is_test;

/// Module path from the root of the crate, which is the empty path.
pub type ModulePath = Vec<String>;

/// Passed-on names that are followed before a name counts as unknown: more than any crate nests, and an end to names
/// that lead to themselves.
const MAX_STEPS: usize = 32;

/// A module, without its tests.
#[derive(Default)]
struct Module {
    /// Module whose file this one is written in: its own, or the one that it is an inline module of.
    file: ModulePath,
    /// Names of types, functions, constants and macros.
    items: BTreeSet<String>,
    children: BTreeSet<String>,
    /// Names that `use` gives here, each with its path as written.
    aliases: BTreeMap<String, Vec<String>>,
    /// Paths whose names are all imported.
    globs: Vec<Vec<String>>,
    /// Paths as written, in `use` and in code.
    paths: BTreeSet<Vec<String>>,
}

/// The modules of one crate.
#[derive(Default)]
pub struct Modules(BTreeMap<ModulePath, Module>);

impl Modules {
    /// Reads a crate from the file of its root; `source` returns the text of a file by its name. A module whose file is
    /// missing, as one that a build makes, is left out.
    ///
    /// # Errors
    /// For a file that is no Rust.
    pub fn read<'a>(root: &str, source: &dyn Fn(&str) -> Option<&'a str>) -> anyhow::Result<Self> {
        let mut modules = Self::default();
        let mut waiting = vec![(Vec::new(), root.to_owned(), folder_of(root).to_owned())];
        while let Some((path, name, folder)) = waiting.pop() {
            let Some(text) = source(&name) else { continue };
            let syntax = syn::parse_file(text).with_context(|| format!("{name} cannot be parsed"))?;
            let mut reader = Reader {
                modules: &mut modules,
                file: path.clone(),
                at: path,
                folders: (folder, folder_of(&name).to_owned()),
                found: Vec::new(),
            };
            reader.module();
            reader.visit_file(&syntax);
            for (path, names) in reader.found {
                let found = names.into_iter().find(|(name, _)| source(name).is_some());
                waiting.extend(found.map(|(name, folder)| (path, name, folder)));
            }
        }
        Ok(modules)
    }

    /// Returns each pair of files, as the modules that they are, of which the first imports from the second.
    pub fn imports(&self) -> BTreeSet<(ModulePath, ModulePath)> {
        let mut pairs = BTreeSet::new();
        for (at, module) in &self.0 {
            for path in &module.paths {
                let target = match path.as_slice() {
                    [name] if module.names(name) => None,
                    [name] => self.through_globs(at, module, std::slice::from_ref(name), MAX_STEPS),
                    _ => self.resolve(at, path, MAX_STEPS),
                };
                if let Some(target) = target.and_then(|target| self.0.get(&target))
                    && target.file != module.file
                {
                    pairs.insert((module.file.clone(), target.file.clone()));
                }
            }
        }
        pairs
    }

    /// Returns the module that declares what a path leads to, or the module that the path names. `None` for a path that
    /// leads out of the crate.
    fn resolve(&self, at: &[String], path: &[String], steps: usize) -> Option<ModulePath> {
        let steps = steps.checked_sub(1)?;
        let mut at = at.to_vec();
        let mut rest = path;
        while let [first, after @ ..] = rest {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()?),
                _ => break,
            }
            rest = after;
        }
        let Some((name, after)) = rest.split_first() else { return Some(at) };
        let module = self.0.get(&at)?;
        let is_child = module.children.contains(name);
        if is_child && (!after.is_empty() || !module.items.contains(name) && !module.aliases.contains_key(name)) {
            at.push(name.clone());
            return self.resolve(&at, after, steps);
        }
        if module.items.contains(name) {
            return Some(at);
        }
        if let Some(alias) = module.aliases.get(name) {
            // `use syn;` beside a module of that name, and the like, lead to themselves.
            let longer = [alias.as_slice(), after].concat();
            return if longer == rest { None } else { self.resolve(&at, &longer, steps) };
        }
        self.through_globs(&at, module, rest, steps)
    }

    fn through_globs(&self, at: &[String], module: &Module, rest: &[String], steps: usize) -> Option<ModulePath> {
        let steps = steps.checked_sub(1)?;
        module.globs.iter().find_map(|glob| {
            let target = self.resolve(at, glob, steps).filter(|target| target != at)?;
            self.resolve(&target, rest, steps)
        })
    }
}

impl Module {
    fn names(&self, name: &str) -> bool {
        self.items.contains(name) || self.children.contains(name) || self.aliases.contains_key(name)
    }
}

/// Reads one file.
struct Reader<'a> {
    modules: &'a mut Modules,
    file: ModulePath,
    /// Module that is being read: the file's, or an inline one.
    at: ModulePath,
    /// Folder of the file's submodules, and the file's own, which `#[path]` counts from.
    folders: (String, String),
    /// Modules in files of their own, each with the names that its file may have, and the folder of its submodules.
    found: Vec<(ModulePath, Vec<(String, String)>)>,
}

impl Reader<'_> {
    fn module(&mut self) -> &mut Module {
        let module = self.modules.0.entry(self.at.clone()).or_default();
        module.file.clone_from(&self.file);
        module
    }

    fn declare(&mut self, name: &syn::Ident) {
        let name = name.to_string();
        self.module().items.insert(name);
    }

    fn use_tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(prefix, &path.tree);
                prefix.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(prefix, tree)),
            syn::UseTree::Glob(_) => {
                self.note_use(prefix);
                self.module().globs.push(prefix.clone());
            }
            syn::UseTree::Name(syn::UseName { ident }) => self.use_name(prefix, ident, None),
            syn::UseTree::Rename(syn::UseRename { ident, rename, .. }) => self.use_name(prefix, ident, Some(rename)),
        }
    }

    fn use_name(&mut self, prefix: &[String], ident: &syn::Ident, rename: Option<&syn::Ident>) {
        let mut path = prefix.to_vec();
        if ident != "self" {
            path.push(ident.to_string());
        }
        let alias = rename.map(ToString::to_string).or_else(|| path.last().cloned());
        self.note_use(&path);
        if let Some(alias) = alias.filter(|alias| alias != "_") {
            self.module().aliases.entry(alias).or_insert(path);
        }
    }

    /// Notes a path of a `use`. One of a single name becomes `self::name`: in code, a single name may be a variable.
    fn note_use(&mut self, path: &[String]) {
        let path = if let [name] = path { vec!["self".to_owned(), name.clone()] } else { path.to_vec() };
        self.note(path);
    }

    /// Notes the paths in the tokens of a macro, which the syntax tree does not hold.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.note(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                _ => {}
            }
            self.note(std::mem::take(&mut path));
            colons = 0;
        }
        self.note(path);
    }

    fn note(&mut self, path: Vec<String>) {
        if !path.is_empty() {
            self.module().paths.insert(path);
        }
    }
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the file that `#[path]` names.
fn named_file(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find(|attribute| attribute.path().is_ident("path")).and_then(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) = &pair.value else { return None };
        Some(name.value())
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (name, attributes) = match item {
            syn::Item::Const(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Enum(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Fn(item) => (Some(&item.sig.ident), &item.attrs),
            syn::Item::Static(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Struct(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Trait(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Type(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Union(item) => (Some(&item.ident), &item.attrs),
            syn::Item::Macro(item) => (item.ident.as_ref(), &item.attrs),
            syn::Item::Impl(item) => (None, &item.attrs),
            syn::Item::Use(item) => (None, &item.attrs),
            syn::Item::Mod(item) => (None, &item.attrs),
            _ => return visit::visit_item(self, item),
        };
        if is_test(attributes) {
            return;
        }
        if let Some(name) = name {
            self.declare(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        self.module().children.insert(name.clone());
        let inline: Vec<&str> = self.at.iter().skip(self.file.len()).map(String::as_str).collect();
        let below = std::iter::once(self.folders.0.as_str()).chain(inline).collect::<Vec<_>>().join("/");
        let names = match named_file(&item.attrs) {
            Some(named) => {
                let file = format!("{}/{named}", self.folders.1);
                vec![(file.clone(), folder_of(&file).to_owned())]
            }
            None => ["", "/mod"].map(|end| (format!("{below}/{name}{end}.rs"), format!("{below}/{name}"))).to_vec(),
        };
        self.at.push(name);
        if item.content.is_some() {
            self.module();
            visit::visit_item_mod(self, item);
        } else {
            self.found.push((self.at.clone(), names));
        }
        self.at.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.note(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    /// Skipped: `pub(in path)` limits and imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Returns the imports of a crate whose root is `src/lib.rs`, as `from → to` with `crate` for the root.
    fn imports(files: &[(&str, &str)]) -> Vec<String> {
        let source = |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| *text);
        let name = |path: &ModulePath| if path.is_empty() { "crate".to_owned() } else { path.join("::") };
        let modules = Modules::read("src/lib.rs", &source).unwrap();
        modules.imports().iter().map(|(from, to)| format!("{} → {}", name(from), name(to))).collect()
    }

    #[test]
    fn a_passed_on_name_leads_to_its_declaration() {
        let files = [
            ("src/lib.rs", "mod a; mod b; pub use a::Inner as Outer; pub use b::*;"),
            ("src/a/mod.rs", "mod c; mod d; pub(crate) use c::Inner; pub struct Own;"),
            ("src/a/c.rs", "pub struct Inner; impl Inner { fn f(&self) {} }"),
            ("src/a/d.rs", "use super::Inner; fn f(x: super::Own, y: Inner) {}"),
            ("src/b.rs", "pub struct B; fn f() { crate::Outer.f(); other::f(); std::mem::drop(1) }"),
        ];
        assert_eq!(imports(&files), ["crate → a::c", "crate → b", "a → a::c", "a::d → a", "a::d → a::c", "b → a::c"]);
    }

    #[test]
    fn paths_in_code_macros_and_globs_count_and_tests_do_not() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c; mod d; mod e; #[cfg(test)] mod f;"),
            ("src/a.rs", "fn f() { println!(\"{}\", crate::b::LIMIT) }"),
            ("src/b.rs", "use crate::c::*; pub const LIMIT: u8 = 1; fn f() { g() }"),
            ("src/c.rs", "pub use crate::d::g; pub(in crate::a) fn h() {}"),
            ("src/d.rs", "pub fn g() {} #[cfg(all(test, feature = \"x\"))] fn t() { crate::a::f() }"),
            (
                "src/e.rs",
                "#[cfg(test)] mod tests { use crate::a::f; } struct S; impl S { #[test] fn t() { crate::a::f() } }",
            ),
            ("src/f.rs", "use crate::a::f;"),
        ];
        assert_eq!(imports(&files), ["a → b", "b → c", "b → d", "c → d"]);
    }

    #[test]
    fn an_inline_module_is_part_of_its_file_and_paths_of_files_are_followed() {
        let files = [
            ("src/lib.rs", "mod a { pub mod x; pub use self::x::X; pub fn f() {} } mod b; #[path = \"odd.rs\"] mod c;"),
            ("src/a/x.rs", "pub struct X; fn f() { super::f() }"),
            ("src/b.rs", "mod inner { use super::own; fn f() { crate::c::g(crate::a::X) } } fn own() {}"),
            ("src/odd.rs", "pub fn g() {}"),
        ];
        assert_eq!(imports(&files), ["crate → a::x", "a::x → crate", "b → a::x", "b → c"]);
    }

    #[test]
    fn names_that_lead_to_themselves_end() {
        let files = [
            ("src/lib.rs", "mod a; mod b; use a::x; use a::y::z;"),
            ("src/a.rs", "pub use crate::b::x; pub use super::a::y; pub use crate::b::*;"),
            ("src/b.rs", "pub use crate::a::x; pub use crate::a::*; fn f() { w() }"),
        ];
        assert_eq!(imports(&files), ["crate → a", "a → b", "b → a"].map(String::from)[1..]);
    }
}
