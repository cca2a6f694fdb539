//! Windows and files, as Fortran calls them.

use super::*;

/// A window or a file of Fortran: each kind has numbers of its own, and none is a handle of C.
type Key = unsafe fn(Arg) -> usize;

unsafe fn window(of_fortran: Arg) -> usize {
    // SAFETY: Fortran passes the address of an integer.
    (1 << 49) | unsafe { *of_fortran } as u32 as usize
}

unsafe fn file(of_fortran: Arg) -> usize {
    // SAFETY: Fortran passes the address of an integer.
    (1 << 50) | unsafe { *of_fortran } as u32 as usize
}

unsafe fn create_object(
    function: &'static Function,
    (how, key): (&str, Key),
    comm: Arg,
    new: Arg,
    real: impl FnOnce() -> c_int,
) {
    // SAFETY: Fortran passes the address of an integer, and MPI writes the new handle.
    unsafe {
        let call = collective(function, comm, NONE);
        if note(&call, real) == SUCCESS {
            known::created_object(call.communicator, call.number, how, key(new));
        }
    }
}

unsafe fn on_window(function: &'static Function, of_fortran: Arg, real: impl FnOnce() -> c_int) {
    // SAFETY: Fortran passes the address of an integer.
    note(&call_on_object(function, unsafe { window(of_fortran) }), real);
}

unsafe fn on_file(function: &'static Function, of_fortran: Arg, real: impl FnOnce() -> c_int) {
    // SAFETY: as above.
    note(&call_on_object(function, unsafe { file(of_fortran) }), real);
}

unsafe fn begin_on_file(function: &'static Function, of_fortran: Arg, key: Arg, real: impl FnOnce() -> c_int) {
    // SAFETY: as above.
    unsafe { begin(call_on_object(function, file(of_fortran)), key, real) };
}

const WINDOW: (&str, Key) = ("window", window);

fortran! {
    mpi_win_create_ mpi_win_create_f08_ (_base, _size, _unit, _info, comm, win)
        |real| create_object(function!(MPI_Win_create, Synchronizing), WINDOW, comm, win, real);
    mpi_win_allocate_ mpi_win_allocate_f08_ (_size, _unit, _info, comm, _base, win)
        |real| create_object(function!(MPI_Win_allocate, Synchronizing), WINDOW, comm, win, real);
    mpi_win_fence_ mpi_win_fence_f08_ (_assert, win) |real| on_window(function!(MPI_Win_fence, Collective), win, real);
    mpi_win_free_ mpi_win_free_f08_ (win)
        |real| free_object(function!(MPI_Win_free, Synchronizing), window(win), real);
    mpi_win_start_ mpi_win_start_f08_ (_group, _assert, win) |real| on_window(function!(MPI_Win_start, Other), win, real);
    mpi_win_complete_ mpi_win_complete_f08_ (win) |real| on_window(function!(MPI_Win_complete, Other), win, real);
    mpi_win_wait_ mpi_win_wait_f08_ (win) |real| on_window(function!(MPI_Win_wait, Other), win, real);
    mpi_win_lock_ mpi_win_lock_f08_ (_kind, _rank, _assert, win)
        |real| on_window(function!(MPI_Win_lock, Other), win, real);
    mpi_win_lock_all_ mpi_win_lock_all_f08_ (_assert, win) |real| on_window(function!(MPI_Win_lock_all, Other), win, real);
    mpi_win_unlock_ mpi_win_unlock_f08_ (_rank, win) |real| on_window(function!(MPI_Win_unlock, Other), win, real);
    mpi_win_unlock_all_ mpi_win_unlock_all_f08_ (win) |real| on_window(function!(MPI_Win_unlock_all, Other), win, real);
    mpi_win_flush_ mpi_win_flush_f08_ (_rank, win) |real| on_window(function!(MPI_Win_flush, Other), win, real);
    mpi_win_flush_all_ mpi_win_flush_all_f08_ (win) |real| on_window(function!(MPI_Win_flush_all, Other), win, real);
    mpi_win_create_dynamic_ mpi_win_create_dynamic_f08_ (_info, comm, win)
        |real| create_object(function!(MPI_Win_create_dynamic, Synchronizing), WINDOW, comm, win, real);
    mpi_win_allocate_shared_ mpi_win_allocate_shared_f08_ (_size, _unit, _info, comm, _base, win)
        |real| create_object(function!(MPI_Win_allocate_shared, Synchronizing), WINDOW, comm, win, real);
    // The same functions with a pointer of C for the memory.
    mpi_win_allocate_cptr_ mpi_win_allocate_cptr_f08_ (_size, _unit, _info, comm, _base, win)
        |real| create_object(function!(MPI_Win_allocate, Synchronizing), WINDOW, comm, win, real);
    mpi_win_allocate_shared_cptr_ mpi_win_allocate_shared_cptr_f08_ (_size, _unit, _info, comm, _base, win)
        |real| create_object(function!(MPI_Win_allocate_shared, Synchronizing), WINDOW, comm, win, real);
    mpi_win_flush_local_ mpi_win_flush_local_f08_ (_rank, win)
        |real| on_window(function!(MPI_Win_flush_local, Other), win, real);
    mpi_win_flush_local_all_ mpi_win_flush_local_all_f08_ (win)
        |real| on_window(function!(MPI_Win_flush_local_all, Other), win, real);
}

fortran! {
    mpi_file_open_ mpi_file_open_f08_ (comm, _name, _mode, _info, new ; _length)
        |real| create_object(function!(MPI_File_open, Collective), ("file", file), comm, new, real);
    mpi_file_close_ mpi_file_close_f08_ (of_fortran)
        |real| free_object(function!(MPI_File_close, Collective), file(of_fortran), real);
    mpi_file_set_view_ mpi_file_set_view_f08_ (file, _at, _element, _kind, _how, _info ; _length)
        |real| on_file(function!(MPI_File_set_view, Collective), file, real);
    mpi_file_set_size_ mpi_file_set_size_f08_ (file, _size)
        |real| on_file(function!(MPI_File_set_size, Collective), file, real);
    mpi_file_preallocate_ mpi_file_preallocate_f08_ (file, _size)
        |real| on_file(function!(MPI_File_preallocate, Collective), file, real);
    mpi_file_set_atomicity_ mpi_file_set_atomicity_f08_ (file, _is_atomic)
        |real| on_file(function!(MPI_File_set_atomicity, Collective), file, real);
    mpi_file_seek_shared_ mpi_file_seek_shared_f08_ (file, _at, _from)
        |real| on_file(function!(MPI_File_seek_shared, Collective), file, real);
    mpi_file_read_all_ mpi_file_read_all_f08_ (file, _b, _n, _t, _s)
        |real| on_file(function!(MPI_File_read_all, Collective), file, real);
    mpi_file_read_at_all_ mpi_file_read_at_all_f08_ (file, _at, _b, _n, _t, _s)
        |real| on_file(function!(MPI_File_read_at_all, Collective), file, real);
    mpi_file_read_ordered_ mpi_file_read_ordered_f08_ (file, _b, _n, _t, _s)
        |real| on_file(function!(MPI_File_read_ordered, Collective), file, real);
    mpi_file_write_all_ mpi_file_write_all_f08_ (file, _b, _n, _t, _s)
        |real| on_file(function!(MPI_File_write_all, Collective), file, real);
    mpi_file_write_at_all_ mpi_file_write_at_all_f08_ (file, _at, _b, _n, _t, _s)
        |real| on_file(function!(MPI_File_write_at_all, Collective), file, real);
    mpi_file_write_ordered_ mpi_file_write_ordered_f08_ (file, _b, _n, _t, _s)
        |real| on_file(function!(MPI_File_write_ordered, Collective), file, real);
    mpi_file_read_all_begin_ mpi_file_read_all_begin_f08_ (file, _b, _n, _t)
        |real| on_file(function!(MPI_File_read_all_begin, Collective), file, real);
    mpi_file_read_all_end_ mpi_file_read_all_end_f08_ (file, _b, _s)
        |real| on_file(function!(MPI_File_read_all_end, Collective), file, real);
    mpi_file_read_at_all_begin_ mpi_file_read_at_all_begin_f08_ (file, _at, _b, _n, _t)
        |real| on_file(function!(MPI_File_read_at_all_begin, Collective), file, real);
    mpi_file_read_at_all_end_ mpi_file_read_at_all_end_f08_ (file, _b, _s)
        |real| on_file(function!(MPI_File_read_at_all_end, Collective), file, real);
    mpi_file_read_ordered_begin_ mpi_file_read_ordered_begin_f08_ (file, _b, _n, _t)
        |real| on_file(function!(MPI_File_read_ordered_begin, Collective), file, real);
    mpi_file_read_ordered_end_ mpi_file_read_ordered_end_f08_ (file, _b, _s)
        |real| on_file(function!(MPI_File_read_ordered_end, Collective), file, real);
    mpi_file_write_all_begin_ mpi_file_write_all_begin_f08_ (file, _b, _n, _t)
        |real| on_file(function!(MPI_File_write_all_begin, Collective), file, real);
    mpi_file_write_all_end_ mpi_file_write_all_end_f08_ (file, _b, _s)
        |real| on_file(function!(MPI_File_write_all_end, Collective), file, real);
    mpi_file_write_at_all_begin_ mpi_file_write_at_all_begin_f08_ (file, _at, _b, _n, _t)
        |real| on_file(function!(MPI_File_write_at_all_begin, Collective), file, real);
    mpi_file_write_at_all_end_ mpi_file_write_at_all_end_f08_ (file, _b, _s)
        |real| on_file(function!(MPI_File_write_at_all_end, Collective), file, real);
    mpi_file_write_ordered_begin_ mpi_file_write_ordered_begin_f08_ (file, _b, _n, _t)
        |real| on_file(function!(MPI_File_write_ordered_begin, Collective), file, real);
    mpi_file_write_ordered_end_ mpi_file_write_ordered_end_f08_ (file, _b, _s)
        |real| on_file(function!(MPI_File_write_ordered_end, Collective), file, real);
    mpi_file_sync_ mpi_file_sync_f08_ (file) |real| on_file(function!(MPI_File_sync, Collective), file, real);
    mpi_file_iread_all_ mpi_file_iread_all_f08_ (file, _b, _n, _t, key)
        |real| begin_on_file(function!(MPI_File_iread_all, Collective), file, key, real);
    mpi_file_iread_at_all_ mpi_file_iread_at_all_f08_ (file, _at, _b, _n, _t, key)
        |real| begin_on_file(function!(MPI_File_iread_at_all, Collective), file, key, real);
    mpi_file_iwrite_all_ mpi_file_iwrite_all_f08_ (file, _b, _n, _t, key)
        |real| begin_on_file(function!(MPI_File_iwrite_all, Collective), file, key, real);
    mpi_file_iwrite_at_all_ mpi_file_iwrite_at_all_f08_ (file, _at, _b, _n, _t, key)
        |real| begin_on_file(function!(MPI_File_iwrite_at_all, Collective), file, key, real);
}
