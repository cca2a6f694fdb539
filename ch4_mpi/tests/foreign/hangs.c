/* Programs that hang, each in another way, for the tests of the hang report: hangs CASE. They need at least 3 ranks. */
#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int rank, ranks, left, right, number = 1;
static char big[1 << 22], other[1 << 22];

static void receive(void) {
    MPI_Recv(&number, 1, MPI_INT, left, 7, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: receive */
    MPI_Send(&number, 1, MPI_INT, right, 7, MPI_COMM_WORLD);
}

static void send_big(void) {
    MPI_Send(big, sizeof big, MPI_CHAR, right, 0, MPI_COMM_WORLD); /* here: send-big */
    MPI_Recv(other, sizeof other, MPI_CHAR, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void send_small(void) {
    MPI_Send(&number, 1, MPI_INT, right, 0, MPI_COMM_WORLD); /* here: send-small */
    MPI_Recv(&number, 1, MPI_INT, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void wait_one(void) {
    MPI_Request request;
    MPI_Irecv(&number, 1, MPI_INT, left, 3, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE); /* here: wait */
}

static void wait_all(void) {
    MPI_Request requests[2];
    int from_left;
    MPI_Irecv(&from_left, 1, MPI_INT, left, 3, MPI_COMM_WORLD, &requests[0]);
    MPI_Isend(&number, 1, MPI_INT, right, 4, MPI_COMM_WORLD, &requests[1]);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE); /* here: waitall */
}

static void wait_any(void) {
    MPI_Request requests[2];
    int index, numbers[2];
    MPI_Irecv(&numbers[0], 1, MPI_INT, left, 3, MPI_COMM_WORLD, &requests[0]);
    MPI_Irecv(&numbers[1], 1, MPI_INT, right, 3, MPI_COMM_WORLD, &requests[1]);
    MPI_Waitany(2, requests, &index, MPI_STATUS_IGNORE); /* here: waitany */
}

static void any_source(void) {
    MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: any-source */
}

static void missing(void) {
    if (rank < ranks - 1)
        MPI_Barrier(MPI_COMM_WORLD); /* here: missing */
}

static void mismatch(void) {
    int sum;
    if (rank == 0)
        MPI_Barrier(MPI_COMM_WORLD); /* here: mismatch barrier */
    else
        MPI_Allreduce(&number, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD); /* here: mismatch allreduce */
    MPI_Barrier(MPI_COMM_WORLD);
}

static void split(void) {
    /* Two halves; in each half the ranks wait for a message that never comes. */
    MPI_Comm half;
    int own, members;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Comm_rank(half, &own);
    MPI_Comm_size(half, &members);
    MPI_Recv(&number, 1, MPI_INT, (own + 1) % members, 0, half, MPI_STATUS_IGNORE); /* here: split */
}

static void gone(void) {
    if (rank == 0)
        MPI_Recv(&number, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: gone */
}

static void probe(void) {
    MPI_Probe(left, 9, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: probe */
}

static void self(void) {
    if (rank == 1)
        MPI_Ssend(&number, 1, MPI_INT, 1, 0, MPI_COMM_WORLD); /* here: self */
    MPI_Barrier(MPI_COMM_WORLD);
}

static void three(void) {
    /* A cycle of the ranks 1, 3 and 4; the others wait in a barrier. */
    int next[] = {-1, 3, -1, 4, 1};
    if (rank < 5 && next[rank] >= 0)
        MPI_Recv(&number, 1, MPI_INT, next[rank], 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: three */
    MPI_Barrier(MPI_COMM_WORLD);
}

static void ibarrier(void) {
    MPI_Request request;
    if (rank > 0) {
        MPI_Ibarrier(MPI_COMM_WORLD, &request);
        MPI_Wait(&request, MPI_STATUS_IGNORE); /* here: ibarrier */
    }
}

static void persistent(void) {
    MPI_Request request;
    MPI_Recv_init(&number, 1, MPI_INT, left, 0, MPI_COMM_WORLD, &request);
    MPI_Start(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE); /* here: persistent */
}

static void root(void) {
    MPI_Bcast(big, sizeof big, MPI_CHAR, rank == 2 ? 2 : 0, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Recv(&number, 1, MPI_INT, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void fence(void) {
    MPI_Win window;
    MPI_Win_create(big, sizeof big, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &window);
    if (rank == 0)
        MPI_Recv(&number, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: fence receive */
    MPI_Win_fence(0, window); /* here: fence */
}

static void file(void) {
    MPI_File file;
    char path[64];
    /* All ranks of this job have the same parent on one host. */
    snprintf(path, sizeof path, "/tmp/hangs.%d", (int)getppid());
    MPI_File_open(MPI_COMM_WORLD, path, MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL, &file);
    unlink(path);
    if (rank == 0)
        MPI_Recv(&number, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: file receive */
    MPI_File_set_size(file, 4096); /* here: file */
}

static void idup(void) {
    MPI_Comm copy;
    MPI_Request request;
    if (rank > 0) {
        MPI_Comm_idup(MPI_COMM_WORLD, &copy, &request);
        MPI_Wait(&request, MPI_STATUS_IGNORE); /* here: idup */
    }
}

/* Two halves of the ranks: the even and the odd ones. */
static MPI_Comm between_halves(void) {
    MPI_Comm half, between;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 9, &between);
    return between;
}

static void inter(void) {
    MPI_Comm between = between_halves();
    MPI_Recv(&number, 1, MPI_INT, rank / 2, 6, between, MPI_STATUS_IGNORE); /* here: inter */
}

static void merge(void) {
    MPI_Comm between = between_halves(), all;
    if (rank > 0)
        MPI_Intercomm_merge(between, rank % 2, &all); /* here: merge */
    else
        MPI_Barrier(MPI_COMM_WORLD); /* here: merge barrier */
}

static void inter_missing(void) {
    MPI_Comm half, between;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    if (rank % 2 == 0)
        MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1, 9, &between); /* here: inter-missing */
}

static void *receives(void *unused) {
    int got;
    MPI_Recv(&got, 1, MPI_INT, left, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* here: join */
    return unused;
}

static void join(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, receives, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static void *sends_to_itself(void *tag) {
    for (int i = 0; i < 5000; i++) {
        int got;
        MPI_Request request;
        MPI_Irecv(&got, 1, MPI_INT, 0, (int)(long)tag, MPI_COMM_SELF, &request);
        MPI_Send(&rank, 1, MPI_INT, 0, (int)(long)tag, MPI_COMM_SELF);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
    }
    return NULL;
}

static void many_requests(void) {
    /* MPI gives the handle of a complete request to the next one, which may be another thread's. */
    pthread_t threads[3];
    MPI_Request request;
    for (long i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, sends_to_itself, (void *)i);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    MPI_Irecv(&number, 1, MPI_INT, left, 3, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE); /* here: many-requests */
}

static void detach(void) {
    static char buffer[1 << 23];
    void *detached;
    int size;
    MPI_Buffer_attach(buffer, sizeof buffer);
    MPI_Bsend(big, sizeof big, MPI_CHAR, right, 0, MPI_COMM_WORLD);
    MPI_Buffer_detach(&detached, &size); /* here: detach */
}

int main(int count, char **arguments) {
    struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"receive", receive}, {"send-big", send_big}, {"send-small", send_small}, {"wait", wait_one},
                 {"waitall", wait_all}, {"waitany", wait_any}, {"any-source", any_source}, {"missing", missing},
                 {"mismatch", mismatch}, {"split", split}, {"gone", gone}, {"probe", probe}, {"self", self},
                 {"three", three}, {"ibarrier", ibarrier}, {"persistent", persistent}, {"root", root}, {"fence", fence},
                 {"file", file}, {"idup", idup}, {"inter", inter}, {"merge", merge}, {"detach", detach},
                 {"inter-missing", inter_missing}, {"join", join}, {"many-requests", many_requests}};
    int provided, threads = count > 1 && (strcmp(arguments[1], "join") == 0 || strcmp(arguments[1], "many-requests") == 0);
    MPI_Init_thread(&count, &arguments, threads ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    left = (rank + ranks - 1) % ranks;
    right = (rank + 1) % ranks;
    if (rank == 0)
        printf("it begins\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (count > 1 && strcmp(arguments[1], cases[i].name) == 0)
            cases[i].run();
    MPI_Finalize();
    if (rank == 0)
        printf("it ends\n");
    return 0;
}
