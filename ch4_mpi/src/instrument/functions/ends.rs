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

/// Lets MPI_Finalize call [`finalize`] at the right moment: MPI_Finalize first deletes the attributes of MPI_COMM_SELF, the newest
/// one first, and tells the program of each, which may still communicate then (MPI 4.1, section 11.2.4). So the end of the program
/// is the moment at which the oldest attribute is deleted.
pub fn finalize_with_mpi() {
    let mut key = 0;
    // SAFETY: the function that is called has the arguments that MPI passes, and the attribute has no value.
    unsafe {
        ffi::PMPI_Comm_create_keyval(Some(not_copied), Some(at_finalize), &mut key, std::ptr::null_mut());
        ffi::PMPI_Comm_set_attr(ffi::RSMPI_COMM_SELF, key, std::ptr::null_mut());
        ffi::PMPI_Comm_free_keyval(&mut key);
    }
}

/// A duplicate of MPI_COMM_SELF does not have the attribute.
unsafe extern "C" fn not_copied(
    _comm: MPI_Comm,
    _key: c_int,
    _extra: *mut c_void,
    _value: *mut c_void,
    _copy: *mut c_void,
    is_copied: *mut c_int,
) -> c_int {
    // SAFETY: MPI passes the address of its flag.
    unsafe { *is_copied = 0 };
    0
}

unsafe extern "C" fn at_finalize(_comm: MPI_Comm, _key: c_int, _value: *mut c_void, _extra: *mut c_void) -> c_int {
    finalize(crate::instrument::end);
    0
}
