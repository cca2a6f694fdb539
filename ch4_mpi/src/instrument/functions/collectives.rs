//! Collectives, blocking and begun.

use super::*;

type Places = *const MPI_Aint;

macro_rules! collectives {
    ($($kind:ident $name:ident $real:ident ($($arg:ident: $type:ty),*) bytes $bytes:expr, root $root:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type,)* comm: MPI_Comm) -> c_int {
            // SAFETY: the arguments are the program's own.
            collective(function!($name, $kind), comm, || $bytes, $root, || unsafe { ffi::$real($($arg,)* comm) })
        }
    )*};
}

macro_rules! begun_collectives {
    ($($kind:ident $name:ident $real:ident ($($arg:ident: $type:ty),*) bytes $bytes:expr, root $root:expr;)*) => {$(
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($arg: $type,)* comm: MPI_Comm, request: *mut MPI_Request) -> c_int {
            // SAFETY: the arguments are the program's own.
            let real = || unsafe { ffi::$real($($arg,)* comm, request) };
            if !ON.load(Relaxed) || is_inside() {
                return real();
            }
            begin(collective_call(function!($name, $kind), comm, $bytes, $root), request, real)
        }
    )*};
}

collectives! {
    Synchronizing MPI_Barrier PMPI_Barrier () bytes 0, root NONE;
    Collective MPI_Bcast PMPI_Bcast (b: Into, n: c_int, t: Type, root: c_int) bytes bytes_of(n, t), root root;
    Collective MPI_Gather PMPI_Gather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Gatherv PMPI_Gatherv (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Scatter PMPI_Scatter (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Collective MPI_Scatterv PMPI_Scatterv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Synchronizing MPI_Allgather PMPI_Allgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Synchronizing MPI_Allgatherv PMPI_Allgatherv (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Synchronizing MPI_Alltoall PMPI_Alltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Collective MPI_Alltoallv PMPI_Alltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
    Collective MPI_Alltoallw PMPI_Alltoallw
        (s: Buffer, n: Counts, at: Counts, t: *const Type, r: Into, rn: Counts, rat: Counts, rt: *const Type)
        bytes 0, root NONE;
    Collective MPI_Reduce PMPI_Reduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op, root: c_int)
        bytes bytes_of(n, t), root root;
    Synchronizing MPI_Allreduce PMPI_Allreduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Reduce_scatter PMPI_Reduce_scatter (s: Buffer, r: Into, n: Counts, t: Type, op: MPI_Op) bytes 0, root NONE;
    Collective MPI_Reduce_scatter_block PMPI_Reduce_scatter_block (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Scan PMPI_Scan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Exscan PMPI_Exscan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_allgather PMPI_Neighbor_allgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_allgatherv PMPI_Neighbor_allgatherv
        (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type) bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_alltoall PMPI_Neighbor_alltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Neighbor_alltoallv PMPI_Neighbor_alltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
    Collective MPI_Neighbor_alltoallw PMPI_Neighbor_alltoallw
        (s: Buffer, n: Counts, at: Places, t: *const Type, r: Into, rn: Counts, rat: Places, rt: *const Type)
        bytes 0, root NONE;
}

begun_collectives! {
    Synchronizing MPI_Ibarrier PMPI_Ibarrier () bytes 0, root NONE;
    Collective MPI_Ibcast PMPI_Ibcast (b: Into, n: c_int, t: Type, root: c_int) bytes bytes_of(n, t), root root;
    Collective MPI_Igather PMPI_Igather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Igatherv PMPI_Igatherv
        (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type, root: c_int)
        bytes bytes_of(n, t), root root;
    Collective MPI_Iscatter PMPI_Iscatter (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Collective MPI_Iscatterv PMPI_Iscatterv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: c_int, rt: Type, root: c_int)
        bytes bytes_of(rn, rt), root root;
    Synchronizing MPI_Iallgather PMPI_Iallgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Synchronizing MPI_Iallgatherv PMPI_Iallgatherv (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Synchronizing MPI_Ialltoall PMPI_Ialltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(rn, rt), root NONE;
    Collective MPI_Ialltoallv PMPI_Ialltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
    Collective MPI_Ialltoallw PMPI_Ialltoallw
        (s: Buffer, n: Counts, at: Counts, t: *const Type, r: Into, rn: Counts, rat: Counts, rt: *const Type)
        bytes 0, root NONE;
    Collective MPI_Ireduce PMPI_Ireduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op, root: c_int)
        bytes bytes_of(n, t), root root;
    Synchronizing MPI_Iallreduce PMPI_Iallreduce (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Ireduce_scatter PMPI_Ireduce_scatter (s: Buffer, r: Into, n: Counts, t: Type, op: MPI_Op)
        bytes 0, root NONE;
    Collective MPI_Ireduce_scatter_block PMPI_Ireduce_scatter_block (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Iscan PMPI_Iscan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Iexscan PMPI_Iexscan (s: Buffer, r: Into, n: c_int, t: Type, op: MPI_Op) bytes bytes_of(n, t), root NONE;
    Collective MPI_Ineighbor_allgather PMPI_Ineighbor_allgather (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Ineighbor_alltoall PMPI_Ineighbor_alltoall (s: Buffer, n: c_int, t: Type, r: Into, rn: c_int, rt: Type)
        bytes bytes_of(n, t), root NONE;
    Collective MPI_Ineighbor_allgatherv PMPI_Ineighbor_allgatherv
        (s: Buffer, n: c_int, t: Type, r: Into, rn: Counts, at: Counts, rt: Type) bytes bytes_of(n, t), root NONE;
    Collective MPI_Ineighbor_alltoallv PMPI_Ineighbor_alltoallv
        (s: Buffer, n: Counts, at: Counts, t: Type, r: Into, rn: Counts, rat: Counts, rt: Type) bytes 0, root NONE;
    Collective MPI_Ineighbor_alltoallw PMPI_Ineighbor_alltoallw
        (s: Buffer, n: Counts, at: Places, t: *const Type, r: Into, rn: Counts, rat: Places, rt: *const Type)
        bytes 0, root NONE;
}
