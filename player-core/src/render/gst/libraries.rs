//! Lowers what the shared libraries of decoders cost: the time to link them, and the memory that linking leaves behind.
//!
//! The plugin of libav brings about 180 libraries. Opened at once, every symbol of every one of them is looked up in all of
//! them in turn (37 ms); opened from the bottom upwards, each is looked up in what its own library needs (25 ms). Linking
//! reads 40 MB of their pages, of which playback takes back half; the others stay resident until the system is short of memory.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, c_int, c_void};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Once;

use elf::ElfStream;
use elf::abi::{DF_TEXTREL, DT_FLAGS, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_TEXTREL, SHT_DYNAMIC};
use elf::endian::AnyEndian;
use tracing::debug;

use super::exit;

/// Opens what the plugin at `path` needs, from the bottom upwards, so that the plugin is linked sooner. What cannot be opened
/// or read is left to the linker.
pub(super) fn open_needed_by(path: &Path) {
    for name in order(path) {
        if let Ok(name) = CString::new(name) {
            let _ = exit::unless_ending(|| open(&name));
        }
    }
}

/// Opens a library for the rest of the process, by the usual search.
#[expect(unsafe_code, reason = "the standard library cannot open a library")]
fn open(name: &CStr) {
    // SAFETY: the name ends with a zero; the initialisers of a library that the plugin needs run at its own opening anyway.
    if unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY) }.is_null() {
        debug!(?name, "a library cannot be opened by itself");
    }
}

/// Returns the names of the libraries that the one at `path` needs and those that these need, each after what it needs.
///
/// Two levels are followed: a third costs more to read than it saves. Files are looked for in the folder of `path` and in
/// the one above it, where the libraries of GStreamer and of the system lie. Returns nothing where a library names folders to
/// search (DT_RPATH, DT_RUNPATH): opened by name, another file could take its place.
fn order(path: &Path) -> Vec<String> {
    let folders: Vec<&Path> = path.ancestors().skip(1).take(2).collect();
    let Some(direct) = Needs::read(path).and_then(Needs::by_usual_search) else { return Vec::new() };
    let mut below = HashMap::new();
    for name in &direct {
        let found = folders.iter().find_map(|folder| Needs::read(&folder.join(name)));
        let Some(names) = found.map_or(Some(Vec::new()), Needs::by_usual_search) else { return Vec::new() };
        below.insert(name.clone(), names);
    }
    let mut order = Order { below, seen: HashSet::new(), names: Vec::new() };
    direct.iter().for_each(|name| order.visit(name));
    order.names
}

/// Walk that puts each library after those that it needs.
struct Order {
    below: HashMap<String, Vec<String>>,
    seen: HashSet<String>,
    names: Vec<String>,
}

impl Order {
    /// The depth is bounded by the libraries of the first level: no other has needs here.
    fn visit(&mut self, name: &str) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        for needed in self.below.get(name).cloned().unwrap_or_default() {
            self.visit(&needed);
        }
        self.names.push(name.to_owned());
    }
}

/// Dependencies in the dynamic section of a library.
struct Needs {
    /// DT_NEEDED, in the order of the file.
    names: Vec<String>,
    /// The library has its own search path.
    has_path: bool,
}

impl Needs {
    /// Returns none if the file cannot be read or is no library.
    fn read(path: &Path) -> Option<Self> {
        let mut file = ElfStream::<AnyEndian, _>::open_stream(File::open(path).ok()?).ok()?;
        let section = *file.section_headers().iter().find(|section| section.sh_type == SHT_DYNAMIC)?;
        let strings = *file.section_headers().get(usize::try_from(section.sh_link).ok()?)?;
        let entries: Vec<_> = file.dynamic().ok()??.iter().collect();
        let strings = file.section_data_as_strtab(&strings).ok()?;
        let needed = entries.iter().filter(|entry| entry.d_tag == DT_NEEDED);
        let names =
            needed.filter_map(|entry| strings.get(usize::try_from(entry.d_val()).ok()?).ok()).map(str::to_owned);
        let has_path = entries.iter().any(|entry| matches!(entry.d_tag, DT_RPATH | DT_RUNPATH));
        Some(Self { names: names.collect(), has_path })
    }

    fn by_usual_search(self) -> Option<Vec<String>> {
        (!self.has_path).then_some(self.names)
    }
}

/// Has [`give_pages_back`] run on another thread, once a process. On a fast link the media of the next 40 s follows the first
/// picture within 50 ms: what was used for linking makes room for it.
pub(super) fn after_first_picture() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let begun = std::thread::Builder::new().name("render-pages".to_owned()).spawn(|| {
            let preload = std::env::var_os("LD_PRELOAD").is_some_and(|list| !list.is_empty());
            let bytes =
                give_pages_back_unless_changed(&fs::read_to_string("/proc/self/status").unwrap_or_default(), preload);
            debug!(bytes, "pages of libraries given back");
        });
        if let Err(error) = begun {
            debug!(%error, "no thread to give pages back on");
        }
    });
}

/// Gives pages back as [`give_pages_back`] does, unless the code of libraries may have been changed in memory, which would be
/// lost: by a debugger that `status`, the text of `/proc/self/status`, names (breakpoints), or by a library that was put in
/// front of all others by `LD_PRELOAD` (hooks).
fn give_pages_back_unless_changed(status: &str, preload: bool) -> usize {
    if preload || is_traced(status) { 0 } else { give_pages_back() }
}

/// Returns true if the text of `/proc/self/status` names a process that traces this one, or has no such line.
fn is_traced(status: &str) -> bool {
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_none_or(|id| id.trim() != "0")
}

/// Takes the code and constants of all shared libraries out of the process, and returns how many bytes of address space they
/// have. What is used again comes back page by page from the system's cache of files, without reading the disk.
#[expect(unsafe_code, reason = "the standard library knows neither loaded libraries nor advice on memory")]
fn give_pages_back() -> usize {
    /// Adds the bytes of one library to the sum at `sum`.
    unsafe extern "C" fn of_library(info: *mut libc::dl_phdr_info, _size: usize, sum: *mut c_void) -> c_int {
        // SAFETY: dl_iterate_phdr(3) gives a valid description for the time of the call, and passes `sum` on.
        let (info, sum) = unsafe { (&*info, &mut *sum.cast::<usize>()) };
        if info.dlpi_phdr.is_null() || !is_shared_library(info.dlpi_name) {
            return 0;
        }
        // SAFETY: the program headers of a loaded library stay while it is loaded, and it cannot be closed during the call.
        let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let base = info.dlpi_addr as usize;
        if has_changed_code(base, headers) {
            return 0;
        }
        for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0)
        {
            let Some((start, size)) = pages(base + header.p_vaddr as usize, header.p_memsz as usize) else { continue };
            // SAFETY: the segment cannot be written and the linker did not change it, so all its pages are those of the file.
            if unsafe { libc::madvise(start as *mut c_void, size, libc::MADV_DONTNEED) } == 0 {
                *sum += size;
            }
        }
        0
    }
    let mut sum = 0_usize;
    // SAFETY: the callback takes `sum` as the usize that it is, and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(of_library), (&raw mut sum).cast()) };
    sum
}

/// Returns true for a library that was loaded from a file: the program has no name here, the kernel's own page no path.
#[expect(unsafe_code, reason = "the name is a C string")]
fn is_shared_library(name: *const std::ffi::c_char) -> bool {
    // SAFETY: the linker's names are C strings that live as long as the library.
    !name.is_null() && unsafe { CStr::from_ptr(name) }.to_bytes().starts_with(b"/")
}

/// Returns true if the linker wrote into code or constants of a library (DT_TEXTREL, DF_TEXTREL), or may have.
#[expect(unsafe_code, reason = "the dynamic section of a loaded library is read in place")]
fn has_changed_code(base: usize, headers: &[libc::Elf64_Phdr]) -> bool {
    let Some(header) = headers.iter().find(|header| header.p_type == libc::PT_DYNAMIC) else { return true };
    let section = (base + header.p_vaddr as usize) as *const [u64; 2];
    let count = header.p_memsz as usize / size_of::<[u64; 2]>();
    // SAFETY: the dynamic section is an array of pairs of words, is part of a loaded segment and does not change any more.
    let entries = unsafe { std::slice::from_raw_parts(section, count) };
    let is_relocation = |tag, value| tag == DT_TEXTREL || tag == DT_FLAGS && value & DF_TEXTREL as u64 != 0;
    entries.iter().any(|&[tag, value]| is_relocation(tag as i64, value))
}

/// Returns first address and size of the whole pages among `size` bytes at `start`, if there are any.
#[expect(unsafe_code, reason = "the standard library does not know the size of a page")]
fn pages(start: usize, size: usize) -> Option<(usize, usize)> {
    // SAFETY: sysconf(3) only reads its argument.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let (first, end) = (start.next_multiple_of(page), (start + size) / page * page);
    (first < end).then(|| (first, end - first))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use gstreamer as gst;
    use gstreamer::prelude::*;
    use std::path::PathBuf;

    fn plugin_of(element: &str) -> PathBuf {
        gst::init().unwrap();
        gst::ElementFactory::find(element).unwrap().plugin().unwrap().filename().unwrap()
    }

    #[test]
    fn what_a_plugin_needs_comes_after_what_that_needs() {
        let names = order(&plugin_of("avdec_h264"));
        let place = |start: &str| names.iter().position(|name| name.starts_with(start)).unwrap();
        assert!(place("libswresample") < place("libavcodec"));
        assert!(place("libavcodec") < place("libavformat"));
        assert!(place("libavformat") < place("libavfilter"));
        let single: HashSet<_> = names.iter().collect();
        assert_eq!(single.len(), names.len(), "each once");
    }

    #[test]
    fn a_file_that_is_no_library_has_no_order() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plugin.so");
        assert_eq!(order(&file), Vec::<String>::new(), "missing");
        for bytes in [&b""[..], b"\x7fELF", &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 255, 255, 255, 255], &[b'x'; 4096]] {
            fs::write(&file, bytes).unwrap();
            assert_eq!(order(&file), Vec::<String>::new(), "{bytes:?}");
        }
        let library = fs::read(plugin_of("queue")).unwrap();
        for length in (0..library.len()).step_by(997) {
            fs::write(&file, &library[..length]).unwrap();
            let _ = order(&file);
        }
    }

    #[test]
    fn libraries_that_need_each_other_are_walked_once() {
        let below = [("a", "b"), ("b", "a")].map(|(name, needed)| (name.to_owned(), vec![needed.to_owned()]));
        let mut order = Order { below: below.into(), seen: HashSet::new(), names: Vec::new() };
        order.visit("a");
        assert_eq!(order.names, ["b", "a"]);
    }

    /// Kilobytes of a library's code that are resident, by the kernel's account.
    fn resident_code(library: &str) -> Option<u64> {
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = maps.lines().skip_while(|line| !(line.contains(library) && line.contains(" r-xp ")));
        let line = lines.find(|line| line.starts_with("Rss:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    #[test]
    fn pages_of_code_are_given_back_and_come_again() {
        gst::init().unwrap();
        assert_eq!(give_pages_back_unless_changed("TracerPid:\t42", false), 0);
        assert_eq!(give_pages_back_unless_changed("TracerPid:\t0", true), 0);
        assert!(give_pages_back_unless_changed("TracerPid:\t0", false) > 1 << 20);
        // GStreamer would read stacks with it, which no test has it do.
        assert_eq!(resident_code("libdw"), Some(0));
        let element = gst::ElementFactory::make("queue").build().unwrap();
        assert_eq!(element.factory().unwrap().name(), "queue", "code that was given back runs");
        assert!(resident_code("libgstreamer-1.0").unwrap() > 0);
    }

    #[test]
    fn only_whole_pages_are_given_back() {
        assert_eq!(pages(4096, 8192), Some((4096, 8192)));
        assert_eq!(pages(4097, 8191), Some((8192, 4096)));
        assert_eq!(pages(4096, 8191), Some((4096, 4096)));
        assert_eq!(pages(4097, 4096), None);
        assert_eq!(pages(4096, 4095), None);
    }

    #[test]
    fn a_process_knows_its_debugger() {
        assert!(is_traced("Name:\tx\nTracerPid:\t42\nUid:\t0"));
        assert!(!is_traced("Name:\tx\nTracerPid:\t0\nUid:\t0"));
        assert!(is_traced(""), "not known");
    }
}
