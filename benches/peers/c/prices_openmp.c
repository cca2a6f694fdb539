/* Prices of OpenMP: a parallel region, a barrier, a lock. The argument is WORKERS. */
#include "prices.h"

#include <omp.h>

static int workers;

/* The threads exist already: after the first region they wait for the next one. */
static double regions(long count, size_t unused) {
    (void)unused;
    long ran = 0;
    double begin = now();
    for (long i = 0; i < count; i++) {
#pragma omp parallel num_threads(workers) reduction(+ : ran)
        ran++;
    }
    double seconds = now() - begin;
    if (ran != count * workers) fail("a thread has not run in a parallel region");
    return seconds;
}

static double meetings(long count, size_t unused) {
    (void)unused;
    double begin = 0, seconds = 0;
    long arrived = 0;
#pragma omp parallel num_threads(workers) reduction(+ : arrived)
    {
#pragma omp barrier
#pragma omp master
        begin = now();
        for (long i = 0; i < count; i++) {
#pragma omp barrier
            arrived++;
        }
#pragma omp master
        seconds = now() - begin;
    }
    if (arrived != count * workers) fail("a thread has missed a barrier");
    return seconds;
}

static double increments(long count, size_t threads) {
    long each = count / (long)threads, counter = 0;
    double begin = 0, seconds = 0;
    omp_lock_t lock;
    omp_init_lock(&lock);
#pragma omp parallel num_threads((int)threads)
    {
        /* Before the barrier: a thread that is woken late from it must not start the clock. */
#pragma omp master
        begin = now();
#pragma omp barrier
        for (long i = 0; i < each; i++) {
            omp_set_lock(&lock);
            counter++;
            omp_unset_lock(&lock);
        }
#pragma omp barrier
#pragma omp master
        seconds = now() - begin;
    }
    omp_destroy_lock(&lock);
    if (counter != each * (long)threads) fail("the counter is wrong");
    return seconds;
}

int main(int count, char **arguments) {
    workers = workers_or_exit(count, arguments);
    print_price("start_and_end", "C: OpenMP parallel region", workers, seconds_each(16, regions, 0));
    print_price("barrier", "C: OpenMP barrier", workers, seconds_each(64, meetings, 0));
    print_price("contended_lock", "C: OpenMP lock", workers, seconds_each(256 * workers, increments, (size_t)workers));
    if (workers == 2) print_price("free_lock", "C: OpenMP lock", 1, seconds_each(256, increments, 1));
    return 0;
}
