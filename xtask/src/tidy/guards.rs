//! Counts early returns on a missing session, item or presentation. The reader goes by types, not by the names of
//! bindings: it learns from the declarations of the engine which fields, functions and variants may lack one.

use std::collections::BTreeSet;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::syntax::{EngineFile, is_test};

/// Last words of the types whose absence is counted, such as `LoadedItem`.
const NOUNS: [&str; 3] = ["Session", "Item", "Presentation"];
/// Beginnings of type names that end in such a word and are something else.
const OTHERS: [&str; 3] = ["Licence", "License", "Key"];
/// Methods that pass a missing value on.
const ADAPTERS: [&str; 18] = [
    "and",
    "and_then",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_ref",
    "clone",
    "cloned",
    "copied",
    "filter",
    "inspect",
    "map",
    "ok_or",
    "ok_or_else",
    "or",
    "or_else",
    "take",
    "zip",
];

/// Returns the place of each early return.
pub fn find(files: &[EngineFile]) -> Vec<String> {
    let mut known = Declarations::default();
    known.learn(files);
    let mut places = Vec::new();
    for file in files {
        let mut reader = Reader { known: &known, aliases: BTreeSet::new(), lines: BTreeSet::new(), count: 0 };
        reader.visit_file(&file.syntax);
        places.extend(reader.lines.iter().map(|(line, kind)| format!("{}:{line}: {kind}", file.name)));
    }
    places
}

/// The declarations by which a missing value is recognised.
#[derive(Default)]
struct Declarations {
    /// Types whose absence counts.
    nouns: BTreeSet<String>,
    /// Structures that hold one that cannot be missing.
    holders: BTreeSet<String>,
    /// Fields of type `Option<Session>` and the like.
    fields: BTreeSet<String>,
    /// Functions that return such an option, or a result.
    functions: BTreeSet<String>,
    /// Variants that hold one, as `Enum::Variant`; other variants of their enum do not.
    variants: BTreeSet<String>,
}

impl Declarations {
    fn learn(&mut self, files: &[EngineFile]) {
        let mut types = Types::default();
        for file in files {
            types.visit_file(&file.syntax);
        }
        self.nouns.extend(types.names.into_iter().filter(|name| is_noun(name)));
        // The presentation is declared outside the engine.
        self.nouns.insert("Presentation".to_owned());
        for (name, fields) in &types.structs {
            if fields.iter().any(|(_, kind)| self.requires(kind)) {
                self.holders.insert(name.clone());
            }
        }
        for (name, variants) in &types.enums {
            let holds = |fields: &[syn::Type]| fields.iter().any(|kind| self.requires(kind) || self.is_holder(kind));
            let holding: Vec<_> = variants.iter().filter(|(_, fields)| holds(fields)).collect();
            if holding.len() == variants.len() {
                continue;
            }
            let payloads: Vec<String> = holding.iter().flat_map(|(_, fields)| fields).filter_map(direct_name).collect();
            self.variants.extend(holding.iter().map(|(variant, _)| format!("{name}::{variant}")));
            self.nouns.extend(payloads.into_iter().filter(|payload| self.holders.contains(payload)));
        }
        for (name, kind) in types.structs.values().flatten() {
            if self.may_lack(kind) {
                self.fields.insert(name.clone());
            }
        }
        for (name, kind) in types.functions {
            if self.may_lack(&kind) {
                self.functions.insert(name);
            }
        }
    }

    /// Returns true if a value of this type always has a session, an item or a presentation.
    fn requires(&self, kind: &syn::Type) -> bool {
        match kind {
            syn::Type::Tuple(tuple) => tuple.elems.iter().any(|kind| self.requires(kind)),
            _ => direct_name(kind).is_some_and(|name| self.nouns.contains(&name)),
        }
    }

    fn is_holder(&self, kind: &syn::Type) -> bool {
        direct_name(kind).is_some_and(|name| self.holders.contains(&name))
    }

    /// Returns true for `Option<&Session>`, `Result<(&Session, T), E>` and the like.
    fn may_lack(&self, kind: &syn::Type) -> bool {
        let kind = strip_references(kind);
        let Some(segment) = last_segment(kind).filter(|it| it.ident == "Option" || it.ident == "Result") else {
            return false;
        };
        first_argument(segment).is_some_and(|inner| self.requires(inner))
    }
}

fn is_noun(name: &str) -> bool {
    NOUNS.iter().any(|noun| name.ends_with(noun)) && !OTHERS.iter().any(|other| name.starts_with(other))
}

fn strip_references(kind: &syn::Type) -> &syn::Type {
    match kind {
        syn::Type::Reference(reference) => strip_references(&reference.elem),
        syn::Type::Paren(inner) => strip_references(&inner.elem),
        _ => kind,
    }
}

fn last_segment(kind: &syn::Type) -> Option<&syn::PathSegment> {
    let syn::Type::Path(path) = kind else { return None };
    path.path.segments.last()
}

fn first_argument(segment: &syn::PathSegment) -> Option<&syn::Type> {
    let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(kind) => Some(kind),
        _ => None,
    })
}

/// Returns the name of a type behind references, boxes and shared pointers.
fn direct_name(kind: &syn::Type) -> Option<String> {
    let segment = last_segment(strip_references(kind))?;
    if ["Box", "Arc", "Rc"].iter().any(|pointer| segment.ident == pointer) {
        return direct_name(first_argument(segment)?);
    }
    Some(segment.ident.to_string())
}

/// Reads the declarations of a file, without those of tests.
#[derive(Default)]
struct Types {
    names: BTreeSet<String>,
    structs: std::collections::BTreeMap<String, Vec<(String, syn::Type)>>,
    enums: std::collections::BTreeMap<String, Vec<(String, Vec<syn::Type>)>>,
    functions: Vec<(String, syn::Type)>,
}

impl Types {
    fn signature(&mut self, signature: &syn::Signature) {
        if let syn::ReturnType::Type(_, kind) = &signature.output {
            self.functions.push((signature.ident.to_string(), (**kind).clone()));
        }
    }
}

impl<'ast> Visit<'ast> for Types {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let name = |field: &syn::Field| field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        let fields = item.fields.iter().map(|field| (name(field), field.ty.clone())).collect();
        self.names.insert(item.ident.to_string());
        self.structs.insert(item.ident.to_string(), fields);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let fields = |variant: &syn::Variant| variant.fields.iter().map(|field| field.ty.clone()).collect();
        let variants = item.variants.iter().map(|variant| (variant.ident.to_string(), fields(variant))).collect();
        self.names.insert(item.ident.to_string());
        self.enums.insert(item.ident.to_string(), variants);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.signature(&item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.signature(&item.sig);
        visit::visit_impl_item_fn(self, item);
    }
}

/// Finds the early returns of a file.
struct Reader<'a> {
    known: &'a Declarations,
    /// Local names of values that may be missing, in the function at hand.
    aliases: BTreeSet<String>,
    /// Line and kind of each early return; several may stand in one line.
    lines: BTreeSet<(usize, String)>,
    count: usize,
}

impl Reader<'_> {
    fn add(&mut self, line: usize, kind: &str) {
        self.count += 1;
        if !self.lines.insert((line, kind.to_owned())) {
            self.lines.insert((line, format!("{kind} {}", self.count)));
        }
    }

    fn enter(&mut self, signature: &syn::Signature) {
        self.aliases.clear();
        for input in &signature.inputs {
            if let syn::FnArg::Typed(argument) = input
                && let syn::Pat::Ident(name) = &*argument.pat
                && self.known.may_lack(&argument.ty)
            {
                self.aliases.insert(name.ident.to_string());
            }
        }
    }

    /// Returns true if the expression is an option of a session, an item or a presentation, or follows from one.
    fn may_lack(&self, expression: &syn::Expr) -> bool {
        use syn::Expr;
        match expression {
            Expr::Paren(it) => self.may_lack(&it.expr),
            Expr::Group(it) => self.may_lack(&it.expr),
            Expr::Reference(it) => self.may_lack(&it.expr),
            Expr::Unary(it) => self.may_lack(&it.expr),
            Expr::Tuple(it) => it.elems.iter().any(|element| self.may_lack(element)),
            Expr::Field(it) => match &it.member {
                syn::Member::Named(name) => self.known.fields.contains(&name.to_string()),
                syn::Member::Unnamed(_) => false,
            },
            Expr::Path(it) => it.path.get_ident().is_some_and(|name| self.aliases.contains(&name.to_string())),
            Expr::Call(it) => match &*it.func {
                Expr::Path(function) => {
                    let name = function.path.segments.last().map(|segment| segment.ident.to_string());
                    name.is_some_and(|name| self.known.functions.contains(&name))
                }
                _ => false,
            },
            Expr::MethodCall(it) => {
                let name = it.method.to_string();
                self.known.functions.contains(&name)
                    || (ADAPTERS.contains(&name.as_str())
                        && (self.may_lack(&it.receiver)
                            || (name == "zip" && it.args.iter().any(|it| self.may_lack(it)))))
            }
            _ => false,
        }
    }

    /// Returns true if the condition holds when a value is missing: `is_none`, a negated `is_some`, `matches!`.
    fn asks_for_absence(&self, condition: &syn::Expr) -> bool {
        use syn::Expr;
        match condition {
            Expr::Paren(it) => self.asks_for_absence(&it.expr),
            Expr::Binary(it) => self.asks_for_absence(&it.left) || self.asks_for_absence(&it.right),
            Expr::Unary(it) => match &*it.expr {
                Expr::MethodCall(call) => {
                    call.method.to_string().starts_with("is_some") && self.may_lack(&call.receiver)
                }
                inner => self.asks_for_absence(inner),
            },
            Expr::MethodCall(it) => it.method.to_string().starts_with("is_none") && self.may_lack(&it.receiver),
            Expr::Macro(it) if it.mac.path.is_ident("matches") => {
                let tokens = it.mac.tokens.to_string().replace(' ', "");
                self.known.variants.iter().any(|variant| {
                    let holder = variant.split("::").next().unwrap_or_default();
                    tokens.contains(&format!("{holder}::"))
                })
            }
            _ => false,
        }
    }

    /// Returns true if the pattern names a variant that holds what other variants lack.
    fn is_present(&self, pattern: &syn::Pat) -> bool {
        let path = match pattern {
            syn::Pat::TupleStruct(it) => &it.path,
            syn::Pat::Struct(it) => &it.path,
            syn::Pat::Reference(it) => return self.is_present(&it.pat),
            syn::Pat::Tuple(it) => return it.elems.iter().any(|element| self.is_present(element)),
            _ => return false,
        };
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let [.., holder, variant] = names.as_slice() else { return false };
        let suffix = format!("::{variant}");
        self.known.variants.contains(&format!("{holder}{suffix}"))
            || (holder == "Self" && self.known.variants.iter().any(|known| known.ends_with(&suffix)))
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.enter(&item.sig);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.enter(&item.sig);
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            let may_lack = self.may_lack(&init.expr);
            match (&init.diverge, &local.pat) {
                (Some(_), pattern) if may_lack || self.is_present(pattern) => {
                    self.add(local.span().start().line, "let … else");
                }
                (None, syn::Pat::Ident(name)) if may_lack => {
                    self.aliases.insert(name.ident.to_string());
                }
                _ => {}
            }
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_try(&mut self, expression: &'ast syn::ExprTry) {
        if self.may_lack(&expression.expr) {
            self.add(expression.question_token.span().start().line, "?");
        }
        visit::visit_expr_try(self, expression);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let is_known = self.may_lack(&expression.expr) || expression.arms.iter().any(|arm| self.is_present(&arm.pat));
        if is_known && expression.arms.iter().any(|arm| leaves(&arm.body)) {
            self.add(expression.span().start().line, "match");
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_expr_if(&mut self, expression: &'ast syn::ExprIf) {
        let is_guard = match &*expression.cond {
            syn::Expr::Let(it) => {
                (self.may_lack(&it.expr) || self.is_present(&it.pat))
                    && expression.else_branch.as_ref().is_some_and(|(_, branch)| leaves(branch))
            }
            condition => self.asks_for_absence(condition) && block_leaves(&expression.then_branch),
        };
        if is_guard {
            self.add(expression.span().start().line, "if");
        }
        visit::visit_expr_if(self, expression);
    }
}

/// Returns true if the expression ends in `return`, `continue` or `break`.
fn leaves(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Return(_) | syn::Expr::Continue(_) | syn::Expr::Break(_) => true,
        syn::Expr::Block(it) => block_leaves(&it.block),
        _ => false,
    }
}

fn block_leaves(block: &syn::Block) -> bool {
    matches!(block.stmts.last(), Some(syn::Stmt::Expr(expression, _)) if leaves(expression))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::syntax::parse_engine_file;

    const DECLARATIONS: &str = "pub struct Session { presentation: Option<Arc<Presentation>>, other: Option<u8> }\n\
        pub struct KeySession;\n\
        pub struct Engine { current: Option<Box<Session>>, keys: Option<KeySession>, source: Source }\n\
        pub enum Source { Opening, Open(Box<Opened>) }\n\
        pub struct Opened { presentation: Presentation }\n\
        fn pair(&self) -> Option<(&Session, u8)> { todo!() }\n";

    fn count(body: &str) -> usize {
        let text = format!("{DECLARATIONS} impl Engine {{ fn step(&mut self, it: Option<&Session>) {{ {body} }} }}");
        find(&[parse_engine_file("player-core/src/engine/feed.rs", &text).expect("the case is Rust")]).len()
    }

    #[test]
    fn every_form_of_an_early_return_counts() {
        let forms = [
            "let Some(anything) = self.current.as_mut() else { return };",
            "let Some(anything) = &self.current else { return false };",
            "let (Some(x), Some(y)) = (list.first(), self.current.as_ref()) else { continue };",
            "let Some(p) = self.current.as_ref().and_then(|s| s.presentation.as_ref()) else { return };",
            "let Some(x) = self.current.as_ref().filter(|_| ready) else { return };",
            "let Some(x) = it else { return };",
            "let local = self.current.as_mut(); let Some(x) = local else { return };",
            "let Some((x, _)) = self.pair() else { return };",
            "let Source::Open(open) = &mut self.source else { return };",
            "let kept = self.current.as_ref()?.kept;",
            "let kept = self.current.as_ref().ok_or(Error)?;",
            "let x = match &self.current { Some(x) => x, None => return };",
            "let x = match &self.source { Source::Open(x) => x, Source::Opening => { return; } };",
            "if self.current.is_none() || failed { return; }",
            "if !self.current.is_some() { return; }",
            "if matches!(self.source, Source::Opening) { return; }",
            "if let Some(x) = &self.current { x.go() } else { return };",
        ];
        for form in forms {
            assert_eq!(count(form), 1, "{form}");
        }
        assert_eq!(count("let x = self.current.as_ref()?.presentation.as_ref()?;"), 2, "two in one line");
    }

    #[test]
    fn other_absences_do_not_count() {
        let forms = [
            "let Some(x) = list.first() else { return };",
            "let Some(x) = self.keys.as_ref() else { return };",
            "let Some(x) = session.other else { return };",
            "let Some(x) = session.stream(id) else { return };",
            "let x = self.current.as_ref().map_or(0, |x| x.len());",
            "if let Some(x) = &self.current { x.go() }",
            "if self.current.is_none() { self.load() }",
            "match &self.current { Some(x) => x.go(), None => {} }",
            "let x = presentation.periods.get(0)?;",
        ];
        for form in forms {
            assert_eq!(count(form), 0, "{form}");
        }
        let test = "#[cfg(test)] mod tests { fn f(e: &Engine) { let Some(x) = &e.current else { return }; } }";
        let text = format!("{DECLARATIONS}{test}");
        assert_eq!(find(&[parse_engine_file("player-core/src/engine/feed.rs", &text).expect("Rust")]).len(), 0);
    }
}
