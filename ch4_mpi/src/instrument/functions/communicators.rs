//! What creates and frees communicators.

use super::*;

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
            known::created(call.communicator, Creation::Collective(call.number), $how, unsafe { *new });
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
pub unsafe extern "C" fn MPI_Comm_create_group(
    comm: MPI_Comm,
    group: MPI_Group,
    tag: c_int,
    new: *mut MPI_Comm,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    let real = || unsafe { ffi::PMPI_Comm_create_group(comm, group, tag, new) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = Call { communicator: word(comm), ..Call::of(function!(MPI_Comm_create_group, Other)) };
    let result = note(&call, real);
    // SAFETY: MPI has written the communicator.
    known::created(call.communicator, Creation::Group(tag), "communicator", unsafe { *new });
    result
}

macro_rules! frees {
    ($($name:ident $real:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(comm: *mut MPI_Comm) -> c_int {
            // SAFETY: the communicator is the program's own.
            unsafe {
                let handle = word(*comm);
                let result = ffi::$real(comm);
                if ON.load(Relaxed) && !is_inside() {
                    known::freed(handle);
                }
                result
            }
        }
    )*};
}

frees! {
    MPI_Comm_free PMPI_Comm_free;
    MPI_Comm_disconnect PMPI_Comm_disconnect;
}

/// Communicators with ranks of two groups. Nothing is known of them: a rank that waits there may be helped from outside.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Intercomm_merge(comm: MPI_Comm, high: c_int, new: *mut MPI_Comm) -> c_int {
    // SAFETY: the arguments are the program's own.
    let result = unsafe { ffi::PMPI_Intercomm_merge(comm, high, new) };
    if ON.load(Relaxed) && !is_inside() {
        // SAFETY: MPI has written the communicator.
        known::freed(word(unsafe { *new }));
    }
    result
}
