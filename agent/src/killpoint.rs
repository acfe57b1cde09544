//! Points at which a test interferes: steps at which it ends the process as a kill or a power cut would, and accesses to
//! the disk that it lets fail.
//!
//! They exist where the compiler's debug assertions do, so never in a program that is shipped: there each is an
//! empty function. `KATHEA_KILL_AT=fold.put:3` ends the process when it comes to `fold.put` for the third time; a
//! simulation watches the points of its own thread ([`watch`]).

use std::io;
use std::path::Path;
#[cfg(debug_assertions)]
use std::{
    cell::RefCell,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Where the code has come to.
#[derive(Clone, Copy, Debug)]
pub enum Point<'a> {
    /// A step between two durable changes.
    Step(&'a str),
    /// A file or directory is about to be read.
    Read(&'a Path),
    /// A file is about to be written or synced.
    Write(&'a Path),
}

/// Called at each point of a thread; what it returns is what the disk says.
#[cfg(debug_assertions)]
pub type Watch = Box<dyn FnMut(Point<'_>) -> io::Result<()>>;

#[cfg(debug_assertions)]
thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// From now on `watch` is called at each point of this thread. A panic in it ends the watch.
#[cfg(debug_assertions)]
pub fn watch(watch: Option<Watch>) {
    WATCH.replace(watch);
}

#[cfg(debug_assertions)]
fn watched(point: Point<'_>) -> io::Result<()> {
    let Some(mut watch) = WATCH.take() else { return Ok(()) };
    let said = watch(point);
    WATCH.replace(Some(watch));
    said
}

/// Acts, and counts the generations of a queue that are read by sled meanwhile.
#[cfg(test)]
pub(crate) fn openings<T>(act: impl FnOnce() -> T) -> (T, u32) {
    let opened = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = std::rc::Rc::clone(&opened);
    watch(Some(Box::new(move |point| {
        let is_generation = matches!(point, Point::Read(path) if path.join("db").exists());
        count.set(count.get() + u32::from(is_generation));
        Ok(())
    })));
    let done = act();
    watch(None);
    (done, opened.get())
}

/// Acts up to the step of this number, the first is 0. True if it was cut there, as by a kill.
#[cfg(test)]
pub(crate) fn cut(step: usize, act: impl FnOnce()) -> bool {
    struct Killed;
    let mut left = step;
    watch(Some(Box::new(move |point| {
        if matches!(point, Point::Step(_)) {
            match left.checked_sub(1) {
                Some(fewer) => left = fewer,
                None => std::panic::resume_unwind(Box::new(Killed)),
            }
        }
        Ok(())
    })));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
    watch(None);
    match done {
        Err(why) if !why.is::<Killed>() => std::panic::resume_unwind(why),
        done => done.is_err(),
    }
}

/// The process ends here, if the environment or a test says so. `name` is subsystem and step, `fold.put`.
#[cfg(debug_assertions)]
pub fn step(name: &str) {
    static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static LEFT: AtomicU64 = AtomicU64::new(0);
    let asked = ASKED.get_or_init(|| {
        let (name, time) = std::env::var("KATHEA_KILL_AT").ok()?.rsplit_once(':').map(owned)?;
        LEFT.store(time, Ordering::Relaxed);
        Some((name, time))
    });
    if asked.as_ref().is_some_and(|(asked, _)| asked == name) && LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        std::process::abort();
    }
    let _ = watched(Point::Step(name));
}

#[cfg(debug_assertions)]
fn owned((name, time): (&str, &str)) -> (String, u64) {
    (name.to_owned(), time.parse().unwrap_or(1))
}

/// A file or directory is about to be read: what the disk says.
///
/// # Errors
/// What a test wants it to say.
#[cfg(debug_assertions)]
pub fn read(path: &Path) -> io::Result<()> {
    watched(Point::Read(path))
}

/// A file is about to be written or synced: what the disk says.
///
/// # Errors
/// What a test wants it to say.
#[cfg(debug_assertions)]
pub fn write(path: &Path) -> io::Result<()> {
    watched(Point::Write(path))
}

/// Nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn step(_: &str) {}

/// Nothing.
///
/// # Errors
/// None.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn read(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Nothing.
///
/// # Errors
/// None.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn write(_: &Path) -> io::Result<()> {
    Ok(())
}
