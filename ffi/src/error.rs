//! Errors for C: the last one of each thread, and the words for each code.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use player_core::error::{ErrorCode, PlayerError};

use crate::strings::c_string;

thread_local! {
    static LAST: RefCell<(u32, CString)> = RefCell::default();
}

/// Keeps an error for this thread and gives its code.
pub fn remember(error: &PlayerError) -> u32 {
    let code = u32::from(error.code.number());
    LAST.with(|last| *last.borrow_mut() = (code, c_string(&error.to_string())));
    code
}

struct Words {
    name: CString,
    meaning: CString,
    advice: CString,
}

fn words(code: u32) -> Option<&'static Words> {
    static WORDS: OnceLock<BTreeMap<u32, Words>> = OnceLock::new();
    let all = WORDS.get_or_init(|| {
        ErrorCode::ALL
            .iter()
            .map(|code| {
                let words = Words {
                    name: c_string(code.name()),
                    meaning: c_string(code.meaning()),
                    advice: c_string(code.advice()),
                };
                (u32::from(code.number()), words)
            })
            .collect()
    });
    all.get(&code)
}

fn pointer(text: Option<&'static CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |text| text.as_ptr())
}

/// The version of this library, like "0.1.0". Static; never NULL.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version holds no NUL"),
    };
    VERSION.as_ptr()
}

/// Version of the interface that this header describes; see "ABI versions" above.
pub const KINORA_ABI_VERSION: u32 = 2;

/// Returns the KINORA_ABI_VERSION of the library at run time. It grows when something is added; a program goes on working
/// with every library of the same SONAME whose version is not smaller than the one that it was compiled with.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_abi_version() -> u32 {
    KINORA_ABI_VERSION
}

/// The code of the last failed call on this thread; 0 when none failed.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_last_error_code() -> u32 {
    LAST.with(|last| last.borrow().0)
}

/// The sentence of the last failed call on this thread, valid until the next failed call on it; never NULL.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_last_error_message() -> *const c_char {
    LAST.with(|last| last.borrow().1.as_ptr())
}

/// The stable name of a code, static; NULL for numbers that are no code.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_error_name(code: u32) -> *const c_char {
    pointer(words(code).map(|words| &words.name))
}

/// Returns the meaning of a code in one static sentence; NULL for numbers that are no code.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_error_meaning(code: u32) -> *const c_char {
    pointer(words(code).map(|words| &words.meaning))
}

/// Returns the advice to a viewer in one static sentence; NULL for numbers that are no code.
///
/// Thread-safety: any thread.
#[unsafe(no_mangle)]
pub extern "C" fn kinora_error_advice(code: u32) -> *const c_char {
    pointer(words(code).map(|words| &words.advice))
}
