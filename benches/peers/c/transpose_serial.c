/* transpose: B += transpose of A; A += 1.
 *
 * The loops go over tiles, so that the columns that a tile of B reads from A stay in the cache. */
#include "peer.h"

#define TILE 32
#define MIN(x, y) ((x) < (y) ? (x) : (y))

int main(int count, char **arguments) {
    struct problem problem = problem_or_exit(count, arguments, 1, 1 << 20);
    size_t n = problem.size;
    double(*restrict a)[n] = allocate(n * n), (*restrict b)[n] = allocate(n * n);
    double *seconds = allocate(problem.iterations + 1);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            a[i][j] = (double)(n * i + j);
            b[i][j] = 0;
        }
    }

    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (size_t row = 0; row < n; row += TILE) {
            for (size_t column = 0; column < n; column += TILE) {
                for (size_t i = row; i < MIN(row + TILE, n); i++) {
                    for (size_t j = column; j < MIN(column + TILE, n); j++) {
                        b[i][j] += a[j][i];
                        a[j][i] += 1;
                    }
                }
            }
        }
        seconds[iteration] = now() - begin;
    }

    double sum = 0, rounds = (double)problem.iterations + 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            double error = b[i][j] - (rounds * (double)(n * j + i) + rounds * (rounds - 1) / 2);
            sum += error < 0 ? -error : error;
        }
    }
    return print_result(&problem, seconds, sum < 1e-8 ? NULL : "B is not the sum of the transposes");
}
