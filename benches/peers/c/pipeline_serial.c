/* pipeline: each number of a grid depends on its neighbours above, on the left, and above on the left. */
#include "peer.h"

/* The brackets let the processor compute the difference ahead. Only one addition waits for the number on the left. */
static void fill_row(double *restrict row, const double *restrict above, size_t from, size_t to) {
    for (size_t j = from; j < to; j++) row[j] = row[j - 1] + (above[j] - above[j - 1]);
}

int main(int count, char **arguments) {
    struct problem problem = problem_or_exit(count, arguments, 2, 1 << 20);
    size_t n = problem.size;
    double(*grid)[n] = allocate(n * n);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) grid[i][j] = i == 0 ? (double)j : j == 0 ? (double)i : 0;
    }

    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (size_t i = 1; i < n; i++) fill_row(grid[i], grid[i - 1], 1, n);
        grid[0][0] = -grid[n - 1][n - 1];
        seconds[iteration] = now() - begin;
    }

    int right = grid[n - 1][n - 1] == (double)((problem.iterations + 1) * (2 * n - 2));
    return print_result(&problem, seconds, right ? NULL : "the corner is not (iterations + 1) * (2 * size - 2)");
}
