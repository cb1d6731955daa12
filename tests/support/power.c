/* Loaded before a program: keeps in POWER_KEPT what a disk would still hold of the files in POWER_WATCHED after a power cut,
 * that is each file as it was when it was last synchronised. Knows nothing of the program. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void keep(int file) {
    const char *watched = getenv("POWER_WATCHED"), *kept = getenv("POWER_KEPT");
    char link[64], path[PATH_MAX], made[PATH_MAX], whole[PATH_MAX], bytes[65536];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!watched || !kept || length < 0) return;
    path[length] = 0;
    char *name = strrchr(path, '/');
    if (!name || (size_t)(name - path) != strlen(watched) || strncmp(path, watched, strlen(watched))) return;
    snprintf(whole, sizeof whole, "%s%s", kept, name);
    snprintf(made, sizeof made, "%s%s.new", kept, name);
    int copy = open(made, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (copy < 0) abort();
    off_t at = 0;
    for (ssize_t got; (got = pread(file, bytes, sizeof bytes, at)) > 0; at += got)
        if (write(copy, bytes, got) != got) abort();
    close(copy);
    if (rename(made, whole)) abort();
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int failed = real(file);
    if (!failed) keep(file);
    return failed;
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int failed = real(file);
    if (!failed) keep(file);
    return failed;
}
