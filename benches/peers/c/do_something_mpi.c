/* do_something: random numbers with a seed for each block, by ranks that divide the blocks. Rank 0 gathers them. */
#include "peer_mpi.h"

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

/* Where the numbers of a rank begin. They end where the numbers of the next rank begin. */
static size_t first_number(const struct problem *problem, int rank) {
    size_t blocks = (problem->size + BLOCK - 1) / BLOCK, first = share(blocks, problem->workers, rank) * BLOCK;
    return first < problem->size ? first : problem->size;
}

int main(int count, char **arguments) {
    int rank;
    /* MPI counts the numbers in an int. */
    struct problem problem = begin_mpi(count, arguments, 1, INT32_MAX, &rank);
    size_t n = problem.size, blocks = (n + BLOCK - 1) / BLOCK;
    size_t first = first_number(&problem, rank), own = first_number(&problem, rank + 1) - first;
    int counts[MOST_WORKERS], starts[MOST_WORKERS];
    for (int other = 0; other < problem.workers; other++) {
        starts[other] = (int)first_number(&problem, other);
        counts[other] = (int)first_number(&problem, other + 1) - starts[other];
    }
    /* Rank 0 has the first blocks, so it makes its own numbers where they belong in the array of all numbers. */
    double *numbers = allocate(rank == 0 ? n : own);
    double *seconds = allocate(problem.iterations + 1);

    MPI_Barrier(MPI_COMM_WORLD);
    for (size_t iteration = 0; iteration <= problem.iterations; iteration++) {
        double begin = now();
        for (size_t at = 0; at < own; at += BLOCK) {
            size_t block = (first + at) / BLOCK;
            fill_block(block, &numbers[at], block_length(block, n));
        }
        MPI_Gatherv(rank == 0 ? MPI_IN_PLACE : numbers, (int)own, MPI_DOUBLE, numbers, counts, starts, MPI_DOUBLE, 0,
                    MPI_COMM_WORLD);
        MPI_Barrier(MPI_COMM_WORLD);
        seconds[iteration] = now() - begin;
    }

    size_t errors = 0;
    for (size_t block = 0; rank == 0 && block < blocks; block++) {
        double again[BLOCK];
        size_t length = block_length(block, n);
        fill_block(block, again, length);
        errors += sum(&numbers[block * BLOCK], length) != sum(again, length);
    }
    return end_mpi(&problem, rank, seconds, errors ? "the sum of a block is not that of a serial run" : NULL);
}
