//! Processor time and memory of a process, read from `/proc` (proc(5)).

use std::time::Duration;

/// Units of processor time in a second: `USER_HZ`, which is 100 in the interface of every Linux.
const TICKS: u64 = 100;

/// Counters of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of the process and of its children that have ended.
    pub cpu: Duration,
    /// Largest resident set in bytes; 0 after the process has ended.
    pub peak_bytes: u64,
    /// True if the process has ended and was not waited for.
    pub is_over: bool,
}

/// Reads the counters of a process; `None` if there is none.
pub fn of(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    parse(&stat, &status)
}

fn parse(stat: &str, status: &str) -> Option<Usage> {
    // The name in parentheses may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.split_whitespace().next());
    Some(Usage {
        cpu: Duration::from_millis(ticks * 1000 / TICKS),
        peak_bytes: peak.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024,
        is_over: fields[0] == "Z",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_behind_any_name() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 3 1 20 0 1 0 9 9 9";
        let usage = parse(stat, "Name:\tx\nVmHWM:\t   2048 kB\n").expect("counters");
        assert_eq!(usage, Usage { cpu: Duration::from_millis(3040), peak_bytes: 2 << 20, is_over: false });
        let over = parse("7 (x) Z 1 7 7 0 -1 0 0 0 0 0 1 0 0 0 20", "Name:\tx\n").expect("counters");
        assert_eq!((over.is_over, over.peak_bytes), (true, 0));
        assert_eq!(parse("nonsense", ""), None);
        assert_eq!(parse("7 (x) S 1 2", ""), None);
    }

    #[test]
    fn this_process_has_counters() {
        let usage = of(std::process::id()).expect("counters");
        assert!(usage.peak_bytes > 0 && !usage.is_over);
    }
}
