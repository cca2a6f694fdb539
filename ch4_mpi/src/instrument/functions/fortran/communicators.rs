//! What creates and frees communicators, as Fortran calls it.

use super::*;

unsafe fn create(function: &'static Function, comm: Arg, how: &str, new: Arg, real: impl FnOnce() -> c_int) {
    // SAFETY: Fortran passes the address of an integer, and MPI writes the new communicator.
    unsafe {
        let call = collective(function, comm, NONE);
        if note(&call, real) == SUCCESS {
            known::created(call.communicator, Creation::Collective(call.number), how, from_word(communicator(*new)));
        }
    }
}

/// Nothing is known of a communicator with processes outside this world. Its handle may have had another meaning before.
unsafe fn connect(function: &'static Function, new: Arg, real: impl FnOnce() -> c_int) {
    if note(&Call::of(function), real) == SUCCESS {
        // SAFETY: MPI has written the new communicator.
        known::forget(communicator(unsafe { *new }));
    }
}

unsafe fn free(function: &'static Function, comm: Arg, real: impl FnOnce() -> c_int) {
    // SAFETY: Fortran passes the address of an integer.
    free_communicator(function, communicator(unsafe { *comm }), real);
}

fortran! {
    mpi_comm_dup_ mpi_comm_dup_f08_ (comm, new)
        |real| create(function!(MPI_Comm_dup, Synchronizing), comm, "duplicate", new, real);
    mpi_comm_create_ mpi_comm_create_f08_ (comm, _group, new)
        |real| create(function!(MPI_Comm_create, Synchronizing), comm, "communicator", new, real);
    mpi_comm_split_ mpi_comm_split_f08_ (comm, _color, _key, new)
        |real| create(function!(MPI_Comm_split, Synchronizing), comm, "split", new, real);
    mpi_comm_split_type_ mpi_comm_split_type_f08_ (comm, _kind, _key, _info, new)
        |real| create(function!(MPI_Comm_split_type, Synchronizing), comm, "split", new, real);
    mpi_cart_create_ mpi_cart_create_f08_ (comm, _dims, _lengths, _periods, _reorder, new)
        |real| create(function!(MPI_Cart_create, Synchronizing), comm, "grid", new, real);
    mpi_cart_sub_ mpi_cart_sub_f08_ (comm, _remain, new)
        |real| create(function!(MPI_Cart_sub, Synchronizing), comm, "subgrid", new, real);
    mpi_comm_dup_with_info_ mpi_comm_dup_with_info_f08_ (comm, _info, new)
        |real| create(function!(MPI_Comm_dup_with_info, Synchronizing), comm, "duplicate", new, real);
    mpi_comm_idup_ mpi_comm_idup_f08_ (comm, new, key) |real| {
        let call = collective(function!(MPI_Comm_idup, Synchronizing), comm, NONE);
        begin(call, key, real);
        known::created_alike(call.communicator, call.number, "duplicate", communicator(*new));
    };
    mpi_comm_create_group_ mpi_comm_create_group_f08_ (comm, _group, tag, new) |real| {
        let parent = communicator(*comm);
        let call = Call { communicator: parent, ..Call::of(function!(MPI_Comm_create_group, Other)) };
        if note(&call, real) == SUCCESS {
            known::created(parent, Creation::Group(*tag), "communicator", from_word(communicator(*new)));
        }
    };
    mpi_graph_create_ mpi_graph_create_f08_ (comm, _nodes, _index, _edges, _reorder, new)
        |real| create(function!(MPI_Graph_create, Synchronizing), comm, "graph", new, real);
    mpi_dist_graph_create_ mpi_dist_graph_create_f08_
        (comm, _n, _nodes, _degrees, _targets, _weights, _info, _reorder, new)
        |real| create(function!(MPI_Dist_graph_create, Synchronizing), comm, "graph", new, real);
    mpi_dist_graph_create_adjacent_ mpi_dist_graph_create_adjacent_f08_
        (comm, _in, _sources, _source_weights, _out, _targets, _weights, _info, _reorder, new)
        |real| create(function!(MPI_Dist_graph_create_adjacent, Synchronizing), comm, "graph", new, real);
    mpi_intercomm_create_ mpi_intercomm_create_f08_ (comm, _leader, _between, _other_leader, tag, new) |real| {
        if note(&of_world(function!(MPI_Intercomm_create, Other)), real) == SUCCESS {
            let new = from_word(communicator(*new));
            known::created(communicator(*comm), Creation::Groups(*tag), "inter-communicator", new);
        }
    };
    mpi_intercomm_merge_ mpi_intercomm_merge_f08_ (comm, _high, new)
        |real| create(function!(MPI_Intercomm_merge, Synchronizing), comm, "merged communicator", new, real);
    mpi_comm_free_ mpi_comm_free_f08_ (comm) |real| free(function!(MPI_Comm_free, Other), comm, real);
    mpi_comm_disconnect_ mpi_comm_disconnect_f08_ (comm) |real| free(function!(MPI_Comm_disconnect, Other), comm, real);
    mpi_comm_join_ mpi_comm_join_f08_ (_socket, new) |real| connect(function!(MPI_Comm_join, Other), new, real);
    mpi_comm_accept_ mpi_comm_accept_f08_ (_port, _info, _root, _comm, new ; _length)
        |real| connect(function!(MPI_Comm_accept, Other), new, real);
    mpi_comm_connect_ mpi_comm_connect_f08_ (_port, _info, _root, _comm, new ; _length)
        |real| connect(function!(MPI_Comm_connect, Other), new, real);
    mpi_comm_spawn_ mpi_comm_spawn_f08_
        (_command, _arguments, _most, _info, _root, _comm, new, _errors ; _length, _arguments_length)
        |real| connect(function!(MPI_Comm_spawn, Other), new, real);
    mpi_comm_spawn_multiple_ mpi_comm_spawn_multiple_f08_
        (_n, _commands, _arguments, _most, _infos, _root, _comm, new, _errors ; _length, _arguments_length)
        |real| connect(function!(MPI_Comm_spawn_multiple, Other), new, real);
}
