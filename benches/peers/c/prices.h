/* What the programs of the prices share: a line for each price, and how many operations are timed together. */
#ifndef PRICES_H
#define PRICES_H

#include "peer.h"

#include <string.h>

#define MIB ((size_t)1 << 20)

/* The least time of operations that are timed together, in seconds. */
#define TURN 8e-3

static inline int workers_or_exit(int count, char **arguments) {
    uint64_t workers;
    if (count < 2 || !read_number(arguments[1], 2, MOST_WORKERS, &workers)) {
        fail("the argument is WORKERS, a number from 2 to 1000");
    }
    return (int)workers;
}

static inline void print_price(const char *operation, const char *way, int workers, double seconds) {
    printf("{\"operation\":\"%s\",\"way\":\"%s\",\"workers\":%d,\"seconds\":[%.9g]}\n", operation, way, workers, seconds);
}

/* The seconds of one operation. `timed` does a number of them and returns their time; the number grows until they take a turn. */
static inline double seconds_each(long first, double (*timed)(long count, size_t argument), size_t argument) {
    for (long count = first;; count *= 4) {
        double seconds = timed(count, argument);
        if (seconds >= TURN) return seconds / (double)count;
    }
}

#endif
