//! The file of a plan.

use std::time::Duration;

use regex::RegexBuilder;
use serde::Deserialize;

use crate::fault::SegmentNumbers;
use crate::{Effect, Fault, FaultPlan, RequestKind};

/// Maximum size of a plan's text in bytes.
const MAX_TEXT: usize = 1 << 20;
/// Maximum number of rules in a plan.
const MAX_RULES: usize = 1_000;
/// Maximum size of a compiled expression in bytes.
const MAX_PATTERN: usize = 1 << 20;
/// Longest time in a plan: a day in milliseconds.
const MAX_MS: u64 = 86_400_000;
/// Maximum number of parts that a range is answered in.
const MAX_PARTS: u32 = 64;
/// Maximum length of a host's name and port.
const MAX_HOST: usize = 255;

/// Reasons to refuse a plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Not TOML, or not in the shape of a plan.
    #[error("the fault plan does not parse: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A rule's path is not a regular expression, or one too large.
    #[error("rule {rule}: {source}")]
    Pattern {
        /// The rule's name or number.
        rule: String,
        /// Reason given by the reader of expressions.
        source: regex::Error,
    },
    /// A rule contains a value out of range, or fields that exclude each other.
    #[error("rule {rule}: {reason}")]
    Rule {
        /// The rule's name or number.
        rule: String,
        /// Range or combination that is accepted.
        reason: &'static str,
    },
    /// More than 1,000 rules.
    #[error("the fault plan has more than {MAX_RULES} rules")]
    TooManyRules,
    /// More than 1 MiB of text.
    #[error("the fault plan is longer than {MAX_TEXT} bytes")]
    TooLong,
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
    segments: Option<SegmentNumbers>,
    #[serde(default)]
    address: String,
    kind: Option<RequestKind>,
    edge: Option<String>,
    #[serde(default)]
    from_ms: u64,
    until_ms: Option<u64>,
    #[serde(default)]
    skip: u64,
    count: Option<u64>,
    #[serde(default)]
    each_path: bool,
    probability: Option<f64>,
    exclusive: Option<bool>,
    fault: EffectText,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum EffectText {
    Refuse,
    Unresolved,
    NoRoute,
    Untrusted,
    Garbled,
    Silence,
    Status { code: u16, retry_after_ms: Option<u64> },
    Latency { delay_ms: u64 },
    Reset { after_bytes: Option<u64>, after_permille: Option<u32> },
    Stall { after_bytes: Option<u64>, after_permille: Option<u32>, stall_ms: Option<u64> },
    Truncate { after_bytes: u64 },
    Corrupt { from: Option<u64>, every: Option<u64>, from_permille: Option<u32> },
    Html,
    Empty,
    Redirect { host: String },
    WholeFile,
    Parts { count: u32 },
}

impl FaultPlan {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`] if the text is not a plan that can be carried out; the message names the rule.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        if text.len() > MAX_TEXT {
            return Err(PlanError::TooLong);
        }
        let text: PlanText = toml::from_str(text)?;
        if text.rule.len() > MAX_RULES {
            return Err(PlanError::TooManyRules);
        }
        let faults = text.rule.into_iter().enumerate().map(|(index, rule)| rule.read(index));
        Ok(Self::with_seed(text.seed, faults.collect::<Result<_, _>>()?))
    }
}

impl RuleText {
    fn read(self, index: usize) -> Result<Fault, PlanError> {
        let rule = self.name.clone().unwrap_or_else(|| format!("#{}", index + 1));
        let refuse = |reason| PlanError::Rule { rule: rule.clone(), reason };
        if self.segments.is_some_and(|segments| segments.from > segments.to) {
            return Err(refuse("`segments.from` lies after `segments.to`"));
        }
        let threshold = match self.probability {
            None => None,
            Some(p) if (0.0..1.0).contains(&p) => Some((p * (u64::MAX as f64)) as u64),
            Some(1.0) => None,
            Some(_) => return Err(refuse("a probability lies between 0 and 1")),
        };
        let path = self
            .path
            .map(|pattern| RegexBuilder::new(&pattern).size_limit(MAX_PATTERN).build())
            .transpose()
            .map_err(|source| PlanError::Pattern { rule: rule.clone(), source })?;
        let effect = self.fault.read().map_err(refuse)?;
        let exclusive = match (self.exclusive, &effect) {
            (Some(exclusive), Effect::Delay(_)) => exclusive,
            (None, Effect::Delay(_)) => false,
            (None | Some(true), _) => true,
            (Some(false), _) => return Err(refuse("only a latency can be without `exclusive`")),
        };
        Ok(Fault {
            name: self.name,
            path,
            segments: self.segments,
            edge: self.edge,
            kind: self.kind,
            from: millis(self.from_ms).map_err(refuse)?,
            until: self.until_ms.map(millis).transpose().map_err(refuse)?,
            skip: self.skip,
            count: self.count.unwrap_or(u64::MAX),
            each_path: self.each_path,
            threshold,
            exclusive,
            ..Fault::new(&self.address, effect)
        })
    }
}

impl EffectText {
    fn read(self) -> Result<Effect, &'static str> {
        Ok(match self {
            Self::Refuse => Effect::Refuse,
            Self::Unresolved => Effect::Unresolved,
            Self::NoRoute => Effect::NoRoute,
            Self::Untrusted => Effect::Untrusted,
            Self::Garbled => Effect::Garbled,
            Self::Silence => Effect::Silence,
            Self::Status { code, .. } if !(400..600).contains(&code) => return Err("a status fault is 400–599"),
            Self::Status { code, retry_after_ms: None } => Effect::Status(code),
            Self::Status { code, retry_after_ms: Some(delay) } => Effect::Busy(code, millis(delay)?),
            Self::Latency { delay_ms } => Effect::Delay(millis(delay_ms)?),
            Self::Reset { after_bytes: Some(0), after_permille: None } => Effect::Reset,
            Self::Reset { after_bytes: Some(after_bytes), after_permille: None } => Effect::ResetAt { after_bytes },
            Self::Reset { after_bytes: None, after_permille: Some(share) } => Effect::Truncate(permille(share)?),
            Self::Reset { .. } => return Err("a reset has either `after_bytes` or `after_permille`"),
            Self::Stall { after_bytes: Some(after_bytes), after_permille: None, stall_ms } => {
                Effect::StallAt { after_bytes, pause: stall_ms.map(millis).transpose()? }
            }
            Self::Stall { after_bytes: None, after_permille: Some(share), stall_ms: None } => {
                Effect::Stall(permille(share)?)
            }
            Self::Stall { .. } => return Err("a stall has `after_bytes` and `stall_ms`, or `after_permille`"),
            Self::Truncate { after_bytes } => Effect::Shorten { after_bytes },
            Self::Corrupt { every: Some(0), .. } => return Err("`every` is at least 1"),
            Self::Corrupt { from, every: Some(every), from_permille: None } => {
                Effect::CorruptAt { from: from.unwrap_or(0), every }
            }
            Self::Corrupt { from: None, every: None, from_permille: Some(share) } => Effect::Corrupt(permille(share)?),
            Self::Corrupt { .. } => return Err("a corruption has either `every` or `from_permille`"),
            Self::Html => Effect::Html,
            Self::Empty => Effect::Empty,
            Self::Redirect { host } if is_host(&host) => Effect::Redirect(host),
            Self::Redirect { .. } => return Err("`host` is a name or an address, and a port if needed"),
            Self::WholeFile => Effect::WholeFile,
            Self::Parts { count } if (1..=MAX_PARTS).contains(&count) => Effect::Parts(count),
            Self::Parts { .. } => return Err("`count` is 1–64"),
        })
    }
}

fn millis(ms: u64) -> Result<Duration, &'static str> {
    if ms > MAX_MS { Err("a time is at most a day") } else { Ok(Duration::from_millis(ms)) }
}

fn permille(share: u32) -> Result<u32, &'static str> {
    if share > 1000 { Err("a share is 0–1000 thousandths") } else { Ok(share) }
}

fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    (1..=MAX_HOST).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{MAX_RULES, MAX_TEXT};
    use crate::{Effect, FaultPlan, PlanError};
    use std::time::Duration;

    fn effect(fault: &str) -> Result<Effect, String> {
        let plan =
            FaultPlan::parse(&format!("[[rule]]\nfault = {{ type = {fault} }}")).map_err(|error| error.to_string())?;
        Ok(plan.effects().next().expect("one rule").1.clone())
    }

    #[test]
    fn every_effect_is_read() {
        let ms = Duration::from_millis;
        for (fault, expected) in [
            (r#""refuse""#, Effect::Refuse),
            (r#""unresolved""#, Effect::Unresolved),
            (r#""no_route""#, Effect::NoRoute),
            (r#""untrusted""#, Effect::Untrusted),
            (r#""garbled""#, Effect::Garbled),
            (r#""silence""#, Effect::Silence),
            (r#""status", code = 404"#, Effect::Status(404)),
            (r#""status", code = 503, retry_after_ms = 1500"#, Effect::Busy(503, ms(1500))),
            (r#""latency", delay_ms = 86400000"#, Effect::Delay(ms(86_400_000))),
            (r#""reset", after_bytes = 0"#, Effect::Reset),
            (r#""reset", after_bytes = 9"#, Effect::ResetAt { after_bytes: 9 }),
            (r#""reset", after_permille = 0"#, Effect::Truncate(0)),
            (r#""stall", after_bytes = 9"#, Effect::StallAt { after_bytes: 9, pause: None }),
            (r#""stall", after_bytes = 9, stall_ms = 5"#, Effect::StallAt { after_bytes: 9, pause: Some(ms(5)) }),
            (r#""stall", after_permille = 1000"#, Effect::Stall(1000)),
            (r#""truncate", after_bytes = 7"#, Effect::Shorten { after_bytes: 7 }),
            (r#""corrupt", every = 3"#, Effect::CorruptAt { from: 0, every: 3 }),
            (r#""corrupt", from = 2, every = 1"#, Effect::CorruptAt { from: 2, every: 1 }),
            (r#""corrupt", from_permille = 400"#, Effect::Corrupt(400)),
            (r#""html""#, Effect::Html),
            (r#""empty""#, Effect::Empty),
            (r#""redirect", host = "two:8080""#, Effect::Redirect("two:8080".to_owned())),
            (r#""whole_file""#, Effect::WholeFile),
            (r#""parts", count = 64"#, Effect::Parts(64)),
        ] {
            assert_eq!(effect(fault), Ok(expected), "{fault}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_rule_named() {
        for (text, part) in [
            ("name = \"r\"\nfault = { type = \"status\", code = 200 }", "rule r: a status fault"),
            ("fault = { type = \"corrupt\", every = 0 }", "rule #1: `every`"),
            ("fault = { type = \"corrupt\" }", "rule #1: a corruption has"),
            ("fault = { type = \"corrupt\", every = 1, from_permille = 1 }", "rule #1: a corruption has"),
            ("fault = { type = \"reset\" }", "rule #1: a reset has"),
            ("fault = { type = \"reset\", after_bytes = 1, after_permille = 1 }", "rule #1: a reset has"),
            ("fault = { type = \"stall\", after_permille = 1, stall_ms = 1 }", "rule #1: a stall has"),
            ("fault = { type = \"stall\", after_permille = 1001 }", "rule #1: a share"),
            ("fault = { type = \"latency\", delay_ms = 86400001 }", "rule #1: a time"),
            ("until_ms = 86400001\nfault = { type = \"html\" }", "rule #1: a time"),
            ("fault = { type = \"redirect\", host = \"two/film\" }", "rule #1: `host`"),
            ("fault = { type = \"redirect\", host = \"\" }", "rule #1: `host`"),
            ("fault = { type = \"parts\", count = 0 }", "rule #1: `count`"),
            ("fault = { type = \"parts\", count = 65 }", "rule #1: `count`"),
            ("exclusive = false\nfault = { type = \"empty\" }", "rule #1: only a latency"),
            ("path = '('\nfault = { type = \"empty\" }", "rule #1:"),
            ("segments = { from = 2, to = 1 }\nfault = { type = \"empty\" }", "rule #1: `segments.from`"),
            ("probability = 1.5\nfault = { type = \"status\", code = 404 }", "a probability"),
            ("kind = \"film\"\nfault = { type = \"empty\" }", "does not parse"),
            ("fault = { type = \"meteor\" }", "does not parse"),
            ("fault = { type = \"status\", code = 404, after_bytes = 10 }", "does not parse"),
            ("faults = 1", "does not parse"),
        ] {
            let error = FaultPlan::parse(&format!("[[rule]]\n{text}")).expect_err("refused").to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn plans_are_within_their_limits() {
        let rules = |count| "[[rule]]\nfault = { type = \"empty\" }\n".repeat(count);
        assert!(FaultPlan::parse(&rules(MAX_RULES)).is_ok());
        assert!(matches!(FaultPlan::parse(&rules(MAX_RULES + 1)), Err(PlanError::TooManyRules)));
        assert!(FaultPlan::parse(&"#".repeat(MAX_TEXT)).is_ok());
        assert!(matches!(FaultPlan::parse(&"#".repeat(MAX_TEXT + 1)), Err(PlanError::TooLong)));
    }
}
