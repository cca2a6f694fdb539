/* do_something: random numbers in one array, with a seed for each block, by threads that divide the blocks. */
#include "peer.h"

#include <omp.h>

#define BLOCK 4096

static uint64_t rotate_left(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

/* Fills a block with random numbers from 0 up to but not including 1. The generator is xoshiro256++. Its first state
 * comes from the number of the block by splitmix64, as the authors of xoshiro256++ advise. */
static void fill_block(size_t block, double *numbers, size_t count) {
    uint64_t s[4], seed = block;
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        s[i] = z ^ z >> 31;
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (double)((rotate_left(s[0] + s[3], 23) + s[0]) >> 11) * 0x1p-53;
        uint64_t shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = rotate_left(s[3], 45);
    }
}

static size_t block_length(size_t block, size_t size) {
    return size - block * BLOCK < BLOCK ? size - block * BLOCK : BLOCK;
}

static double sum(const double *numbers, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += numbers[i];
    return sum;
}

int main(int count, char **arguments) {
    struct problem problem = problem_or_exit(count, arguments, 1, (uint64_t)1 << 40);
    size_t n = problem.size, blocks = (n + BLOCK - 1) / BLOCK;
    double *numbers = allocate(n);
    double *seconds = allocate(problem.iterations + 1);
    omp_set_num_threads(problem.workers);

    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        #pragma omp parallel for schedule(static)
        for (size_t block = 0; block < blocks; block++) {
            fill_block(block, &numbers[block * BLOCK], block_length(block, n));
        }
        seconds[iteration] = now() - begin;
    }

    size_t errors = 0;
    for (size_t block = 0; block < blocks; block++) {
        double again[BLOCK];
        size_t length = block_length(block, n);
        fill_block(block, again, length);
        errors += sum(&numbers[block * BLOCK], length) != sum(again, length);
    }
    return print_result(&problem, seconds, errors ? "the sum of a block is not that of a serial run" : NULL);
}
