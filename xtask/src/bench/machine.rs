//! The machine of a run: what its figures depend on, without names and paths.

use std::fmt::Write as _;

/// Load average of one minute beyond which figures are not those of a calm machine.
pub const CALM: f64 = 0.5;

/// Returns the load average of one minute; 0 where the kernel has none.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// Returns cores, processor, memory and kernel in a line.
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let mut text = format!("{cores} cores");
    if let Some(model) = field(&read("/proc/cpuinfo"), "model name") {
        let _ = write!(text, " ({model})");
    }
    if let Some(kilobytes) =
        field(&read("/proc/meminfo"), "MemTotal").and_then(|total| total.split(' ').next()?.parse::<u64>().ok())
    {
        let _ = write!(text, ", {} GiB of memory", (kilobytes as f64 / f64::from(1 << 20)).round());
    }
    let _ = write!(text, ", Linux {}", read("/proc/sys/kernel/osrelease").trim());
    text
}

/// Returns the value of the first line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Returns the date of today in UTC.
pub fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        assert_eq!(field("MemFree: 1 kB\nMemTotal:   2048 kB\n", "MemTotal").as_deref(), Some("2048 kB"));
        assert_eq!(field("", "MemTotal"), None);
    }
}
