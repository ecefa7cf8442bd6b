/* A disk that fails on demand, put between the server and the C library by LD_PRELOAD. While the file named by FAILING_DISK_NO_SYNC
 * exists, syncs of files whose path ends with FAILING_DISK_TARGET return EIO; while FAILING_DISK_FULL exists, writes to them return
 * ENOSPC. Everything else passes through unchanged. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_target(int fd) {
    const char *ending = getenv("FAILING_DISK_TARGET");
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    if (ending == NULL || length < (ssize_t)strlen(ending)) {
        return 0;
    }
    return strncmp(path + length - strlen(ending), ending, strlen(ending)) == 0;
}

static int fails(const char *trigger, int fd, int reason) {
    const char *file = getenv(trigger);
    int before = errno;
    int now = file != NULL && access(file, F_OK) == 0 && is_target(fd);
    errno = now ? reason : before;
    return now;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fsync(int fd) {
    return fails("FAILING_DISK_NO_SYNC", fd, EIO) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd) {
    return fails("FAILING_DISK_NO_SYNC", fd, EIO) ? -1 : REAL(fdatasync)(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    return fails("FAILING_DISK_FULL", fd, ENOSPC) ? -1 : REAL(write)(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return fails("FAILING_DISK_FULL", fd, ENOSPC) ? -1 : REAL(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return fails("FAILING_DISK_FULL", fd, ENOSPC) ? -1 : REAL(pwrite)(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    return fails("FAILING_DISK_FULL", fd, ENOSPC) ? -1 : REAL(pwrite64)(fd, bytes, count, offset);
}
