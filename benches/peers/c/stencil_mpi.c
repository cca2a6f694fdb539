/* stencil: out += star of radius 2 over in, on the interior of a grid; then in += 1; by ranks that hold bands of rows.
 *
 * A rank receives the two rows above its band and the two rows below it, the halo, before it computes. */
#include "peer_mpi.h"

#define RADIUS 2
static const double WEIGHT[RADIUS + 1] = {0, 0.25, 0.125};

int main(int count, char **arguments) {
    int rank;
    struct problem problem = begin_mpi(count, arguments, 2 * RADIUS + 1, 1 << 20, &rank);
    size_t n = problem.size;
    /* A band needs as many rows as its neighbours' halos. If there are too few rows, the last ranks hold no band. */
    int busy = (size_t)problem.workers < n / RADIUS ? problem.workers : (int)(n / RADIUS);
    size_t first = rank < busy ? share(n, busy, rank) : n, last = rank < busy ? share(n, busy, rank + 1) : n;
    size_t rows = last - first;
    int above = rank > 0 && rank < busy ? rank - 1 : MPI_PROC_NULL;
    int below = rank + 1 < busy ? rank + 1 : MPI_PROC_NULL;

    /* Row i of the band is row i + RADIUS here, so that the halo fits around it. */
    double(*restrict in)[n] = allocate((rows + 2 * RADIUS) * n), (*restrict out)[n] = allocate((rows + 2 * RADIUS) * n);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = RADIUS; i < rows + RADIUS; i++) {
        for (size_t j = 0; j < n; j++) {
            in[i][j] = (double)(first + i - RADIUS + j);
            out[i][j] = 0;
        }
    }
    /* The rows of the band that lie in the interior of the grid. */
    size_t from = first < RADIUS ? 2 * RADIUS - first : RADIUS;
    size_t to = last > n - RADIUS ? n - first : rows + RADIUS;

    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        int halo = (int)(RADIUS * n);
        MPI_Request requests[4];
        MPI_Irecv(in[0], halo, MPI_DOUBLE, above, 0, MPI_COMM_WORLD, &requests[0]);
        MPI_Irecv(in[rows + RADIUS], halo, MPI_DOUBLE, below, 0, MPI_COMM_WORLD, &requests[1]);
        MPI_Isend(in[RADIUS], halo, MPI_DOUBLE, above, 0, MPI_COMM_WORLD, &requests[2]);
        MPI_Isend(in[rows], halo, MPI_DOUBLE, below, 0, MPI_COMM_WORLD, &requests[3]);
        MPI_Waitall(4, requests, MPI_STATUSES_IGNORE);
        for (size_t i = from; i < to; i++) {
            for (size_t j = RADIUS; j < n - RADIUS; j++) {
                for (size_t r = 1; r <= RADIUS; r++) {
                    out[i][j] += WEIGHT[r] * (in[i][j + r] - in[i][j - r] + in[i + r][j] - in[i - r][j]);
                }
            }
        }
        for (size_t i = RADIUS; i < rows + RADIUS; i++) {
            for (size_t j = 0; j < n; j++) in[i][j] += 1;
        }
        MPI_Barrier(MPI_COMM_WORLD);
        seconds[iteration] = now() - begin;
    }

    double sum = 0, inside = (double)(n - 2 * RADIUS);
    for (size_t i = from; i < to; i++) {
        for (size_t j = RADIUS; j < n - RADIUS; j++) sum += out[i][j] < 0 ? -out[i][j] : out[i][j];
    }
    int right = sum_of_ranks(sum) / (inside * inside) == 2.0 * (double)(problem.iterations + 1);
    return end_mpi(&problem, rank, seconds, right ? NULL : "the mean of the result is not 2 * (iterations + 1)");
}
