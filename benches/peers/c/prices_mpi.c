/* Prices of MPI: a message and a barrier. The arguments are WORKERS and, to start and end the ranks only, `launch`. */
#include "prices.h"

#include <mpi.h>

static void stop(const char *why) {
    fprintf(stderr, "error: %s\n", why);
    MPI_Abort(MPI_COMM_WORLD, 2);
}

/* The seconds of a message, one way. A tenth of the rounds is a warm-up. */
static double message(int rank, int size, int rounds) {
    char *sent = calloc(1, (size_t)size), *received = calloc(1, (size_t)size);
    if (!sent || !received) stop("there is not enough memory");
    double begin = 0;
    for (int i = -rounds / 10; i < rounds; i++) {
        if (i == 0) begin = MPI_Wtime();
        if (rank == 0) {
            sent[0] = sent[size - 1] = (char)i;
            MPI_Send(sent, size, MPI_CHAR, 1, 0, MPI_COMM_WORLD);
            MPI_Recv(received, size, MPI_CHAR, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            if (received[0] != (char)i || received[size - 1] != (char)i) stop("a message is not as it was sent");
        } else {
            MPI_Recv(received, size, MPI_CHAR, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(received, size, MPI_CHAR, 0, 0, MPI_COMM_WORLD);
        }
    }
    double seconds = (MPI_Wtime() - begin) / rounds / 2;
    free(sent);
    free(received);
    return seconds;
}

/* All ranks repeat the barrier until it has taken a turn in the slowest rank. */
static double barrier(void) {
    for (int count = 10;; count *= 4) {
        MPI_Barrier(MPI_COMM_WORLD);
        double begin = MPI_Wtime();
        for (int i = 0; i < count; i++) MPI_Barrier(MPI_COMM_WORLD);
        double own = MPI_Wtime() - begin, slowest;
        MPI_Allreduce(&own, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
        if (slowest >= TURN) return slowest / count;
    }
}

static void say(int rank, const char *operation, int workers, double seconds) {
    if (rank == 0) print_price(operation, "C: MPI", workers, seconds);
}

int main(int count, char **arguments) {
    int rank, ranks;
    MPI_Init(&count, &arguments);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (count == 3 && !strcmp(arguments[2], "launch")) return MPI_Finalize();
    if (ranks == 2) {
        say(rank, "short_message", ranks, message(rank, 8, 10000));
        say(rank, "long_message", ranks, message(rank, (int)MIB, 50));
    }
    say(rank, "barrier", ranks, barrier());
    return MPI_Finalize();
}
