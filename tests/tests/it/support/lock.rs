//! Encrypts a film of the demo catalogue as a packager would: whole segments, or samples in fragmented MP4 (ISO/IEC
//! 23001-7). It shares no code with the player.

use std::fs;
use std::path::Path;

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _, StreamCipher as _};

/// The keys; the name of each is the key with every bit turned over.
pub const KEYS: [[u8; 16]; 2] = [[0x3c; 16], [0x5a; 16]];
const IV: [u8; 16] = [0xa7; 16];
/// Bytes at the beginning of each picture that stay clear.
const CLEAR: usize = 40;

/// The name of a key.
pub fn name_of(key: [u8; 16]) -> [u8; 16] {
    key.map(|byte| !byte)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How to encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// AES-128 over whole segments and initialisation data; the second key from the third segment on.
    Whole,
    /// Samples in counter mode.
    Cenc,
    /// Samples in a chain, pictures with a pattern.
    Cbcs,
}

/// Writes an encrypted copy of a film.
pub fn lock(film: &Path, target: &Path, scheme: Scheme) {
    fs::create_dir_all(target).unwrap();
    for (index, key) in KEYS.iter().enumerate() {
        fs::write(target.join(format!("{index}.key")), key).unwrap();
    }
    copy(film, target, scheme);
}

fn copy(from: &Path, to: &Path, scheme: Scheme) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let target = to.join(&name);
        if path.is_dir() {
            // Subtitles and pictures for the seek bar stay clear.
            let inner = if matches!(name.as_str(), "text" | "subtitles" | "thumbnails") { None } else { Some(scheme) };
            match inner {
                Some(scheme) => copy(&path, &target, scheme),
                None => plain(&path, &target),
            }
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let locked = match name.rsplit('.').next().unwrap() {
            "m3u8" if bytes.windows(11).any(|window| window == b"#EXT-X-MAP:") => playlist(&bytes, scheme),
            "mpd" if scheme != Scheme::Whole => mpd(&bytes, scheme),
            "mp4" if scheme == Scheme::Whole => chained(&bytes, KEYS[0], IV),
            "m4s" if scheme == Scheme::Whole => {
                let number = digits(&name);
                chained(&bytes, KEYS[usize::from(number > 2)], (number - 1).to_be_bytes())
            }
            "mp4" => init(&bytes, scheme),
            "m4s" => segment(&bytes, scheme, path.components().any(|part| part.as_os_str() == "video")),
            _ => bytes,
        };
        fs::write(target, locked).unwrap();
    }
}

fn plain(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            plain(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The number in `seg-00001.m4s`.
fn digits(name: &str) -> u128 {
    let number: String = name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    number.parse().unwrap()
}

fn chained(bytes: &[u8], key: [u8; 16], iv: [u8; 16]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.resize(bytes.len() + 16, 0);
    let cipher = cbc::Encryptor::<Aes128>::new(&key.into(), &iv.into());
    let length = cipher.encrypt_padded::<Pkcs7>(&mut out, bytes.len()).unwrap().len();
    out.truncate(length);
    out
}

/// Segments are numbered from zero in the playlist, and from one in their names.
fn playlist(bytes: &[u8], scheme: Scheme) -> Vec<u8> {
    let method = match scheme {
        Scheme::Whole => "AES-128",
        Scheme::Cenc => "SAMPLE-AES-CTR",
        Scheme::Cbcs => "SAMPLE-AES",
    };
    let key = |index: usize, iv: &str| format!("#EXT-X-KEY:METHOD={method},URI=\"../../{index}.key\"{iv}\n");
    let mut out = String::new();
    let mut segments = 0;
    for line in std::str::from_utf8(bytes).unwrap().lines() {
        if line.starts_with("#EXT-X-MAP:") {
            out.push_str(&key(0, &format!(",IV=0x{}", hex(&IV))));
            out.push_str(&format!("{line}\n{}", key(0, "")));
            continue;
        }
        if line.starts_with("#EXTINF:") {
            segments += 1;
            if segments == 3 && scheme == Scheme::Whole {
                out.push_str(&key(1, ""));
            }
        }
        out.push_str(line);
        out.push('\n');
    }
    out.into_bytes()
}

fn mpd(bytes: &[u8], scheme: Scheme) -> Vec<u8> {
    let value = if scheme == Scheme::Cenc { "cenc" } else { "cbcs" };
    let descriptor = format!(
        "<ContentProtection xmlns:cenc=\"urn:mpeg:cenc:2013\" schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" \
         value=\"{value}\" cenc:default_KID=\"{}\"/><ContentProtection \
         schemeIdUri=\"urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e\">LAURL</ContentProtection>",
        hex(&name_of(KEYS[0]))
    );
    let mut out = String::new();
    for part in std::str::from_utf8(bytes).unwrap().split_inclusive('>') {
        out.push_str(part);
        let tag = part.trim_start();
        if tag.starts_with("<AdaptationSet") && (tag.contains("video") || tag.contains("audio")) && !tag.ends_with("/>")
        {
            out.push_str(&descriptor);
        }
    }
    out.into_bytes()
}

fn boxes(bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 8 {
        let size = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        out.push((rest[4..8].try_into().unwrap(), &rest[8..size]));
        rest = &rest[size..];
    }
    out
}

fn boxed(kind: &[u8], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap();
    [&size.to_be_bytes(), kind, content].concat()
}

fn init(bytes: &[u8], scheme: Scheme) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, content) in boxes(bytes) {
        let inner = match &kind {
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" => init(content, scheme),
            b"stsd" => {
                let entries: Vec<u8> =
                    boxes(&content[8..]).iter().flat_map(|(kind, body)| entry(kind, body, scheme)).collect();
                [&content[..8], &entries].concat()
            }
            _ => content.to_vec(),
        };
        out.extend(boxed(&kind, &inner));
    }
    out
}

fn is_sound(kind: &[u8; 4]) -> bool {
    matches!(kind, b"mp4a" | b"Opus" | b"ac-3" | b"ec-3" | b"fLaC")
}

fn entry(kind: &[u8; 4], body: &[u8], scheme: Scheme) -> Vec<u8> {
    let id = name_of(KEYS[0]);
    let (name, version, pattern) = match (scheme, is_sound(kind)) {
        (Scheme::Cbcs, true) => (b"cbcs", 1, 0x00),
        (Scheme::Cbcs, false) => (b"cbcs", 1, 0x19),
        (Scheme::Cenc | Scheme::Whole, _) => (b"cenc", 0, 0x00),
    };
    let mut tenc = vec![version, 0, 0, 0, 0, pattern, 1];
    tenc.push(if scheme == Scheme::Cenc { 8 } else { 0 });
    tenc.extend(id);
    if scheme == Scheme::Cbcs {
        tenc.push(16);
        tenc.extend(IV);
    }
    let schm = [&[0; 4][..], name, &[0, 1, 0, 0]].concat();
    let sinf = [boxed(b"frma", kind), boxed(b"schm", &schm), boxed(b"schi", &boxed(b"tenc", &tenc))].concat();
    let locked = if is_sound(kind) { b"enca" } else { b"encv" };
    boxed(locked, &[body, &boxed(b"sinf", &sinf)].concat())
}

/// What a track run says that encryption needs.
struct Run {
    data_offset: usize,
    sizes: Vec<usize>,
    pictures: bool,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn run(traf: &[u8], pictures: bool) -> Run {
    let parts = boxes(traf);
    let find = |wanted: &[u8; 4]| parts.iter().find(|(kind, _)| kind == wanted).unwrap().1;
    let (tfhd, trun) = (find(b"tfhd"), find(b"trun"));
    let head = word(tfhd, 0) & 0xff_ffff;
    assert_eq!(head & 1, 0, "offsets count from the fragment");
    let skip = |flags: &[u32]| flags.iter().filter(|flag| head & **flag != 0).count() * 4;
    let default_size = if head & 0x10 != 0 { word(tfhd, 8 + skip(&[2, 8])) } else { 0 };
    let flags = word(trun, 0) & 0xff_ffff;
    assert_eq!(flags & 1, 1, "the run tells where its data is");
    let count = word(trun, 4) as usize;
    let mut at = 12 + if flags & 4 != 0 { 4 } else { 0 };
    let mut sizes = Vec::new();
    for _ in 0..count {
        at += if flags & 0x100 != 0 { 4 } else { 0 };
        sizes.push(if flags & 0x200 != 0 { word(trun, at) } else { default_size } as usize);
        at += [0x200, 0x400, 0x800].iter().filter(|flag| flags & **flag != 0).count() * 4;
    }
    Run { data_offset: word(trun, 8) as usize, sizes, pictures }
}

fn segment(bytes: &[u8], scheme: Scheme, pictures: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pending: Option<(Run, usize)> = None;
    for (kind, content) in boxes(bytes) {
        match &kind {
            b"moof" => {
                let traf = boxes(content).into_iter().find(|(kind, _)| kind == b"traf").unwrap().1;
                let run = run(traf, pictures);
                out.extend(moof(content, &senc(&run, scheme)));
                pending = Some((run, content.len() + 8));
            }
            b"mdat" => {
                let (run, fragment) = pending.take().unwrap();
                out.extend(boxed(b"mdat", &samples(content, &run, run.data_offset - fragment - 8, scheme)));
            }
            _ => out.extend(boxed(&kind, content)),
        }
    }
    out
}

/// Vectors, and for pictures the parts: a clear beginning and the rest.
fn senc(run: &Run, scheme: Scheme) -> Vec<u8> {
    if scheme == Scheme::Cbcs && !run.pictures {
        return Vec::new();
    }
    let mut body = vec![0, 0, 0, if run.pictures { 2 } else { 0 }];
    body.extend(u32::try_from(run.sizes.len()).unwrap().to_be_bytes());
    for (index, size) in run.sizes.iter().enumerate() {
        if scheme == Scheme::Cenc {
            body.extend(vector(index));
        }
        if run.pictures {
            let clear = CLEAR.min(*size);
            body.extend(1_u16.to_be_bytes());
            body.extend(u16::try_from(clear).unwrap().to_be_bytes());
            body.extend(u32::try_from(size - clear).unwrap().to_be_bytes());
        }
    }
    boxed(b"senc", &body)
}

fn vector(index: usize) -> [u8; 8] {
    (index as u64 * 0x0101_0101_0000 + 7).to_be_bytes()
}

fn moof(content: &[u8], senc: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (kind, part) in boxes(content) {
        if &kind != b"traf" {
            out.extend(boxed(&kind, part));
            continue;
        }
        let mut traf = Vec::new();
        for (kind, part) in boxes(part) {
            let mut part = part.to_vec();
            if &kind == b"trun" {
                let offset = word(&part, 8) + u32::try_from(senc.len()).unwrap();
                part[8..12].copy_from_slice(&offset.to_be_bytes());
            }
            traf.extend(boxed(&kind, &part));
        }
        traf.extend(senc);
        out.extend(boxed(b"traf", &traf));
    }
    boxed(b"moof", &out)
}

fn samples(data: &[u8], run: &Run, begin: usize, scheme: Scheme) -> Vec<u8> {
    let mut out = data.to_vec();
    let mut at = begin;
    for (index, size) in run.sizes.iter().enumerate() {
        let clear = if run.pictures { CLEAR.min(*size) } else { 0 };
        let protected = &mut out[at + clear..at + size];
        if scheme == Scheme::Cenc {
            let mut iv = [0; 16];
            iv[..8].copy_from_slice(&vector(index));
            ctr::Ctr64BE::<Aes128>::new(&KEYS[0].into(), &iv.into()).apply_keystream(protected);
        } else {
            let mut cipher = cbc::Encryptor::<Aes128>::new(&KEYS[0].into(), &IV.into());
            for (number, block) in protected.chunks_exact_mut(16).enumerate() {
                if !run.pictures || number % 10 == 0 {
                    let mut whole: [u8; 16] = block.try_into().unwrap();
                    let mut array = whole.into();
                    cipher.encrypt_block(&mut array);
                    whole = array.into();
                    block.copy_from_slice(&whole);
                }
            }
        }
        at += size;
    }
    out
}
