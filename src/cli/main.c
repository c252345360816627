/* SPDX-License-Identifier: Apache-2.0 */
/* The program: words of the command line in, exit status out. */
#include <signal.h>

#include "base/os.h"
#include "cli/command.h"

int main(int argc, char **argv)
{
    struct os os = os_posix();
    /* A reader of our output may go away (| head); write() then says so. */
    signal(SIGPIPE, SIG_IGN);
    size_t n = argc > 1 ? (size_t)argc - 1 : 0;
    str *words = calloc(n + 1, sizeof *words);
    if (!words) return EXIT_FAILED;
    for (size_t i = 0; i < n; i++)
        words[i] = str_of(argv[i + 1]);
    int status = command_main(&os, words, n);
    free(words);
    return status;
}
