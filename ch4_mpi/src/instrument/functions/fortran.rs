//! The functions of MPI as a Fortran program calls them (`mpif.h`, `use mpi`): `mpi_recv_` with the addresses of all arguments.
//!
//! Open MPI's Fortran functions call MPI under its second names, so the functions for C do not see these calls; MPICH's call
//! the functions for C, which then see that they are in a call already. The real function is the next one of that name.

use std::ffi::CStr;
use std::sync::OnceLock;

use super::*;

type Arg = *mut c_int;

/// The next function of a name in the libraries of this program.
struct Next {
    name: &'static CStr,
    found: OnceLock<usize>,
}

impl Next {
    const fn new(name: &'static CStr) -> Self {
        Self { name, found: OnceLock::new() }
    }

    fn get(&self) -> usize {
        // SAFETY: the name ends with a zero byte.
        *self.found.get_or_init(|| unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) } as usize)
    }
}

/// A communicator as C has it. MPICH's Fortran has the same numbers; Open MPI's has indices of a table.
fn communicator(of_fortran: c_int) -> usize {
    static CONVERT: Next = Next::new(c"PMPI_Comm_f2c");
    match CONVERT.get() {
        0 => of_fortran as u32 as usize,
        // SAFETY: with this name MPI has a function that takes Fortran's number and returns the communicator.
        convert => word(unsafe { std::mem::transmute::<usize, extern "C" fn(c_int) -> MPI_Comm>(convert)(of_fortran) }),
    }
}

fn bytes(count: c_int, datatype: c_int) -> c_int {
    static CONVERT: Next = Next::new(c"PMPI_Type_f2c");
    let datatype = match CONVERT.get() {
        0 => datatype as u32 as usize,
        convert => {
            // SAFETY: as in `communicator`.
            word(unsafe { std::mem::transmute::<usize, extern "C" fn(c_int) -> MPI_Datatype>(convert)(datatype) })
        }
    };
    bytes_of_word(count, datatype)
}

/// The key of a request of Fortran, which no request of C has.
fn request(of_fortran: c_int) -> usize {
    (1 << 48) | of_fortran as u32 as usize
}

/// The function that is called in place of a standard send if each send must be synchronous.
fn strict(name: &str, next: &Next) -> usize {
    static SEND: Next = Next::new(c"mpi_ssend_");
    static BEGIN_SEND: Next = Next::new(c"mpi_issend_");
    match name {
        "mpi_send_" if STRICT_SENDS.load(Relaxed) => SEND.get(),
        "mpi_isend_" if STRICT_SENDS.load(Relaxed) => BEGIN_SEND.get(),
        _ => next.get(),
    }
}

macro_rules! arg {
    ($name:ident) => {
        Arg
    };
}

/// Each function reads its arguments (`*name`) to describe its call, and then calls the real function; `after` follows.
macro_rules! fortran {
    ($($name:ident ($($arg:ident),*) $note:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: Arg,)* error: Arg) {
            static NEXT: Next = Next::new(
                match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => panic!("a name"),
                }
            );
            let real = || {
                // SAFETY: the next function of this name has the same arguments, which are the program's own.
                unsafe {
                    let real: unsafe extern "C" fn($(arg!($arg),)* Arg) = std::mem::transmute(strict(stringify!($name), &NEXT));
                    real($($arg,)* error);
                }
                0
            };
            if !ON.load(Relaxed) || is_inside() {
                real();
                return;
            }
            // SAFETY: Fortran passes addresses of integers.
            unsafe { $note(&real) };
        }
    )*};
}

/// A send or a receive. MPI_ANY_SOURCE, MPI_ANY_TAG and MPI_PROC_NULL are the same numbers as in C.
unsafe fn message(
    function: &'static Function,
    [to, to_tag, from, from_tag]: [c_int; 4],
    comm: Arg,
    count: c_int,
) -> Call {
    // SAFETY: Fortran passes the address of an integer.
    let communicator = communicator(unsafe { *comm });
    Call { to: (to, to_tag), from: (from, from_tag), communicator, count, ..Call::of(function) }
}

unsafe fn meet(function: &'static Function, comm: Arg, root: c_int, real: impl FnOnce() -> c_int) {
    // SAFETY: Fortran passes the address of an integer.
    let communicator = communicator(unsafe { *comm });
    let number = known::count(communicator, function.name, root);
    note(&Call { communicator, root, number, ..Call::of(function) }, real);
}

fortran! {
    mpi_send_ (_buffer, count, datatype, to, tag, comm) |real| {
        note(&message(function!(MPI_Send, Send), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), real)
    };
    mpi_ssend_ (_buffer, count, datatype, to, tag, comm) |real| {
        note(&message(function!(MPI_Ssend, Send), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), real)
    };
    mpi_recv_ (_buffer, count, datatype, from, tag, comm, _status) |real| {
        note(&message(function!(MPI_Recv, Receive), [NONE, NONE, *from, *tag], comm, bytes(*count, *datatype)), real)
    };
    mpi_probe_ (from, tag, comm, _status) |real| {
        note(&message(function!(MPI_Probe, Receive), [NONE, NONE, *from, *tag], comm, 0), real)
    };
    mpi_sendrecv_ (_send, count, datatype, to, tag, _receive, _n, _t, from, from_tag, comm, _status) |real| {
        let call =
            message(function!(MPI_Sendrecv, SendReceive), [*to, *tag, *from, *from_tag], comm, bytes(*count, *datatype));
        note(&call, real)
    };
    mpi_isend_ (_buffer, count, datatype, to, tag, comm, key) |real: &dyn Fn() -> c_int| {
        let call = message(function!(MPI_Isend, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype));
        note(&call, real);
        pending::begun(request(*key), call)
    };
    mpi_irecv_ (_buffer, count, datatype, from, tag, comm, key) |real: &dyn Fn() -> c_int| {
        let call = message(function!(MPI_Irecv, Other), [NONE, NONE, *from, *tag], comm, bytes(*count, *datatype));
        note(&call, real);
        pending::begun(request(*key), call)
    };
    mpi_wait_ (key, _status) |real: &dyn Fn() -> c_int| {
        let key = request(*key);
        note_wait(function!(MPI_Wait, WaitAll), &[key], real);
        pending::completed(key)
    };
    mpi_waitall_ (count, keys, _statuses) |real: &dyn Fn() -> c_int| {
        let keys: Vec<usize> = given(*count, keys).iter().map(|&key| request(key)).collect();
        note_wait(function!(MPI_Waitall, WaitAll), &keys, real);
        keys.into_iter().for_each(|key| {
            pending::completed(key);
        })
    };
    mpi_waitany_ (count, keys, index, _status) |real: &dyn Fn() -> c_int| {
        let keys: Vec<usize> = given(*count, keys).iter().map(|&key| request(key)).collect();
        note_wait(function!(MPI_Waitany, WaitAny), &keys, real);
        // Fortran counts from 1.
        let done = usize::try_from(*index).ok().and_then(|index| keys.get(index.checked_sub(1)?));
        done.map(|&key| pending::completed(key))
    };
    mpi_barrier_ (comm) |real| meet(function!(MPI_Barrier, Synchronizing), comm, NONE, real);
    mpi_bcast_ (_buffer, _count, _datatype, root, comm) |real| meet(function!(MPI_Bcast, Collective), comm, *root, real);
    mpi_gather_ (_s, _n, _t, _r, _m, _u, root, comm) |real| meet(function!(MPI_Gather, Collective), comm, *root, real);
    mpi_gatherv_ (_s, _n, _t, _r, _m, _at, _u, root, comm) |real| meet(function!(MPI_Gatherv, Collective), comm, *root, real);
    mpi_scatter_ (_s, _n, _t, _r, _m, _u, root, comm) |real| meet(function!(MPI_Scatter, Collective), comm, *root, real);
    mpi_scatterv_ (_s, _n, _at, _t, _r, _m, _u, root, comm) |real| meet(function!(MPI_Scatterv, Collective), comm, *root, real);
    mpi_allgather_ (_s, _n, _t, _r, _m, _u, comm) |real| meet(function!(MPI_Allgather, Synchronizing), comm, NONE, real);
    mpi_allgatherv_ (_s, _n, _t, _r, _m, _at, _u, comm) |real| {
        meet(function!(MPI_Allgatherv, Synchronizing), comm, NONE, real)
    };
    mpi_alltoall_ (_s, _n, _t, _r, _m, _u, comm) |real| meet(function!(MPI_Alltoall, Synchronizing), comm, NONE, real);
    mpi_alltoallv_ (_s, _n, _at, _t, _r, _m, _bt, _u, comm) |real| meet(function!(MPI_Alltoallv, Collective), comm, NONE, real);
    mpi_reduce_ (_s, _r, _n, _t, _op, root, comm) |real| meet(function!(MPI_Reduce, Collective), comm, *root, real);
    mpi_allreduce_ (_s, _r, _n, _t, _op, comm) |real| meet(function!(MPI_Allreduce, Synchronizing), comm, NONE, real);
    mpi_scan_ (_s, _r, _n, _t, _op, comm) |real| meet(function!(MPI_Scan, Collective), comm, NONE, real);
    mpi_comm_dup_ (comm, new) |real| create(function!(MPI_Comm_dup, Synchronizing), comm, "duplicate", new, real);
    mpi_comm_split_ (comm, _color, _key, new) |real| create(function!(MPI_Comm_split, Synchronizing), comm, "split", new, real);
    mpi_cart_create_ (comm, _dims, _lengths, _periods, _reorder, new) |real| {
        create(function!(MPI_Cart_create, Synchronizing), comm, "grid", new, real)
    };
}

unsafe fn create(function: &'static Function, comm: Arg, how: &str, new: Arg, real: impl FnOnce() -> c_int) {
    // SAFETY: Fortran passes the address of an integer, and MPI writes the new communicator.
    unsafe {
        let parent = communicator(*comm);
        let number = known::count(parent, function.name, NONE);
        note(&Call { communicator: parent, number, ..Call::of(function) }, real);
        known::created(parent, Creation::Collective(number), how, from_word(communicator(*new)));
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpi_init_(error: Arg) {
    static NEXT: Next = Next::new(c"mpi_init_");
    // SAFETY: as in the other functions.
    unsafe { std::mem::transmute::<usize, unsafe extern "C" fn(Arg)>(NEXT.get())(error) };
    crate::instrument::begin();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpi_init_thread_(required: Arg, provided: Arg, error: Arg) {
    static NEXT: Next = Next::new(c"mpi_init_thread_");
    // SAFETY: as in the other functions.
    unsafe {
        std::mem::transmute::<usize, unsafe extern "C" fn(Arg, Arg, Arg)>(NEXT.get())(required, provided, error);
    }
    crate::instrument::begin();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpi_finalize_(error: Arg) {
    static NEXT: Next = Next::new(c"mpi_finalize_");
    finalize(crate::instrument::end);
    // SAFETY: as in the other functions.
    unsafe { std::mem::transmute::<usize, unsafe extern "C" fn(Arg)>(NEXT.get())(error) };
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn mpi_comm_free_(comm: Arg, error: Arg) {
    static NEXT: Next = Next::new(c"mpi_comm_free_");
    // SAFETY: as in the other functions.
    unsafe {
        let handle = communicator(*comm);
        std::mem::transmute::<usize, unsafe extern "C" fn(Arg, Arg)>(NEXT.get())(comm, error);
        if ON.load(Relaxed) && !is_inside() {
            known::freed(handle);
        }
    }
}
