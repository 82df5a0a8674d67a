//! The rules of one source file: who may depend on whom inside `player-core`, how a file begins, how long it is,
//! that its name says something, and that an ignored test gives its reason.

use super::syntax::is_below;

/// Lines beyond which a file is no longer one idea.
const MAX_LINES: usize = 1000;
/// File names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "manager", "misc"];

/// An attribute that skips a test and does not say why.
const UNNAMED_SKIP: &str = "#[ignore]";

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

/// Returns all that is wrong in one source file.
pub fn faults_of(name: &str, text: &str) -> Vec<String> {
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
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with(UNNAMED_SKIP) {
            faults.push(format!("{name}:{}: an ignored test gives its reason: #[ignore = \"…\"]", index + 1));
        }
    }
    for border in &BORDERS {
        if !is_below(name, border.folder) || border.except.iter().any(|folder| is_below(name, folder)) {
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
            ("abr/src/rule.rs", "//! X.\n    #[ignore]\n    fn f() {}\n"),
        ];
        for (name, text) in cases {
            assert_eq!(faults_of(name, text).len(), 1, "{name}: {text}");
        }
        let named = "//! X.\n#[ignore = \"needs a camera\"]\nfn f() {}\n";
        assert_eq!(faults_of("abr/src/rule.rs", named), Vec::<String>::new());
        let comment = "//! X.\n// tokio::spawn is not used here\n";
        assert_eq!(faults_of("player-core/src/player.rs", comment), Vec::<String>::new());
        let exempt = "//! X.\nuse tokio::sync::Semaphore;\n";
        assert_eq!(faults_of("player-core/src/driver/inbox.rs", exempt), Vec::<String>::new());
    }
}
