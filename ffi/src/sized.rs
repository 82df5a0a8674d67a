//! Structures that the caller allocates. Each begins with `struct_size`, the size that the caller compiled, and the
//! library neither reads nor writes past it. So a structure can grow at its end, and programs and libraries of
//! different versions still understand each other.

use player_core::error::PlayerError;

use crate::boundary::invalid;

/// Largest size that is taken for one: a larger one is an uninitialised field.
const MAX_SIZE: usize = 65_536;

/// Place of a field in its structure, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name in the header.
    pub name: &'static str,
    /// Offset of the first byte.
    pub offset: usize,
    /// First byte past it.
    pub end: usize,
}

impl Field {
    /// Returns the place of a field whose reference `_get` returns.
    pub const fn new<T, F>(name: &'static str, offset: usize, _get: fn(&T) -> &F) -> Self {
        Self { name, offset, end: offset + size_of::<F>() }
    }
}

/// A structure that begins with `struct_size: usize`.
///
/// # Safety
/// `FIELDS` are the fields of the `repr(C)` structure in order, the first one is `struct_size: usize`, and `SMALLEST`
/// is at least the end of the first one. [`sized!`] sees to it.
pub unsafe trait CallerSized: Copy {
    /// Smallest size that is served.
    const SMALLEST: usize;
    /// All fields in order.
    const FIELDS: &'static [Field];
}

/// A structure of which every pattern of bits is a value: it holds numbers and raw pointers only.
///
/// # Safety
/// As said.
pub unsafe trait AnyBits: CallerSized {}

/// Implements [`CallerSized`] for a structure, of which every field must be named. Without a smallest size, any size
/// that has room for `struct_size` and one more field is served.
macro_rules! sized {
    ($name:ident, { $first:ident, $second:ident, $($field:ident),* $(,)? }) => {
        $crate::sized::sized!(
            $name,
            $crate::sized::Field::new("", std::mem::offset_of!($name, $second), |it: &$name| &it.$second).end,
            { $first, $second, $($field),* }
        );
    };
    ($name:ident, $smallest:expr, { $first:ident, $second:ident, $($field:ident),* $(,)? }) => {
        // SAFETY: the places are the compiler's, and a field that is missing here is an error in the next item; a
        // `struct_size` of another type is one, too.
        unsafe impl $crate::sized::CallerSized for $name {
            const SMALLEST: usize = $smallest;
            const FIELDS: &'static [$crate::sized::Field] = &[
                $crate::sized::Field::new::<Self, usize>(
                    stringify!($first), std::mem::offset_of!($name, $first), |it| &it.$first),
                $crate::sized::Field::new(
                    stringify!($second), std::mem::offset_of!($name, $second), |it: &$name| &it.$second),
                $($crate::sized::Field::new(
                    stringify!($field), std::mem::offset_of!($name, $field), |it: &$name| &it.$field)),*
            ];
        }
        const _: fn(&$name) = |it| {
            let $name { $first: _, $second: _, $($field: _),* } = it;
        };
        const _: () = assert!(std::mem::offset_of!($name, $first) == 0 && $smallest >= size_of::<usize>());
    };
}
pub(crate) use sized;

/// Checks a size that the caller gives for a `T`.
fn check<T: CallerSized>(size: usize, name: &str) -> Result<(), PlayerError> {
    if size < T::SMALLEST {
        return Err(invalid(&format!("{name} has a struct_size of {size}, at least {} are needed", T::SMALLEST)));
    }
    if size > MAX_SIZE {
        return Err(invalid(&format!("{name} has a struct_size of {size}, more than {MAX_SIZE}")));
    }
    Ok(())
}

/// Returns the end of the last field that lies whole within `size` bytes.
fn whole_fields<T: CallerSized>(size: usize) -> usize {
    T::FIELDS.iter().map(|field| field.end).take_while(|end| *end <= size).last().unwrap_or(0)
}

/// Reads the size at the head of a structure.
///
/// # Safety
/// `pointer` is NULL or valid for reading a `size_t`.
unsafe fn size_of_callers<T: CallerSized>(pointer: *const T, name: &str) -> Result<usize, PlayerError> {
    if pointer.is_null() {
        return Err(invalid(&format!("{name} is NULL")));
    }
    // SAFETY: not NULL, and valid by the caller's promise; `struct_size` comes first.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    check::<T>(size, name).map(|()| size)
}

/// Reads a structure of the caller; fields that it does not have keep their value in `defaults`, and fields that only
/// the caller knows are ignored.
///
/// # Errors
/// `InvalidArgument` for NULL and for a `struct_size` that is too small or absurd.
///
/// # Safety
/// `pointer` is NULL or valid for reading as many bytes as its `struct_size`.
pub unsafe fn read<T: AnyBits>(pointer: *const T, defaults: T, name: &str) -> Result<T, PlayerError> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_of_callers(pointer, name) }?;
    let mut value = defaults;
    let known = whole_fields::<T>(size);
    // SAFETY: both are valid for `known` bytes: the caller's by promise, since `known` is at most its size, and ours
    // because `known` is the end of a field of `T`. Every pattern of bits is a value of `T`.
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut value).cast(), known) };
    Ok(value)
}

/// Fills a structure of the caller in which nothing is set yet, and sets its `struct_size` to `size`. Bytes that belong
/// to no field that both sides know are zero.
///
/// # Errors
/// As [`read`]. Nothing is written then.
///
/// # Safety
/// `pointer` is NULL or valid for writing `size` bytes.
pub unsafe fn init<T: CallerSized>(pointer: *mut T, size: usize, value: &T, name: &str) -> Result<(), PlayerError> {
    if pointer.is_null() {
        return Err(invalid(&format!("{name} is NULL")));
    }
    check::<T>(size, name)?;
    // SAFETY: not NULL, and valid for `size` bytes by the caller's promise.
    unsafe {
        write(pointer, size, value);
        pointer.cast::<usize>().write_unaligned(size);
    }
    Ok(())
}

/// Writes the fields that lie within `size`, but for `struct_size`, and zero elsewhere.
///
/// # Safety
/// `pointer` is valid for writing `size` bytes, and `size` has passed [`check`].
unsafe fn write<T: CallerSized>(pointer: *mut T, size: usize, value: &T) {
    const HEAD: usize = size_of::<usize>();
    let known = whole_fields::<T>(size);
    let (from, to) = (std::ptr::from_ref(value).cast::<u8>(), pointer.cast::<u8>());
    // SAFETY: `HEAD <= known <= size`: the first field is a `usize`, and `check` asks for at least that. Ours is valid
    // for `known` bytes, the caller's for `size`; `value` is a Rust reference, which the caller's bytes do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(from.add(HEAD), to.add(HEAD), known - HEAD);
        std::ptr::write_bytes(to.add(known), 0, size - known);
    }
}

/// An out-structure of the caller that may be filled.
pub struct Out<T> {
    pointer: *mut T,
    size: usize,
}

impl<T: CallerSized> Out<T> {
    /// Checks an out-structure, so that bad ones are refused whatever there is to say. Nothing is written.
    ///
    /// # Errors
    /// As [`read`].
    ///
    /// # Safety
    /// `pointer` is NULL or valid for reading and writing as many bytes as its `struct_size`, as long as this lives.
    pub unsafe fn new(pointer: *mut T, name: &str) -> Result<Self, PlayerError> {
        // SAFETY: the caller's promise.
        let size = unsafe { size_of_callers(pointer.cast_const(), name) }?;
        Ok(Self { pointer, size })
    }

    /// Writes the fields that fit. `struct_size` stays as it is; bytes past the last field of this library are zero.
    pub fn fill(self, value: &T) {
        // SAFETY: `new` has checked the size, and its caller promised that the bytes are there.
        unsafe { write(self.pointer, self.size, value) }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fmt::Debug;

    use player_core::error::ErrorCode;

    use super::*;
    use crate::{
        kinora_config, kinora_cue, kinora_load_options, kinora_metadata, kinora_pending_retry, kinora_quality,
        kinora_snapshot_info, kinora_thumbnail, kinora_track,
    };

    const CANARY: u8 = 0x5a;

    /// Memory of a caller: `size` bytes at an odd address with canaries on both sides.
    struct Memory {
        bytes: Vec<u8>,
        size: usize,
    }

    impl Memory {
        const BEFORE: usize = 17;

        fn new(size: usize) -> Self {
            Self { bytes: vec![CANARY; Self::BEFORE + size.max(8) + 600], size }
        }

        fn pointer<T>(&mut self) -> *mut T {
            self.bytes[Self::BEFORE..].as_mut_ptr().cast()
        }

        fn set_size(&mut self, size: usize) {
            self.bytes[Self::BEFORE..][..8].copy_from_slice(&size.to_ne_bytes());
        }

        fn inside(&self) -> &[u8] {
            &self.bytes[Self::BEFORE..][..self.size]
        }

        fn is_intact_outside(&self) -> bool {
            let (before, rest) = self.bytes.split_at(Self::BEFORE);
            before.iter().chain(&rest[self.size.max(8)..]).all(|byte| *byte == CANARY)
        }
    }

    /// The bytes of a value; only those of fields are looked at.
    fn bytes<T>(value: &T) -> &[std::mem::MaybeUninit<u8>] {
        // SAFETY: any memory may be seen as bytes that are perhaps not initialised.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(value).cast(), size_of::<T>()) }
    }

    fn must_hold_fields<T: CallerSized>(memory: &Memory, value: &T) {
        let size = memory.size;
        for field in &T::FIELDS[1..] {
            if field.end <= size {
                // SAFETY: the bytes of a field are initialised.
                let expected: Vec<u8> =
                    bytes(value)[field.offset..field.end].iter().map(|byte| unsafe { byte.assume_init() }).collect();
                assert_eq!(memory.inside()[field.offset..field.end], expected, "{} in {size} bytes", field.name);
            } else {
                let rest = &memory.inside()[field.offset.min(size)..];
                assert!(rest.iter().all(|byte| *byte == 0), "{} in {size} bytes", field.name);
            }
        }
        let rest = &memory.inside()[size_of::<T>().min(size)..];
        assert!(rest.iter().all(|byte| *byte == 0), "past the structure in {size} bytes");
    }

    fn refused<T: Debug>(result: Result<T, PlayerError>) -> bool {
        result.is_err_and(|error| error.code == ErrorCode::InvalidArgument)
    }

    /// Fills an out-structure of every size.
    fn out_of_every_size<T: CallerSized>(value: &T) {
        for size in 0..size_of::<T>() + 300 {
            let mut memory = Memory::new(size);
            memory.set_size(size);
            let before = memory.bytes.clone();
            // SAFETY: as many bytes are there, and at least eight.
            let out = unsafe { Out::new(memory.pointer::<T>(), "out") };
            assert_eq!(before, memory.bytes, "a check writes nothing");
            match out {
                Ok(out) => {
                    out.fill(value);
                    assert!(size >= T::SMALLEST);
                    assert_eq!(memory.inside()[..8], size.to_ne_bytes());
                    must_hold_fields(&memory, value);
                }
                Err(error) => {
                    assert!(size < T::SMALLEST && error.code == ErrorCode::InvalidArgument);
                }
            }
            assert!(memory.is_intact_outside(), "{size} bytes");
        }
    }

    /// A value whose fields hold different bytes.
    fn pattern<T: AnyBits>() -> T {
        let mut value = std::mem::MaybeUninit::<T>::uninit();
        for index in 0..size_of::<T>() {
            // SAFETY: inside the value.
            unsafe { value.as_mut_ptr().cast::<u8>().add(index).write(u8::try_from(index % 251).unwrap()) };
        }
        // SAFETY: written, and any bits are a value.
        unsafe { value.assume_init() }
    }

    /// Initialises and reads an in-structure of every size.
    fn in_of_every_size<T: AnyBits>(first: usize) {
        assert_eq!(T::SMALLEST, first);
        let defaults = pattern::<T>();
        let mut sizes: Vec<usize> = (0..size_of::<T>() + 300).collect();
        sizes.extend([4096, MAX_SIZE]);
        for size in sizes {
            let mut memory = Memory::new(size);
            let before = memory.bytes.clone();
            // SAFETY: as many bytes are there, and at least eight.
            let filled = unsafe { init(memory.pointer::<T>(), size, &defaults, "it") };
            assert!(memory.is_intact_outside(), "{size} bytes");
            assert_eq!(filled.is_ok(), size >= first, "{size} bytes");
            if filled.is_err() {
                assert!(refused(filled) && before == memory.bytes);
                memory.set_size(size);
            } else {
                assert_eq!(memory.inside()[..8], size.to_ne_bytes());
                must_hold_fields(&memory, &defaults);
            }
            // What the caller sets is read, what it has no field for is the default.
            for byte in &mut memory.bytes[Memory::BEFORE + 8..][..size.max(8) - 8] {
                *byte = 0xa5;
            }
            // SAFETY: as above.
            let read = unsafe { read(memory.pointer::<T>().cast_const(), defaults, "it") };
            let Ok(read) = read else {
                assert!(size < first);
                continue;
            };
            for field in &T::FIELDS[1..] {
                let (got, default) =
                    (&bytes(&read)[field.offset..field.end], &bytes(&defaults)[field.offset..field.end]);
                for (got, default) in got.iter().zip(default) {
                    // SAFETY: the bytes of a field are initialised.
                    let (got, default) = unsafe { (got.assume_init(), default.assume_init()) };
                    assert_eq!(got, if field.end <= size { 0xa5 } else { default }, "{} in {size} bytes", field.name);
                }
            }
        }
    }

    #[test]
    fn in_structures_of_any_size_from_the_first_version_on_are_served() {
        in_of_every_size::<kinora_config>(48);
        in_of_every_size::<kinora_load_options>(56);
    }

    #[test]
    fn out_structures_of_any_size_with_room_for_a_field_are_filled() {
        // SAFETY: zero is a value of every field: numbers, pointers, and enumerations that have a zero.
        unsafe {
            out_of_every_size::<kinora_snapshot_info>(&std::mem::zeroed());
            out_of_every_size::<kinora_track>(&std::mem::zeroed());
            out_of_every_size::<kinora_quality>(&std::mem::zeroed());
            out_of_every_size::<kinora_cue>(&std::mem::zeroed());
            out_of_every_size::<kinora_metadata>(&std::mem::zeroed());
            out_of_every_size::<kinora_thumbnail>(&std::mem::zeroed());
            out_of_every_size::<kinora_pending_retry>(&std::mem::zeroed());
        }
        out_of_every_size(&pattern::<kinora_config>());
        let smallest = [kinora_snapshot_info::SMALLEST, kinora_track::SMALLEST, kinora_quality::SMALLEST];
        assert_eq!(smallest, [12, 12, 16], "`struct_size` and one field");
    }

    /// Compares a structure with the committed baseline, the layout of compiled programs.
    fn must_be_the_baselines<T: CallerSized>(name: &str) {
        let baseline = include_str!("../abi/baseline.txt");
        let head = format!("struct {name} size {} align {}\n", size_of::<T>(), align_of::<T>());
        let fields = baseline.split_once(&head).unwrap_or_else(|| panic!("the baseline has no `{head}`")).1;
        let fields: Vec<_> = fields.lines().take_while(|line| line.starts_with("  ")).collect();
        assert_eq!(fields.len(), T::FIELDS.len(), "{name}");
        for (line, field) in fields.into_iter().zip(T::FIELDS) {
            let expected = format!("  {} {} {}: ", field.offset, field.end - field.offset, field.name);
            assert!(line.starts_with(&expected), "{name}: `{line}` does not begin with `{expected}`");
        }
    }

    #[test]
    fn layouts_are_those_of_the_baseline() {
        must_be_the_baselines::<kinora_config>("kinora_config");
        must_be_the_baselines::<kinora_load_options>("kinora_load_options");
        must_be_the_baselines::<kinora_snapshot_info>("kinora_snapshot_info");
        must_be_the_baselines::<kinora_track>("kinora_track");
        must_be_the_baselines::<kinora_quality>("kinora_quality");
        must_be_the_baselines::<kinora_cue>("kinora_cue");
        must_be_the_baselines::<kinora_metadata>("kinora_metadata");
        must_be_the_baselines::<kinora_thumbnail>("kinora_thumbnail");
        must_be_the_baselines::<kinora_pending_retry>("kinora_pending_retry");
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let mut memory = Memory::new(64);
        for size in [MAX_SIZE + 1, usize::MAX, usize::MAX / 2] {
            memory.set_size(size);
            let before = memory.bytes.clone();
            // SAFETY: eight bytes are there, and no more are touched when the size is refused.
            unsafe {
                let pointer = memory.pointer::<kinora_config>();
                assert!(refused(init(pointer, size, &pattern(), "it")));
                assert!(refused(read(pointer.cast_const(), pattern(), "it").map(|_| ())));
                assert!(Out::new(pointer, "it").is_err());
            }
            assert_eq!(before, memory.bytes);
        }
    }
}
