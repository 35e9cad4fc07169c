/* Stands between a program and the C library, and counts what the program does to files: each creation, write, rename, link
 * and removal is an event. At one of them the program is killed, in the middle if it is a write; or the disk is full from some
 * byte on. Loaded by LD_PRELOAD, see file_events.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long events;
static atomic_long written;
static long stop_at = -1;
static long full_after = -1;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("FILE_EVENTS_STOP_AT");
    stop_at = text ? atol(text) : -1;
    text = getenv("FILE_EVENTS_FULL_AFTER");
    full_after = text ? atol(text) : -1;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("FILE_EVENTS_REPORT");
    FILE *report = path ? fopen(path, "w") : NULL;
    if (report) {
        fprintf(report, "%ld %ld\n", atomic_load(&events), atomic_load(&written));
        fclose(report);
    }
}

static int is_last(void) { return atomic_fetch_add(&events, 1) + 1 == stop_at; }

static void stop(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

static int is_full(void) { return full_after >= 0 && atomic_load(&written) >= full_after; }

static int is_file(int fd) {
    struct stat about;
    return fd > 2 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

/* How many of `count` bytes there is room for. */
static size_t room(size_t count) {
    long before = atomic_fetch_add(&written, (long)count);
    if (full_after < 0 || before + (long)count <= full_after) return count;
    return before >= full_after ? 0 : (size_t)(full_after - before);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define WRITE(name, arguments, call)                         \
    ssize_t name arguments {                                 \
        REAL(name);                                          \
        if (!is_file(fd)) return call;                       \
        int last = is_last();                                \
        size_t fits = room(count);                           \
        if (last) {                                          \
            count = count / 2;                               \
            ssize_t ignored = call;                          \
            (void)ignored;                                   \
            stop();                                          \
        }                                                    \
        if (count > 0 && fits == 0) { errno = ENOSPC; return -1; } \
        count = fits;                                        \
        return call;                                         \
    }

WRITE(write, (int fd, const void *bytes, size_t count), real(fd, bytes, count))
WRITE(pwrite, (int fd, const void *bytes, size_t count, off_t at), real(fd, bytes, count, at))
WRITE(pwrite64, (int fd, const void *bytes, size_t count, off64_t at), real(fd, bytes, count, at))

ssize_t writev(int fd, const struct iovec *parts, int number) {
    REAL(writev);
    if (!is_file(fd)) return real(fd, parts, number);
    if (is_last()) stop();
    size_t count = 0;
    for (int at = 0; at < number; at++) count += parts[at].iov_len;
    if (room(count) < count) { errno = ENOSPC; return -1; }
    return real(fd, parts, number);
}

#define OPEN(name, first, pass)                              \
    int name(first const char *path, int flags, ...) {       \
        __typeof__(int(*)(first const char *, int, ...)) real = dlsym(RTLD_NEXT, #name); \
        mode_t mode = 0;                                     \
        if (flags & (O_CREAT | O_TMPFILE)) {                 \
            va_list more;                                    \
            va_start(more, flags);                           \
            mode = va_arg(more, mode_t);                     \
            va_end(more);                                    \
        }                                                    \
        if (flags & O_CREAT) {                               \
            if (is_last()) stop();                           \
            if (is_full()) { errno = ENOSPC; return -1; }    \
        }                                                    \
        return real(pass path, flags, mode);                 \
    }

#define NOTHING
#define FOLDER int folder,
#define PASS folder,
OPEN(open, NOTHING, NOTHING)
OPEN(open64, NOTHING, NOTHING)
OPEN(openat, FOLDER, PASS)
OPEN(openat64, FOLDER, PASS)

/* What takes room, if only a little, and what takes none. */
#define CHANGE(needs_room, name, arguments, call)            \
    int name arguments {                                     \
        REAL(name);                                          \
        if (is_last()) stop();                               \
        if (needs_room && is_full()) { errno = ENOSPC; return -1; } \
        return call;                                         \
    }

CHANGE(1, mkdir, (const char *path, mode_t mode), real(path, mode))
CHANGE(1, mkdirat, (int folder, const char *path, mode_t mode), real(folder, path, mode))
CHANGE(1, link, (const char *from, const char *to), real(from, to))
CHANGE(1, linkat, (int a, const char *from, int b, const char *to, int flags), real(a, from, b, to, flags))
CHANGE(0, rename, (const char *from, const char *to), real(from, to))
CHANGE(0, renameat, (int a, const char *from, int b, const char *to), real(a, from, b, to))
CHANGE(0, renameat2, (int a, const char *from, int b, const char *to, unsigned flags), real(a, from, b, to, flags))
CHANGE(0, unlink, (const char *path), real(path))
CHANGE(0, unlinkat, (int folder, const char *path, int flags), real(folder, path, flags))
CHANGE(0, rmdir, (const char *path), real(path))
CHANGE(0, ftruncate, (int fd, off_t length), real(fd, length))
CHANGE(0, ftruncate64, (int fd, off64_t length), real(fd, length))
