//! Dependencies that a manifest declares and no source of its package names.

use anyhow::Context as _;

/// Tables of a manifest that declare dependencies.
const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Returns the name of each declared dependency that does not occur as a word in these sources.
pub fn dependencies<'a>(manifest: &str, sources: impl Iterator<Item = &'a str> + Clone) -> anyhow::Result<Vec<String>> {
    let manifest: toml::Table = manifest.parse().context("not a manifest")?;
    let declared = TABLES.iter().filter_map(|table| manifest.get(*table)?.as_table()).flat_map(toml::Table::keys);
    let is_used = |name: &&String| {
        let word = name.replace('-', "_");
        sources.clone().any(|source| has_word(source, &word))
    };
    Ok(declared.filter(|name| !is_used(name)).cloned().collect())
}

fn has_word(source: &str, word: &str) -> bool {
    let joins = |character: Option<char>| character.is_some_and(|it| it.is_alphanumeric() || it == '_');
    source.lines().filter(|line| !line.trim_start().starts_with("//")).any(|line| {
        line.match_indices(word).any(|(start, _)| {
            let (before, after) = (&line[..start], &line[start + word.len()..]);
            !joins(before.chars().next_back()) && !joins(after.chars().next())
        })
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_dependency_that_no_source_names_is_found() {
        let manifest = "[dependencies]\nserde = \"1\"\nquick-xml.workspace = true\n[dev-dependencies]\ninsta = \"1\"\n";
        let unused = |sources: &[&'static str]| dependencies(manifest, sources.iter().copied()).unwrap();
        assert_eq!(unused(&["use serde::Serialize;", "quick_xml::f()\ninsta::assert!();"]), Vec::<String>::new());
        assert_eq!(unused(&["use serde_json::Value;", "use quick_xml::f;\n// insta shows it\n"]), ["serde", "insta"]);
        assert!(dependencies("[dependencies", std::iter::empty()).is_err());
    }
}
