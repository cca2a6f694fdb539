//! The requests of this rank: operations that have begun, and that a later call completes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::calls::{self, Call};

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The call that began it.
    pub call: Call,
    /// Whether it is under way: a persistent request is so only between its start and its completion.
    pub active: bool,
    pub persistent: bool,
    /// No other operation of this rank has this number: MPI gives the handle of a complete request to the next one.
    serial: u64,
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A request that a call is given. When the call returns, another thread's operation may have the same handle.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    pub handle: usize,
    serial: Option<u64>,
}

/// The request that a call is given with this handle.
pub fn given(handle: usize) -> Given {
    let serial = || requests().get(&handle).map_or(0, |request| request.serial);
    Given { handle, serial: calls::others_may_call().then(serial) }
}

static REQUESTS: LazyLock<Mutex<HashMap<usize, Request>>> = LazyLock::new(Mutex::default);

fn requests() -> MutexGuard<'static, HashMap<usize, Request>> {
    REQUESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Handles that stand for no operation: that of a request which is complete when it is returned, and which many operations share.
static COMPLETE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Says that a handle stands for requests that are complete.
pub fn is_always_complete(handle: usize) {
    COMPLETE.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
}

/// Whether nothing has to be done for this request.
pub fn is_complete(handle: usize) -> bool {
    COMPLETE.lock().unwrap_or_else(PoisonError::into_inner).contains(&handle)
}

/// An operation has begun.
pub fn begun(handle: usize, call: Call) {
    if is_complete(handle) {
        return;
    }
    let serial = NEXT.fetch_add(1, Relaxed);
    let before = requests().insert(handle, Request { call, active: true, persistent: false, serial });
    // Another thread may have completed the one before and not have come so far as to say so.
    if before.is_some_and(|before| before.active) && !calls::others_may_call() {
        // Two operations under way never share a handle, so this one stands for operations that are complete.
        requests().remove(&handle);
        is_always_complete(handle);
    }
}

/// A persistent request has been made.
pub fn made(handle: usize, call: Call) {
    let serial = NEXT.fetch_add(1, Relaxed);
    requests().insert(handle, Request { call, active: false, persistent: true, serial });
}

/// A persistent request has been started. Returns the call that made it.
pub fn started(handle: usize) -> Option<Call> {
    let mut requests = requests();
    let request = requests.get_mut(&handle)?;
    request.active = true;
    Some(request.call)
}

/// An operation is complete. Returns the call that began it.
pub fn completed(Given { handle, serial }: Given) -> Option<Call> {
    let mut requests = requests();
    let request = requests.get_mut(&handle).filter(|request| request.active)?;
    if serial.is_some_and(|serial| serial != request.serial) {
        return None;
    }
    request.active = false;
    let call = request.call;
    if !request.persistent {
        requests.remove(&handle);
    }
    Some(call)
}

/// A request has been freed. Its operation may still be under way, but no call can wait for it any more.
pub fn freed(handle: usize) {
    requests().remove(&handle);
}

/// The request with this handle.
pub fn get(handle: usize) -> Option<Request> {
    requests().get(&handle).copied()
}

/// The calls that began operations which are under way, as far as is known.
pub fn active() -> Vec<Call> {
    requests().values().filter(|request| request.active).map(|request| request.call).collect()
}
