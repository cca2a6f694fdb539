! Every rank receives from its left neighbour, which sends nothing, or a rank leaves out a barrier: for the tests of the hang report.
program hangs
    use mpi
    implicit none
    integer :: rank, ranks, number, error, request, status(MPI_STATUS_SIZE)
    character(20) :: case
    call MPI_Init(error)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
    call get_command_argument(1, case)
    number = 1
    if (case == 'receive') then
        call MPI_Recv(number, 1, MPI_INTEGER, mod(rank + ranks - 1, ranks), 4, MPI_COMM_WORLD, status, error) ! here: receive
    end if
    if (case == 'wait') then
        call MPI_Irecv(number, 1, MPI_INTEGER, mod(rank + ranks - 1, ranks), 4, MPI_COMM_WORLD, request, error)
        call MPI_Wait(request, status, error)
    end if
    if (case == 'barrier' .and. rank > 0) then
        call MPI_Barrier(MPI_COMM_WORLD, error) ! here: barrier
    end if
    call MPI_Finalize(error)
    if (rank == 0) print '(a)', 'it ends'
end program
