//! Guards of every function of the ABI: panics stop here, pointers are checked, strings are read.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use player_core::error::{ErrorCode, PlayerError};

use crate::error::remember;

/// Runs the body of a function; 0, or the code of the error, which is remembered for this thread.
pub fn guarded(body: impl FnOnce() -> Result<(), PlayerError>) -> u32 {
    // What a panic leaves half-done is only what the body owned.
    let result = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(PlayerError::fatal(ErrorCode::Internal, "a panic was stopped at the border")));
    match result {
        Ok(()) => 0,
        Err(error) => remember(&error),
    }
}

/// The error for a bad argument.
pub fn invalid(what: &str) -> PlayerError {
    PlayerError::fatal(ErrorCode::InvalidArgument, what)
}

/// Returns the value that a pointer points to.
///
/// # Safety `pointer` is NULL or points to a live, aligned `T` that is not changed during `'a`.
pub unsafe fn shared<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, PlayerError> {
    // SAFETY: the caller's promise is this function's own.
    unsafe { pointer.as_ref() }.ok_or_else(|| invalid(&format!("{name} is NULL")))
}

/// Writes through an out-pointer that must not be NULL.
///
/// # Safety
/// `pointer` is NULL or valid for writing a `T`.
pub unsafe fn give<T>(pointer: *mut T, value: T, name: &str) -> Result<(), PlayerError> {
    if pointer.is_null() {
        return Err(invalid(&format!("{name} is NULL")));
    }
    // SAFETY: not NULL, and valid for writing by the caller's promise. What was there is not read, so not dropped.
    unsafe { pointer.write(value) };
    Ok(())
}

/// Reads a string that must be there.
///
/// # Safety
/// `text` is NULL or points to bytes that end with NUL and stay unchanged during `'a`.
pub unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str, PlayerError> {
    if text.is_null() {
        return Err(invalid(&format!("{name} is NULL")));
    }
    // SAFETY: not NULL, and NUL-terminated by the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) };
    bytes.to_str().map_err(|_| invalid(&format!("{name} is not UTF-8")))
}

/// Reads a string that may be NULL.
///
/// # Safety
/// As [`text`].
pub unsafe fn optional_text<'a>(pointer: *const c_char, name: &str) -> Result<Option<&'a str>, PlayerError> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise is the same.
    unsafe { text(pointer, name) }.map(Some)
}

/// Frees the value that `Box::into_raw` gave, and sets the caller's pointer to NULL.
///
/// # Safety
/// `pointer` is NULL or points to NULL or to a pointer that `Box::into_raw` made for a `T` and that was not given
/// back yet.
pub unsafe fn destroy<T>(pointer: *mut *mut T) {
    guarded(|| {
        if pointer.is_null() {
            return Ok(());
        }
        // SAFETY: not NULL, and valid by the caller's promise.
        let inner = unsafe { pointer.replace(std::ptr::null_mut()) };
        if !inner.is_null() {
            // SAFETY: made by `Box::into_raw` and owned by the caller until now.
            drop(unsafe { Box::from_raw(inner) });
        }
        Ok(())
    });
}
