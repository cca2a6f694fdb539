//! The checker's atomics, and a futex made of the checker's lock. A sleep here has no limit, so a lost wake-up is a deadlock.

use std::io;
use std::ops::Deref;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use serde::{Deserialize, Serialize};
pub use shuttle::sync::atomic::{AtomicU32, fence};
use shuttle::sync::{Condvar, Mutex};
pub use shuttle::thread::yield_now;

/// No core: then no thread looks before it sleeps. The looks would only make the schedules longer.
pub fn cores() -> usize {
    0
}

#[derive(Default)]
struct Sleepers {
    next: u64,
    /// The address on which each thread sleeps, and the thread's number.
    asleep: Vec<(usize, u64)>,
}

shuttle::lazy_static! {
    static ref SLEEPERS: (Mutex<Sleepers>, Condvar) = <_>::default();
}

fn place(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
}

pub fn sleep(word: &AtomicU32, value: u32, _no_limit: Duration) {
    let mut sleepers = SLEEPERS.0.lock().unwrap();
    if word.load(SeqCst) != value {
        return;
    }
    let this = (place(word), sleepers.next);
    sleepers.next += 1;
    sleepers.asleep.push(this);
    while sleepers.asleep.contains(&this) {
        sleepers = SLEEPERS.1.wait(sleepers).unwrap();
    }
}

pub fn wake(word: &AtomicU32, most: u32) {
    let mut woken = 0;
    SLEEPERS.0.lock().unwrap().asleep.retain(|&(at, _)| {
        let wake = at == place(word) && woken < most;
        woken += u32::from(wake);
        !wake
    });
    SLEEPERS.1.notify_all();
}

/// Memory of one process: all threads of the checker are in one process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SharedAtomics<A> {
    #[serde(skip)]
    all: Arc<Vec<A>>,
}

impl<A> Clone for SharedAtomics<A> {
    fn clone(&self) -> Self {
        Self { all: Arc::clone(&self.all) }
    }
}

impl<A: Default> SharedAtomics<A> {
    pub fn new(count: usize) -> io::Result<Self> {
        Ok(Self { all: Arc::new((0..count).map(|_| A::default()).collect()) })
    }
}

impl<A> SharedAtomics<A> {
    /// No report of a hang asks which semaphore this is, so any descriptor will do.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        rustix::stdio::stdin()
    }
}

impl<A> Deref for SharedAtomics<A> {
    type Target = [A];

    fn deref(&self) -> &[A] {
        &self.all
    }
}
