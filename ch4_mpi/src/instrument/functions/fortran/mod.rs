//! The functions of MPI as a Fortran program calls them, with the addresses of all arguments: `mpi_recv_` (`mpif.h`, `use mpi`) and
//! Open MPI's `mpi_recv_f08_` (`use mpi_f08`), whose handles are structures of one integer and whose `ierror` may be missing.
//!
//! Open MPI's Fortran functions call MPI under its second names, so the functions for C do not see these calls; MPICH's call
//! the functions for C, which then see that they are in a call already. The real function is the next one of that name.

use std::ffi::CStr;
use std::sync::OnceLock;

use super::*;
use pending::Given;

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
    static SYNCHRONOUS: [(&str, Next); 6] = [
        ("mpi_send_", Next::new(c"mpi_ssend_")),
        ("mpi_send_f08_", Next::new(c"mpi_ssend_f08_")),
        ("mpi_isend_", Next::new(c"mpi_issend_")),
        ("mpi_isend_f08_", Next::new(c"mpi_issend_f08_")),
        ("mpi_send_init_", Next::new(c"mpi_ssend_init_")),
        ("mpi_send_init_f08_", Next::new(c"mpi_ssend_init_f08_")),
    ];
    let synchronous = SYNCHRONOUS.iter().find(|(standard, _)| *standard == name && STRICT_SENDS.load(Relaxed));
    synchronous.map_or(next, |(_, synchronous)| synchronous).get()
}

macro_rules! arg {
    ($name:ident) => {
        Arg
    };
}

macro_rules! length {
    ($name:ident) => {
        usize
    };
}

/// Each function, under both of its names, reads its arguments (`*name`) to describe its call, and calls the real function.
macro_rules! fortran {
    ($($name:ident $name_f08:ident $args:tt $note:expr;)*) => {$(
        fortran_function!($name $args $note);
        fortran_function!($name_f08 $args $note);
    )*};
}

macro_rules! fortran_function {
    ($name:ident ($($arg:ident),*) $note:expr) => { fortran_function!($name ($($arg),* ;) $note); };
    // Behind all arguments Fortran passes the length of each text.
    ($name:ident ($($arg:ident),* ; $($length:ident),*) $note:expr) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: Arg,)* error: Arg $(, $length: usize)*) {
            static NEXT: Next = Next::new(
                match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                    Ok(name) => name,
                    Err(_) => panic!("a name"),
                }
            );
            let real = || {
                // SAFETY: the next function of this name has the same arguments, which are the program's own.
                unsafe {
                    let real: unsafe extern "C" fn($(arg!($arg),)* Arg $(, length!($length))*) =
                        std::mem::transmute(strict(stringify!($name), &NEXT));
                    real($($arg,)* error $(, $length)*);
                    // A program in the Fortran of 2008 need not ask for the error.
                    error.as_ref().map_or(SUCCESS, |&error| error)
                }
            };
            if !ON.load(Relaxed) || is_inside() {
                real();
                return;
            }
            // SAFETY: Fortran passes addresses of integers.
            #[allow(unused_unsafe, reason = "some functions read no argument")]
            unsafe { $note(&real) };
        }
    };
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

unsafe fn collective(function: &'static Function, comm: Arg, root: c_int) -> Call {
    // SAFETY: Fortran passes the address of an integer.
    counted(function, communicator(unsafe { *comm }), 0, root)
}

unsafe fn begin(call: Call, key: Arg, real: impl FnOnce() -> c_int) {
    if note(&call, real) == SUCCESS {
        // SAFETY: MPI has written the request.
        pending::begun(request(unsafe { *key }), call);
    }
}

unsafe fn make(call: Call, key: Arg, real: impl FnOnce() -> c_int) {
    if real() == SUCCESS {
        // SAFETY: MPI has written the request.
        pending::made(request(unsafe { *key }), call);
    }
}

unsafe fn start(keys: &[c_int], real: impl FnOnce() -> c_int) {
    for &key in keys {
        pending::started(request(key));
    }
    note(&Call::of(function!(MPI_Start, Other)), real);
}

/// The keys of this number of requests.
unsafe fn keys(count: Arg, keys: Arg) -> Vec<Given> {
    // SAFETY: Fortran passes the addresses of an integer and of an array of this length.
    unsafe { given(*count, keys) }.iter().map(|&key| pending::given(request(key))).collect()
}

fn complete(keys: impl IntoIterator<Item = Given>) {
    for key in keys {
        pending::completed(key);
    }
}

/// The request of this index, if there is one: Fortran counts from 1.
unsafe fn complete_one(keys: &[Given], index: c_int) {
    complete(usize::try_from(index).ok().and_then(|index| keys.get(index.checked_sub(1)?)).copied());
}

/// A call that asks whether requests are complete, and writes into `flag` whether they are.
unsafe fn test(function: &'static Function, flag: Arg, real: impl FnOnce() -> c_int) -> bool {
    note(&Call::of(function), real);
    // SAFETY: MPI has written the flag.
    unsafe { *flag != 0 }
}

fortran! {
    mpi_send_ mpi_send_f08_ (_buffer, count, datatype, to, tag, comm) |real| {
        note(&message(function!(MPI_Send, Send), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), real)
    };
    mpi_bsend_ mpi_bsend_f08_ (_buffer, count, datatype, to, tag, comm) |real| {
        note(&message(function!(MPI_Bsend, Send), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), real)
    };
    mpi_rsend_ mpi_rsend_f08_ (_buffer, count, datatype, to, tag, comm) |real| {
        note(&message(function!(MPI_Rsend, Send), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), real)
    };
    mpi_ssend_ mpi_ssend_f08_ (_buffer, count, datatype, to, tag, comm) |real| {
        note(&message(function!(MPI_Ssend, Send), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), real)
    };
    mpi_recv_ mpi_recv_f08_ (_buffer, count, datatype, from, tag, comm, _status) |real| {
        note(&message(function!(MPI_Recv, Receive), [NONE, NONE, *from, *tag], comm, bytes(*count, *datatype)), real)
    };
    mpi_probe_ mpi_probe_f08_ (from, tag, comm, _status) |real| {
        note(&message(function!(MPI_Probe, Receive), [NONE, NONE, *from, *tag], comm, 0), real)
    };
    mpi_mprobe_ mpi_mprobe_f08_ (from, tag, comm, _message, _status) |real| {
        note(&message(function!(MPI_Mprobe, Receive), [NONE, NONE, *from, *tag], comm, 0), real)
    };
    mpi_mrecv_ mpi_mrecv_f08_ (_buffer, _count, _datatype, _message, _status)
        |real| note(&Call::of(function!(MPI_Mrecv, Other)), real);
    mpi_imrecv_ mpi_imrecv_f08_ (_buffer, _count, _datatype, _message, key)
        |real| begin(Call::of(function!(MPI_Imrecv, Other)), key, real);
    mpi_buffer_detach_ mpi_buffer_detach_f08_ (_buffer, _size) |real| note(&detach(), real);
    mpi_sendrecv_ mpi_sendrecv_f08_ (_send, count, datatype, to, tag, _receive, _n, _t, from, from_tag, comm, _status)
        |real| {
        let peers = [*to, *tag, *from, *from_tag];
        note(&message(function!(MPI_Sendrecv, SendReceive), peers, comm, bytes(*count, *datatype)), real)
    };
    mpi_sendrecv_replace_ mpi_sendrecv_replace_f08_ (_buffer, count, datatype, to, tag, from, from_tag, comm, _status)
        |real| {
        let peers = [*to, *tag, *from, *from_tag];
        note(&message(function!(MPI_Sendrecv_replace, SendReceive), peers, comm, bytes(*count, *datatype)), real)
    };
    mpi_isend_ mpi_isend_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        begin(message(function!(MPI_Isend, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_ibsend_ mpi_ibsend_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        begin(message(function!(MPI_Ibsend, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_irsend_ mpi_irsend_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        begin(message(function!(MPI_Irsend, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_issend_ mpi_issend_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        begin(message(function!(MPI_Issend, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_irecv_ mpi_irecv_f08_ (_buffer, count, datatype, from, tag, comm, key) |real| {
        begin(message(function!(MPI_Irecv, Other), [NONE, NONE, *from, *tag], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_send_init_ mpi_send_init_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        make(message(function!(MPI_Send_init, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_bsend_init_ mpi_bsend_init_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        make(message(function!(MPI_Bsend_init, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_rsend_init_ mpi_rsend_init_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        make(message(function!(MPI_Rsend_init, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_ssend_init_ mpi_ssend_init_f08_ (_buffer, count, datatype, to, tag, comm, key) |real| {
        make(message(function!(MPI_Ssend_init, Other), [*to, *tag, NONE, NONE], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_recv_init_ mpi_recv_init_f08_ (_buffer, count, datatype, from, tag, comm, key) |real| {
        make(message(function!(MPI_Recv_init, Other), [NONE, NONE, *from, *tag], comm, bytes(*count, *datatype)), key, real)
    };
    mpi_start_ mpi_start_f08_ (key) |real| start(&[*key], real);
    mpi_startall_ mpi_startall_f08_ (count, of) |real| start(given(*count, of), real);
    mpi_wait_ mpi_wait_f08_ (key, _status) |real| {
        let key = pending::given(request(*key));
        note_wait(function!(MPI_Wait, WaitAll), &[key], real);
        complete([key])
    };
    mpi_waitall_ mpi_waitall_f08_ (count, of, _statuses) |real| {
        let keys = keys(count, of);
        note_wait(function!(MPI_Waitall, WaitAll), &keys, real);
        complete(keys)
    };
    mpi_waitany_ mpi_waitany_f08_ (count, of, index, _status) |real| {
        let keys = keys(count, of);
        note_wait(function!(MPI_Waitany, WaitAny), &keys, real);
        complete_one(&keys, *index)
    };
    mpi_waitsome_ mpi_waitsome_f08_ (count, of, done, indices, _statuses) |real| {
        let keys = keys(count, of);
        note_wait(function!(MPI_Waitsome, WaitAny), &keys, real);
        given(*done, indices).iter().for_each(|&index| complete_one(&keys, index))
    };
    mpi_test_ mpi_test_f08_ (key, flag, _status) |real| {
        let key = pending::given(request(*key));
        if test(function!(MPI_Test, Other), flag, real) {
            complete([key])
        }
    };
    mpi_testall_ mpi_testall_f08_ (count, of, flag, _statuses) |real| {
        let keys = keys(count, of);
        if test(function!(MPI_Testall, Other), flag, real) {
            complete(keys)
        }
    };
    mpi_testany_ mpi_testany_f08_ (count, of, index, flag, _status) |real| {
        let keys = keys(count, of);
        if test(function!(MPI_Testany, Other), flag, real) {
            complete_one(&keys, *index)
        }
    };
    mpi_testsome_ mpi_testsome_f08_ (count, of, done, indices, _statuses) |real| {
        let keys = keys(count, of);
        note(&Call::of(function!(MPI_Testsome, Other)), real);
        given(*done, indices).iter().for_each(|&index| complete_one(&keys, index))
    };
    mpi_request_free_ mpi_request_free_f08_ (key) |real: &dyn Fn() -> c_int| {
        pending::freed(request(*key));
        real()
    };
}

mod communicators;
mod objects;

/// Each collective, and its form that only begins it.
macro_rules! collectives {
    ($($kind:ident $mpi:ident $name:ident $name_f08:ident, $begun_mpi:ident $begun:ident $begun_f08:ident
        ($($arg:ident),*) $root:expr;)*) => {
        fortran! {$(
            $name $name_f08 ($($arg,)* comm) |real| note(&collective(function!($mpi, $kind), comm, $root), real);
            $begun $begun_f08 ($($arg,)* comm, key) |real| {
                begin(collective(function!($begun_mpi, $kind), comm, $root), key, real)
            };
        )*}
    };
}

collectives! {
    Synchronizing MPI_Barrier mpi_barrier_ mpi_barrier_f08_, MPI_Ibarrier mpi_ibarrier_ mpi_ibarrier_f08_
        () NONE;
    Collective MPI_Bcast mpi_bcast_ mpi_bcast_f08_, MPI_Ibcast mpi_ibcast_ mpi_ibcast_f08_
        (_buffer, _count, _datatype, root) *root;
    Collective MPI_Gather mpi_gather_ mpi_gather_f08_, MPI_Igather mpi_igather_ mpi_igather_f08_
        (_s, _n, _t, _r, _m, _u, root) *root;
    Collective MPI_Gatherv mpi_gatherv_ mpi_gatherv_f08_, MPI_Igatherv mpi_igatherv_ mpi_igatherv_f08_
        (_s, _n, _t, _r, _m, _at, _u, root) *root;
    Collective MPI_Scatter mpi_scatter_ mpi_scatter_f08_, MPI_Iscatter mpi_iscatter_ mpi_iscatter_f08_
        (_s, _n, _t, _r, _m, _u, root) *root;
    Collective MPI_Scatterv mpi_scatterv_ mpi_scatterv_f08_, MPI_Iscatterv mpi_iscatterv_ mpi_iscatterv_f08_
        (_s, _n, _at, _t, _r, _m, _u, root) *root;
    Synchronizing MPI_Allgather mpi_allgather_ mpi_allgather_f08_, MPI_Iallgather mpi_iallgather_ mpi_iallgather_f08_
        (_s, _n, _t, _r, _m, _u) NONE;
    Synchronizing MPI_Allgatherv mpi_allgatherv_ mpi_allgatherv_f08_, MPI_Iallgatherv mpi_iallgatherv_ mpi_iallgatherv_f08_
        (_s, _n, _t, _r, _m, _at, _u) NONE;
    Synchronizing MPI_Alltoall mpi_alltoall_ mpi_alltoall_f08_, MPI_Ialltoall mpi_ialltoall_ mpi_ialltoall_f08_
        (_s, _n, _t, _r, _m, _u) NONE;
    Collective MPI_Alltoallv mpi_alltoallv_ mpi_alltoallv_f08_, MPI_Ialltoallv mpi_ialltoallv_ mpi_ialltoallv_f08_
        (_s, _n, _at, _t, _r, _m, _bt, _u) NONE;
    Collective MPI_Alltoallw mpi_alltoallw_ mpi_alltoallw_f08_, MPI_Ialltoallw mpi_ialltoallw_ mpi_ialltoallw_f08_
        (_s, _n, _at, _t, _r, _m, _bt, _u) NONE;
    Collective MPI_Reduce mpi_reduce_ mpi_reduce_f08_, MPI_Ireduce mpi_ireduce_ mpi_ireduce_f08_
        (_s, _r, _n, _t, _op, root) *root;
    Synchronizing MPI_Allreduce mpi_allreduce_ mpi_allreduce_f08_, MPI_Iallreduce mpi_iallreduce_ mpi_iallreduce_f08_
        (_s, _r, _n, _t, _op) NONE;
    Collective MPI_Reduce_scatter mpi_reduce_scatter_ mpi_reduce_scatter_f08_,
        MPI_Ireduce_scatter mpi_ireduce_scatter_ mpi_ireduce_scatter_f08_
        (_s, _r, _n, _t, _op) NONE;
    Collective MPI_Reduce_scatter_block mpi_reduce_scatter_block_ mpi_reduce_scatter_block_f08_,
        MPI_Ireduce_scatter_block mpi_ireduce_scatter_block_ mpi_ireduce_scatter_block_f08_
        (_s, _r, _n, _t, _op) NONE;
    Collective MPI_Scan mpi_scan_ mpi_scan_f08_, MPI_Iscan mpi_iscan_ mpi_iscan_f08_
        (_s, _r, _n, _t, _op) NONE;
    Collective MPI_Exscan mpi_exscan_ mpi_exscan_f08_, MPI_Iexscan mpi_iexscan_ mpi_iexscan_f08_
        (_s, _r, _n, _t, _op) NONE;
    Collective MPI_Neighbor_allgather mpi_neighbor_allgather_ mpi_neighbor_allgather_f08_,
        MPI_Ineighbor_allgather mpi_ineighbor_allgather_ mpi_ineighbor_allgather_f08_
        (_s, _n, _t, _r, _m, _u) NONE;
    Collective MPI_Neighbor_alltoall mpi_neighbor_alltoall_ mpi_neighbor_alltoall_f08_,
        MPI_Ineighbor_alltoall mpi_ineighbor_alltoall_ mpi_ineighbor_alltoall_f08_
        (_s, _n, _t, _r, _m, _u) NONE;
    Collective MPI_Neighbor_allgatherv mpi_neighbor_allgatherv_ mpi_neighbor_allgatherv_f08_,
        MPI_Ineighbor_allgatherv mpi_ineighbor_allgatherv_ mpi_ineighbor_allgatherv_f08_
        (_s, _n, _t, _r, _m, _at, _u) NONE;
    Collective MPI_Neighbor_alltoallv mpi_neighbor_alltoallv_ mpi_neighbor_alltoallv_f08_,
        MPI_Ineighbor_alltoallv mpi_ineighbor_alltoallv_ mpi_ineighbor_alltoallv_f08_
        (_s, _n, _at, _t, _r, _m, _bt, _u) NONE;
    Collective MPI_Neighbor_alltoallw mpi_neighbor_alltoallw_ mpi_neighbor_alltoallw_f08_,
        MPI_Ineighbor_alltoallw mpi_ineighbor_alltoallw_ mpi_ineighbor_alltoallw_f08_
        (_s, _n, _at, _t, _r, _m, _bt, _u) NONE;
}

/// MPI_Init and MPI_Init_thread. MPI_Finalize calls C's function.
macro_rules! inits {
    ($($name:ident ($($arg:ident),*);)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: Arg),*) {
            static NEXT: Next = Next::new(match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                Ok(name) => name,
                Err(_) => panic!("a name"),
            });
            // SAFETY: as in the other functions.
            unsafe { std::mem::transmute::<usize, unsafe extern "C" fn($(arg!($arg)),*)>(NEXT.get())($($arg),*) };
            crate::instrument::begin();
        }
    )*};
}

inits! {
    mpi_init_ (error);
    mpi_init_f08_ (error);
    mpi_init_thread_ (required, provided, error);
    mpi_init_thread_f08_ (required, provided, error);
}
