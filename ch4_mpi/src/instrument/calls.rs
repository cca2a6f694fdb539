//! Which call of MPI each thread of this rank is in.
//!
//! A thread writes its current call into a slot of its own, without locks: a few stores for each call. The watcher reads the slot
//! of another thread only when the thread has not moved for a while, and looks afterwards whether it has moved meanwhile.

use std::cell::Cell;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, AtomicUsize};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use course::clock::Moment;

/// A function of MPI.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: &'static str,
    pub kind: Kind,
}

/// For what a call of a function can block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For the receiver.
    Send,
    /// For the sender.
    Receive,
    /// For both.
    SendReceive,
    /// For all requests that it is given.
    WaitAll,
    /// For one of the requests that it is given.
    WaitAny,
    /// For some ranks of the communicator.
    Collective,
    /// For all ranks of the communicator: none leaves before the last one has entered.
    Synchronizing,
    /// For the end of all ranks.
    Finalize,
    /// For nothing, or for something that the instrument does not know.
    Other,
}

/// A call of which nothing is known yet.
pub static UNKNOWN: Function = Function { name: "MPI", kind: Kind::Other };

/// The peer or the tag of a call that has none.
pub const NONE: i32 = i32::MIN;

/// What a thread tells of the call that it enters. Handles are words: a communicator and a datatype of MPI are pointers or
/// numbers.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub function: &'static Function,
    /// The rank in the communicator to which the call sends, and the tag.
    pub to: (i32, i32),
    /// The rank in the communicator from which the call receives, and the tag.
    pub from: (i32, i32),
    pub communicator: usize,
    /// The number of elements; of bytes if there is no datatype.
    pub count: i32,
    pub datatype: usize,
    /// The root of a collective.
    pub root: i32,
    /// The number of the collective on its communicator.
    pub number: u64,
}

impl Call {
    /// A call of this function, about which nothing else is known.
    pub const fn of(function: &'static Function) -> Self {
        Self {
            function,
            to: (NONE, NONE),
            from: (NONE, NONE),
            communicator: 0,
            count: 0,
            datatype: 0,
            root: NONE,
            number: 0,
        }
    }
}

/// The current or last call of a thread. What a send or a receive writes stands in one line of the cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Slot {
    /// How often the thread has entered or left a call. Odd: it is in a call.
    moves: AtomicU64,
    function: AtomicPtr<Function>,
    /// To which rank the call sends, and the tag; of a receive: from which rank.
    peer: AtomicU64,
    communicator: AtomicUsize,
    datatype: AtomicUsize,
    count: AtomicI32,
    root: AtomicI32,
    /// From which rank a call receives that also sends, and the tag.
    from: AtomicU64,
    number: AtomicU64,
    /// The requests for which the call waits.
    requests: Mutex<Vec<usize>>,
    /// The kernel's number of the thread.
    pub thread: i32,
    /// The moves that the watcher saw last, and when it saw them first, in nanoseconds of the machine's clock.
    seen: AtomicU64,
    seen_since: AtomicU64,
}

static SLOTS: Mutex<Vec<&'static Slot>> = Mutex::new(Vec::new());

thread_local! {
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic under these locks leaves nothing half changed.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The threads of the process when MPI had begun, if others may call MPI later.
static FIRST_THREADS: OnceLock<Vec<i32>> = OnceLock::new();

/// Says that other threads may call MPI, also threads that have not called it yet.
pub fn may_be_called_by_others() {
    // This thread may sleep or compute without having called a function that is noted.
    own();
    let _ = FIRST_THREADS.set(threads());
}

fn threads() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.filter_map(|task| task.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a thread may call MPI that has not called it yet: it computes, sleeps, reads, or waits for anything but another thread
/// of this process. Threads of MPI, which were there when it had begun, do not count.
pub fn another_thread_may_call() -> bool {
    let Some(first) = FIRST_THREADS.get() else { return false };
    let known: Vec<i32> = slots().iter().map(|slot| slot.thread).collect();
    let is_ours = |thread: i32| {
        let name = of_thread(thread, "comm");
        name.starts_with("hang ") || name.starts_with("ctrl-c")
    };
    let mut others = threads().into_iter().filter(|thread| !first.contains(thread) && !known.contains(thread));
    others.any(|thread| !is_ours(thread) && !waits_for_a_thread(thread))
}

/// Whether other threads than the one that has begun MPI may call it.
pub fn others_may_call() -> bool {
    FIRST_THREADS.get().is_some()
}

/// Whether a thread waits, without a limit, until another thread wakes it: for its end, a lock, or a condition.
fn waits_for_a_thread(thread: i32) -> bool {
    let call = of_thread(thread, "syscall");
    let mut words = call.split(' ');
    let number = words.next().and_then(|number| number.parse().ok());
    // The time limit is the fourth argument.
    number == Some(libc::SYS_futex) && words.nth(3).is_some_and(|limit| limit == "0x0")
}

fn of_thread(thread: i32, file: &str) -> String {
    std::fs::read_to_string(format!("/proc/self/task/{thread}/{file}")).unwrap_or_default()
}

/// The slot of the only thread that calls MPI, if there is only one: a library finds it faster than a variable of the thread.
static ONLY: AtomicPtr<Slot> = AtomicPtr::new(std::ptr::null_mut());

/// Says that no thread but this one calls MPI.
pub fn is_only_thread() {
    ONLY.store(std::ptr::from_ref(own()).cast_mut(), Release);
}

#[inline(always)]
fn own() -> &'static Slot {
    // SAFETY: a pointer that is not null was made from a `&'static Slot`, by this thread.
    match unsafe { ONLY.load(Relaxed).as_ref() } {
        Some(only) => only,
        None => SLOT.get().unwrap_or_else(new_slot),
    }
}

#[cold]
fn new_slot() -> &'static Slot {
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    let slot: &'static Slot = Box::leak(Box::new(Slot {
        moves: 0.into(),
        function: AtomicPtr::new((&raw const UNKNOWN).cast_mut()),
        peer: 0.into(),
        communicator: 0.into(),
        datatype: 0.into(),
        count: 0.into(),
        root: NONE.into(),
        from: 0.into(),
        number: 0.into(),
        requests: Mutex::default(),
        thread,
        seen: u64::MAX.into(),
        seen_since: 0.into(),
    }));
    SLOT.set(Some(slot));
    locked(&SLOTS).push(slot);
    slot
}

/// A thread is in a call until this is dropped.
#[derive(Debug)]
pub struct Entered {
    slot: &'static Slot,
    moves: u64,
}

/// A rank and a tag in one word, so that one store writes both.
#[inline(always)]
fn packed((rank, tag): (i32, i32)) -> u64 {
    u64::from(rank as u32) << 32 | u64::from(tag as u32)
}

fn unpacked(both: u64) -> (i32, i32) {
    ((both >> 32) as i32, both as i32)
}

/// The thread enters a send or a receive, which must cost as little as possible: only what such a call has is written. `None` if
/// the thread is in a call already: MPI calls its own functions.
#[inline(always)]
pub fn enter_message(
    function: &'static Function,
    peer: (i32, i32),
    communicator: usize,
    count: i32,
    datatype: usize,
) -> Option<Entered> {
    let slot = own();
    let moves = slot.moves.load(Relaxed);
    if moves % 2 == 1 {
        return None;
    }
    slot.function.store(std::ptr::from_ref(function).cast_mut(), Relaxed);
    slot.peer.store(packed(peer), Relaxed);
    slot.communicator.store(communicator, Relaxed);
    slot.datatype.store(datatype, Relaxed);
    slot.count.store(count, Relaxed);
    slot.moves.store(moves.wrapping_add(1), Release);
    Some(Entered { slot, moves: moves.wrapping_add(2) })
}

/// The thread enters any call. `None` if it is in a call already.
pub fn enter(call: &Call) -> Option<Entered> {
    if is_inside() {
        return None;
    }
    let slot = own();
    slot.root.store(call.root, Relaxed);
    slot.from.store(packed(call.from), Relaxed);
    slot.number.store(call.number, Relaxed);
    let peer = if call.function.kind == Kind::Receive { call.from } else { call.to };
    enter_message(call.function, peer, call.communicator, call.count, call.datatype)
}

/// The same for a call that waits for requests.
pub fn enter_wait(call: &Call, requests: impl Iterator<Item = usize>) -> Option<Entered> {
    if is_inside() {
        return None;
    }
    let mut waited = locked(&own().requests);
    waited.clear();
    waited.extend(requests);
    drop(waited);
    enter(call)
}

/// Whether the thread is in a call.
pub fn is_inside() -> bool {
    own().moves.load(Relaxed) % 2 == 1
}

impl Drop for Entered {
    #[inline(always)]
    fn drop(&mut self) {
        self.slot.moves.store(self.moves, Release);
    }
}

/// How often each thread that ever called MPI has moved, and whether it is still: in a call, or waiting for another thread.
/// Threads that have ended are left out.
pub fn moves() -> Vec<(u64, Stillness)> {
    let stillness = |slot: &Slot, moves: u64| match moves % 2 {
        1 => Stillness::Inside,
        _ if others_may_call() && waits_for_a_thread(slot.thread) => Stillness::WaitsForThread,
        _ => Stillness::Outside,
    };
    let looked = slots().into_iter().map(|slot| (slot.look(), slot));
    looked.map(|(moves, slot)| (moves, stillness(slot, moves))).collect()
}

/// Whether a thread is in MPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stillness {
    /// In a call.
    Inside,
    /// Outside, but it waits for another thread of this process.
    WaitsForThread,
    /// Outside.
    Outside,
}

/// The slots of the threads that ever called MPI and have not ended.
pub fn slots() -> Vec<&'static Slot> {
    let mut slots = locked(&SLOTS);
    // A number of a thread may be given to another thread of this process. Then the slot stays for longer, which does no harm.
    slots.retain(|slot| std::fs::exists(format!("/proc/self/task/{}", slot.thread)).unwrap_or(true));
    slots.clone()
}

impl Slot {
    fn look(&self) -> u64 {
        let moves = self.moves.load(Relaxed);
        if self.seen.swap(moves, Relaxed) != moves {
            self.seen_since.store(Moment::now().0, Relaxed);
        }
        moves
    }

    /// Since when the thread has been in its call, as far as the watcher has seen.
    pub fn still_since(&self) -> Option<u64> {
        (self.seen.load(Relaxed) == self.moves.load(Relaxed)).then(|| self.seen_since.load(Relaxed))
    }

    /// The thread's call and the requests for which it waits; `None` if it is in no call.
    pub fn current(&self) -> Option<(Call, Vec<usize>)> {
        if self.moves.load(Relaxed).is_multiple_of(2) {
            return None;
        }
        // SAFETY: the slot holds only pointers that were made from `&'static Function`.
        let function: &'static Function = unsafe { &*self.function.load(Relaxed) };
        let peer = unpacked(self.peer.load(Relaxed));
        let (communicator, datatype) = (self.communicator.load(Relaxed), self.datatype.load(Relaxed));
        let message = Call { communicator, datatype, count: self.count.load(Relaxed), ..Call::of(function) };
        let call = match function.kind {
            Kind::Send => Call { to: peer, ..message },
            Kind::Receive => Call { from: peer, ..message },
            _ => Call {
                to: peer,
                from: unpacked(self.from.load(Relaxed)),
                root: self.root.load(Relaxed),
                number: self.number.load(Relaxed),
                ..message
            },
        };
        Some((call, locked(&self.requests).clone()))
    }
}
