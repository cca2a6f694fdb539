! Every rank receives from its left neighbour, which sends nothing, or a rank leaves out a collective: for the tests of the hang report.
! With -DF08: in the Fortran of 2008.
program hangs
#ifdef F08
    use mpi_f08
#else
    use mpi
#endif
    implicit none
    integer :: rank, ranks, left, right, number, sum, two(2), error
#ifdef F08
    type(MPI_Comm) :: half, other
    type(MPI_Group) :: all
    type(MPI_File) :: file
    type(MPI_Request) :: request, both(2)
    type(MPI_Status) :: status
#else
    integer :: half, other, all, file, request, both(2), status(MPI_STATUS_SIZE)
#endif
    character(20) :: case
    call MPI_Init(error)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
    call get_command_argument(1, case)
    left = mod(rank + ranks - 1, ranks)
    right = mod(rank + 1, ranks)
    number = 1
    if (case == 'receive') then
        call MPI_Recv(number, 1, MPI_INTEGER, left, 4, MPI_COMM_WORLD, status, error) ! here: receive
    end if
    if (case == 'wait') then
        call MPI_Irecv(number, 1, MPI_INTEGER, left, 4, MPI_COMM_WORLD, request, error)
        call MPI_Wait(request, status, error)
    end if
    if (case == 'barrier' .and. rank > 0) then
        call MPI_Barrier(MPI_COMM_WORLD, error) ! here: barrier
    end if
    if (case == 'split') then
        call MPI_Comm_split(MPI_COMM_WORLD, 0, ranks - rank, half, error)
        call MPI_Recv(number, 1, MPI_INTEGER, 0, 4, half, status, error) ! here: split
    end if
    if (case == 'file') then
        call MPI_File_open(MPI_COMM_WORLD, '/dev/null', MPI_MODE_RDWR, MPI_INFO_NULL, file, error)
        if (rank == 0) call MPI_Recv(number, 1, MPI_INTEGER, 1, 4, MPI_COMM_WORLD, status, error)
        call MPI_File_set_atomicity(file, .true., error)
        call MPI_File_close(file, error)
    end if
    if (case == 'inter') then
        call MPI_Comm_split(MPI_COMM_WORLD, mod(rank, 2), rank, half, error)
        if (rank /= 1) call MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1, 9, other, error)
    end if
    if (case == 'group') then
        call MPI_Comm_group(MPI_COMM_WORLD, all, error)
        call MPI_Comm_create_group(MPI_COMM_WORLD, all, 5, other, error)
        if (rank < 2) call MPI_Barrier(other, error)
    end if
    if (case == 'disconnect') then
        call MPI_Comm_dup_with_info(MPI_COMM_WORLD, MPI_INFO_NULL, half, error)
        call MPI_Comm_disconnect(half, error)
        call MPI_Recv(number, 1, MPI_INTEGER, left, 4, MPI_COMM_WORLD, status, error)
    end if
    if (case == 'neighbours') then
        call MPI_Cart_create(MPI_COMM_WORLD, 1, [ranks], [.true.], .false., other, error)
        if (rank < 2) call MPI_Neighbor_allgatherv(number, 1, MPI_INTEGER, two, [1, 1], [0, 1], MPI_INTEGER, other, error)
    end if
    if (case == 'send') then
        call MPI_Send(number, 1, MPI_INTEGER, right, 4, MPI_COMM_WORLD, error) ! here: send
        call MPI_Recv(number, 1, MPI_INTEGER, left, 4, MPI_COMM_WORLD, status, error)
    end if
    if (case == 'right') then
        call MPI_Send_init(rank, 1, MPI_INTEGER, right, 4, MPI_COMM_WORLD, both(1), error)
        call MPI_Recv_init(number, 1, MPI_INTEGER, left, 4, MPI_COMM_WORLD, both(2), error)
        call MPI_Startall(2, both, error)
        if (rank == 1) call sleep(2)
        call MPI_Waitall(2, both, MPI_STATUSES_IGNORE, error)
        call MPI_Request_free(both(1), error)
        call MPI_Request_free(both(2), error)
        call MPI_Iallreduce(number, sum, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, request, error)
        if (rank == 2) call sleep(2)
        call MPI_Wait(request, MPI_STATUS_IGNORE, error)
        if (number /= left .or. sum /= ranks * (ranks - 1) / 2) call MPI_Abort(MPI_COMM_WORLD, 1, error)
    end if
    call MPI_Finalize(error)
    if (rank == 0) print '(a)', 'it ends'
end program
