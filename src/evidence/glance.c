/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/glance.h"

bool glance_mentions_smb(str text)
{
    while (text.len > 2) {
        /* An m is rarer in these logs than an s. */
        const char *m = memchr(text.ptr + 1, 'm', text.len - 2);
        if (!m) return false;
        if (m[-1] == 's' && m[1] == 'b') return true;
        text = str_tail(text, (size_t)(m - text.ptr));
    }
    return false;
}

str glance_number(str behind_key)
{
    str text = behind_key;
    size_t at = 0, start;
    while (at < text.len && (text.ptr[at] == '"' || text.ptr[at] == ':' || text.ptr[at] == ' '))
        at++;
    for (start = at; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';)
        at++;
    return (str){text.ptr + start, at - start};
}
