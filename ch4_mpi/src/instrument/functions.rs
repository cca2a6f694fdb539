//! The functions of MPI, as the program calls them: each notes the call and calls the function of MPI under its second name.
//!
//! MPI gives every function a second name, `PMPI_...`, so that a tool can take the first one (MPI 4.1, chapter 15, "The Profiling
//! Interface"). The linker prefers these functions to those of the MPI library.

#![allow(non_snake_case, clippy::missing_safety_doc, missing_docs, reason = "the functions are those of the standard")]

use std::ffi::{c_char, c_int, c_void};
use std::slice;
use std::sync::atomic::Ordering::Relaxed;

use mpi::ffi::{self, MPI_Aint, MPI_Comm, MPI_Datatype, MPI_Group, MPI_Info, MPI_Message, MPI_Op, MPI_Request, MPI_Status, MPI_Win};

use super::calls::{Call, Function, Kind, NONE, enter, enter_wait, is_inside};
use super::communicators::{self, Creation};
use super::{ON, RECORDS, STRICT_SENDS, messages, requests};

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
    // SAFETY: the word was made from a datatype, which has the size of a word or of its lower half.
    let datatype = unsafe {
        if size_of::<MPI_Datatype>() == 4 {
            std::mem::transmute_copy::<u32, MPI_Datatype>(&(datatype as u32))
        } else {
            std::mem::transmute_copy::<usize, MPI_Datatype>(&datatype)
        }
    };
    bytes_of(count, datatype)
}

macro_rules! function {
    ($name:ident, $kind:ident) => {{
        static FUNCTION: Function = Function { name: stringify!($name), kind: Kind::$kind };
        &FUNCTION
    }};
}

/// Notes the call while `real` runs.
#[inline(always)]
fn note(call: &Call, real: impl FnOnce() -> c_int) -> c_int {
    if !ON.load(Relaxed) {
        return real();
    }
    let Some(_entered) = enter(call) else { return real() };
    if !RECORDS.load(Relaxed) {
        return real();
    }
    messages::record(call, real)
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
    let communicator = word(communicator);
    Call { communicator, count: bytes, root, number: communicators::count(communicator, function.name, root), ..Call::of(function) }
}

/// A call that begins an operation and returns: the request is kept.
fn begin(call: Call, request: *mut MPI_Request, real: impl FnOnce() -> c_int) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    messages::begun(&call);
    let result = {
        let _entered = enter(&call);
        real()
    };
    // SAFETY: MPI has written the request.
    requests::begun(word(unsafe { *request }), call);
    result
}

// ---- Sends ------------------------------------------------------------------------------------------------------------------

macro_rules! sends {
    ($($name:ident $real:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            buffer: *const c_void, count: c_int, datatype: MPI_Datatype, to: c_int, tag: c_int, comm: MPI_Comm,
        ) -> c_int {
            let call = Call {
                to: (to, tag), communicator: word(comm), count, datatype: word(datatype), ..Call::of(function!($name, Send))
            };
            // SAFETY: the arguments are the program's own.
            note(&call, || unsafe { ffi::$real(buffer, count, datatype, to, tag, comm) })
        }
    )*};
}

sends! {
    MPI_Bsend PMPI_Bsend;
    MPI_Ssend PMPI_Ssend;
    MPI_Rsend PMPI_Rsend;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Send(
    buffer: *const c_void,
    count: c_int,
    datatype: MPI_Datatype,
    to: c_int,
    tag: c_int,
    comm: MPI_Comm,
) -> c_int {
    let call = Call {
        to: (to, tag),
        communicator: word(comm),
        count,
        datatype: word(datatype),
        ..Call::of(function!(MPI_Send, Send))
    };
    note(&call, || {
        // SAFETY: the arguments are the program's own.
        unsafe {
            if STRICT_SENDS.load(Relaxed) {
                ffi::PMPI_Ssend(buffer, count, datatype, to, tag, comm)
            } else {
                ffi::PMPI_Send(buffer, count, datatype, to, tag, comm)
            }
        }
    })
}

macro_rules! begun_sends {
    ($keep:path: $($name:ident $real:ident $strict:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            buffer: *const c_void, count: c_int, datatype: MPI_Datatype, to: c_int, tag: c_int, comm: MPI_Comm,
            request: *mut MPI_Request,
        ) -> c_int {
            let count_of_bytes = bytes_of(count, datatype);
            let call = Call {
                to: (to, tag), communicator: word(comm), count: count_of_bytes, ..Call::of(function!($name, Other))
            };
            // SAFETY: the arguments are the program's own.
            $keep(call, request, || unsafe {
                if STRICT_SENDS.load(Relaxed) {
                    ffi::$strict(buffer, count, datatype, to, tag, comm, request)
                } else {
                    ffi::$real(buffer, count, datatype, to, tag, comm, request)
                }
            })
        }
    )*};
}

begun_sends! { begin_send:
    MPI_Isend PMPI_Isend PMPI_Issend;
    MPI_Ibsend PMPI_Ibsend PMPI_Ibsend;
    MPI_Issend PMPI_Issend PMPI_Issend;
    MPI_Irsend PMPI_Irsend PMPI_Irsend;
}

begun_sends! { make:
    MPI_Send_init PMPI_Send_init PMPI_Ssend_init;
    MPI_Bsend_init PMPI_Bsend_init PMPI_Bsend_init;
    MPI_Ssend_init PMPI_Ssend_init PMPI_Ssend_init;
    MPI_Rsend_init PMPI_Rsend_init PMPI_Rsend_init;
}

fn begin_send(call: Call, request: *mut MPI_Request, real: impl FnOnce() -> c_int) -> c_int {
    begin(call, request, real)
}

/// A call that makes a persistent request.
fn make(call: Call, request: *mut MPI_Request, real: impl FnOnce() -> c_int) -> c_int {
    let result = real();
    if ON.load(Relaxed) && !is_inside() {
        // SAFETY: MPI has written the request.
        requests::made(word(unsafe { *request }), call);
    }
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Recv_init(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    request: *mut MPI_Request,
) -> c_int {
    let call = receive_call(function!(MPI_Recv_init, Other), count, datatype, from, tag, comm);
    // SAFETY: the arguments are the program's own.
    make(call, request, || unsafe { ffi::PMPI_Recv_init(buffer, count, datatype, from, tag, comm, request) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Start(request: *mut MPI_Request) -> c_int {
    // SAFETY: the request is the program's own.
    unsafe { start(slice::from_raw_parts(request, 1), || ffi::PMPI_Start(request)) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Startall(count: c_int, requests: *mut MPI_Request) -> c_int {
    // SAFETY: the requests are the program's own.
    unsafe { start(given(count, requests), || ffi::PMPI_Startall(count, requests)) }
}

fn start(started: &[MPI_Request], real: impl FnOnce() -> c_int) -> c_int {
    if ON.load(Relaxed) && !is_inside() {
        for &request in started {
            if let Some(call) = requests::started(word(request)) {
                messages::begun(&call);
            }
        }
    }
    note(&Call::of(function!(MPI_Start, Other)), real)
}

// ---- Receives ---------------------------------------------------------------------------------------------------------------

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

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Recv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call {
        from: (from, tag),
        communicator: word(comm),
        count,
        datatype: word(datatype),
        ..Call::of(function!(MPI_Recv, Receive))
    };
    if !RECORDS.load(Relaxed) {
        // SAFETY: the arguments are the program's own.
        return note(&call, || unsafe { ffi::PMPI_Recv(buffer, count, datatype, from, tag, comm, status) });
    }
    messages::with_status(status, |status| {
        // SAFETY: as above; the status is the program's or one of this call.
        let result = note(&call, || unsafe { ffi::PMPI_Recv(buffer, count, datatype, from, tag, comm, status) });
        messages::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Irecv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    request: *mut MPI_Request,
) -> c_int {
    let call = receive_call(function!(MPI_Irecv, Other), count, datatype, from, tag, comm);
    // SAFETY: the arguments are the program's own.
    begin(call, request, || unsafe { ffi::PMPI_Irecv(buffer, count, datatype, from, tag, comm, request) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Sendrecv(
    send: *const c_void,
    send_count: c_int,
    send_type: MPI_Datatype,
    to: c_int,
    send_tag: c_int,
    receive: *mut c_void,
    receive_count: c_int,
    receive_type: MPI_Datatype,
    from: c_int,
    receive_tag: c_int,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call {
        to: (to, send_tag),
        from: (from, receive_tag),
        communicator: word(comm),
        count: send_count,
        datatype: word(send_type),
        ..Call::of(function!(MPI_Sendrecv, SendReceive))
    };
    messages::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        let result = note(&call, || unsafe {
            ffi::PMPI_Sendrecv(
                send, send_count, send_type, to, send_tag, receive, receive_count, receive_type, from, receive_tag, comm,
                status,
            )
        });
        messages::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Sendrecv_replace(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    to: c_int,
    send_tag: c_int,
    from: c_int,
    receive_tag: c_int,
    comm: MPI_Comm,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call {
        to: (to, send_tag),
        from: (from, receive_tag),
        communicator: word(comm),
        count,
        datatype: word(datatype),
        ..Call::of(function!(MPI_Sendrecv_replace, SendReceive))
    };
    messages::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        let result = note(&call, || unsafe {
            ffi::PMPI_Sendrecv_replace(buffer, count, datatype, to, send_tag, from, receive_tag, comm, status)
        });
        messages::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Probe(from: c_int, tag: c_int, comm: MPI_Comm, status: *mut MPI_Status) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Probe, Receive)) };
    // SAFETY: the arguments are the program's own.
    note(&call, || unsafe { ffi::PMPI_Probe(from, tag, comm, status) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Iprobe(
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    flag: *mut c_int,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Iprobe, Other)) };
    // SAFETY: the arguments are the program's own.
    note(&call, || unsafe { ffi::PMPI_Iprobe(from, tag, comm, flag, status) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Mprobe(
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    message: *mut MPI_Message,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Mprobe, Receive)) };
    messages::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        let result = note(&call, || unsafe { ffi::PMPI_Mprobe(from, tag, comm, message, status) });
        // The message is this rank's from now on, so it counts as received.
        messages::received(&call, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Improbe(
    from: c_int,
    tag: c_int,
    comm: MPI_Comm,
    flag: *mut c_int,
    message: *mut MPI_Message,
    status: *mut MPI_Status,
) -> c_int {
    let call = Call { from: (from, tag), communicator: word(comm), ..Call::of(function!(MPI_Improbe, Other)) };
    messages::with_status(status, |status| {
        // SAFETY: the arguments are the program's own; the status is the program's or one of this call.
        unsafe {
            let result = note(&call, || ffi::PMPI_Improbe(from, tag, comm, flag, message, status));
            if *flag != 0 {
                messages::received(&call, status);
            }
            result
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Mrecv(
    buffer: *mut c_void,
    count: c_int,
    datatype: MPI_Datatype,
    message: *mut MPI_Message,
    status: *mut MPI_Status,
) -> c_int {
    // It has been matched, so it waits only for the transfer.
    // SAFETY: the arguments are the program's own.
    note(&Call::of(function!(MPI_Mrecv, Other)), || unsafe { ffi::PMPI_Mrecv(buffer, count, datatype, message, status) })
}

// ---- Requests ---------------------------------------------------------------------------------------------------------------

/// What the program passes as an array.
unsafe fn given<'a, T>(count: c_int, array: *const T) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the program promises MPI that the array has this length.
        Ok(count) if count > 0 && !array.is_null() => unsafe { slice::from_raw_parts(array, count) },
        _ => &[],
    }
}

/// Notes a call that waits for requests.
fn note_wait(function: &'static Function, handles: &[usize], real: impl FnOnce() -> c_int) -> c_int {
    let call = Call::of(function);
    let Some(_entered) = enter_wait(&call, handles.iter().copied()) else { return real() };
    if RECORDS.load(Relaxed) { messages::record_wait(&call, handles, real) } else { real() }
}

fn complete(handle: usize, status: *const MPI_Status) {
    if let Some(call) = requests::completed(handle) {
        messages::completed(&call, status);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Wait(request: *mut MPI_Request, status: *mut MPI_Status) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Wait(request, status) };
    }
    // SAFETY: the request is the program's own.
    let handle = word(unsafe { *request });
    messages::with_status(status, |status| {
        // SAFETY: as above; the status is the program's or one of this call.
        let result = note_wait(function!(MPI_Wait, WaitAll), &[handle], || unsafe { ffi::PMPI_Wait(request, status) });
        complete(handle, status);
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Test(request: *mut MPI_Request, flag: *mut c_int, status: *mut MPI_Status) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Test(request, flag, status) };
    }
    // SAFETY: the request is the program's own.
    let handle = word(unsafe { *request });
    messages::with_status(status, |status| {
        // SAFETY: as above; the status is the program's or one of this call.
        unsafe {
            let result = note(&Call::of(function!(MPI_Test, Other)), || ffi::PMPI_Test(request, flag, status));
            if *flag != 0 {
                complete(handle, status);
            }
            result
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Waitall(count: c_int, requests: *mut MPI_Request, statuses: *mut MPI_Status) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Waitall(count, requests, statuses) };
    }
    // SAFETY: the requests are the program's own.
    let handles: Vec<usize> = unsafe { given(count, requests) }.iter().copied().map(word).collect();
    messages::with_statuses(handles.len(), statuses, |statuses| {
        // SAFETY: as above; there are as many statuses, the program's or this call's, or none.
        let result = note_wait(function!(MPI_Waitall, WaitAll), &handles, || unsafe {
            ffi::PMPI_Waitall(count, requests, statuses)
        });
        for (index, &handle) in handles.iter().enumerate() {
            complete(handle, messages::at(statuses, index));
        }
        result
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Testall(
    count: c_int,
    requests: *mut MPI_Request,
    flag: *mut c_int,
    statuses: *mut MPI_Status,
) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Testall(count, requests, flag, statuses) };
    }
    // SAFETY: the requests are the program's own.
    let handles: Vec<usize> = unsafe { given(count, requests) }.iter().copied().map(word).collect();
    messages::with_statuses(handles.len(), statuses, |statuses| {
        // SAFETY: as above; there are as many statuses, the program's or this call's, or none.
        unsafe {
            let call = Call::of(function!(MPI_Testall, Other));
            let result = note(&call, || ffi::PMPI_Testall(count, requests, flag, statuses));
            if *flag != 0 {
                for (index, &handle) in handles.iter().enumerate() {
                    complete(handle, messages::at(statuses, index));
                }
            }
            result
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Waitany(
    count: c_int,
    requests: *mut MPI_Request,
    index: *mut c_int,
    status: *mut MPI_Status,
) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Waitany(count, requests, index, status) };
    }
    // SAFETY: the requests are the program's own.
    let handles: Vec<usize> = unsafe { given(count, requests) }.iter().copied().map(word).collect();
    messages::with_status(status, |status| {
        // SAFETY: as above; MPI has written the index, which is negative if there was no active request.
        unsafe {
            let result = note_wait(function!(MPI_Waitany, WaitAny), &handles, || {
                ffi::PMPI_Waitany(count, requests, index, status)
            });
            if let Some(&handle) = usize::try_from(*index).ok().and_then(|index| handles.get(index)) {
                complete(handle, status);
            }
            result
        }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Testany(
    count: c_int,
    requests: *mut MPI_Request,
    index: *mut c_int,
    flag: *mut c_int,
    status: *mut MPI_Status,
) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Testany(count, requests, index, flag, status) };
    }
    // SAFETY: the requests are the program's own.
    let handles: Vec<usize> = unsafe { given(count, requests) }.iter().copied().map(word).collect();
    messages::with_status(status, |status| {
        // SAFETY: as above; MPI has written the flag and, if it is set, the index.
        unsafe {
            let call = Call::of(function!(MPI_Testany, Other));
            let result = note(&call, || ffi::PMPI_Testany(count, requests, index, flag, status));
            if *flag != 0
                && let Some(&handle) = usize::try_from(*index).ok().and_then(|index| handles.get(index))
            {
                complete(handle, status);
            }
            result
        }
    })
}

macro_rules! some {
    ($($name:ident $real:ident $note:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            count: c_int, requests: *mut MPI_Request, done: *mut c_int, indices: *mut c_int, statuses: *mut MPI_Status,
        ) -> c_int {
            if !ON.load(Relaxed) || is_inside() {
                // SAFETY: the arguments are the program's own.
                return unsafe { ffi::$real(count, requests, done, indices, statuses) };
            }
            // SAFETY: the requests are the program's own.
            let handles: Vec<usize> = unsafe { given(count, requests) }.iter().copied().map(word).collect();
            messages::with_statuses(handles.len(), statuses, |statuses| {
                // SAFETY: as above; MPI has written the count, negative if no request was active, and as many indices.
                unsafe {
                    let result = $note(function!($name, WaitAny), &handles, || {
                        ffi::$real(count, requests, done, indices, statuses)
                    });
                    for (place, &index) in given(*done, indices).iter().enumerate() {
                        if let Some(&handle) = usize::try_from(index).ok().and_then(|index| handles.get(index)) {
                            complete(handle, messages::at(statuses, place));
                        }
                    }
                    result
                }
            })
        }
    )*};
}

some! {
    MPI_Waitsome PMPI_Waitsome note_wait;
    MPI_Testsome PMPI_Testsome note_test;
}

fn note_test(function: &'static Function, _handles: &[usize], real: impl FnOnce() -> c_int) -> c_int {
    note(&Call::of(function), real)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Request_free(request: *mut MPI_Request) -> c_int {
    if ON.load(Relaxed) && !is_inside() {
        // SAFETY: the request is the program's own.
        requests::freed(word(unsafe { *request }));
    }
    // SAFETY: as above.
    unsafe { ffi::PMPI_Request_free(request) }
}

// ---- Collectives ------------------------------------------------------------------------------------------------------------

macro_rules! collectives {
    ($($kind:ident $name:ident $real:ident ($($arg:ident: $type:ty),*) bytes $bytes:expr, root $root:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type,)* comm: MPI_Comm) -> c_int {
            // SAFETY: the arguments are the program's own.
            collective(function!($name, $kind), comm, || $bytes, $root, || unsafe { ffi::$real($($arg,)* comm) })
        }
    )*};
}

macro_rules! begun_collectives {
    ($($kind:ident $name:ident $real:ident ($($arg:ident: $type:ty),*) bytes $bytes:expr, root $root:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type,)* comm: MPI_Comm, request: *mut MPI_Request) -> c_int {
            // SAFETY: the arguments are the program's own.
            let real = || unsafe { ffi::$real($($arg,)* comm, request) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            begin(collective_call(function!($name, $kind), comm, $bytes, $root), request, real)
        }
    )*};
}

type Buffer = *const c_void;
type Into = *mut c_void;
type Counts = *const c_int;
type Type = MPI_Datatype;

collectives! {
    Synchronizing MPI_Barrier PMPI_Barrier () bytes 0, root NONE;
    Collective MPI_Bcast PMPI_Bcast (b: Into, n: c_int, t: Type, root: c_int) bytes bytes_of(n, t), root root;
    Collective MPI_Gather PMPI_Gather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Gatherv PMPI_Gatherv (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Scatter PMPI_Scatter (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Collective MPI_Scatterv PMPI_Scatterv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Synchronizing MPI_Allgather PMPI_Allgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Synchronizing MPI_Allgatherv PMPI_Allgatherv (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Synchronizing MPI_Alltoall PMPI_Alltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Collective MPI_Alltoallv PMPI_Alltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
    Collective MPI_Alltoallw PMPI_Alltoallw
        (s: Buffer, n: Counts, at: Counts, t: *const Type, r: Into, rn: Counts, rat: Counts, rt: *const Type)
        bytes 0, root NONE;
    Collective MPI_Reduce PMPI_Reduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op, root: c_int)
        bytes bytes_of(n, t), root root;
    Synchronizing MPI_Allreduce PMPI_Allreduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Reduce_scatter PMPI_Reduce_scatter (s: Buffer, r: Into, n: Counts, t: Type, op: MPI_Op) bytes 0, root NONE;
    Collective MPI_Reduce_scatter_block PMPI_Reduce_scatter_block (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Scan PMPI_Scan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Exscan PMPI_Exscan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_allgather PMPI_Neighbor_allgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_allgatherv PMPI_Neighbor_allgatherv
        (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type) bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_alltoall PMPI_Neighbor_alltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_alltoallv PMPI_Neighbor_alltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
}

begun_collectives! {
    Synchronizing MPI_Ibarrier PMPI_Ibarrier () bytes 0, root NONE;
    Collective MPI_Ibcast PMPI_Ibcast (b: Into, n: c_int, t: Type, root: c_int) bytes bytes_of(n, t), root root;
    Collective MPI_Igather PMPI_Igather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Igatherv PMPI_Igatherv
        (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Iscatter PMPI_Iscatter (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Collective MPI_Iscatterv PMPI_Iscatterv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Synchronizing MPI_Iallgather PMPI_Iallgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Synchronizing MPI_Iallgatherv PMPI_Iallgatherv (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Synchronizing MPI_Ialltoall PMPI_Ialltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Collective MPI_Ialltoallv PMPI_Ialltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
    Collective MPI_Ireduce PMPI_Ireduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op, root: c_int)
        bytes bytes_of(n, t), root root;
    Synchronizing MPI_Iallreduce PMPI_Iallreduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Ireduce_scatter PMPI_Ireduce_scatter (s: Buffer, r: Into, n: Counts, t: Type, op: MPI_Op)
        bytes 0, root NONE;
    Collective MPI_Ireduce_scatter_block PMPI_Ireduce_scatter_block (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Iscan PMPI_Iscan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Iexscan PMPI_Iexscan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Ineighbor_allgather PMPI_Ineighbor_allgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Ineighbor_alltoall PMPI_Ineighbor_alltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
}

// ---- Communicators ----------------------------------------------------------------------------------------------------------

macro_rules! creations {
    ($($how:literal $name:ident $real:ident ($($arg:ident: $type:ty),*);)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(comm: MPI_Comm, $($arg: $type,)* new: *mut MPI_Comm) -> c_int {
            // SAFETY: the arguments are the program's own.
            let real = || unsafe { ffi::$real(comm, $($arg,)* new) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            let call = collective_call(function!($name, Synchronizing), comm, 0, NONE);
            let result = note(&call, real);
            // SAFETY: MPI has written the communicator.
            communicators::created(call.communicator, Creation::Collective(call.number), $how, unsafe { *new });
            result
        }
    )*};
}

creations! {
    "duplicate" MPI_Comm_dup PMPI_Comm_dup ();
    "duplicate" MPI_Comm_dup_with_info PMPI_Comm_dup_with_info (info: MPI_Info);
    "communicator" MPI_Comm_create PMPI_Comm_create (group: MPI_Group);
    "split" MPI_Comm_split PMPI_Comm_split (color: c_int, key: c_int);
    "split" MPI_Comm_split_type PMPI_Comm_split_type (kind: c_int, key: c_int, info: MPI_Info);
    "grid" MPI_Cart_create PMPI_Cart_create (dims: c_int, lengths: *const c_int, periods: *const c_int, reorder: c_int);
    "subgrid" MPI_Cart_sub PMPI_Cart_sub (remain: *const c_int);
    "graph" MPI_Graph_create PMPI_Graph_create (nodes: c_int, index: *const c_int, edges: *const c_int, reorder: c_int);
    "graph" MPI_Dist_graph_create PMPI_Dist_graph_create
        (n: c_int, nodes: Counts, degrees: Counts, targets: Counts, weights: Counts, info: MPI_Info, reorder: c_int);
    "graph" MPI_Dist_graph_create_adjacent PMPI_Dist_graph_create_adjacent
        (indegree: c_int, sources: Counts, source_weights: Counts, outdegree: c_int, targets: Counts, weights: Counts,
         info: MPI_Info, reorder: c_int);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Comm_create_group(comm: MPI_Comm, group: MPI_Group, tag: c_int, new: *mut MPI_Comm) -> c_int {
    // SAFETY: the arguments are the program's own.
    let real = || unsafe { ffi::PMPI_Comm_create_group(comm, group, tag, new) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = Call { communicator: word(comm), ..Call::of(function!(MPI_Comm_create_group, Other)) };
    let result = note(&call, real);
    // SAFETY: MPI has written the communicator.
    communicators::created(call.communicator, Creation::Group(tag), "communicator", unsafe { *new });
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Comm_free(comm: *mut MPI_Comm) -> c_int {
    // SAFETY: the communicator is the program's own.
    unsafe {
        let handle = word(*comm);
        let result = ffi::PMPI_Comm_free(comm);
        if ON.load(Relaxed) && !is_inside() {
            communicators::freed(handle);
        }
        result
    }
}

// ---- Windows ----------------------------------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Win_create(
    base: *mut c_void,
    size: MPI_Aint,
    unit: c_int,
    info: MPI_Info,
    comm: MPI_Comm,
    win: *mut MPI_Win,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    create_window(function!(MPI_Win_create, Synchronizing), comm, win, || unsafe {
        ffi::PMPI_Win_create(base, size, unit, info, comm, win)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Win_allocate(
    size: MPI_Aint,
    unit: c_int,
    info: MPI_Info,
    comm: MPI_Comm,
    base: *mut c_void,
    win: *mut MPI_Win,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    create_window(function!(MPI_Win_allocate, Synchronizing), comm, win, || unsafe {
        ffi::PMPI_Win_allocate(size, unit, info, comm, base, win)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Win_allocate_shared(
    size: MPI_Aint,
    unit: c_int,
    info: MPI_Info,
    comm: MPI_Comm,
    base: *mut c_void,
    win: *mut MPI_Win,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    create_window(function!(MPI_Win_allocate_shared, Synchronizing), comm, win, || unsafe {
        ffi::PMPI_Win_allocate_shared(size, unit, info, comm, base, win)
    })
}

fn create_window(function: &'static Function, comm: MPI_Comm, win: *mut MPI_Win, real: impl FnOnce() -> c_int) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = collective_call(function, comm, 0, NONE);
    let result = note(&call, real);
    // A window is a communicator of its own: its fences are collectives.
    // SAFETY: MPI has written the window.
    communicators::created_window(call.communicator, call.number, word(unsafe { *win }));
    result
}

macro_rules! of_windows {
    ($($kind:ident $name:ident $real:ident ($($arg:ident: $type:ty),*) $win:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type),*) -> c_int {
            // SAFETY: the arguments are the program's own.
            let real = || unsafe { ffi::$real($($arg),*) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            let communicator = communicators::window(word($win));
            let function = function!($name, $kind);
            let is_collective = function.kind != Kind::Other;
            let number = if is_collective { communicators::count(communicator, function.name, NONE) } else { 0 };
            note(&Call { communicator, number, ..Call::of(function) }, real)
        }
    )*};
}

of_windows! {
    Collective MPI_Win_fence PMPI_Win_fence (assert: c_int, win: MPI_Win) win;
    Synchronizing MPI_Win_free PMPI_Win_free (win: *mut MPI_Win) unsafe { *win };
    Other MPI_Win_start PMPI_Win_start (group: MPI_Group, assert: c_int, win: MPI_Win) win;
    Other MPI_Win_complete PMPI_Win_complete (win: MPI_Win) win;
    Other MPI_Win_wait PMPI_Win_wait (win: MPI_Win) win;
    Other MPI_Win_lock PMPI_Win_lock (kind: c_int, rank: c_int, assert: c_int, win: MPI_Win) win;
    Other MPI_Win_lock_all PMPI_Win_lock_all (assert: c_int, win: MPI_Win) win;
    Other MPI_Win_unlock PMPI_Win_unlock (rank: c_int, win: MPI_Win) win;
    Other MPI_Win_unlock_all PMPI_Win_unlock_all (win: MPI_Win) win;
    Other MPI_Win_flush PMPI_Win_flush (rank: c_int, win: MPI_Win) win;
    Other MPI_Win_flush_all PMPI_Win_flush_all (win: MPI_Win) win;
}

// ---- Begin and end ----------------------------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Init(argc: *mut c_int, argv: *mut *mut *mut c_char) -> c_int {
    // SAFETY: the arguments are the program's own.
    let result = unsafe { ffi::PMPI_Init(argc, argv) };
    super::begin();
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Init_thread(
    argc: *mut c_int,
    argv: *mut *mut *mut c_char,
    required: c_int,
    provided: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    let result = unsafe { ffi::PMPI_Init_thread(argc, argv, required, provided) };
    super::begin();
    result
}

/// Notes that this rank has come to its end, while `end` runs.
pub fn finalize(end: fn() -> c_int) {
    if ON.load(Relaxed) {
        let _entered = enter(&Call::of(function!(MPI_Finalize, Finalize)));
        end();
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Finalize() -> c_int {
    finalize(super::end);
    // SAFETY: MPI decides whether the program may call it now.
    unsafe { ffi::PMPI_Finalize() }
}
