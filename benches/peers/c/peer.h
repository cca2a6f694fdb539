/* What the C programs share: their arguments, a clock, memory, and the line of results. */
#ifndef PEER_H
#define PEER_H

#define _DEFAULT_SOURCE
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define MOST_WORKERS 1000
#define HUGE_PAGE ((size_t)2 << 20)

struct problem {
    size_t size;
    size_t iterations;
    int workers;
    uint64_t grain;
};

static inline int read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number) {
    char *end;
    *number = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && least <= *number && *number <= most;
}

/* Reads SIZE ITERATIONS WORKERS GRAIN. Returns what is wrong with them, or NULL if they are right. */
static inline const char *read_problem(int count, char **arguments, uint64_t least, uint64_t most,
                                       struct problem *problem) {
    uint64_t size, iterations, workers, grain;
    if (count != 5) return "the arguments are SIZE ITERATIONS WORKERS GRAIN";
    if (!read_number(arguments[1], least, most, &size)) return "SIZE is not a number in the range of this program";
    if (!read_number(arguments[2], 1, 1000000, &iterations)) return "ITERATIONS is not a number from 1 to 1000000";
    if (!read_number(arguments[3], 1, MOST_WORKERS, &workers)) return "WORKERS is not a number from 1 to 1000";
    if (!read_number(arguments[4], 0, (uint64_t)1 << 32, &grain)) return "GRAIN is not a number from 0 to 4294967296";
    *problem = (struct problem){size, iterations, (int)workers, grain};
    return NULL;
}

static inline void fail(const char *why) {
    fprintf(stderr, "error: %s\n", why);
    exit(2);
}

static inline struct problem problem_or_exit(int count, char **arguments, uint64_t least, uint64_t most) {
    struct problem problem;
    const char *error = read_problem(count, arguments, least, most, &problem);
    if (error) fail(error);
    return problem;
}

/* Where the share of a worker begins if 0..size is divided evenly. The share ends where the next share begins. */
static inline size_t share(size_t size, int workers, int worker) {
    return size * (size_t)worker / (size_t)workers;
}

static inline double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Memory for `count` numbers. Huge pages are only a wish: a system without them uses its small pages. */
static inline void *allocate(size_t count) {
    size_t bytes = (count * sizeof(double) / HUGE_PAGE + 1) * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, bytes);
    if (!memory) fail("there is not enough memory");
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

/* Prints the line of results and returns the exit status. `seconds` begins with the iteration that does not count. */
static inline int print_result(const struct problem *problem, const double *seconds, const char *wrong) {
    printf("{\"seconds\":[");
    for (size_t i = 1; i <= problem->iterations; i++) printf("%s%.9g", i > 1 ? "," : "", seconds[i]);
    if (wrong) {
        printf("],\"wrong\":\"%s\"}\n", wrong);
    } else {
        printf("],\"wrong\":null}\n");
    }
    return wrong != NULL;
}

#endif
