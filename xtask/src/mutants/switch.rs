//! Sources in which many mutants stand beside the unchanged code, each behind a switch that the environment sets when a
//! test program starts. One build then tests all of them, and a mutant costs the time of its tests alone.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::Context as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::sample::{Genre, Mutant, Position};

/// Module that each instrumented crate gets. A run without `KINORA_MUTANT` behaves as the unchanged sources. If
/// `KINORA_MUTANTS_REACHED` names a file, each thread appends a line `NUMBER<TAB>THREAD` when it first passes a switch;
/// the threads of a test program are named after its tests.
pub const MODULE: &str = r#"//! Switches of mutants.
use std::cell::RefCell;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

static CHOSEN: LazyLock<u32> =
    LazyLock::new(|| std::env::var("KINORA_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0));
static REACHED: LazyLock<Option<Mutex<std::fs::File>>> = LazyLock::new(|| {
    let path = std::env::var_os("KINORA_MUTANTS_REACHED")?;
    std::fs::OpenOptions::new().append(true).create(true).open(path).ok().map(Mutex::new)
});
thread_local! { static SEEN: RefCell<Vec<bool>> = const { RefCell::new(Vec::new()) }; }

#[inline]
pub fn on(number: u32) -> bool {
    if REACHED.is_some() {
        note(number);
    }
    *CHOSEN == number
}

#[cold]
fn note(number: u32) {
    let index = number as usize;
    let is_new = SEEN.try_with(|seen| {
        let mut seen = seen.borrow_mut();
        if seen.len() <= index {
            seen.resize(index + 1, false);
        }
        !std::mem::replace(&mut seen[index], true)
    });
    if is_new != Ok(false) {
        let thread = std::thread::current();
        let line = format!("{number}\t{}\n", thread.name().unwrap_or("?"));
        if let Some(file) = &*REACHED {
            let _ = file.lock().map(|mut file| file.write_all(line.as_bytes()));
        }
    }
}
"#;

/// One file with its switches.
pub struct Switched {
    pub text: String,
    /// Numbers of the mutants in `text`, each with the bytes that were inserted for it alone.
    inserted: Vec<(Range<usize>, u32)>,
    /// Numbers of the mutants in `text`, each with the bytes of the code that it may replace, and how many bytes of the
    /// source that was.
    enclosed: Vec<(Range<usize>, usize, u32)>,
    /// Numbers of the mutants that a switch cannot hold, such as those of a `const fn`.
    pub alone: Vec<u32>,
}

impl Switched {
    /// Returns true if this byte is in the text of a mutant.
    pub fn is_inserted(&self, byte: usize) -> bool {
        self.inserted.iter().any(|(range, _)| range.contains(&byte))
    }

    /// Returns the mutants that a compiler's message about this byte concerns: those whose own text it is, else those of
    /// the smallest changed piece of code around it, else all of the file.
    pub fn concerned(&self, byte: usize) -> Vec<u32> {
        let own = self.inserted.iter().filter(|(range, _)| range.contains(&byte));
        if let Some((_, number)) = own.min_by_key(|(range, _)| range.len()) {
            return vec![*number];
        }
        let around = || self.enclosed.iter().filter(|(range, ..)| range.contains(&byte));
        let Some(smallest) = around().map(|(_, length, _)| *length).min() else {
            return self.enclosed.iter().map(|(.., number)| *number).collect();
        };
        around().filter(|(_, length, _)| *length == smallest).map(|(.., number)| *number).collect()
    }
}

/// A change of the source that holds one mutant.
struct Edit {
    number: u32,
    kind: Kind,
}

enum Kind {
    /// The expression becomes one of two expressions.
    Expression { range: Range<usize>, mutated: String },
    /// The body begins with a return.
    Return { body: Range<usize>, value: String },
    /// The arm gets a guard, or a further condition in its guard.
    ArmOff { pattern_end: usize, guard: Option<Range<usize>> },
    /// The guard is replaced.
    Guard { range: Range<usize>, value: bool },
}

/// Puts the mutants, each under its number, into the source. `path` is how the file names the module of the switches,
/// such as `crate::mutant_switch`.
pub fn switch(source: &str, mutants: &[(u32, &Mutant)], path: &str) -> anyhow::Result<Switched> {
    let file = syn::parse_file(source).context("the source cannot be parsed")?;
    let mut wanted: HashMap<(Genre, Position), Vec<(u32, &Mutant)>> = HashMap::new();
    for (number, mutant) in mutants {
        wanted.entry((mutant.genre, mutant.start)).or_default().push((*number, mutant));
    }
    let mut finder = Finder { source, wanted, is_const: false, edits: Vec::new() };
    finder.visit_file(&file);
    let found: Vec<u32> = finder.edits.iter().map(|edit| edit.number).collect();
    let alone = mutants.iter().map(|(number, _)| *number).filter(|number| !found.contains(number)).collect();
    let mut switched = Switched { text: String::new(), inserted: Vec::new(), enclosed: Vec::new(), alone };
    write(source, finder.edits, path, &mut switched);
    Ok(switched)
}

/// Finds the code of each wanted mutant.
struct Finder<'a> {
    source: &'a str,
    wanted: HashMap<(Genre, Position), Vec<(u32, &'a Mutant)>>,
    is_const: bool,
    edits: Vec<Edit>,
}

impl<'a> Finder<'a> {
    fn take(&mut self, genre: Genre, span: proc_macro2::Span) -> Vec<(u32, &'a Mutant)> {
        if self.is_const {
            return Vec::new();
        }
        let start = span.start();
        // `cargo mutants` counts columns from one.
        self.wanted.remove(&(genre, Position { line: start.line, column: start.column + 1 })).unwrap_or_default()
    }

    /// Adds the mutants that replace the bytes `part` of the expression `whole`.
    fn replace_in(&mut self, found: Vec<(u32, &'a Mutant)>, whole: Range<usize>, part: Range<usize>) {
        for (number, mutant) in found {
            let mutated =
                [&self.source[whole.start..part.start], &mutant.replacement, &self.source[part.end..whole.end]];
            let kind = Kind::Expression { range: whole.clone(), mutated: mutated.concat() };
            self.edits.push(Edit { number, kind });
        }
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let Some(first) = block.stmts.first() else { return };
        if signature.constness.is_some() {
            return;
        }
        let braces = block.brace_token.span;
        let body = braces.open().byte_range().end..braces.close().byte_range().start;
        for (number, mutant) in self.take(Genre::FnValue, first.span()) {
            let kind = Kind::Return { body: body.clone(), value: mutant.replacement.clone() };
            self.edits.push(Edit { number, kind });
        }
    }

    fn within(&mut self, is_const: bool, visit: impl FnOnce(&mut Self)) {
        let before = self.is_const;
        self.is_const |= is_const;
        visit(self);
        self.is_const = before;
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig, &item.block);
        self.within(item.sig.constness.is_some(), |finder| visit::visit_item_fn(finder, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig, &item.block);
        self.within(item.sig.constness.is_some(), |finder| visit::visit_impl_item_fn(finder, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.within(true, |finder| visit::visit_item_const(finder, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(true, |finder| visit::visit_impl_item_const(finder, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.within(true, |finder| visit::visit_item_static(finder, item));
    }

    fn visit_expr_binary(&mut self, expression: &'ast syn::ExprBinary) {
        // `let` stands only in the chain of a condition, never in parentheses.
        let found = if has_let(&expression.left) || has_let(&expression.right) {
            Vec::new()
        } else {
            self.take(Genre::BinaryOperator, expression.op.span())
        };
        let whole = expression.left.span().byte_range().start..expression.right.span().byte_range().end;
        self.replace_in(found, whole, expression.op.span().byte_range());
        visit::visit_expr_binary(self, expression);
    }

    fn visit_expr_unary(&mut self, expression: &'ast syn::ExprUnary) {
        let found = self.take(Genre::UnaryOperator, expression.op.span());
        self.replace_in(found, expression.span().byte_range(), expression.op.span().byte_range());
        visit::visit_expr_unary(self, expression);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        for pair in expression.fields.pairs() {
            let found = self.take(Genre::StructField, pair.value().span());
            let field = pair.value().span().byte_range();
            let end = pair.punct().map_or(field.end, |comma| comma.span.byte_range().end);
            self.replace_in(found, expression.span().byte_range(), field.start..end);
        }
        visit::visit_expr_struct(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let guard = arm.guard.as_ref().map(|(_, guard)| guard.span().byte_range());
        for (number, _) in self.take(Genre::MatchArm, arm.span()) {
            let pattern_end = arm.pat.span().byte_range().end;
            self.edits.push(Edit { number, kind: Kind::ArmOff { pattern_end, guard: guard.clone() } });
        }
        if let Some((_, expression)) = &arm.guard {
            let range = expression.span().byte_range();
            for (number, mutant) in self.take(Genre::MatchArmGuard, expression.span()) {
                let kind = Kind::Guard { range: range.clone(), value: mutant.replacement == "true" };
                self.edits.push(Edit { number, kind });
            }
        }
        visit::visit_arm(self, arm);
    }
}

/// Returns true if the expression is a chain of conditions with a `let` among them.
fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// Text to insert before the byte `at`. Pieces at one place stand in the order of `order`.
struct Piece {
    at: usize,
    order: (u8, isize, u8, u32),
    text: String,
    numbers: Vec<u32>,
    /// Bytes of the source that these mutants may replace.
    encloses: Range<usize>,
}

/// Ends of inner expressions stand before those of outer ones, and all ends before all beginnings; beginnings of outer
/// expressions stand first. A guard is outside of the expression that it consists of.
fn write(source: &str, edits: Vec<Edit>, path: &str, switched: &mut Switched) {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut open = |at: usize, range: &Range<usize>, depth: u8, number: u32, text: String| {
        let order = (1, -(range.len() as isize), depth, number);
        pieces.push(Piece { at, order, text, numbers: vec![number], encloses: range.clone() });
    };
    let mut wrapped: Vec<(Range<usize>, u8, String)> = Vec::new();
    let mut last: HashMap<(usize, usize), u32> = HashMap::new();
    for edit in edits {
        let on = format!("{path}::on({})", edit.number);
        match edit.kind {
            Kind::Return { body, value } => {
                open(body.start, &body, 0, edit.number, format!(" if {on} {{ return {value}; }} "));
            }
            Kind::ArmOff { pattern_end, guard: None } => {
                open(pattern_end, &(pattern_end..pattern_end), 0, edit.number, format!(" if !{on} "));
            }
            Kind::ArmOff { guard: Some(range), .. } => {
                open(range.start, &range, 0, edit.number, format!("(!{on} && ("));
                wrapped.push((range, 0, "))".to_owned()));
            }
            Kind::Guard { range, value } => {
                let text = if value { format!("({on} || (") } else { format!("(!{on} && (") };
                open(range.start, &range, 1, edit.number, text);
                wrapped.push((range, 1, "))".to_owned()));
            }
            Kind::Expression { range, mutated } => {
                let is_first = last.insert((range.start, range.end), edit.number).is_none();
                let opening = if is_first { "(" } else { "" };
                let text = format!("{opening}if {on} {{({mutated})}} else ");
                open(range.start, &range, 2, edit.number, text);
                if is_first {
                    open(range.start, &range, 3, 0, "{(".to_owned());
                    wrapped.push((range, 2, ")})".to_owned()));
                }
            }
        }
    }
    for (range, depth, text) in wrapped {
        let order = (0, range.len() as isize, u8::MAX - depth, 0);
        pieces.push(Piece { at: range.end, order, text, numbers: Vec::new(), encloses: range });
    }
    pieces.sort_by_key(|piece| (piece.at, piece.order));
    assemble(source, &pieces, switched);
}

fn assemble(source: &str, pieces: &[Piece], switched: &mut Switched) {
    let mut copied = 0;
    // Place in the new text of each byte of the source at which something was inserted.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    let mut starts: Vec<(usize, Range<usize>, u32)> = Vec::new();
    for piece in pieces {
        switched.text.push_str(&source[copied..piece.at]);
        copied = piece.at;
        let start = switched.text.len();
        switched.text.push_str(&piece.text);
        for number in piece.numbers.iter().copied().filter(|number| *number > 0) {
            switched.inserted.push((start..switched.text.len(), number));
            starts.push((start, piece.encloses.clone(), number));
        }
        ends.push((piece.at, switched.text.len()));
    }
    switched.text.push_str(&source[copied..]);
    for (start, encloses, number) in starts {
        // The last insertion at or before the end of the range moves it; without one it ends where it began.
        let moved = ends.iter().rev().find(|(at, _)| *at <= encloses.end);
        let end = moved.map_or(encloses.end, |(at, new)| new + (encloses.end - at));
        switched.enclosed.push((start..end, encloses.len(), number));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::sample::Part;
    use super::*;

    const SOURCE: &str = "\
fn f(a: u8, b: u8) -> bool {
    a + 1 < b && !(b == 3)
}
const fn g(a: u8) -> u8 {
    a + 1
}
fn h(a: u8) -> u8 {
    match a {
        0 => 1,
        1 if a < 2 => 2,
        _ => 3,
    }
}
fn i() -> S {
    S { a: 1, b: 2, ..S::default() }
}
";

    fn mutant(genre: Genre, line: usize, column: usize, replacement: &str) -> Mutant {
        let start = Position { line, column };
        Mutant { genre, start, replacement: replacement.to_owned(), ..Mutant::for_tests("m", Part::Abr) }
    }

    fn switched(mutants: &[Mutant]) -> Switched {
        let numbered: Vec<(u32, &Mutant)> = (1..).zip(mutants).collect();
        switch(SOURCE, &numbered, "m").unwrap()
    }

    #[test]
    fn switches_nest_and_leave_the_rest_as_it_is() {
        let mutants = [
            mutant(Genre::FnValue, 2, 5, "true"),
            mutant(Genre::BinaryOperator, 2, 7, "-"),
            mutant(Genre::BinaryOperator, 2, 11, "<="),
            mutant(Genre::BinaryOperator, 2, 11, ">"),
            mutant(Genre::UnaryOperator, 2, 18, ""),
        ];
        let found = switched(&mutants);
        assert!(found.alone.is_empty());
        let sum = "(if m::on(2) {(a - 1)} else {(a + 1)})";
        let comparison =
            format!("(if m::on(3) {{(a + 1 <= b)}} else if m::on(4) {{(a + 1 > b)}} else {{({sum} < b)}})");
        let negation = "(if m::on(5) {((b == 3))} else {(!(b == 3))})";
        let body =
            format!("fn f(a: u8, b: u8) -> bool {{ if m::on(1) {{ return true; }} \n    {comparison} && {negation}\n");
        assert!(found.text.starts_with(&body), "{}", found.text);
        assert!(found.text.ends_with(&SOURCE[SOURCE.find("const fn").unwrap()..]));
        syn::parse_file(&found.text).unwrap();
    }

    #[test]
    fn arms_guards_and_fields_are_switched() {
        let mutants = [
            mutant(Genre::MatchArm, 9, 9, ""),
            mutant(Genre::MatchArm, 10, 9, ""),
            mutant(Genre::MatchArmGuard, 10, 14, "true"),
            mutant(Genre::MatchArmGuard, 10, 14, "false"),
            mutant(Genre::BinaryOperator, 10, 16, "=="),
            mutant(Genre::StructField, 15, 15, ""),
        ];
        let found = switched(&mutants);
        assert!(found.alone.is_empty(), "{:?}", found.alone);
        let inner = "(if m::on(5) {(a == 2)} else {(a < 2)})";
        for text in [
            "0 if !m::on(1)  => 1,".to_owned(),
            format!("1 if (!m::on(2) && ((m::on(3) || ((!m::on(4) && ({inner})))))) => 2,"),
            "(if m::on(6) {(S { a: 1,  ..S::default() })} else {(S { a: 1, b: 2, ..S::default() })})".to_owned(),
        ] {
            assert!(found.text.contains(&text), "{text}\n{}", found.text);
        }
        syn::parse_file(&found.text).unwrap();
    }

    #[test]
    fn what_a_switch_cannot_hold_stands_alone() {
        let mutants = [
            mutant(Genre::FnValue, 5, 5, "0"),
            mutant(Genre::BinaryOperator, 5, 7, "-"),
            mutant(Genre::Other, 2, 7, ""),
            mutant(Genre::BinaryOperator, 2, 8, "-"),
        ];
        let found = switched(&mutants);
        assert_eq!((found.alone, found.text), (vec![1, 2, 3, 4], SOURCE.to_owned()));
    }

    #[test]
    fn a_message_concerns_the_text_of_a_mutant_or_what_it_may_replace() {
        let mutants = [
            mutant(Genre::BinaryOperator, 2, 7, "-"),
            mutant(Genre::BinaryOperator, 2, 11, "<="),
            mutant(Genre::BinaryOperator, 2, 11, ">"),
            mutant(Genre::MatchArm, 9, 9, ""),
        ];
        let found = switched(&mutants);
        let at = |text: &str| found.text.find(text).unwrap();
        assert_eq!(found.concerned(at("- 1")), [1]);
        assert_eq!(found.concerned(at("+ 1 > b")), [3]);
        assert_eq!(found.concerned(at("a + 1)})")), [1], "the innermost piece of code");
        assert_eq!(found.concerned(at(" < b)})") + 1), [2, 3], "all mutants of this piece");
        assert_eq!(found.concerned(at("!m::on(4)")), [4]);
        let mut all = found.concerned(at("const fn"));
        all.sort_unstable();
        assert_eq!(all, [1, 2, 3, 4], "no piece of code");
    }
}
