//! The plan: faults in order, and how often each has matched and fired.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Effect, Fault, Request};

/// Maximum number of distinct paths that a fault counts; it lets requests for further ones pass.
const MAX_PATHS: usize = 65_536;

/// Decision about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Delay before the answer: the sum of all that fired.
    pub delay: Duration,
    /// Effect on the answer; never [`Effect::Delay`].
    pub effect: Option<Effect>,
    /// Names of the faults that fired, in the plan's order.
    pub faults: Vec<String>,
}

/// A plan with its state.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    seed: u64,
    faults: Vec<(Fault, Counts)>,
    struck: u64,
}

/// Requests that a fault has matched and struck.
#[derive(Clone, Debug, Default)]
struct Counts {
    matched: u64,
    fired: u64,
    by_path: BTreeMap<String, (u64, u64)>,
}

impl FaultPlan {
    /// Creates a plan from its faults, with seed 0.
    pub fn new(faults: Vec<Fault>) -> Self {
        Self::with_seed(0, faults)
    }

    pub(crate) fn with_seed(seed: u64, faults: Vec<Fault>) -> Self {
        let faults = faults.into_iter().map(|fault| (fault, Counts::default())).collect();
        Self { seed, faults, struck: 0 }
    }

    /// Adds a fault after the others. Their counts stay, and an earlier exclusive fault comes before it.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push((fault, Counts::default()));
    }

    /// Decides about the next request. At most one exclusive fault fires. One whose turn does not come, because an earlier one
    /// took the request, does not count it: each fault that fires takes effect.
    pub fn verdict(&mut self, request: &Request<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut is_taken = false;
        for (index, (fault, counts)) in self.faults.iter_mut().enumerate() {
            if is_taken && fault.exclusive {
                continue;
            }
            if !fault.matches(request) || !counts.fires(fault, self.seed.wrapping_add(index as u64), request.path) {
                continue;
            }
            is_taken |= fault.exclusive;
            match &fault.effect {
                Effect::Delay(delay) => verdict.delay = verdict.delay.saturating_add(*delay),
                effect => verdict.effect = Some(effect.clone()),
            }
            verdict.faults.push(name(fault, index));
        }
        self.struck += u64::from(!verdict.faults.is_empty());
        verdict
    }

    /// Returns how often each fault fired, by its name in the plan's order, so that a test can prove that its fault took place.
    pub fn fired(&self) -> Vec<(String, u64)> {
        self.faults.iter().enumerate().map(|(index, (fault, counts))| (name(fault, index), counts.fired)).collect()
    }

    /// Returns the number of requests that some fault struck.
    pub const fn struck(&self) -> u64 {
        self.struck
    }

    /// Returns the name and the effect of each fault, in the plan's order.
    pub fn effects(&self) -> impl Iterator<Item = (String, &Effect)> {
        self.faults.iter().enumerate().map(|(index, (fault, _))| (name(fault, index), &fault.effect))
    }
}

/// Returns the name of a fault, or `#1` for the first one if it has none.
fn name(fault: &Fault, index: usize) -> String {
    fault.name.clone().unwrap_or_else(|| format!("#{}", index + 1))
}

impl Counts {
    /// Counts a request that matches, and returns true if the fault fires.
    fn fires(&mut self, fault: &Fault, seed: u64, path: &str) -> bool {
        let needs_path = fault.each_path || fault.threshold.is_some();
        if needs_path && self.by_path.len() >= MAX_PATHS && !self.by_path.contains_key(path) {
            return false;
        }
        let mut unused = (0, 0);
        let of_path = if needs_path { self.by_path.entry(path.to_owned()).or_default() } else { &mut unused };
        let is_drawn = fault.threshold.is_none_or(|threshold| draw(seed, path, of_path.0) < threshold);
        of_path.0 += 1;
        let (seen, fired) = if fault.each_path { (of_path.0 - 1, of_path.1) } else { (self.matched, self.fired) };
        self.matched += 1;
        let fires = is_drawn && seen >= fault.skip && fired < fault.count;
        if fires {
            self.fired += 1;
            of_path.1 += 1;
        }
        fires
    }
}

/// Returns a number that depends on its three inputs only: FNV-1a over the path, finished with SplitMix64 (Steele et al., 2014).
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
    use super::{FaultPlan, Request, Verdict};
    use crate::{Effect, Fault, RequestKind};
    use proptest::prelude::*;
    use std::time::Duration;

    fn ask(plan: &mut FaultPlan, path: &str) -> Verdict {
        plan.verdict(&Request { path, edge: "a", ..Request::default() })
    }

    #[test]
    fn a_rule_fires_on_its_segments_so_often_and_no_more() {
        let mut plan = FaultPlan::parse(
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
        .map(|path| ask(&mut plan, path).effect == Some(Effect::Status(404)))
        .collect();
        assert_eq!(fired, [false, true, false, false, true, false]);
        assert_eq!((plan.fired(), plan.struck()), (vec![("gone".to_owned(), 2)], 2));
    }

    #[test]
    fn counts_may_go_by_path() {
        let mut plan =
            FaultPlan::parse("[[rule]]\ncount = 1\neach_path = true\nfault = { type = \"reset\", after_bytes = 10 }")
                .expect("a plan");
        let fired: Vec<bool> = ["a", "a", "b", "a", "b"].map(|path| ask(&mut plan, path).effect.is_some()).to_vec();
        assert_eq!(fired, [true, false, true, false, false]);
    }

    #[test]
    fn latencies_add_up_and_the_first_other_fault_wins() {
        let mut plan = FaultPlan::parse(
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
        assert_eq!(verdict.delay, Duration::from_millis(12));
        assert_eq!(verdict.effect, Some(Effect::Shorten { after_bytes: 1 }));
        assert_eq!(verdict.faults, ["l1", "cut", "l2"]);
    }

    #[test]
    fn a_fault_whose_turn_does_not_come_is_not_used_up() {
        let once = |effect| Fault::new("", effect).times(1);
        let mut plan = FaultPlan::new(vec![once(Effect::Reset), once(Effect::Status(503))]);
        let effects = [(); 3].map(|()| ask(&mut plan, "x").effect);
        assert_eq!(effects, [Some(Effect::Reset), Some(Effect::Status(503)), None]);
        assert_eq!(plan.fired(), [("#1".to_owned(), 1), ("#2".to_owned(), 1)]);
        assert_eq!(plan.struck(), 2);
    }

    #[test]
    fn a_fault_that_is_added_comes_after_the_others_and_leaves_their_counts() {
        let once = |effect| Fault::new("", effect).times(1);
        let mut plan = FaultPlan::new(vec![once(Effect::Reset), once(Effect::Silence)]);
        assert_eq!(ask(&mut plan, "x").effect, Some(Effect::Reset));
        plan.add(once(Effect::Empty).named("late"));
        plan.add(once(Effect::Html));
        let names = [(); 4].map(|()| ask(&mut plan, "x").faults.join("+"));
        assert_eq!(names, ["#2", "late", "#4", ""]);
        let fired = ["#1", "#2", "late", "#4"].map(|name| (name.to_owned(), 1));
        assert_eq!(plan.fired(), fired);
    }

    #[test]
    fn a_delay_may_take_its_request() {
        let text = |exclusive: bool| {
            format!(
                "rule = [\n{{ exclusive = {exclusive}, count = 1, fault = {{ type = \"latency\", delay_ms = 5 }} }},\n{{ count = 1, fault = {{ type = \"empty\" }} }}]"
            )
        };
        let run = |mut plan: FaultPlan| [(); 3].map(|()| ask(&mut plan, "x")).map(|verdict| verdict.faults.join("+"));
        assert_eq!(run(FaultPlan::parse(&text(true)).expect("a plan")), ["#1", "#2", ""]);
        assert_eq!(run(FaultPlan::parse(&text(false)).expect("a plan")), ["#1+#2", "", ""]);
        let once = |effect| Fault::new("", effect).times(1);
        let delay = Effect::Delay(Duration::from_millis(5));
        assert_eq!(run(FaultPlan::new(vec![once(delay), once(Effect::Empty)])), ["#1", "#2", ""]);
    }

    #[test]
    fn a_fault_matches_by_address_second_name_kind_and_time() {
        let seconds = Duration::from_secs;
        let fault = Fault::new("/7.m4s", Effect::Empty).of(RequestKind::Segment).from(seconds(5)).until(seconds(9));
        let strikes = |address, alias, kind, at| {
            let request = Request { path: "film/v/1009.m4s", alias, address, edge: "", kind, at: seconds(at) };
            FaultPlan::new(vec![fault.clone()]).verdict(&request).effect.is_some()
        };
        let segment = Some(RequestKind::Segment);
        assert!(strikes("http://one/film/v/7.m4s", None, segment, 5));
        assert!(strikes("http://one/film/v/1009.m4s", Some("/film/v/7.m4s"), None, 8));
        assert!(!strikes("http://one/film/v/1009.m4s", None, segment, 5), "another number");
        assert!(!strikes("http://one/film/v/7.m4s", None, Some(RequestKind::Index), 5), "another kind");
        assert!(!strikes("http://one/film/v/7.m4s", None, segment, 4), "before its time");
        assert!(!strikes("http://one/film/v/7.m4s", None, segment, 9), "after its time");
    }

    #[test]
    fn chance_is_the_seeds_and_does_not_depend_on_the_order_between_paths() {
        let text = |seed: u64| {
            format!("seed = {seed}\n[[rule]]\nprobability = 0.3\nfault = {{ type = \"status\", code = 500 }}")
        };
        let paths: Vec<String> = (0..1000).map(|n| format!("t/seg-{n}.m4s")).collect();
        let run = |seed, reverse: bool| {
            let mut plan = FaultPlan::parse(&text(seed)).expect("a plan");
            let mut order: Vec<&String> = paths.iter().collect();
            if reverse {
                order.reverse();
            }
            let mut hit: Vec<&String> =
                order.into_iter().filter(|path| ask(&mut plan, path).effect.is_some()).collect();
            hit.sort();
            hit
        };
        let hits = run(7, false);
        assert_eq!(hits, run(7, true));
        assert_ne!(hits, run(8, false));
        assert!((250..350).contains(&hits.len()), "{} of 1000 at p = 0.3", hits.len());
    }

    /// The virtual origin and the edge are held to the same record.
    #[test]
    fn the_recorded_verdicts_are_those_of_the_plan() {
        let recorded = include_str!("../examples/verdicts.txt");
        let mut plan = FaultPlan::parse(include_str!("../examples/plan.toml")).expect("a plan");
        let mut verdicts = String::new();
        for line in recorded.lines() {
            let path = line.split(' ').next().expect("a path");
            let address = format!("http://one/{path}");
            let names = plan.verdict(&Request { path, address: &address, ..Request::default() }).faults;
            verdicts += path;
            verdicts += " ";
            verdicts += &if names.is_empty() { "-".to_owned() } else { names.join("+") };
            verdicts += "\n";
        }
        assert_eq!(verdicts, recorded);
    }

    proptest! {
        /// Equal plans give equal verdicts, each fault that counts as fired took effect, and none fires beyond its count.
        #[test]
        fn equal_requests_have_equal_verdicts(
            seed in 0_u64..1_000_000,
            rules in prop::collection::vec((0_usize..5, 0_u64..3, 1_u64..4, any::<bool>(), 0.0_f64..=1.0), 0..6),
            asked in prop::collection::vec((0_u64..4, 0_usize..3), 0..40),
        ) {
            let faults = [
                "{ type = \"status\", code = 503 }", "{ type = \"latency\", delay_ms = 3 }", "{ type = \"silence\" }",
                "{ type = \"reset\", after_permille = 500 }", "{ type = \"corrupt\", every = 2 }",
            ];
            let mut text = format!("seed = {seed}\n");
            for (fault, skip, count, each_path, probability) in &rules {
                text += &format!(
                    "[[rule]]\nskip = {skip}\ncount = {count}\neach_path = {each_path}\nprobability = {probability:?}\nfault = {}\n",
                    faults[*fault]
                );
            }
            let run = || {
                let mut plan = FaultPlan::parse(&text).expect("a plan");
                let verdicts: Vec<Verdict> = asked
                    .iter()
                    .map(|(number, folder)| ask(&mut plan, &format!("film/{folder}/seg-{number}.m4s")))
                    .collect();
                (verdicts, plan)
            };
            let (verdicts, plan) = run();
            prop_assert_eq!(&verdicts, &run().0);
            let mut fired: Vec<(String, u64)> = plan.fired().into_iter().map(|(name, _)| (name, 0)).collect();
            for verdict in &verdicts {
                let effects = verdict.faults.iter().filter(|name| {
                    plan.effects().any(|(other, effect)| other == **name && !matches!(effect, Effect::Delay(_)))
                });
                prop_assert_eq!(effects.count(), usize::from(verdict.effect.is_some()));
                for name in &verdict.faults {
                    fired.iter_mut().filter(|(other, _)| other == name).for_each(|(_, times)| *times += 1);
                }
            }
            prop_assert_eq!(&fired, &plan.fired());
            let struck = verdicts.iter().filter(|verdict| !verdict.faults.is_empty()).count();
            prop_assert_eq!(struck as u64, plan.struck());
            for ((_, times), (_, _, count, each_path, _)) in fired.iter().zip(&rules) {
                prop_assert!(*each_path || times <= count);
            }
        }
    }
}
