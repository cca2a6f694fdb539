/* stencil: out += star of radius 2 over in, on the interior of a grid; then in += 1. */
#include "peer.h"

#define RADIUS 2
static const double WEIGHT[RADIUS + 1] = {0, 0.25, 0.125};

int main(int count, char **arguments) {
    struct problem problem = problem_or_exit(count, arguments, 2 * RADIUS + 1, 1 << 20);
    size_t n = problem.size;
    double(*restrict in)[n] = allocate(n * n), (*restrict out)[n] = allocate(n * n);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            in[i][j] = (double)(i + j);
            out[i][j] = 0;
        }
    }

    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (size_t i = RADIUS; i < n - RADIUS; i++) {
            for (size_t j = RADIUS; j < n - RADIUS; j++) {
                for (size_t r = 1; r <= RADIUS; r++) {
                    out[i][j] += WEIGHT[r] * (in[i][j + r] - in[i][j - r] + in[i + r][j] - in[i - r][j]);
                }
            }
        }
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) in[i][j] += 1;
        }
        seconds[iteration] = now() - begin;
    }

    double sum = 0, inside = (double)(n - 2 * RADIUS);
    for (size_t i = RADIUS; i < n - RADIUS; i++) {
        for (size_t j = RADIUS; j < n - RADIUS; j++) sum += out[i][j] < 0 ? -out[i][j] : out[i][j];
    }
    int right = sum / (inside * inside) == 2.0 * (double)(problem.iterations + 1);
    return print_result(&problem, seconds, right ? NULL : "the mean of the result is not 2 * (iterations + 1)");
}
