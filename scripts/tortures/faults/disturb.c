/* Makes calls of a program fail or do only a part, for files below one directory. Loaded by LD_PRELOAD.
 *
 * DISTURB is "CALL,… FIRST EVERY TIMES HOW": of these calls, counted together, the one with the number FIRST and each
 * EVERY-th behind it go wrong, TIMES in all. HOW is the number of an error, or "part": half of what is to be read or
 * written is, or "half": the same, and the next call is an error (EIO). DISTURB_DIR is the directory; each time a byte
 * is added to the file DISTURB_COUNT. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { FINE, FAIL, PART };

static char calls[256], dir[PATH_MAX], count[PATH_MAX], how[16];
static long first, every, times;
static atomic_long made, struck;
static atomic_int owed;

__attribute__((constructor)) static void begin(void) {
    const char *rule = getenv("DISTURB"), *below = getenv("DISTURB_DIR"), *file = getenv("DISTURB_COUNT");
    if (!rule || !below || !file) return;
    if (sscanf(rule, "%255s %ld %ld %ld %15s", calls, &first, &every, &times, how) != 5) return;
    snprintf(dir, sizeof dir, "%s/", below);
    snprintf(count, sizeof count, "%s", file);
}

static int is_named(const char *call) {
    size_t length = strlen(call);
    for (const char *at = calls; (at = strstr(at, call)); at += length)
        if ((at == calls || at[-1] == ',') && (at[length] == ',' || at[length] == 0)) return 1;
    return 0;
}

static enum how strike(const char *call, const char *path) {
    if (!*dir || strncmp(path, dir, strlen(dir)) || !is_named(call)) return FINE;
    if (atomic_exchange(&owed, 0)) { errno = EIO; return FAIL; }
    long number = atomic_fetch_add(&made, 1) + 1;
    if (number < first || (number - first) % every || atomic_fetch_add(&struck, 1) >= times) return FINE;
    int mark = open(count, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (mark < 0 || write(mark, "x", 1) != 1) abort();
    close(mark);
    if (!strcmp(how, "part")) return PART;
    if (!strcmp(how, "half")) { atomic_store(&owed, 1); return PART; }
    errno = atoi(how);
    return FAIL;
}

static enum how strike_file(const char *call, int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return strike(call, path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwritev(int file, const struct iovec *slices, int number, off_t at) {
    enum how how = strike_file("pwritev", file);
    if (how == FAIL) return -1;
    struct iovec one = slices[0];
    if (how == PART && (number > 1 || one.iov_len > 1)) {
        if (number == 1) one.iov_len /= 2;
        return REAL(pwritev)(file, &one, 1, at);
    }
    return REAL(pwritev)(file, slices, number, at);
}

ssize_t pread64(int file, void *buffer, size_t bytes, off64_t at) {
    enum how how = strike_file("pread", file);
    if (how == FAIL) return -1;
    return REAL(pread64)(file, buffer, how == PART && bytes > 1 ? bytes / 2 : bytes, at);
}

int ftruncate64(int file, off64_t length) {
    return strike_file("ftruncate", file) == FAIL ? -1 : REAL(ftruncate64)(file, length);
}

int fdatasync(int file) { return strike_file("fdatasync", file) == FAIL ? -1 : REAL(fdatasync)(file); }

int fsync(int file) { return strike_file("fsync", file) == FAIL ? -1 : REAL(fsync)(file); }

int rename(const char *from, const char *to) { return strike("rename", from) == FAIL ? -1 : REAL(rename)(from, to); }

int unlink(const char *path) { return strike("unlink", path) == FAIL ? -1 : REAL(unlink)(path); }

int mkdir(const char *path, mode_t mode) { return strike("mkdir", path) == FAIL ? -1 : REAL(mkdir)(path, mode); }

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return strike(flags & O_CREAT ? "create" : "open", path) == FAIL ? -1 : REAL(open64)(path, flags, mode);
}
