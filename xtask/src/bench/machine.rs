//! The machine of a run: what its figures depend on, without names and paths.

/// Load average of one minute beyond which figures are not those of a calm machine.
pub const CALM: f64 = 0.5;

/// Returns the load average of one minute; 0 where the kernel has none.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// Returns cores, memory and kernel in a line, without the names that a builder of kernels adds to the version.
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let memory =
        field(&read("/proc/meminfo"), "MemTotal").and_then(|total| total.split(' ').next()?.parse::<u32>().ok());
    // The file is in kilobytes.
    let memory = memory
        .map_or_else(String::new, |kilobytes| format!(", {:.0} GiB of memory", f64::from(kilobytes) / 1_048_576.0));
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores ({}){memory}, Linux {}", std::env::consts::ARCH, version_number(&kernel))
}

/// Returns the digits and points with which a version begins.
fn version_number(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    &text[..end]
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
        assert_eq!(["6.1.0-13-amd64\n", "6.2", ""].map(version_number), ["6.1.0", "6.2", ""]);
    }
}
