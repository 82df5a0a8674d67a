//! The C interface as its header declares it: constants, enumerations, structures and functions. Reads only what
//! cbindgen writes, and refuses everything else.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

/// A named constant: `#define NAME VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Name.
    pub name: String,
    /// Expression.
    pub value: String,
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// Name of the type.
    pub name: String,
    /// Names of its values, in order.
    pub values: Vec<String>,
}

/// A field of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its type, with the dimensions of an array at the end.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A structure with fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Name of the type.
    pub name: String,
    /// Its fields, in order.
    pub members: Vec<Member>,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Name.
    pub name: String,
    /// Declaration without the semicolon and the names of the parameters, on one line.
    pub declaration: String,
}

/// Everything that a header declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Constants.
    pub constants: Vec<Constant>,
    /// Enumerations.
    pub enumerations: Vec<Enumeration>,
    /// Structures with fields; opaque ones are left out.
    pub structures: Vec<Structure>,
    /// Types of callbacks, as declared.
    pub callbacks: Vec<Function>,
    /// Functions.
    pub functions: Vec<Function>,
}

impl Interface {
    /// Reads a header.
    ///
    /// # Errors
    /// A declaration that is none of those above, and a name that is declared twice.
    pub fn parse(header: &str) -> anyhow::Result<Self> {
        let mut interface = Self::default();
        let code = without_comments(header)?;
        let code = interface.take_directives(&code);
        for declaration in declarations(&code)? {
            interface.add(&declaration).with_context(|| format!("cannot read `{declaration}`"))?;
        }
        let mut names = BTreeSet::new();
        let functions = interface.functions.iter().map(|function| &function.name);
        let types = interface.structures.iter().map(|structure| &structure.name);
        let twice = functions.chain(types).find(|name| !names.insert(*name));
        if let Some(name) = twice {
            bail!("{name} is declared twice");
        }
        Ok(interface)
    }

    /// Returns the number of a constant.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.constants.iter().find(|constant| constant.name == name)?.value.parse().ok()
    }

    /// Keeps constants and drops other directives, which are guards and includes.
    fn take_directives(&mut self, code: &str) -> String {
        let mut rest = String::new();
        let mut in_cpp = false;
        for line in code.lines() {
            let Some(directive) = line.trim().strip_prefix('#') else {
                if !in_cpp {
                    rest.push_str(line);
                    rest.push('\n');
                }
                continue;
            };
            let words: Vec<&str> = directive.split_whitespace().collect();
            match words[..] {
                ["define", name, value] => {
                    self.constants.push(Constant { name: name.to_owned(), value: value.to_owned() });
                }
                ["ifdef", "__cplusplus"] => in_cpp = true,
                ["endif", ..] => in_cpp = false,
                _ => {}
            }
        }
        rest
    }

    fn add(&mut self, declaration: &str) -> anyhow::Result<()> {
        if let Some(body) = declaration.strip_prefix("typedef enum ") {
            let (name, values) = braces(body)?;
            let values = values.split(',').map(|value| value.split('=').next().unwrap_or_default().trim().to_owned());
            let values = values.filter(|value| !value.is_empty()).collect();
            self.enumerations.push(Enumeration { name, values });
        } else if let Some(body) = declaration.strip_prefix("typedef struct ") {
            if !body.contains('{') {
                return Ok(());
            }
            let (name, members) = braces(body)?;
            let members = members.split(';').map(str::trim).filter(|member| !member.is_empty());
            self.structures.push(Structure { name, members: members.map(member).collect::<anyhow::Result<_>>()? });
        } else if let Some(body) = declaration.strip_prefix("typedef ") {
            let name = body.split_once("(*").and_then(|(_, rest)| rest.split_once(')')).context("no callback")?.0;
            self.callbacks.push(Function { name: name.to_owned(), declaration: body.to_owned() });
        } else {
            let head = declaration.split_once('(').context("no function")?.0;
            let name = head.rsplit(|c: char| !is_word(c)).next().filter(|name| !name.is_empty());
            let name = name.context("no name")?.to_owned();
            self.functions.push(Function { name, declaration: without_names(declaration) });
        }
        Ok(())
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Splits `NAME {BODY} NAME` into name and body.
fn braces(text: &str) -> anyhow::Result<(String, String)> {
    let (name, rest) = text.split_once('{').context("no `{`")?;
    let (body, again) = rest.rsplit_once('}').context("no `}`")?;
    if name.trim() != again.trim() || name.trim().is_empty() {
        bail!("the type has two names");
    }
    Ok((name.trim().to_owned(), body.trim().to_owned()))
}

fn member(text: &str) -> anyhow::Result<Member> {
    let (text, array) = match text.find('[') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let start = text.rfind(|c: char| !is_word(c)).map_or(0, |at| at + 1);
    let (kind, name) = text.split_at(start);
    if kind.trim().is_empty() || name.is_empty() {
        bail!("`{text}` is no field");
    }
    Ok(Member { kind: format!("{}{array}", kind.trim()), name: name.to_owned() })
}

/// Drops the names of a function's parameters, which compiled programs do not know.
fn without_names(declaration: &str) -> String {
    let Some((head, parameters)) = declaration.split_once('(') else { return declaration.to_owned() };
    let parameters = parameters.trim_end_matches(')').split(',').map(|parameter| {
        let kind = parameter.trim().trim_end_matches(is_word).trim_end();
        if kind.is_empty() { parameter.trim() } else { kind }
    });
    format!("{head}({})", parameters.collect::<Vec<_>>().join(", "))
}

fn without_comments(text: &str) -> anyhow::Result<String> {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        let (before, comment) = rest.split_at(at);
        code.push_str(before);
        rest = if comment.starts_with("//") {
            &comment[comment.find('\n').unwrap_or(comment.len())..]
        } else {
            comment.split_once("*/").context("a comment has no end")?.1
        };
    }
    code.push_str(rest);
    Ok(code)
}

/// Splits code at the semicolons outside braces; white space becomes one blank.
fn declarations(code: &str) -> anyhow::Result<Vec<String>> {
    let (mut all, mut current, mut depth) = (Vec::new(), String::new(), 0_u32);
    for c in code.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1).context("a `}` too many")?,
            ';' if depth == 0 => {
                all.push(current.split_whitespace().collect::<Vec<_>>().join(" "));
                current.clear();
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    if !current.trim().is_empty() {
        bail!("the header ends inside `{}`", current.trim());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const HEADER: &str = "/* kinora_x(); */\n#ifndef K\n#define K\n#include <stdint.h>\n\
        // A constant.\n#define KINORA_LIMIT 7\n#ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\n\
        typedef enum kinora_e {\n  KINORA_E_A = 0,\n  // B; not C\n  KINORA_E_B,\n} kinora_e;\n\
        typedef struct kinora_o kinora_o;\n\
        typedef struct kinora_s {\n  size_t struct_size;\n  const char *const *names;\n  double box[4];\n\
          enum kinora_e e;\n} kinora_s;\n\
        typedef void (*kinora_f)(void *user);\nuint32_t kinora_a(const struct kinora_s *s,\n   size_t n);\n\
        const char *kinora_b(void);\n#ifdef __cplusplus\n}\n#endif\n#endif\n";

    #[test]
    fn a_header_is_read() {
        let read = Interface::parse(HEADER).unwrap();
        assert_eq!(read.number("KINORA_LIMIT"), Some(7));
        assert_eq!(read.enumerations[0].values, ["KINORA_E_A", "KINORA_E_B"]);
        let members: Vec<_> = read.structures[0].members.iter().map(|m| (m.kind.as_str(), m.name.as_str())).collect();
        let expected =
            [("size_t", "struct_size"), ("const char *const *", "names"), ("double[4]", "box"), ("enum kinora_e", "e")];
        assert_eq!(members, expected);
        let functions: Vec<_> = read.functions.iter().map(|f| (f.name.as_str(), f.declaration.as_str())).collect();
        let expected = [
            ("kinora_a", "uint32_t kinora_a(const struct kinora_s *, size_t)"),
            ("kinora_b", "const char *kinora_b(void)"),
        ];
        assert_eq!(functions, expected);
        assert_eq!(read.callbacks[0].name, "kinora_f");
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for bad in ["int x;", "typedef struct a { int b; } c;", "void f(void)", "typedef struct a { int; } a;", "/* x"]
        {
            assert!(Interface::parse(bad).is_err(), "{bad}");
        }
        assert!(Interface::parse("void f(void); void f(int);").is_err());
    }
}
