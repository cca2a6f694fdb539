/* transpose: B += transpose of A; A += 1; by ranks that each hold a band of rows of both matrices.
 *
 * The band of B needs a block of the band of A of every rank. In each phase, a rank transposes one block into a buffer,
 * sends the block to the rank that needs it, and receives a block from another rank. It adds its own block in place. */
#include "peer_mpi.h"

#define TILE 32
#define MIN(x, y) ((x) < (y) ? (x) : (y))

int main(int count, char **arguments) {
    int rank;
    /* MPI counts the elements of a block in an int. A block that is sent has at most size / 2 rows and columns. */
    struct problem problem = begin_mpi(count, arguments, 1, 92680, &rank);
    size_t n = problem.size;
    int ranks = problem.workers;
    size_t first = share(n, ranks, rank), rows = share(n, ranks, rank + 1) - first;
    double(*restrict a)[n] = allocate(rows * n), (*restrict b)[n] = allocate(rows * n);
    double *seconds = allocate(problem.iterations + 1);
    size_t most_rows = ranks > 1 ? n / (size_t)ranks + 1 : 0;
    double *restrict sent = allocate(most_rows * most_rows), *restrict received = allocate(most_rows * most_rows);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < n; j++) {
            a[i][j] = (double)(n * (first + i) + j);
            b[i][j] = 0;
        }
    }

    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (int phase = 0; phase < ranks; phase++) {
            int to = (rank + phase) % ranks, from = (rank - phase + ranks) % ranks;
            size_t to_first = share(n, ranks, to), to_rows = share(n, ranks, to + 1) - to_first;
            size_t from_first = share(n, ranks, from), from_rows = share(n, ranks, from + 1) - from_first;
            for (size_t row = 0; row < to_rows; row += TILE) {
                for (size_t column = 0; column < rows; column += TILE) {
                    for (size_t i = row; i < MIN(row + TILE, to_rows); i++) {
                        for (size_t j = column; j < MIN(column + TILE, rows); j++) {
                            if (phase == 0) {
                                b[i][first + j] += a[j][first + i];
                            } else {
                                sent[i * rows + j] = a[j][to_first + i];
                            }
                            a[j][to_first + i] += 1;
                        }
                    }
                }
            }
            if (phase == 0) continue;
            MPI_Sendrecv(sent, (int)(to_rows * rows), MPI_DOUBLE, to, 0, received, (int)(rows * from_rows), MPI_DOUBLE,
                         from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            for (size_t i = 0; i < rows; i++) {
                for (size_t j = 0; j < from_rows; j++) b[i][from_first + j] += received[i * from_rows + j];
            }
        }
        MPI_Barrier(MPI_COMM_WORLD);
        seconds[iteration] = now() - begin;
    }

    double sum = 0, rounds = (double)problem.iterations + 1;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < n; j++) {
            double error = b[i][j] - (rounds * (double)(n * j + first + i) + rounds * (rounds - 1) / 2);
            sum += error < 0 ? -error : error;
        }
    }
    return end_mpi(&problem, rank, seconds, sum_of_ranks(sum) < 1e-8 ? NULL : "B is not the sum of the transposes");
}
