//! What this process has used, from `/proc` (Linux); elsewhere nothing is measured.

use player_core::telemetry::ProcessUsage;

/// Clock ticks a second in `/proc/self/stat`: `USER_HZ`, which is 100 on every Linux architecture that Rust knows.
const USER_HZ: f64 = 100.0;

/// Peak resident set and processor time so far.
pub fn of_this_process() -> ProcessUsage {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    let stat = std::fs::read_to_string("/proc/self/stat").ok();
    ProcessUsage {
        peak_rss_bytes: status.as_deref().and_then(peak_rss),
        cpu_s: stat.as_deref().and_then(processor_seconds),
    }
}

fn peak_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn processor_seconds(stat: &str) -> Option<f64> {
    // The command in parentheses may hold spaces; user and system time are fields 14 and 15 (proc(5)).
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / USER_HZ)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_a_strange_command_name() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(processor_seconds(stat), Some(3.0));
        assert_eq!(peak_rss("Name:\tx\nVmHWM:\t  2048 kB\n"), Some(2 << 20));
    }
}
