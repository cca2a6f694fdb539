/* count: tasks that each count to the grain, by ranks that divide the tasks.
 *
 * All tasks take the same time, so each rank has a fixed share, which needs no messages. */
#include "peer_mpi.h"

/* Each step depends on a number that is never 0. The compiler cannot know this, so it cannot leave out the steps. */
__attribute__((noinline)) static uint64_t task(uint64_t grain) {
    volatile uint64_t one = 1;
    uint64_t x = one, steps = 0;
    while (steps < grain) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        steps += x != 0;
    }
    return steps;
}

int main(int count, char **arguments) {
    int rank;
    struct problem problem = begin_mpi(count, arguments, 1, (uint64_t)1 << 31, &rank);
    size_t tasks = share(problem.size, problem.workers, rank + 1) - share(problem.size, problem.workers, rank);
    double *seconds = allocate(problem.iterations + 1);
    size_t errors = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        uint64_t own = 0, sum;
        double begin = now();
        for (size_t i = 0; i < tasks; i++) own += task(problem.grain);
        /* No rank has the sum before all ranks have done their share, so this is also the barrier. */
        MPI_Allreduce(&own, &sum, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
        seconds[iteration] = now() - begin;
        errors += sum != problem.size * problem.grain;
    }
    const char *wrong = errors ? "the tasks of an iteration did not count to size * grain" : NULL;
    return end_mpi(&problem, rank, seconds, wrong);
}
