/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a fuzz target's corpus in every test run.
 *
 * Linked with one `x_fuzz.c`, whose LLVMFuzzerTestOneInput asserts the properties. Arguments are
 * files and folders, as a libFuzzer program takes them, so both builds are called alike. A folder's
 * files are run in the order of their names, and after each whole file some of its truncations: a
 * reader must survive a cut anywhere. Seeds are a few KiB; for one above EVERY_CUT_BYTES the cuts
 * are spread evenly.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    EVERY_CUT_BYTES = 4096, /* up to here each length is tried */
    MOST_CUTS = 512,        /* above, this many lengths */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replay {
    uint64_t files;
    uint64_t inputs;
    bool failed;
};

/* A copy of its own, exactly as long as the input: a sanitizer then sees a read one byte too far.
 */
static void replay_bytes(const uint8_t *data, size_t size, struct replay *replay)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (!exact) abort();
    if (size > 0) memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    replay->inputs++;
    free(exact);
}

static void replay_cuts(const uint8_t *data, size_t size, struct replay *replay)
{
    size_t step = size <= EVERY_CUT_BYTES ? 1 : size / MOST_CUTS;
    for (size_t length = 0; length < size; length += step)
        replay_bytes(data, length, replay);
    replay_bytes(data, size, replay);
}

static void replay_fail(const char *path, const char *what, struct replay *replay)
{
    fprintf(stderr, "%s: error: %s: %s\n", path, what, strerror(errno));
    replay->failed = true;
}

static void replay_file(const char *path, uint64_t size, struct replay *replay)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        replay_fail(path, "cannot open", replay);
        return;
    }
    uint8_t *data = malloc((size_t)size + 1);
    if (!data) abort();
    size_t read = fread(data, 1, (size_t)size, file);
    if (ferror(file)) replay_fail(path, "cannot read", replay);
    fclose(file);

    replay_cuts(data, read, replay);
    replay->files++;
    free(data);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay_path(const char *path, struct replay *replay);

static void replay_folder(const char *path, struct replay *replay)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0) {
        replay_fail(path, "cannot list", replay);
        return;
    }
    for (int i = 0; i < count; i++) {
        char inner[4096];
        int length = snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (length > 0 && (size_t)length < sizeof inner) {
            replay_path(inner, replay);
        } else {
            errno = ENAMETOOLONG;
            replay_fail(entries[i]->d_name, "cannot open", replay);
        }
        free(entries[i]);
    }
    free(entries);
}

static void replay_path(const char *path, struct replay *replay)
{
    struct stat status;
    if (stat(path, &status) != 0)
        replay_fail(path, "cannot open", replay);
    else if (S_ISDIR(status.st_mode))
        replay_folder(path, replay);
    else
        replay_file(path, (uint64_t)status.st_size, replay);
}

int main(int argc, char **argv)
{
    struct replay replay = {0};

    for (int i = 1; i < argc; i++)
        replay_path(argv[i], &replay);
    printf("%llu seeds replayed as %llu inputs\n", (unsigned long long)replay.files,
           (unsigned long long)replay.inputs);
    if (replay.files == 0) {
        fprintf(stderr, "error: expected at least one seed, found none\n");
        return 1;
    }
    return replay.failed ? 1 : 0;
}
