/* Prices of POSIX: threads, processes, a pipe, a barrier, a mutex. The argument is WORKERS. */
#include "prices.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static int workers;

static void *same(void *argument) {
    return argument;
}

static double threads(long count, size_t unused) {
    (void)unused;
    double begin = now();
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        void *returned;
        if (pthread_create(&thread, NULL, same, &workers)) fail("no thread");
        pthread_join(thread, &returned);
        if (returned != &workers) fail("a thread returned a wrong value");
    }
    return now() - begin;
}

static double processes(long count, size_t unused) {
    (void)unused;
    double begin = now();
    for (long i = 0; i < count; i++) {
        int status, right = (int)(i % 100);
        pid_t child = fork();
        if (child == 0) _exit(right);
        if (child < 0 || waitpid(child, &status, 0) != child) fail("no process");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != right) fail("a process returned a wrong value");
    }
    return now() - begin;
}

/* Returns 0 at the end of the stream. */
static int receive(int from, char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(from, bytes + done, size - done);
        if (got < 0) fail("a pipe cannot be read");
        if (got == 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

static void send_all(int to, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t sent = write(to, bytes + done, size - done);
        if (sent < 0) fail("a pipe cannot be written");
        done += (size_t)sent;
    }
}

static int there[2], back[2];
static char *sent, *received;

static double round_trips(long count, size_t size) {
    double begin = now();
    for (long i = 0; i < count; i++) {
        sent[0] = sent[size - 1] = (char)i;
        send_all(there[1], sent, size);
        if (!receive(back[0], received, size)) fail("the other process has ended");
        if (received[0] != (char)i || received[size - 1] != (char)i) fail("a message is not as it was sent");
    }
    return now() - begin;
}

static double message(size_t size) {
    if (pipe(there) || pipe(back)) fail("no pipe");
    pid_t child = fork();
    if (child < 0) fail("no process");
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        while (receive(there[0], received, size)) send_all(back[1], received, size);
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    double seconds = seconds_each(10, round_trips, size) / 2;
    close(there[1]);
    close(back[0]);
    waitpid(child, NULL, 0);
    return seconds;
}

static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long times, counter, chosen;

static void *meet(void *unused) {
    long own = 0;
    for (long i = 0; i < times; i++) own += pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    pthread_mutex_lock(&mutex);
    chosen += own;
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void *increment(void *unused) {
    pthread_barrier_wait(&barrier);
    for (long i = 0; i < times; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    pthread_barrier_wait(&barrier);
    return unused;
}

/* The time of `work` in `count` threads, one of which is this one. */
static double team(int count, void *(*work)(void *)) {
    pthread_t threads[MOST_WORKERS];
    for (int i = 1; i < count; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL)) fail("no thread");
    }
    double begin = now();
    work(NULL);
    double seconds = now() - begin;
    for (int i = 1; i < count; i++) pthread_join(threads[i], NULL);
    return seconds;
}

static double meetings(long count, size_t unused) {
    (void)unused;
    times = count;
    chosen = 0;
    double seconds = team(workers, meet);
    if (chosen != count) fail("the barrier has opened a wrong number of times");
    return seconds;
}

static double increments(long count, size_t threads) {
    times = count / (long)threads;
    counter = 0;
    double seconds = team((int)threads, increment);
    if (counter != times * (long)threads) fail("the counter is wrong");
    return seconds;
}

static double locks(int threads) {
    pthread_barrier_destroy(&barrier);
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    return seconds_each(256 * threads, increments, (size_t)threads);
}

int main(int count, char **arguments) {
    workers = workers_or_exit(count, arguments);
    pthread_barrier_init(&barrier, NULL, (unsigned)workers);
    print_price("barrier", "C: pthread_barrier", workers, seconds_each(64, meetings, 0));
    print_price("contended_lock", "C: pthread_mutex", workers, locks(workers));
    if (workers > 2) return 0;
    print_price("free_lock", "C: pthread_mutex", 1, locks(1));
    print_price("start_and_end", "C: pthread_create and join", 1, seconds_each(16, threads, 0));
    print_price("start_and_end", "C: fork and wait", 1, seconds_each(4, processes, 0));
    sent = calloc(1, MIB);
    received = calloc(1, MIB);
    if (!sent || !received) fail("there is not enough memory");
    fflush(stdout);
    print_price("short_message", "C: pipe", 2, message(8));
    fflush(stdout);
    print_price("long_message", "C: pipe", 2, message(MIB));
    return 0;
}
