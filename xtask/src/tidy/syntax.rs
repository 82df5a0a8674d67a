//! Text files of the repository, and source files as syntax trees.

use std::path::Path;

use anyhow::Context as _;

/// Folder of the playback engine.
pub const ENGINE_FOLDER: &str = "player-core/src/engine/";

/// A text file of the repository.
pub struct Text {
    /// Path relative to the repository, with `/` between its parts.
    pub name: String,
    pub text: String,
}

/// A source file of the engine, without tests.
pub struct EngineFile {
    /// Path relative to the engine's folder.
    pub name: String,
    /// The part that it belongs to: the file or folder directly below the engine's folder.
    pub part: String,
    pub syntax: syn::File,
}

/// Reads a text file.
pub fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads a file of the engine.
pub fn parse_engine_file(name: &str, text: &str) -> anyhow::Result<EngineFile> {
    let syntax = syn::parse_file(text).with_context(|| format!("{name} cannot be parsed"))?;
    let name = name.strip_prefix(ENGINE_FOLDER).unwrap_or(name).to_owned();
    let part = name.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
    Ok(EngineFile { name, part, syntax })
}

/// Returns true if the file lies below the folder.
pub fn is_below(name: &str, folder: &str) -> bool {
    name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns true if the attributes keep an item for tests. One that a feature brings into other builds too is no test.
pub fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Meta>().is_ok_and(|condition| needs_test(&condition)))
    })
}

/// Returns true for the condition `test`, alone or as one of several that must all hold.
fn needs_test(condition: &syn::Meta) -> bool {
    match condition {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => {
            let parts =
                list.parse_args_with(syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated);
            parts.is_ok_and(|parts| parts.iter().any(needs_test))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_test_is_what_no_other_build_has() {
        let verdicts = [
            ("#[cfg(test)]", true),
            ("#[test]", true),
            ("#[cfg(all(unix, all(test, feature = \"gst\")))]", true),
            ("#[cfg(any(test, feature = \"sim\"))]", false),
            ("#[cfg(not(test))]", false),
            ("#[cfg(feature = \"test\")]", false),
            ("#[inline]", false),
        ];
        for (attribute, expected) in verdicts {
            let item: syn::ItemFn = syn::parse_str(&format!("{attribute} fn f() {{}}")).unwrap();
            assert_eq!(is_test(&item.attrs), expected, "{attribute}");
        }
    }
}
