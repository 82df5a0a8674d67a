//! Addresses of media as the backend writes and the edge reads them: `<title>/v<n>/<file>`.

/// Returns the name that stands for a version in addresses, between the title and the file: `v1764331200000`.
pub fn version_name(version: i64) -> String {
    format!("v{version}")
}

/// Returns the version that a name of an address stands for, as [`version_name`] writes it; `None` for every other name.
pub fn version_of(name: &str) -> Option<i64> {
    let digits = name.strip_prefix('v').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    // One spelling only, or one version would have many names in caches.
    digits.parse().ok().filter(|version: &i64| version.to_string() == digits)
}

/// Returns true if a path names a manifest or another file whose content changes under its name.
pub fn is_manifest(path: &str) -> bool {
    let extension = path.rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, extension)| extension);
    matches!(extension, Some("m3u8" | "mpd" | "mpp" | "json"))
}
