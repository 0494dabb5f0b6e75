/* Writes down every change that a program makes to the files of one folder, and every time it asks for the disk.
 *
 * Preloaded into the writer of test_power_cut.py. From the log the test builds what a disk may hold after a power cut:
 * all that was synced, and any part of the rest. One record is: kind, length of the name, offset, length of the data,
 * name, data. POWERCUT_DIR is the folder, POWERCUT_LOG the log.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWERCUT_LOG");
    folder = getenv("POWERCUT_DIR");
    if (path != NULL && folder != NULL)
        log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_watched(const char *path) {
    size_t length = folder == NULL ? 0 : strlen(folder);
    return log_file >= 0 && length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
}

static int name_of(int file, char *name) {
    char link[64];
    if (log_file < 0 || file == log_file)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, NAME_MAX_LENGTH - 1);
    if (length <= 0)
        return 0;
    name[length] = '\0';
    return is_watched(name);
}

static void put(char kind, const char *name, int64_t offset, const void *data, uint32_t length) {
    uint16_t name_length = (uint16_t)strlen(name);
    struct iovec parts[] = {
        {&kind, 1}, {&name_length, 2}, {&offset, 8}, {&length, 4}, {(void *)name, name_length}, {(void *)data, length},
    };
    pthread_mutex_lock(&lock);
    if (writev(log_file, parts, 6) < 0)
        abort();
    pthread_mutex_unlock(&lock);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    static ssize_t (*next)(int, const void *, size_t, off64_t);
    char name[NAME_MAX_LENGTH];
    if (next == NULL)
        next = real("pwrite64");
    ssize_t written = next(file, data, length, offset);
    if (written > 0 && name_of(file, name))
        put('W', name, offset, data, (uint32_t)written);
    return written;
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) { return pwrite64(file, data, length, offset); }

ssize_t write(int file, const void *data, size_t length) {
    static ssize_t (*next)(int, const void *, size_t);
    char name[NAME_MAX_LENGTH];
    if (next == NULL)
        next = real("write");
    ssize_t written = next(file, data, length);
    if (written > 0 && name_of(file, name))
        put('W', name, lseek64(file, 0, SEEK_CUR) - written, data, (uint32_t)written);
    return written;
}

static int synced(int file, int result) {
    char name[NAME_MAX_LENGTH];
    if (result == 0 && name_of(file, name))
        put('S', name, 0, NULL, 0);
    return result;
}

int fsync(int file) {
    static int (*next)(int);
    if (next == NULL)
        next = real("fsync");
    return synced(file, next(file));
}

int fdatasync(int file) {
    static int (*next)(int);
    if (next == NULL)
        next = real("fdatasync");
    return synced(file, next(file));
}

int ftruncate64(int file, off64_t length) {
    static int (*next)(int, off64_t);
    char name[NAME_MAX_LENGTH];
    if (next == NULL)
        next = real("ftruncate64");
    int result = next(file, length);
    if (result == 0 && name_of(file, name))
        put('T', name, length, NULL, 0);
    return result;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int unlink(const char *path) {
    static int (*next)(const char *);
    if (next == NULL)
        next = real("unlink");
    int result = next(path);
    if (result == 0 && is_watched(path))
        put('U', path, 0, NULL, 0);
    return result;
}
