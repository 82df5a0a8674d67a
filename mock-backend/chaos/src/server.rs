//! Faults as far as a server can apply them: it has no part in names, routes and certificates.

use kinora_faults::{Effect, FaultPlan};

/// Reason to refuse a plan at a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}: a server cannot make a connection fail for {cause}")]
pub struct UnfitPlan {
    /// The rule's name or number.
    pub rule: String,
    /// Cause of the failure that the rule asks for.
    pub cause: &'static str,
}

/// Checks that a server can apply all effects of a plan.
///
/// # Errors
/// [`UnfitPlan`] with the first rule that only the client's side of the network could obey.
pub fn check(plan: &FaultPlan) -> Result<(), UnfitPlan> {
    for (rule, effect) in plan.effects() {
        let cause = match effect {
            Effect::Unresolved => "its name",
            Effect::NoRoute => "its route",
            Effect::Untrusted => "its certificate",
            _ => continue,
        };
        return Err(UnfitPlan { rule, cause });
    }
    Ok(())
}

/// Returns the first of `parts` parts of a `Range` of one span with both ends (RFC 9110 §14.1.2); `None` for any other range.
pub fn first_part(range: &str, parts: u32) -> Option<String> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    let part = length.div_ceil(u64::from(parts.max(1)));
    Some(format!("bytes={first}-{}", first + part - 1))
}

#[cfg(test)]
mod tests {
    use super::{check, first_part};
    use kinora_faults::{Effect, Fault, FaultPlan};

    #[test]
    fn faults_before_the_connection_are_not_a_servers() {
        let plan = |effect| FaultPlan::new(vec![Fault::new("", Effect::Reset), Fault::new("", effect)]);
        for (effect, message) in [
            (Effect::Unresolved, "rule #2: a server cannot make a connection fail for its name"),
            (Effect::NoRoute, "rule #2: a server cannot make a connection fail for its route"),
            (Effect::Untrusted, "rule #2: a server cannot make a connection fail for its certificate"),
        ] {
            assert_eq!(check(&plan(effect)).expect_err("unfit").to_string(), message);
        }
        assert_eq!(check(&plan(Effect::Refuse)), Ok(()));
    }

    #[test]
    fn ranges_are_cut_to_their_first_part() {
        for (range, parts, expected) in [
            ("bytes=0-99", 4, Some("bytes=0-24")),
            ("bytes=10-10", 64, Some("bytes=10-10")),
            ("bytes=10-19", 3, Some("bytes=10-13")),
            ("bytes=10-19", 1, Some("bytes=10-19")),
            ("bytes=10-", 3, None),
            ("bytes=-10", 3, None),
            ("bytes=10-19,30-39", 3, None),
            ("bytes=19-10", 3, None),
            ("bytes=0-18446744073709551615", 3, None),
        ] {
            assert_eq!(first_part(range, parts).as_deref(), expected, "{range} / {parts}");
        }
    }
}
