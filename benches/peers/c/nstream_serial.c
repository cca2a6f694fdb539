/* nstream: A += B + 3 * C. */
#include "peer.h"

int main(int count, char **arguments) {
    struct problem problem = problem_or_exit(count, arguments, 1, (uint64_t)1 << 40);
    size_t n = problem.size;
    double *restrict a = allocate(n), *restrict b = allocate(n), *restrict c = allocate(n);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = 0; i < n; i++) {
        a[i] = 0;
        b[i] = 2;
        c[i] = 2;
    }

    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (size_t i = 0; i < n; i++) a[i] += b[i] + 3 * c[i];
        seconds[iteration] = now() - begin;
    }

    size_t errors = 0;
    for (size_t i = 0; i < n; i++) errors += a[i] != 8.0 * (double)(problem.iterations + 1);
    return print_result(&problem, seconds, errors ? "an element of A is not 8 * (iterations + 1)" : NULL);
}
