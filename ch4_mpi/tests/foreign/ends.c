/* Programs that are right although their ranks wait for long, for the tests of the hang report: ends CASE. At least 3 ranks. */
#define _DEFAULT_SOURCE
#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int rank, ranks, left, right, number = 1;

/* Longer than the deadline of the tests. */
static void pause_for_long(void) { usleep(1500000); }

static void compute_for_long(void) {
    double begin = MPI_Wtime();
    while (MPI_Wtime() - begin < 1.5)
        ;
}

static void slow_sender(void) {
    if (rank == 0) {
        pause_for_long();
        for (int to = 1; to < ranks; to++)
            MPI_Send(&number, 1, MPI_INT, to, 0, MPI_COMM_WORLD);
    } else {
        MPI_Recv(&number, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
}

static void slow_computer(void) {
    if (rank == 1)
        compute_for_long();
    MPI_Barrier(MPI_COMM_WORLD);
}

static void wildcards(void) {
    if (rank == 0) {
        for (int i = 1; i < ranks; i++)
            MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else {
        if (rank == ranks - 1)
            pause_for_long();
        MPI_Send(&number, 1, MPI_INT, 0, rank, MPI_COMM_WORLD);
    }
}

static void ibarrier(void) {
    MPI_Request request;
    int done = 0;
    if (rank == 2)
        pause_for_long();
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    while (!done)
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
}

static void iallreduce(void) {
    MPI_Request request;
    int sum;
    if (rank == 1)
        pause_for_long();
    MPI_Iallreduce(&number, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    if (sum != ranks)
        MPI_Abort(MPI_COMM_WORLD, 1);
}

static void late_end(void) {
    if (rank == 1)
        pause_for_long();
}

static void poll(void) {
    int there = 0;
    if (rank == 0) {
        while (!there)
            MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
        MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else if (rank == 1) {
        pause_for_long();
        MPI_Send(&number, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
    }
}

static void *sends_later(void *unused) {
    MPI_Send(&number, 1, MPI_INT, 1, 1, MPI_COMM_WORLD);
    pause_for_long();
    MPI_Send(&number, 1, MPI_INT, 1, 0, MPI_COMM_WORLD);
    return unused;
}

static void threads(void) {
    /* Rank 0's main thread waits for rank 1, and rank 1 for a message that another thread of rank 0 sends later. */
    int got, more;
    pthread_t thread;
    if (rank == 0) {
        pthread_create(&thread, NULL, sends_later, NULL);
        MPI_Recv(&got, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        pthread_join(thread, NULL);
    } else if (rank == 1) {
        MPI_Recv(&more, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Recv(&more, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(&more, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
    }
}

static void *calls_late(void *unused) {
    pause_for_long();
    MPI_Send(&number, 1, MPI_INT, 1, 0, MPI_COMM_WORLD);
    return unused;
}

static void late_thread(void) {
    /* The thread that sends has not called MPI before. */
    int got;
    pthread_t thread;
    if (rank == 0) {
        pthread_create(&thread, NULL, calls_late, NULL);
        MPI_Recv(&got, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        pthread_join(thread, NULL);
    } else if (rank == 1) {
        MPI_Recv(&got, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(&got, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
    }
}

static void add_slowly(void *in, void *inout, int *count, MPI_Datatype *type) {
    double begin = MPI_Wtime();
    (void)type;
    pause_for_long();
    if (MPI_Wtime() - begin < 1.4)
        MPI_Abort(MPI_COMM_WORLD, 4); /* a signal has cut the sleep short */
    for (int i = 0; i < *count; i++)
        ((int *)inout)[i] += ((int *)in)[i];
}

static void slow_operation(void) {
    MPI_Op operation;
    int sum = 0;
    MPI_Op_create(add_slowly, 1, &operation);
    MPI_Reduce(&number, &sum, 1, MPI_INT, operation, 0, MPI_COMM_WORLD);
    MPI_Op_free(&operation);
}

static void inter_operation(void) {
    /* A reduction of the program's own, over two groups. */
    MPI_Comm half, between;
    MPI_Op operation;
    int sum = 0;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 9, &between);
    MPI_Op_create(add_slowly, 1, &operation);
    MPI_Allreduce(&number, &sum, 1, MPI_INT, operation, between);
    MPI_Op_free(&operation);
    MPI_Comm_free(&between);
    MPI_Comm_free(&half);
}

static int deleted(MPI_Comm comm, int key, void *value, void *extra) {
    (void)comm, (void)key, (void)value, (void)extra;
    compute_for_long();
    return MPI_SUCCESS;
}

static void callback(void) {
    /* MPI_Comm_free calls a function of the program, which computes. */
    MPI_Comm copy;
    int key;
    MPI_Comm_dup(MPI_COMM_WORLD, &copy);
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, deleted, &key, NULL);
    MPI_Comm_set_attr(copy, key, NULL);
    MPI_Comm_free(&copy);
}

static void *waits_for_a_time(void *unused) {
    /* It has not called MPI before, and it waits in a condition that nobody signals. */
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 2;
    pthread_mutex_lock(&lock);
    while (pthread_cond_timedwait(&never, &lock, &until) == 0)
        ;
    pthread_mutex_unlock(&lock);
    MPI_Send(&number, 1, MPI_INT, 0, 1, MPI_COMM_SELF);
    return unused;
}

static void timed_wait(void) {
    pthread_t thread;
    int got;
    pthread_create(&thread, NULL, waits_for_a_time, NULL);
    MPI_Recv(&got, 1, MPI_INT, 0, 1, MPI_COMM_SELF, MPI_STATUS_IGNORE);
    pthread_join(thread, NULL);
}

static void refused(void) {
    /* A call that fails leaves the new handle alone, whatever it was before. */
    MPI_Comm grid;
    int lengths[2] = {50, 50}, periods[2] = {0, 0};
    memset(&grid, 0x5a, sizeof grid);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (MPI_Cart_create(MPI_COMM_WORLD, 2, lengths, periods, 0, &grid) == MPI_SUCCESS)
        MPI_Abort(MPI_COMM_WORLD, 1);
}

static void merged(void) {
    /* Two communicators of the same ranks, which are made from a merged one. */
    MPI_Comm half, between, all, one, other;
    int sum;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 9, &between);
    MPI_Intercomm_merge(between, rank % 2, &all);
    MPI_Comm_dup(all, &one);
    MPI_Comm_dup(all, &other);
    MPI_Bcast(&number, 1, MPI_INT, 0, other);
    if (rank == 0)
        pause_for_long();
    MPI_Allreduce(&number, &sum, 1, MPI_INT, MPI_SUM, one);
    MPI_Comm_free(&one);
    MPI_Comm_free(&other);
    MPI_Comm_free(&all);
    MPI_Comm_free(&between);
    MPI_Comm_free(&half);
}

static void persistent(void) {
    MPI_Request requests[2];
    int in;
    MPI_Send_init(&number, 1, MPI_INT, right, 0, MPI_COMM_WORLD, &requests[0]);
    MPI_Recv_init(&in, 1, MPI_INT, left, 0, MPI_COMM_WORLD, &requests[1]);
    for (int i = 0; i < 3; i++) {
        if (rank == 0 && i == 1)
            pause_for_long();
        MPI_Startall(2, requests);
        MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    }
    MPI_Request_free(&requests[0]);
    MPI_Request_free(&requests[1]);
}

static void window(void) {
    MPI_Win window;
    int place = -1;
    MPI_Win_create(&place, sizeof place, sizeof place, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
    MPI_Win_fence(0, window);
    if (rank == 1)
        pause_for_long();
    MPI_Put(&rank, 1, MPI_INT, right, 0, 1, MPI_INT, window);
    MPI_Win_fence(0, window);
    MPI_Win_free(&window);
    if (place != left)
        MPI_Abort(MPI_COMM_WORLD, 1);
}

static void communicators(void) {
    for (int i = 0; i < 50; i++) {
        MPI_Comm half, copy;
        int sum;
        MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &half);
        MPI_Comm_dup(half, &copy);
        MPI_Allreduce(&number, &sum, 1, MPI_INT, MPI_SUM, copy);
        if (i == 25 && rank == 2)
            pause_for_long();
        MPI_Barrier(copy);
        MPI_Comm_free(&copy);
        MPI_Comm_free(&half);
    }
}

static void between(void) {
    /* The ranks of one half wait for those of the other one. */
    MPI_Comm half, between, copy;
    MPI_Request request;
    int got, members;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 9, &between);
    MPI_Comm_idup(between, &copy, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Comm_remote_size(copy, &members);
    if (rank % 2 == 0) {
        if (rank == 0)
            pause_for_long();
        if (rank / 2 < members)
            MPI_Send(&number, 1, MPI_INT, rank / 2, 6, copy);
    } else {
        MPI_Recv(&got, 1, MPI_INT, rank / 2, 6, copy, MPI_STATUS_IGNORE);
    }
    if (rank == 1)
        pause_for_long();
    MPI_Barrier(copy);
    MPI_Comm_free(&copy);
    MPI_Comm_free(&between);
    MPI_Comm_free(&half);
}

static void file(void) {
    MPI_File file;
    char path[64], got = 0;
    snprintf(path, sizeof path, "/tmp/ends.%d", (int)getppid());
    MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_CREATE | MPI_MODE_RDWR, MPI_INFO_NULL, &file);
    if (rank == 2)
        pause_for_long();
    MPI_File_write_at_all(file, rank, "x", 1, MPI_CHAR, MPI_STATUS_IGNORE);
    MPI_File_sync(file);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_read_at_all(file, left, &got, 1, MPI_CHAR, MPI_STATUS_IGNORE);
    if (rank == 0)
        pause_for_long();
    MPI_File_close(&file);
    MPI_Barrier(MPI_COMM_WORLD);
    unlink(path);
    if (got != 'x')
        MPI_Abort(MPI_COMM_WORLD, 1);
}

static int at_the_end(MPI_Comm comm, int key, void *value, void *extra) {
    int got;
    (void)comm, (void)key, (void)value, (void)extra;
    if (rank == 0)
        pause_for_long();
    MPI_Sendrecv(&rank, 1, MPI_INT, right, 0, &got, 1, MPI_INT, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (got != left)
        MPI_Abort(MPI_COMM_WORLD, 1);
    return MPI_SUCCESS;
}

static void attribute(void) {
    /* MPI_Finalize calls a function of the program, which communicates: the last ranks later than the others. */
    int key;
    MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, at_the_end, &key, NULL);
    MPI_Comm_set_attr(MPI_COMM_SELF, key, NULL);
}

static void detach(void) {
    static char buffer[1 << 23], big[1 << 22], other[1 << 22];
    void *detached;
    int size;
    MPI_Buffer_attach(buffer, sizeof buffer);
    MPI_Bsend(big, sizeof big, MPI_CHAR, right, 0, MPI_COMM_WORLD);
    if (rank == 0)
        pause_for_long();
    MPI_Recv(other, sizeof other, MPI_CHAR, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Buffer_detach(&detached, &size);
}

int main(int count, char **arguments) {
    struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"slow-sender", slow_sender}, {"slow-computer", slow_computer}, {"wildcards", wildcards},
                 {"ibarrier", ibarrier}, {"iallreduce", iallreduce}, {"late-end", late_end}, {"poll", poll},
                 {"threads", threads}, {"late-thread", late_thread},
                 {"slow-operation", slow_operation}, {"merged", merged}, {"persistent", persistent}, {"window", window},
                 {"communicators", communicators}, {"between", between}, {"file", file}, {"attribute", attribute},
                 {"detach", detach}, {"inter-operation", inter_operation}, {"callback", callback},
                 {"timed-wait", timed_wait}, {"refused", refused}};
    int provided;
    MPI_Init_thread(&count, &arguments, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    left = (rank + ranks - 1) % ranks;
    right = (rank + 1) % ranks;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (count > 1 && strcmp(arguments[1], cases[i].name) == 0)
            cases[i].run();
    MPI_Finalize();
    if (rank == 0)
        printf("it ends\n");
    return 0;
}
