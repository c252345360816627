/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/remarks.h"

#include "base/instant.h"

void remarks_line(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    buf_format(out, "# %s: %.*s\n", label, STR_ARG(target_plain(arena, text, REMARKS_WHY_BYTES)));
}

void remarks_head(struct buf *out, struct arena *arena, const struct target_header *header,
                  str title)
{
    char as_of[INSTANT_TEXT];
    remarks_line(out, arena, "sallyport", title);
    remarks_line(out, arena, "organisation", header->organisation);
    buf_format(out, "# policy: %.*s, SHA-256 %.*s\n",
               STR_ARG(target_plain(arena, header->policy_source, REMARKS_WHY_BYTES)),
               STR_ARG(header->policy_sha256));
    if (header->exceptions_sha256.len)
        buf_format(out, "# exceptions: SHA-256 %.*s\n", STR_ARG(header->exceptions_sha256));
    buf_format(out, "# as of: %.*s\n", STR_ARG(instant_text(as_of, header->as_of_us)));
}

/* One token for each range, so that every token says something: prefixes side by side would hide it
 * when one of them grows into the next. */
static void put_member(struct buf *out, struct arena *arena, struct range range)
{
    char text[PREFIX_TEXT];
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(arena, (struct prefix_set){&range, 1}, &n);
    buf_str(out, S("# member: "));
    if (n == 1) {
        buf_str(out, prefix_text(text, prefixes[0]));
    } else {
        addr_print(out, range.first);
        buf_char(out, '-');
        addr_print(out, range.last);
    }
    buf_char(out, '\n');
}

void remarks_class(struct buf *out, struct arena *arena, const struct host_class *class)
{
    remarks_line(out, arena, "host class", class->id);
    for (size_t i = 0; i < class->n_machine_names; i++)
        remarks_line(out, arena, "machine", class->machine_names[i]);
    for (size_t i = 0; i < class->members.n; i++)
        put_member(out, arena, class->members.ranges[i]);
}
