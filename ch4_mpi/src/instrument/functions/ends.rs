//! MPI_Init and MPI_Finalize.

use super::*;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Init(argc: *mut c_int, argv: *mut *mut *mut c_char) -> c_int {
    // SAFETY: the arguments are the program's own.
    let result = unsafe { ffi::PMPI_Init(argc, argv) };
    crate::instrument::begin();
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
    crate::instrument::begin();
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
    finalize(crate::instrument::end);
    // SAFETY: MPI decides whether the program may call it now.
    unsafe { ffi::PMPI_Finalize() }
}
