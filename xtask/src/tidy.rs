//! House rules that the compiler does not know: who may depend on whom inside `player-core`, how files begin, how
//! long they are, and which names say nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Lines beyond which a file is no longer one idea.
const MAX_LINES: usize = 1000;
/// File names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "misc"];

/// A folder of sources and the words that may not appear in its code.
struct Border {
    folder: &'static str,
    except: &'static [&'static str],
    banned: &'static [&'static str],
    why: &'static str,
}

const BORDERS: [Border; 7] = [
    Border {
        folder: "player-core/src/engine",
        except: &[],
        banned: &["crate::driver", "crate::player", "render::gst", "std::thread", "std::net", "Instant::now", "Mutex"],
        why: "the engine is sans-IO and has one owner",
    },
    Border {
        folder: "player-core/src",
        except: &["player-core/src/manifest"],
        banned: &["manifest::hls", "manifest::dash", "m3u8_rs", "dash_mpd"],
        why: "nothing outside manifest/ knows HLS from DASH",
    },
    Border {
        folder: "player-core/src",
        except: &["player-core/src/driver"],
        banned: &["tokio::", "reqwest::"],
        why: "tokio and reqwest live in driver/ and nowhere else",
    },
    Border {
        folder: "player-core/src",
        except: &["player-core/src/render/gst"],
        banned: &["gstreamer::", "gst_app::", "gstreamer_app"],
        why: "GStreamer lives in render/gst and nowhere else",
    },
    Border {
        folder: "player-core/src/manifest",
        except: &[],
        banned: &["crate::engine", "crate::render", "crate::driver"],
        why: "manifests only parse",
    },
    Border {
        folder: "player-core/src/container",
        except: &[],
        banned: &["crate::engine", "crate::render", "crate::driver", "crate::manifest"],
        why: "containers only parse",
    },
    Border {
        folder: "abr/src",
        except: &[],
        banned: &["url::", "player_core", "Instant::now", "SystemTime"],
        why: "abr never sees a URL, a codec string or a clock",
    },
];

/// Checks everything and lists all that is wrong.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for top in ["abr", "player-core", "ffi", "ui-desktop", "mock-backend", "tests", "xtask"] {
        collect(&root.join(top), &mut files)?;
    }
    files.sort();
    let mut faults = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        faults.extend(faults_of(&name, &text));
    }
    if files.is_empty() {
        bail!("no source found below {}", root.display());
    }
    if !faults.is_empty() {
        bail!("{} faults:\n{}", faults.len(), faults.join("\n"));
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn faults_of(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let starts_well = text.lines().find(|line| !line.starts_with("#!")).is_some_and(|line| line.starts_with("//!"));
    if !starts_well {
        faults.push(format!("{name}: the first line must say (`//!`) what lives here"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        faults.push(format!("{name}: {lines} lines are more than one idea"));
    }
    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".rs");
    if EMPTY_NAMES.contains(&stem) {
        faults.push(format!("{name}: the name says nothing"));
    }
    for border in &BORDERS {
        let inside = |folder: &str| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        if !inside(border.folder) || border.except.iter().any(|folder| inside(folder)) {
            continue;
        }
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in border.banned.iter().filter(|word| code.contains(**word)) {
                faults.push(format!("{name}:{}: `{word}`: {}", index + 1, border.why));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_fault() {
        let good = "//! One idea.\nfn f() {}\n";
        assert_eq!(faults_of("player-core/src/engine/buffer.rs", good), Vec::<String>::new());
        let cases = [
            ("player-core/src/engine/buffer.rs", "//! X.\nuse crate::driver::Inbox;\n"),
            ("player-core/src/engine/buffer.rs", "//! X.\nuse crate::manifest::hls::Lexer;\n"),
            ("player-core/src/player.rs", "//! X.\nfn f() { tokio::spawn(g()) }\n"),
            ("abr/src/utils.rs", good),
            ("abr/src/rule.rs", "fn undocumented() {}\n"),
        ];
        for (name, text) in cases {
            assert_eq!(faults_of(name, text).len(), 1, "{name}: {text}");
        }
        let comment = "//! X.\n// tokio::spawn is not used here\n";
        assert_eq!(faults_of("player-core/src/player.rs", comment), Vec::<String>::new());
        let exempt = "//! X.\nuse tokio::sync::Semaphore;\n";
        assert_eq!(faults_of("player-core/src/driver/inbox.rs", exempt), Vec::<String>::new());
    }
}
