/* nstream: A += B + 3 * C, by ranks that divide the vectors. No rank needs the elements of another rank. */
#include "peer_mpi.h"

int main(int count, char **arguments) {
    int rank;
    struct problem problem = begin_mpi(count, arguments, 1, (uint64_t)1 << 40, &rank);
    size_t n = share(problem.size, problem.workers, rank + 1) - share(problem.size, problem.workers, rank);
    double *restrict a = allocate(n), *restrict b = allocate(n), *restrict c = allocate(n);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = 0; i < n; i++) {
        a[i] = 0;
        b[i] = 2;
        c[i] = 2;
    }

    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (size_t i = 0; i < n; i++) a[i] += b[i] + 3 * c[i];
        MPI_Barrier(MPI_COMM_WORLD);
        seconds[iteration] = now() - begin;
    }

    size_t errors = 0;
    for (size_t i = 0; i < n; i++) errors += a[i] != 8.0 * (double)(problem.iterations + 1);
    double all_errors = sum_of_ranks((double)errors);
    return end_mpi(&problem, rank, seconds, all_errors ? "an element of A is not 8 * (iterations + 1)" : NULL);
}
