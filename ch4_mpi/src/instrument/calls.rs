//! Which call of MPI each thread of this rank is in.
//!
//! A thread writes its current call into a slot of its own, without locks: a few stores for each call. The watcher reads the slot
//! of another thread only when the thread has not moved for a while, and looks afterwards whether it has moved meanwhile.

use std::cell::Cell;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, AtomicUsize};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The current or last call of a thread.
#[derive(Debug)]
pub struct Slot {
    /// How often the thread has entered or left a call. Odd: it is in a call.
    moves: AtomicU64,
    function: AtomicPtr<Function>,
    to: AtomicI32,
    to_tag: AtomicI32,
    from: AtomicI32,
    from_tag: AtomicI32,
    count: AtomicI32,
    root: AtomicI32,
    communicator: AtomicUsize,
    datatype: AtomicUsize,
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

#[inline(always)]
fn own() -> &'static Slot {
    SLOT.get().unwrap_or_else(new_slot)
}

#[cold]
fn new_slot() -> &'static Slot {
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    let slot: &'static Slot = Box::leak(Box::new(Slot {
        moves: 0.into(),
        function: AtomicPtr::new((&raw const UNKNOWN).cast_mut()),
        to: NONE.into(),
        to_tag: NONE.into(),
        from: NONE.into(),
        from_tag: NONE.into(),
        count: 0.into(),
        root: NONE.into(),
        communicator: 0.into(),
        datatype: 0.into(),
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

/// The thread enters a call. `None` if it is in a call already: MPI calls its own functions.
#[inline(always)]
pub fn enter(call: &Call) -> Option<Entered> {
    let slot = own();
    let moves = slot.moves.load(Relaxed);
    if moves % 2 == 1 {
        return None;
    }
    slot.function.store(std::ptr::from_ref(call.function).cast_mut(), Relaxed);
    slot.to.store(call.to.0, Relaxed);
    slot.to_tag.store(call.to.1, Relaxed);
    slot.from.store(call.from.0, Relaxed);
    slot.from_tag.store(call.from.1, Relaxed);
    slot.communicator.store(call.communicator, Relaxed);
    slot.count.store(call.count, Relaxed);
    slot.datatype.store(call.datatype, Relaxed);
    slot.root.store(call.root, Relaxed);
    slot.number.store(call.number, Relaxed);
    slot.moves.store(moves + 1, Release);
    Some(Entered { slot, moves: moves + 2 })
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

/// How often each thread that ever called MPI has moved. Threads that have ended are left out.
pub fn moves() -> Vec<u64> {
    slots().iter().map(|slot| slot.look()).collect()
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
        if self.moves.load(Relaxed) % 2 == 0 {
            return None;
        }
        let call = Call {
            // SAFETY: the slot holds only pointers that were made from `&'static Function`.
            function: unsafe { &*self.function.load(Relaxed) },
            to: (self.to.load(Relaxed), self.to_tag.load(Relaxed)),
            from: (self.from.load(Relaxed), self.from_tag.load(Relaxed)),
            communicator: self.communicator.load(Relaxed),
            count: self.count.load(Relaxed),
            datatype: self.datatype.load(Relaxed),
            root: self.root.load(Relaxed),
            number: self.number.load(Relaxed),
        };
        Some((call, locked(&self.requests).clone()))
    }
}
