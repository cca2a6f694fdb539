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
            if result == SUCCESS {
                known::created(call.communicator, Creation::Collective(call.number), $how, pointed(new));
            }
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
    if result == SUCCESS {
        known::created(call.communicator, Creation::Group(tag), "communicator", pointed(new));
    }
    result
}

/// The new communicator can be used as soon as the request is complete, but its handle is known at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Comm_idup(comm: MPI_Comm, new: *mut MPI_Comm, request: *mut MPI_Request) -> c_int {
    // SAFETY: the arguments are the program's own.
    let real = || unsafe { ffi::PMPI_Comm_idup(comm, new, request) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = collective_call(function!(MPI_Comm_idup, Synchronizing), comm, 0, NONE);
    let result = begin(call, request, real);
    if result == SUCCESS {
        known::created_alike(call.communicator, call.number, "duplicate", word(pointed(new)));
    }
    result
}

/// Both groups create it together. A rank waits for its own group, and the leaders for each other: which ranks the other group has
/// is not known before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Intercomm_create(
    comm: MPI_Comm,
    leader: c_int,
    between: MPI_Comm,
    other_leader: c_int,
    tag: c_int,
    new: *mut MPI_Comm,
) -> c_int {
    // SAFETY: the arguments are the program's own.
    let real = || unsafe { ffi::PMPI_Intercomm_create(comm, leader, between, other_leader, tag, new) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let result = note(&of_world(function!(MPI_Intercomm_create, Other)), real);
    if result == SUCCESS {
        known::created(word(comm), Creation::Groups(tag), "inter-communicator", pointed(new));
    }
    result
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn MPI_Intercomm_merge(comm: MPI_Comm, high: c_int, new: *mut MPI_Comm) -> c_int {
    // SAFETY: the arguments are the program's own.
    let real = || unsafe { ffi::PMPI_Intercomm_merge(comm, high, new) };
    if !ON.load(Relaxed) || is_inside() {
        return real();
    }
    let call = collective_call(function!(MPI_Intercomm_merge, Synchronizing), comm, 0, NONE);
    let result = note(&call, real);
    if result == SUCCESS {
        known::created(call.communicator, Creation::Collective(call.number), "merged communicator", pointed(new));
    }
    result
}

macro_rules! frees {
    ($($name:ident $real:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(comm: *mut MPI_Comm) -> c_int {
            // SAFETY: the communicator is the program's own.
            let real = || unsafe { ffi::$real(comm) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            free_communicator(function!($name, Other), word(pointed(comm)), real)
        }
    )*};
}

frees! {
    MPI_Comm_free PMPI_Comm_free;
    MPI_Comm_disconnect PMPI_Comm_disconnect;
}

/// Calls that connect this world with another one. Nothing is known of the new communicator: a rank that waits there may be helped
/// from outside.
macro_rules! connections {
    ($($name:ident $real:ident ($($arg:ident: $type:ty),*) $new:ident ($($after:ident: $after_type:ty),*);)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type,)* $new: *mut MPI_Comm $(, $after: $after_type)*) -> c_int {
            // SAFETY: the arguments are the program's own.
            let result = note(&Call::of(function!($name, Other)), || unsafe { ffi::$real($($arg,)* $new $(, $after)*) });
            if result == SUCCESS && ON.load(Relaxed) && !is_inside() {
                known::forget(word(pointed($new)));
            }
            result
        }
    )*};
}

type Texts = *mut *mut c_char;

connections! {
    MPI_Comm_accept PMPI_Comm_accept (port: *const c_char, info: MPI_Info, root: c_int, comm: MPI_Comm) new ();
    MPI_Comm_connect PMPI_Comm_connect (port: *const c_char, info: MPI_Info, root: c_int, comm: MPI_Comm) new ();
    MPI_Comm_join PMPI_Comm_join (socket: c_int) new ();
    MPI_Comm_spawn PMPI_Comm_spawn
        (command: *const c_char, args: Texts, most: c_int, info: MPI_Info, root: c_int, comm: MPI_Comm)
        new (errors: *mut c_int);
    MPI_Comm_spawn_multiple PMPI_Comm_spawn_multiple
        (n: c_int, commands: Texts, args: *mut Texts, most: Counts, infos: *const MPI_Info, root: c_int, comm: MPI_Comm)
        new (errors: *mut c_int);
}
