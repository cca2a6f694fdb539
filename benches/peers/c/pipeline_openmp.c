/* pipeline: each number of a grid depends on its neighbours above, on the left, and above on the left.
 *
 * The threads divide the columns. A thread begins a group of rows when the thread on its left has done that group. */
#include "peer.h"

#include <omp.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>

#define GROUP 16

/* How many rows each thread has done, over all iterations. Each thread writes to a cache line of its own. */
static struct {
    alignas(64) atomic_size_t rows;
} done[MOST_WORKERS];

/* With more threads than cores, the thread on the left may need this core to go on. */
static void wait_for(int thread, size_t rows) {
    for (int tries = 0; atomic_load_explicit(&done[thread].rows, memory_order_acquire) < rows; tries++) {
        if (tries >= 1000) sched_yield();
    }
}

/* The brackets let the processor compute the difference ahead. Only one addition waits for the number on the left. */
static void fill_row(double *restrict row, const double *restrict above, size_t from, size_t to) {
    for (size_t j = from; j < to; j++) row[j] = row[j - 1] + (above[j] - above[j - 1]);
}

int main(int count, char **arguments) {
    struct problem problem = problem_or_exit(count, arguments, 2, 1 << 20);
    size_t n = problem.size;
    double(*grid)[n] = allocate(n * n);
    double *seconds = allocate(problem.iterations + 1);
    omp_set_num_threads((size_t)problem.workers < n - 1 ? problem.workers : (int)(n - 1));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) grid[i][j] = i == 0 ? (double)j : j == 0 ? (double)i : 0;
    }

    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        #pragma omp parallel
        {
            int thread = omp_get_thread_num(), threads = omp_get_num_threads();
            size_t from = 1 + share(n - 1, threads, thread), to = 1 + share(n - 1, threads, thread + 1);
            for (size_t row = 1; row < n; row += GROUP) {
                size_t end = row + GROUP < n ? row + GROUP : n;
                if (thread > 0) wait_for(thread - 1, iteration * n + end);
                for (size_t i = row; i < end; i++) fill_row(grid[i], grid[i - 1], from, to);
                atomic_store_explicit(&done[thread].rows, iteration * n + end, memory_order_release);
            }
        }
        grid[0][0] = -grid[n - 1][n - 1];
        seconds[iteration] = now() - begin;
    }

    int right = grid[n - 1][n - 1] == (double)((problem.iterations + 1) * (2 * n - 2));
    return print_result(&problem, seconds, right ? NULL : "the corner is not (iterations + 1) * (2 * size - 2)");
}
