//! What is recorded of calls and messages, so that it is drawn.
//!
//! A blocking call is a wait of the lane. A message is noted twice: by its sender when the send begins, and by its receiver when the
//! receive is complete. Only then its source, its tag and its size are known, from the status; so a call that ignores the status is
//! given one.

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering::Relaxed;

use course::clock::Moment;
use course::lanes::record::{Message, note_meeting, note_message};
use course::lanes::waiting;
use mpi::ffi::{self, MPI_Status};

use super::calls::{Call, Kind, NONE, is_inside};
use super::state::{self, OperationKind};
use super::{ON, RECORDS, communicators, graph, place};

/// Records a call while `real` runs.
#[cold]
pub fn record(call: &Call, real: impl FnOnce() -> c_int) -> c_int {
    if matches!(call.function.kind, Kind::Other | Kind::Finalize) {
        sent(call);
        let result = real();
        RETURNED.set(Moment::now());
        return result;
    }
    record_wait(call, &[], || {
        let begin = Moment::now();
        sent(call);
        let result = real();
        if matches!(call.function.kind, Kind::Collective | Kind::Synchronizing)
            && let Some(communicator) = communicators::get(call.communicator)
        {
            note_meeting(communicator.id, call.number, call.function.name, begin);
        }
        result
    })
}

/// Records a call that waits for these requests.
#[cold]
pub fn record_wait(call: &Call, requests: &[usize], real: impl FnOnce() -> c_int) -> c_int {
    let what = graph::what(&state::described(call, requests));
    let _waiting = waiting(&what, &place::here().unwrap_or_default());
    let result = real();
    // Within the wait, so that the arrow ends in it.
    RETURNED.set(Moment::now());
    result
}

thread_local! {
    /// When the last recorded call of this thread returned from MPI.
    static RETURNED: Cell<Moment> = const { Cell::new(Moment(0)) };
}

/// Notes the message of an operation that begins.
pub fn begun(call: &Call) {
    if RECORDS.load(Relaxed) && !is_inside() {
        sent(call);
    }
}

fn sent(call: &Call) {
    for operation in state::operations(call) {
        if let OperationKind::Send(peer) = operation.kind {
            let (channel, tag) = (operation.communicator, call.to.1);
            note_message(Message { sent: true, peer, channel, tag, bytes: operation.bytes }, Moment::now());
        }
    }
}

/// Notes the message that a receive has received.
pub fn received(call: &Call, status: *const MPI_Status) {
    if !ON.load(Relaxed) || !RECORDS.load(Relaxed) || is_inside() || call.from.0 == NONE {
        return;
    }
    // SAFETY: MPI has written the status, since no call gets here with the status that is ignored while calls are recorded.
    let (source, tag, bytes) = unsafe {
        let mut bytes = 0;
        ffi::PMPI_Get_count(status, ffi::RSMPI_UINT8_T, &mut bytes);
        ((*status).MPI_SOURCE, (*status).MPI_TAG, bytes)
    };
    let Some(communicator) = communicators::get(call.communicator) else { return };
    let sources = communicator.remote.as_ref().unwrap_or(&communicator.members);
    let peer = usize::try_from(source).ok().and_then(|source| sources.get(source).copied());
    // Without one, the source is MPI_PROC_NULL.
    if let Some(peer) = peer {
        let bytes = u64::try_from(bytes).unwrap_or(0);
        note_message(Message { sent: false, peer, channel: communicator.id, tag, bytes }, RETURNED.get());
    }
}

/// Notes the message of a request that is complete.
pub fn completed(call: &Call, status: *const MPI_Status) {
    received(call, status);
}

/// Calls `then` with the program's status, or with another one if calls are recorded and the program ignores the status.
#[inline(always)]
pub fn with_status<T>(status: *mut MPI_Status, then: impl FnOnce(*mut MPI_Status) -> T) -> T {
    if !RECORDS.load(Relaxed) {
        return then(status);
    }
    // SAFETY: a constant that is never written after the program is loaded.
    if status == unsafe { ffi::RSMPI_STATUS_IGNORE } {
        let mut own = MaybeUninit::<MPI_Status>::zeroed();
        return then(own.as_mut_ptr());
    }
    then(status)
}

/// The same for an array of statuses.
#[inline(always)]
pub fn with_statuses<T>(count: usize, statuses: *mut MPI_Status, then: impl FnOnce(*mut MPI_Status) -> T) -> T {
    if !RECORDS.load(Relaxed) {
        return then(statuses);
    }
    // SAFETY: a constant that is never written after the program is loaded.
    if statuses == unsafe { ffi::RSMPI_STATUSES_IGNORE } {
        let mut own = vec![MaybeUninit::<MPI_Status>::zeroed(); count.max(1)];
        return then(own.as_mut_ptr().cast());
    }
    then(statuses)
}

/// The status with this index. It may be read only while calls are recorded.
pub fn at(statuses: *mut MPI_Status, index: usize) -> *const MPI_Status {
    statuses.wrapping_add(index)
}
