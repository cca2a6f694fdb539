/* pipeline: each number of a grid depends on its neighbours above, on the left, and above on the left.
 *
 * The ranks divide the columns. A rank receives the last column of the rank on its left, a group of rows at a time. */
#include "peer_mpi.h"

#define GROUP 16

/* The brackets let the processor compute the difference ahead. Only one addition waits for the number on the left. */
static void fill_row(double *restrict row, const double *restrict above, size_t from, size_t to) {
    for (size_t j = from; j < to; j++) row[j] = row[j - 1] + (above[j] - above[j - 1]);
}

int main(int count, char **arguments) {
    int rank;
    struct problem problem = begin_mpi(count, arguments, 2, 1 << 20, &rank);
    size_t n = problem.size;
    /* If there are more ranks than columns to compute, the last ranks only wait. */
    int busy = (size_t)problem.workers < n - 1 ? problem.workers : (int)(n - 1);
    size_t first = rank < busy ? share(n - 1, busy, rank) : 0, last = rank < busy ? share(n - 1, busy, rank + 1) : 0;
    int left = rank > 0 ? rank - 1 : MPI_PROC_NULL, right = rank + 1 < busy ? rank + 1 : MPI_PROC_NULL;

    /* Column 0 here is the last column of the rank on the left, or the first column of the grid. */
    size_t width = last - first + 1;
    double(*grid)[width] = allocate(n * width);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < width; j++) grid[i][j] = i == 0 ? (double)(first + j) : first + j == 0 ? (double)i : 0;
    }
    /* One number of a column: the next one is a row further. */
    MPI_Datatype of_column;
    MPI_Type_create_resized(MPI_DOUBLE, 0, (MPI_Aint)(width * sizeof(double)), &of_column);
    MPI_Type_commit(&of_column);
    double *corner = &grid[n - 1][width - 1];

    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        if (rank < busy) {
            for (size_t row = 1; row < n; row += GROUP) {
                size_t end = row + GROUP < n ? row + GROUP : n;
                int rows = (int)(end - row);
                MPI_Recv(&grid[row][0], rows, of_column, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                for (size_t i = row; i < end; i++) fill_row(grid[i], grid[i - 1], 1, width);
                MPI_Send(&grid[row][width - 1], rows, of_column, right, 0, MPI_COMM_WORLD);
            }
            if (rank == busy - 1 && rank > 0) MPI_Send(corner, 1, MPI_DOUBLE, 0, 0, MPI_COMM_WORLD);
            if (rank == 0 && busy > 1) {
                MPI_Recv(&grid[0][0], 1, MPI_DOUBLE, busy - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                grid[0][0] = -grid[0][0];
            } else if (rank == 0) {
                grid[0][0] = -*corner;
            }
        }
        MPI_Barrier(MPI_COMM_WORLD);
        seconds[iteration] = now() - begin;
    }

    double found = sum_of_ranks(rank == busy - 1 ? *corner : 0);
    int equal = found == (double)((problem.iterations + 1) * (2 * n - 2));
    return end_mpi(&problem, rank, seconds, equal ? NULL : "the corner is not (iterations + 1) * (2 * size - 2)");
}
