/* What the MPI programs share besides peer.h: only rank 0 prints, and the slowest rank counts. */
#ifndef PEER_MPI_H
#define PEER_MPI_H

#include "peer.h"

#include <mpi.h>

/* Starts MPI and reads the problem, which must be for as many workers as there are ranks. */
static inline struct problem begin_mpi(int count, char **arguments, uint64_t least, uint64_t most, int *rank) {
    struct problem problem;
    int ranks;
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    const char *error = read_problem(count, arguments, least, most, &problem);
    if (!error && problem.workers != ranks) error = "WORKERS is not the number of ranks";
    if (error) {
        if (*rank == 0) fprintf(stderr, "error: %s\n", error);
        MPI_Finalize();
        exit(2);
    }
    return problem;
}

/* The sum over all ranks. Only rank 0 gets it. */
static inline double sum_of_ranks(double own) {
    double sum = 0;
    MPI_Reduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    return sum;
}

/* Prints the line of results on rank 0, ends MPI and returns the exit status. Only `wrong` of rank 0 counts. */
static inline int end_mpi(const struct problem *problem, int rank, double *seconds, const char *wrong) {
    double *slowest = allocate(problem->iterations + 1);
    MPI_Reduce(seconds, slowest, (int)problem->iterations + 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    int status = rank == 0 ? print_result(problem, slowest, wrong) : 0;
    MPI_Finalize();
    return status;
}

#endif
