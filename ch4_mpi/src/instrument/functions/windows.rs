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
    create_window(function!(MPI_Win_create, Synchronizing), comm, win, || unsafe {
        ffi::PMPI_Win_create(base, size, unit, info, comm, win)
    })
}

macro_rules! allocations {
    ($($name:ident $real:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            size: MPI_Aint, unit: c_int, info: MPI_Info, comm: MPI_Comm, base: *mut c_void, win: *mut MPI_Win,
        ) -> c_int {
            // SAFETY: the arguments are the program's own.
            create_window(function!($name, Synchronizing), comm, win, || unsafe {
                ffi::$real(size, unit, info, comm, base, win)
            })
        }
    )*};
}

allocations! {
    MPI_Win_allocate PMPI_Win_allocate;
    MPI_Win_allocate_shared PMPI_Win_allocate_shared;
}

fn create_window(
    function: &'static Function,
    comm: MPI_Comm,
    win: *mut MPI_Win,
    real: impl FnOnce() -> c_int,
) -> c_int {
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = collective_call(function, comm, 0, NONE);
    let result = note(&call, real);
    // A window is a communicator of its own: its fences are collectives.
    // SAFETY: MPI has written the window.
    known::created_window(call.communicator, call.number, word(unsafe { *win }));
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
            let communicator = known::window(word($win));
            let function = function!($name, $kind);
            let is_collective = function.kind != Kind::Other;
            let number = if is_collective { known::count(communicator, function.name, NONE) } else { 0 };
            note(&Call { communicator, number, ..Call::of(function) }, real)
        }
    )*};
}

of_windows! {
    Collective MPI_Win_fence PMPI_Win_fence (assert: c_int, win: MPI_Win) win;
    Synchronizing MPI_Win_free PMPI_Win_free (win: *mut MPI_Win) given_window(win);
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

fn given_window(window: *const MPI_Win) -> MPI_Win {
    // SAFETY: the program passes the address of its window.
    unsafe { *window }
}
