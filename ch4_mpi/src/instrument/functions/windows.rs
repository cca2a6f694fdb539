//! Windows of one-sided communication.

use super::*;

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
    create_object("window", function!(MPI_Win_create, Synchronizing), comm, win, || unsafe {
        ffi::PMPI_Win_create(base, size, unit, info, comm, win)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Win_create_dynamic(info: MPI_Info, comm: MPI_Comm, win: *mut MPI_Win) -> c_int {
    // SAFETY: the arguments are the program's own.
    create_object("window", function!(MPI_Win_create_dynamic, Synchronizing), comm, win, || unsafe {
        ffi::PMPI_Win_create_dynamic(info, comm, win)
    })
}

macro_rules! allocations {
    ($($name:ident $real:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            size: MPI_Aint, unit: c_int, info: MPI_Info, comm: MPI_Comm, base: *mut c_void, win: *mut MPI_Win,
        ) -> c_int {
            // SAFETY: the arguments are the program's own.
            create_object("window", function!($name, Synchronizing), comm, win, || unsafe {
                ffi::$real(size, unit, info, comm, base, win)
            })
        }
    )*};
}

allocations! {
    MPI_Win_allocate PMPI_Win_allocate;
    MPI_Win_allocate_shared PMPI_Win_allocate_shared;
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Win_free(win: *mut MPI_Win) -> c_int {
    // SAFETY: the window is the program's own.
    let real = || unsafe { ffi::PMPI_Win_free(win) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    free_object(function!(MPI_Win_free, Synchronizing), word(pointed(win)), real)
}

on_objects! {
    Collective MPI_Win_fence PMPI_Win_fence (assert: c_int, win: MPI_Win) win;
    Other MPI_Win_start PMPI_Win_start (group: MPI_Group, assert: c_int, win: MPI_Win) win;
    Other MPI_Win_complete PMPI_Win_complete (win: MPI_Win) win;
    Other MPI_Win_wait PMPI_Win_wait (win: MPI_Win) win;
    Other MPI_Win_lock PMPI_Win_lock (kind: c_int, rank: c_int, assert: c_int, win: MPI_Win) win;
    Other MPI_Win_lock_all PMPI_Win_lock_all (assert: c_int, win: MPI_Win) win;
    Other MPI_Win_unlock PMPI_Win_unlock (rank: c_int, win: MPI_Win) win;
    Other MPI_Win_unlock_all PMPI_Win_unlock_all (win: MPI_Win) win;
    Other MPI_Win_flush PMPI_Win_flush (rank: c_int, win: MPI_Win) win;
    Other MPI_Win_flush_all PMPI_Win_flush_all (win: MPI_Win) win;
    Other MPI_Win_flush_local PMPI_Win_flush_local (rank: c_int, win: MPI_Win) win;
    Other MPI_Win_flush_local_all PMPI_Win_flush_local_all (win: MPI_Win) win;
}
