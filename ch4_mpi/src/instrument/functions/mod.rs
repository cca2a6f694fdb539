//! The functions of MPI, as the program calls them: each notes the call and calls the function of MPI under its second name.
//!
//! MPI gives every function a second name, `PMPI_...`, so that a tool can take the first one (MPI 4.1, chapter 15, "The Profiling
//! Interface"). The linker prefers these functions to those of the MPI library.

#![allow(non_snake_case, clippy::missing_safety_doc, missing_docs, reason = "the functions are those of the standard")]

macro_rules! function {
    ($name:ident, $kind:ident) => {{
        static FUNCTION: Function = Function { name: stringify!($name), kind: Kind::$kind };
        &FUNCTION
    }};
}

/// Calls on a window or a file, which has a communicator of its own (`$object`).
macro_rules! on_objects {
    ($($kind:ident $name:ident $real:ident ($($arg:ident: $type:ty),*) $object:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> c_int {
            // SAFETY: the arguments are the program's own.
            let real = || unsafe { ffi::$real($($arg),*) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            note(&call_on_object(function!($name, $kind), word($object)), real)
        }
    )*};
}

mod collectives;
mod communicators;
mod ends;
mod files;
mod fortran;
mod receives;
mod requests;
mod sends;
mod windows;

use std::ffi::{c_char, c_int, c_void};
use std::slice;
use std::sync::atomic::Ordering::Relaxed;

use mpi::ffi::{
    self, MPI_Aint, MPI_Comm, MPI_Datatype, MPI_File, MPI_Group, MPI_Info, MPI_Message, MPI_Op, MPI_Request,
    MPI_Status, MPI_Win,
};

use super::calls::{Call, Entered, Function, Kind, NONE, enter, enter_message, enter_wait, is_inside};
use super::communicators::{self as known, Creation};
use super::{ON, RECORDS, STRICT_SENDS, messages as recorded, requests as pending};

pub use ends::{finalize, finalize_with_mpi};

/// A handle of MPI as a word: a pointer or a number.
#[inline(always)]
pub fn word<T: Copy>(handle: T) -> usize {
    const { assert!(size_of::<T>() == 4 || size_of::<T>() == size_of::<usize>()) };
    // SAFETY: a handle has one of these sizes, and each bit pattern of it is a number.
    unsafe {
        if size_of::<T>() == 4 {
            std::mem::transmute_copy::<T, u32>(&handle) as usize
        } else {
            std::mem::transmute_copy::<T, usize>(&handle)
        }
    }
}

/// The bytes of this number of elements.
pub fn bytes_of(count: c_int, datatype: MPI_Datatype) -> c_int {
    let mut size = 0;
    if count > 0 && datatype != null_datatype() {
        // SAFETY: the program has just passed this datatype to MPI.
        unsafe { ffi::PMPI_Type_size(datatype, &mut size) };
    }
    count.saturating_mul(size).max(0)
}

fn null_datatype() -> MPI_Datatype {
    // SAFETY: a constant that is never written after the program is loaded.
    unsafe { ffi::RSMPI_DATATYPE_NULL }
}

/// The same for a datatype whose handle was kept as a word.
pub fn bytes_of_word(count: c_int, datatype: usize) -> c_int {
    // SAFETY: the word was made from a datatype.
    bytes_of(count, unsafe { from_word(datatype) })
}

/// The handle from which a word was made.
///
/// # Safety
/// The word was made from a handle of this type.
unsafe fn from_word<T: Copy>(word: usize) -> T {
    const { assert!(size_of::<T>() == 4 || size_of::<T>() == size_of::<usize>()) };
    // SAFETY: a handle has the size of a word or of its lower half, and the caller promises that it is a handle.
    unsafe {
        if size_of::<T>() == 4 {
            std::mem::transmute_copy::<u32, T>(&(word as u32))
        } else {
            std::mem::transmute_copy::<usize, T>(&word)
        }
    }
}

/// Notes a send or a receive while `real` runs.
#[inline(always)]
fn note_message(
    function: &'static Function,
    (peer, tag): (c_int, c_int),
    comm: MPI_Comm,
    count: c_int,
    datatype: MPI_Datatype,
    real: impl FnOnce() -> c_int,
) -> c_int {
    if !ON.load(Relaxed) {
        return real();
    }
    let Some(entered) = enter_message(function, (peer, tag), word(comm), count, word(datatype)) else { return real() };
    if RECORDS.load(Relaxed) {
        return record_message(entered, function, (peer, tag), comm, count, datatype, real);
    }
    real()
}

#[cold]
#[inline(never)]
fn record_message(
    _entered: Entered,
    function: &'static Function,
    peer: (c_int, c_int),
    comm: MPI_Comm,
    count: c_int,
    datatype: MPI_Datatype,
    real: impl FnOnce() -> c_int,
) -> c_int {
    let call = Call { communicator: word(comm), count, datatype: word(datatype), ..Call::of(function) };
    let call = match function.kind {
        Kind::Send => Call { to: peer, ..call },
        _ => Call { from: peer, ..call },
    };
    recorded::record(&call, real)
}

/// Notes any call while `real` runs.
fn note(call: &Call, real: impl FnOnce() -> c_int) -> c_int {
    if !ON.load(Relaxed) {
        return real();
    }
    let Some(_entered) = enter(call) else { return real() };
    if !RECORDS.load(Relaxed) {
        return real();
    }
    recorded::record(call, real)
}

#[cold]
fn collective(
    function: &'static Function,
    communicator: MPI_Comm,
    bytes: impl FnOnce() -> c_int,
    root: c_int,
    real: impl FnOnce() -> c_int,
) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    note(&collective_call(function, communicator, bytes(), root), real)
}

fn collective_call(function: &'static Function, communicator: MPI_Comm, bytes: c_int, root: c_int) -> Call {
    counted(function, word(communicator), bytes, root)
}

/// A collective on the communicator with this handle, which is counted there.
fn counted(function: &'static Function, communicator: usize, bytes: c_int, root: c_int) -> Call {
    let number = known::count(communicator, function.name, root);
    Call { communicator, count: bytes, root, number, ..Call::of(function) }
}

/// A call that begins an operation and returns: the request is kept.
fn begin(call: Call, request: *mut MPI_Request, real: impl FnOnce() -> c_int) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    recorded::begun(&call);
    let result = {
        let _entered = enter(&call);
        real()
    };
    if result == SUCCESS {
        // SAFETY: MPI has written the request.
        pending::begun(word(unsafe { *request }), call);
    }
    result
}

/// A call that creates a window or a file: `how` says which.
fn create_object<T: Copy>(
    how: &str,
    function: &'static Function,
    comm: MPI_Comm,
    object: *mut T,
    real: impl FnOnce() -> c_int,
) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = collective_call(function, comm, 0, NONE);
    let result = note(&call, real);
    if result == SUCCESS {
        known::created_object(call.communicator, call.number, how, word(pointed(object)));
    }
    result
}

/// A call on a window or a file.
fn call_on_object(function: &'static Function, object: usize) -> Call {
    let communicator = known::of_object(object);
    match function.kind {
        Kind::Other => Call { communicator, ..Call::of(function) },
        _ => counted(function, communicator, 0, NONE),
    }
}

/// A call that frees a window or a file. Another thread may get its handle for a new one before this thread is back.
fn free_object(function: &'static Function, object: usize, real: impl FnOnce() -> c_int) -> c_int {
    let call = call_on_object(function, object);
    known::forget_object(object);
    let result = note(&call, real);
    known::forget(call.communicator);
    result
}

/// A call that frees a communicator. It may wait for operations that are under way.
fn free_communicator(function: &'static Function, communicator: usize, real: impl FnOnce() -> c_int) -> c_int {
    let before = known::id(communicator);
    let result = note(&Call { communicator, ..Call::of(function) }, real);
    // Another thread may have got its handle for a new one.
    if known::id(communicator) == before {
        known::forget(communicator);
    }
    result
}

/// A call that may wait for any rank of this world.
fn of_world(function: &'static Function) -> Call {
    // SAFETY: a constant that is never written after the program is loaded.
    Call { communicator: word(unsafe { ffi::RSMPI_COMM_WORLD }), ..Call::of(function) }
}

/// Waits until the messages in the buffer have been sent: for any rank of this world.
fn detach() -> Call {
    of_world(function!(MPI_Buffer_detach, Other))
}

/// What the program's pointer points to.
fn pointed<T: Copy>(to: *const T) -> T {
    // SAFETY: the program passes the address of its own handle, or MPI has just written it.
    unsafe { *to }
}

/// What the program passes as an array.
unsafe fn given<'a, T>(count: c_int, array: *const T) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the program promises MPI that the array has this length.
        Ok(count) if count > 0 && !array.is_null() => unsafe { slice::from_raw_parts(array, count) },
        _ => &[],
    }
}

fn receive_call(
    function: &'static Function,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
) -> Call {
    Call { from: (from, tag), communicator: word(comm), count: bytes_of(count, datatype), ..Call::of(function) }
}

/// A call that makes a persistent request.
fn make(call: Call, request: *mut MPI_Request, real: impl FnOnce() -> c_int) -> c_int {
    let result = real();
    if result == SUCCESS && ON.load(Relaxed) && !is_inside() {
        // SAFETY: MPI has written the request.
        pending::made(word(unsafe { *request }), call);
    }
    result
}

/// What MPI returns if there was no error.
const SUCCESS: c_int = 0;

type Buffer = *const c_void;
type Into = *mut c_void;
type Counts = *const c_int;
type Type = MPI_Datatype;

/// Notes a call that waits for requests.
fn note_wait(function: &'static Function, requests: &[pending::Given], real: impl FnOnce() -> c_int) -> c_int {
    let call = Call::of(function);
    let handles = || requests.iter().map(|request| request.handle);
    let Some(_entered) = enter_wait(&call, handles()) else { return real() };
    if RECORDS.load(Relaxed) { recorded::record_wait(&call, &handles().collect::<Vec<_>>(), real) } else { real() }
}
