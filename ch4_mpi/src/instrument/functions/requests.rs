//! Requests: started, waited for, tested and freed.

use super::*;
use pending::Given;

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
            if let Some(call) = pending::started(word(request)) {
                recorded::begun(&call);
            }
        }
    }
    note(&Call::of(function!(MPI_Start, Other)), real)
}

/// The requests that a call is given.
unsafe fn handles(count: c_int, requests: *const MPI_Request) -> Vec<Given> {
    // SAFETY: the program promises MPI that the array has this length.
    unsafe { given(count, requests) }.iter().map(|&request| pending::given(word(request))).collect()
}

fn complete(handle: Given, status: *const MPI_Status) {
    if let Some(call) = pending::completed(handle) {
        recorded::completed(&call, status);
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Wait(request: *mut MPI_Request, status: *mut MPI_Status) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        // SAFETY: the arguments are the program's own.
        return unsafe { ffi::PMPI_Wait(request, status) };
    }
    // SAFETY: the request is the program's own.
    let handle = pending::given(word(unsafe { *request }));
    recorded::with_status(status, |status| {
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
    let handle = pending::given(word(unsafe { *request }));
    recorded::with_status(status, |status| {
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
    let handles = unsafe { handles(count, requests) };
    recorded::with_statuses(handles.len(), statuses, |statuses| {
        // SAFETY: as above; there are as many statuses, the program's or this call's, or none.
        let result = note_wait(function!(MPI_Waitall, WaitAll), &handles, || unsafe {
            ffi::PMPI_Waitall(count, requests, statuses)
        });
        for (index, &handle) in handles.iter().enumerate() {
            complete(handle, recorded::at(statuses, index));
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
    let handles = unsafe { handles(count, requests) };
    recorded::with_statuses(handles.len(), statuses, |statuses| {
        // SAFETY: as above; there are as many statuses, the program's or this call's, or none.
        unsafe {
            let call = Call::of(function!(MPI_Testall, Other));
            let result = note(&call, || ffi::PMPI_Testall(count, requests, flag, statuses));
            if *flag != 0 {
                for (index, &handle) in handles.iter().enumerate() {
                    complete(handle, recorded::at(statuses, index));
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
    let handles = unsafe { handles(count, requests) };
    recorded::with_status(status, |status| {
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
    let handles = unsafe { handles(count, requests) };
    recorded::with_status(status, |status| {
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
            let handles = unsafe { handles(count, requests) };
            recorded::with_statuses(handles.len(), statuses, |statuses| {
                // SAFETY: as above; MPI has written the count, negative if no request was active, and as many indices.
                unsafe {
                    let result = $note(function!($name, WaitAny), &handles, || {
                        ffi::$real(count, requests, done, indices, statuses)
                    });
                    for (place, &index) in given(*done, indices).iter().enumerate() {
                        if let Some(&handle) = usize::try_from(index).ok().and_then(|index| handles.get(index)) {
                            complete(handle, recorded::at(statuses, place));
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

fn note_test(function: &'static Function, _handles: &[Given], real: impl FnOnce() -> c_int) -> c_int {
    note(&Call::of(function), real)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Request_free(request: *mut MPI_Request) -> c_int {
    if ON.load(Relaxed) && !is_inside() {
        // SAFETY: the request is the program's own.
        pending::freed(word(unsafe { *request }));
    }
    // SAFETY: as above.
    unsafe { ffi::PMPI_Request_free(request) }
}
