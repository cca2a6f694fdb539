/* The same work by a C program. It prints the nanoseconds that COUNT repetitions took.
 *
 *     peers start COUNT        starts /bin/true and waits for it
 *     peers pipe SIZE COUNT    sends SIZE bytes to a child and back, through two pipes
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void start(long count) {
    for (long i = 0; i < count; i++) {
        char *arguments[] = {"true", NULL};
        int status;
        pid_t child = vfork();
        if (child == 0) {
            execv("/bin/true", arguments);
            _exit(127);
        }
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0) fail("a child");
    }
}

/* Returns 0 at the end of the stream. */
static int receive(int from, char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t got = read(from, bytes + done, size - done);
        if (got < 0) fail("read");
        if (got == 0) return 0;
        done += got;
    }
    return 1;
}

static void send_all(int to, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t sent = write(to, bytes + done, size - done);
        if (sent < 0) fail("write");
        done += sent;
    }
}

static long long ping_pong(size_t size, long count) {
    int there[2], back[2];
    char *bytes = malloc(size), *received = malloc(size);
    if (!bytes || !received || pipe(there) || pipe(back)) fail("a pipe");
    memset(bytes, 7, size);
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        close(there[1]);
        close(back[0]);
        while (receive(there[0], bytes, size)) send_all(back[1], bytes, size);
        _exit(0);
    }
    close(there[0]);
    close(back[1]);
    long long begin = 0;
    /* The first ten are not timed: the child may not have started yet. */
    for (long i = -10; i < count; i++) {
        if (i == 0) begin = now();
        bytes[0] = (char)i;
        send_all(there[1], bytes, size);
        if (!receive(back[0], received, size) || received[0] != (char)i) fail("the answer");
    }
    long long time = now() - begin;
    close(there[1]);
    waitpid(child, NULL, 0);
    return time;
}

int main(int count, char **arguments) {
    long long begin = now();
    if (count == 3 && !strcmp(arguments[1], "start")) {
        start(atol(arguments[2]));
        printf("%lld\n", now() - begin);
    } else if (count == 4 && !strcmp(arguments[1], "pipe")) {
        printf("%lld\n", ping_pong(atol(arguments[2]), atol(arguments[3])));
    } else {
        fprintf(stderr, "usage: peers start COUNT | peers pipe SIZE COUNT\n");
        return 2;
    }
    return 0;
}
