/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

static int run(struct invocation *call)
{
    if (call->format == FORMAT_JSON) {
        struct json json = json_to(call->out);
        json_object(&json);
        json_member_str(&json, S("version"), str_of(SALLYPORT_VERSION));
        json_object_end(&json);
        buf_char(call->out, '\n');
        return EXIT_FINE;
    }
    buf_str(call->out, str_of("sallyport " SALLYPORT_VERSION "\n"));
    return EXIT_FINE;
}

const struct command version_command = {
    .name = {"version",           7 },
    .summary = {"Print the version", 17},
    .run = run,
};
