//! The chaos plan: a request goes in, a verdict comes out. No clock, no socket, no randomness but the seed's.
//!
//! A plan is TOML:
//!
//! ```toml
//! seed = 7
//!
//! [[rule]]
//! name = "third segment is gone once"
//! path = 'video/.*\.m4s$'            # regular expression on the path without its token; absent: every path
//! segments = { from = 3, to = 3 }    # on the last number in the file's name
//! edge = "a"                         # only on the edge of this name
//! skip = 0                           # matching requests to let pass first
//! count = 1                          # how often to fire; absent: always
//! each_path = true                   # skip and count go by path instead of by rule
//! probability = 1.0                  # of firing, decided by seed, rule, path and how often the path was asked for
//! fault = { type = "status", code = 404 }
//! ```
//!
//! Faults: `status{code}`, `reset{after_bytes}`, `stall{after_bytes, stall_ms?}`, `truncate{after_bytes}`,
//! `corrupt{from, every}`, `latency{delay_ms}`. The latencies of all rules that fire add up; of the other faults the first wins.
//!
//! Equal plans that see equal requests in equal order give equal verdicts. Where the order is not fixed (several connections),
//! `each_path` and `probability` still are: they depend on how often each path was asked for, not on the order between paths.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// Distinct paths whose requests a rule counts; beyond that it counts no further ones and lets them pass.
const MAX_PATHS: usize = 65_536;
/// Rules in a plan.
const MAX_RULES: usize = 1_000;

/// Why a plan was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Not TOML, or not in the shape of a plan.
    #[error("the chaos plan does not parse: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A rule's path is not a regular expression, or one too large.
    #[error("rule {rule}: {source}")]
    Pattern {
        /// The rule's name or number.
        rule: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// A rule says something that cannot be done.
    #[error("rule {rule}: {reason}")]
    Rule {
        /// The rule's name or number.
        rule: String,
        /// Why it cannot.
        reason: &'static str,
    },
    /// More rules than a plan may have.
    #[error("the chaos plan has more than {MAX_RULES} rules")]
    TooManyRules,
}

/// What is done to a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Answered with this status instead, 400–599.
    Status {
        /// The HTTP status.
        code: u16,
    },
    /// The connection is reset once this much of the body has been sent; 0: before any answer.
    Reset {
        /// Bytes of the body.
        after_bytes: u64,
    },
    /// The body stops for a while, or for good.
    Stall {
        /// Bytes of the body before it stops.
        after_bytes: u64,
        /// How long; absent: until the client gives up.
        stall_ms: Option<u64>,
    },
    /// A complete response whose body is shorter than the file, and says so nowhere.
    Truncate {
        /// Bytes of the body that are kept.
        after_bytes: u64,
    },
    /// Bytes are changed in place; the length stays.
    Corrupt {
        /// Offset in the file of the first changed byte.
        #[serde(default)]
        from: u64,
        /// Distance between changed bytes, at least 1.
        every: u64,
    },
    /// The answer comes later.
    Latency {
        /// By this much.
        delay_ms: u64,
    },
}

/// A request as the plan sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The path without its token: `title/video/…`.
    pub path: &'a str,
    /// The name of the edge that was asked; empty where there is none.
    pub edge: &'a str,
}

/// What happens to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Added before the answer.
    pub delay_ms: u64,
    /// What is done to the answer.
    pub fault: Option<Fault>,
    /// Names of the rules that fired, in the plan's order.
    pub rules: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanText {
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: Option<String>,
    path: Option<String>,
    segments: Option<Segments>,
    edge: Option<String>,
    #[serde(default)]
    skip: u64,
    count: Option<u64>,
    #[serde(default)]
    each_path: bool,
    probability: Option<f64>,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Segments {
    from: u64,
    to: u64,
}

/// A plan with its state: how often each rule matched.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    name: String,
    path: Option<Regex>,
    segments: Option<Segments>,
    edge: Option<String>,
    skip: u64,
    count: u64,
    each_path: bool,
    /// Of 2^64.
    threshold: Option<u64>,
    fault: Fault,
    matched: u64,
    fired: u64,
    by_path: BTreeMap<String, (u64, u64)>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// When the text is not a plan that can be carried out; the message names the rule.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let text: PlanText = toml::from_str(text)?;
        if text.rule.len() > MAX_RULES {
            return Err(PlanError::TooManyRules);
        }
        let rules =
            text.rule.into_iter().enumerate().map(|(index, rule)| Rule::new(index, rule)).collect::<Result<_, _>>()?;
        Ok(Self { seed: text.seed, rules })
    }

    /// Decides about the next request.
    pub fn verdict(&mut self, request: Request<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for (index, rule) in self.rules.iter_mut().enumerate() {
            if !rule.fires(self.seed.wrapping_add(index as u64), request) {
                continue;
            }
            match rule.fault {
                Fault::Latency { delay_ms } => verdict.delay_ms = verdict.delay_ms.saturating_add(delay_ms),
                _ if verdict.fault.is_some() => continue,
                fault => verdict.fault = Some(fault),
            }
            verdict.rules.push(rule.name.clone());
        }
        verdict
    }

    /// How often each rule fired, so that a test can prove that its fault took place.
    pub fn fired(&self) -> Vec<(String, u64)> {
        self.rules.iter().map(|rule| (rule.name.clone(), rule.fired)).collect()
    }
}

impl Rule {
    fn new(index: usize, text: RuleText) -> Result<Self, PlanError> {
        let name = text.name.unwrap_or_else(|| format!("#{}", index + 1));
        let refuse = |reason| PlanError::Rule { rule: name.clone(), reason };
        match text.fault {
            Fault::Status { code } if !(400..600).contains(&code) => return Err(refuse("a status fault is 400–599")),
            Fault::Corrupt { every: 0, .. } => return Err(refuse("`every` is at least 1")),
            _ => {}
        }
        if text.segments.is_some_and(|segments| segments.from > segments.to) {
            return Err(refuse("`segments.from` lies after `segments.to`"));
        }
        let threshold = match text.probability {
            None => None,
            Some(p) if (0.0..1.0).contains(&p) => Some((p * (u64::MAX as f64)) as u64),
            Some(1.0) => None,
            Some(_) => return Err(refuse("a probability lies between 0 and 1")),
        };
        let path = text
            .path
            .map(|pattern| RegexBuilder::new(&pattern).size_limit(1 << 20).build())
            .transpose()
            .map_err(|source| PlanError::Pattern { rule: name.clone(), source })?;
        Ok(Self {
            name,
            path,
            segments: text.segments,
            edge: text.edge,
            skip: text.skip,
            count: text.count.unwrap_or(u64::MAX),
            each_path: text.each_path,
            threshold,
            fault: text.fault,
            matched: 0,
            fired: 0,
            by_path: BTreeMap::new(),
        })
    }

    fn fires(&mut self, seed: u64, request: Request<'_>) -> bool {
        if !self.matches(request) {
            return false;
        }
        let needs_path = self.each_path || self.threshold.is_some();
        if needs_path && self.by_path.len() >= MAX_PATHS && !self.by_path.contains_key(request.path) {
            return false;
        }
        let mut unused = (0, 0);
        let of_path = if needs_path { self.by_path.entry(request.path.to_owned()).or_default() } else { &mut unused };
        let lucky = self.threshold.is_none_or(|threshold| draw(seed, request.path, of_path.0) < threshold);
        of_path.0 += 1;
        let (seen, fired) = if self.each_path { (of_path.0 - 1, of_path.1) } else { (self.matched, self.fired) };
        self.matched += 1;
        let fires = lucky && seen >= self.skip && fired < self.count;
        if fires {
            self.fired += 1;
            of_path.1 += 1;
        }
        fires
    }

    fn matches(&self, request: Request<'_>) -> bool {
        self.edge.as_deref().is_none_or(|edge| edge == request.edge)
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(request.path))
            && self.segments.is_none_or(|wanted| {
                segment_number(request.path).is_some_and(|number| (wanted.from..=wanted.to).contains(&number))
            })
    }
}

/// The last run of digits in the file's name, extension excluded: `chunk-3-00017.m4s` is 17.
fn segment_number(path: &str) -> Option<u64> {
    let file = path.rsplit('/').next()?;
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let end = stem.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = stem[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    // A non-digit before the run may be longer than a byte.
    stem.get(start..end).unwrap_or_else(|| stem[..end].trim_start_matches(|c: char| !c.is_ascii_digit())).parse().ok()
}

/// A number that depends on its three inputs only: FNV-1a over the path, finished with SplitMix64 (Steele et al., 2014).
fn draw(seed: u64, path: &str, nth: u64) -> u64 {
    let hash = path
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mut z = hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ nth.wrapping_mul(0xd1b5_4a32_d192_ed03);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Fault, Plan, Request, Verdict, segment_number};

    fn ask(plan: &mut Plan, path: &str) -> Verdict {
        plan.verdict(Request { path, edge: "a" })
    }

    #[test]
    fn a_rule_fires_on_its_segments_so_often_and_no_more() {
        let mut plan = Plan::parse(
            r#"
            [[rule]]
            name = "gone"
            path = 'video/.*\.m4s$'
            segments = { from = 3, to = 4 }
            skip = 1
            count = 2
            fault = { type = "status", code = 404 }
            "#,
        )
        .expect("a plan");
        let fired: Vec<bool> = [
            "v/video/seg-3.m4s",
            "v/video/seg-4.m4s",
            "v/video/seg-5.m4s",
            "v/audio/seg-3.m4s",
            "v/video/seg-00003.m4s",
            "v/video/seg-3.m4s",
        ]
        .into_iter()
        .map(|path| ask(&mut plan, path).fault == Some(Fault::Status { code: 404 }))
        .collect();
        assert_eq!(fired, [false, true, false, false, true, false]);
        assert_eq!(plan.fired(), [("gone".to_owned(), 2)]);
    }

    #[test]
    fn counts_may_go_by_path() {
        let mut plan =
            Plan::parse("[[rule]]\ncount = 1\neach_path = true\nfault = { type = \"reset\", after_bytes = 10 }")
                .expect("a plan");
        let fired: Vec<bool> = ["a", "a", "b", "a", "b"].map(|path| ask(&mut plan, path).fault.is_some()).to_vec();
        assert_eq!(fired, [true, false, true, false, false]);
    }

    #[test]
    fn latencies_add_up_and_the_first_other_fault_wins() {
        let mut plan = Plan::parse(
            r#"
            rule = [
                { name = "l1", fault = { type = "latency", delay_ms = 5 } },
                { name = "cut", fault = { type = "truncate", after_bytes = 1 } },
                { name = "lost", fault = { type = "status", code = 503 } },
                { name = "l2", edge = "a", fault = { type = "latency", delay_ms = 7 } },
                { name = "other", edge = "b", fault = { type = "latency", delay_ms = 100 } },
            ]
            "#,
        )
        .expect("a plan");
        let verdict = ask(&mut plan, "x");
        assert_eq!(verdict.delay_ms, 12);
        assert_eq!(verdict.fault, Some(Fault::Truncate { after_bytes: 1 }));
        assert_eq!(verdict.rules, ["l1", "cut", "l2"]);
    }

    #[test]
    fn chance_is_the_seeds_and_does_not_depend_on_the_order_between_paths() {
        let text = |seed: u64| {
            format!("seed = {seed}\n[[rule]]\nprobability = 0.3\nfault = {{ type = \"status\", code = 500 }}")
        };
        let paths: Vec<String> = (0..1000).map(|n| format!("t/seg-{n}.m4s")).collect();
        let run = |seed, reverse: bool| {
            let mut plan = Plan::parse(&text(seed)).expect("a plan");
            let mut order: Vec<&String> = paths.iter().collect();
            if reverse {
                order.reverse();
            }
            let mut hit: Vec<&String> = order.into_iter().filter(|path| ask(&mut plan, path).fault.is_some()).collect();
            hit.sort();
            hit
        };
        let hits = run(7, false);
        assert_eq!(hits, run(7, true));
        assert_ne!(hits, run(8, false));
        assert!((250..350).contains(&hits.len()), "{} of 1000 at p = 0.3", hits.len());
    }

    #[test]
    fn nonsense_is_refused_with_the_rule_named() {
        for (text, part) in [
            ("[[rule]]\nname = \"r\"\nfault = { type = \"status\", code = 200 }", "rule r: a status fault"),
            ("[[rule]]\nfault = { type = \"corrupt\", every = 0 }", "rule #1: `every`"),
            ("[[rule]]\npath = '('\nfault = { type = \"status\", code = 404 }", "rule #1:"),
            ("[[rule]]\nprobability = 1.5\nfault = { type = \"status\", code = 404 }", "a probability"),
            ("[[rule]]\nfault = { type = \"meteor\" }", "does not parse"),
            ("[[rule]]\nfaults = 1", "does not parse"),
        ] {
            let error = Plan::parse(text).expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn numbers_in_names() {
        for (path, expected) in [
            ("a/chunk-3-00017.m4s", Some(17)),
            ("720p/init.mp4", None),
            ("seg12", Some(12)),
            ("ü7ü.m4s", Some(7)),
            ("a/99999999999999999999999.m4s", None),
            ("", None),
        ] {
            assert_eq!(segment_number(path), expected, "{path}");
        }
    }
}
