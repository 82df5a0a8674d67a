//! Strings for C.

use std::ffi::CString;

/// Returns a C string of the text without its NUL bytes: C would see nothing after the first.
pub fn c_string(text: &str) -> CString {
    let clean: Vec<u8> = text.bytes().filter(|byte| *byte != 0).collect();
    // No NUL is left, so this is never the default.
    CString::new(clean).unwrap_or_default()
}
