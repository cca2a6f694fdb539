/* count: tasks that each count to the grain, by threads that take the next task when they have done one. */
#include "peer.h"

#include <omp.h>

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
    struct problem problem = problem_or_exit(count, arguments, 1, (uint64_t)1 << 31);
    double *seconds = allocate(problem.iterations + 1);
    size_t errors = 0;
    omp_set_num_threads(problem.workers);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        uint64_t sum = 0;
        double begin = now();
        #pragma omp parallel for schedule(dynamic) reduction(+ : sum)
        for (size_t i = 0; i < problem.size; i++) sum += task(problem.grain);
        seconds[iteration] = now() - begin;
        errors += sum != problem.size * problem.grain;
    }
    return print_result(&problem, seconds, errors ? "the tasks of an iteration did not count to size * grain" : NULL);
}
