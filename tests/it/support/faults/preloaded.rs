//! Loaded into the program before all other libraries (`LD_PRELOAD`): stands in for the C library's calls on files,
//! writes down those within one folder, and strikes where it was told. Built and described by `support/faults`.

use std::ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn raise(signal: c_int) -> c_int;
    fn __errno_location() -> *mut c_int;
}

const SIGKILL: c_int = 9;

/// The next library's function of that name (`RTLD_NEXT` is -1).
macro_rules! real {
    ($name:literal, $kind:ty) => {{
        static FOUND: OnceLock<usize> = OnceLock::new();
        let found = FOUND.get_or_init(|| unsafe { dlsym(-1isize as *mut c_void, $name.as_ptr()) } as usize);
        unsafe { std::mem::transmute::<usize, $kind>(*found) }
    }};
}

/// What to do to which calls: `linkat 1 3 5` fails the first three with error 5; 0 kills instead of failing.
struct Strike {
    call: String,
    calls: std::ops::RangeInclusive<u64>,
    error: c_int,
}

struct Orders {
    folder: PathBuf,
    log: PathBuf,
    strikes: Vec<Strike>,
    /// Calls so far, by name.
    seen: Mutex<Vec<(&'static str, u64)>>,
}

/// Read once from the environment; `None` where nothing is to be watched.
fn orders() -> Option<&'static Orders> {
    static ORDERS: OnceLock<Option<Orders>> = OnceLock::new();
    let read = || {
        let folder = std::env::var_os("FAULTS_FOLDER")?.into();
        let log = std::env::var_os("FAULTS_LOG")?.into();
        let strikes = std::env::var("FAULTS_STRIKES").unwrap_or_default();
        let strikes = strikes.split(';').filter_map(strike).collect();
        Some(Orders { folder, log, strikes, seen: Mutex::default() })
    };
    ORDERS.get_or_init(read).as_ref()
}

fn strike(words: &str) -> Option<Strike> {
    let mut words = words.split(' ');
    let call = words.next()?.to_owned();
    let calls = words.next()?.parse().ok()?..=words.next()?.parse().ok()?;
    Some(Strike { call, calls, error: words.next()?.parse().ok()? })
}

/// Notes a call on a file; the error that it is to fail with.
fn strikes(call: &'static str, path: &Path) -> Option<c_int> {
    let orders = orders()?;
    let name = path.strip_prefix(&orders.folder).ok()?.display().to_string();
    let mut seen = orders.seen.lock().unwrap();
    if let Ok(mut log) = OpenOptions::new().append(true).create(true).open(&orders.log) {
        let _ = log.write_all(format!("{call} {name}\n").as_bytes());
    }
    let at = seen.iter().position(|(name, _)| *name == call).unwrap_or_else(|| {
        seen.push((call, 0));
        seen.len() - 1
    });
    seen[at].1 += 1;
    let count = seen[at].1;
    let strike = orders.strikes.iter().find(|strike| strike.call == call && strike.calls.contains(&count))?;
    if strike.error == 0 {
        unsafe { raise(SIGKILL) };
    }
    Some(strike.error)
}

fn path_of(name: *const c_char) -> PathBuf {
    OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()).into()
}

fn file_of(descriptor: c_int) -> PathBuf {
    std::fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap_or_default()
}

fn failing(error: c_int) -> c_int {
    unsafe { *__errno_location() = error };
    -1
}

#[unsafe(no_mangle)]
pub extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    match strikes("rename", &path_of(to)) {
        Some(error) => failing(error),
        None => real!(c"rename", extern "C" fn(*const c_char, *const c_char) -> c_int)(from, to),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn linkat(
    from_folder: c_int,
    from: *const c_char,
    folder: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    type Linkat = extern "C" fn(c_int, *const c_char, c_int, *const c_char, c_int) -> c_int;
    match strikes("linkat", &path_of(to)) {
        Some(error) => failing(error),
        None => real!(c"linkat", Linkat)(from_folder, from, folder, to, flags),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn unlink(name: *const c_char) -> c_int {
    match strikes("unlink", &path_of(name)) {
        Some(error) => failing(error),
        None => real!(c"unlink", extern "C" fn(*const c_char) -> c_int)(name),
    }
}

/// The C function takes its mode as a variable argument, which an integer in a register is as well.
#[unsafe(no_mangle)]
pub extern "C" fn open64(name: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    match strikes("open", &path_of(name)) {
        Some(error) => failing(error),
        None => real!(c"open64", extern "C" fn(*const c_char, c_int, c_uint) -> c_int)(name, flags, mode),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(descriptor: c_int) -> c_int {
    match strikes("fsync", &file_of(descriptor)) {
        Some(error) => failing(error),
        None => real!(c"fsync", extern "C" fn(c_int) -> c_int)(descriptor),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn close(descriptor: c_int) -> c_int {
    match strikes("close", &file_of(descriptor)) {
        Some(error) => failing(error),
        None => real!(c"close", extern "C" fn(c_int) -> c_int)(descriptor),
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn write(descriptor: c_int, bytes: *const c_void, length: usize) -> isize {
    match strikes("write", &file_of(descriptor)) {
        Some(error) => failing(error) as isize,
        None => {
            real!(c"write", extern "C" fn(c_int, *const c_void, usize) -> isize)(descriptor, bytes, length)
        }
    }
}
