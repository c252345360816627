/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_kinds.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
#define ERROR(kind, title)                                                                         \
    {                                                                                              \
        T(kind), SEVERITY_ERROR, T(title)                                                          \
    }
#define WARNING(kind, title)                                                                       \
    {                                                                                              \
        T(kind), SEVERITY_WARNING, T(title)                                                        \
    }

const struct check_kind check_kinds[] = {
    ERROR("syntax", "The file is not the strict YAML of a policy"),
    ERROR("duplicate-key", "A key stands twice"),
    ERROR("unknown-key", "A key that the policy language does not have"),
    ERROR("missing-key", "A compulsory key is missing"),
    ERROR("value", "A value does not have the form that is expected"),
    ERROR("unknown-name", "A segment, group, service or zone that is not defined"),
    ERROR("conflict", "Two places of the policy contradict each other"),
    ERROR("lifeline", "A path that must stay open would be cut"),
    ERROR("assertion", "An assertion of the policy does not hold"),
    WARNING("unresolved", "A name, AD group or service tag has no address that can be relied on"),
    WARNING("ambiguous", "A host is named like a segment or group"),
    WARNING("never-matches", "An entry or segment that no address can match"),
    WARNING("shadowed", "An entry allows nothing that others do not allow"),
    WARNING("except-undone", "What an entry excepts is allowed by another one"),
    WARNING("cannot-authenticate", "A peer of a secured entry can't be relied on to authenticate"),
    WARNING("ring", "A ring behind the one that takes all the rest"),
    WARNING("exception-expired", "An exception has ended and opens nothing any more"),
    WARNING("exception-ends", "An exception ends soon"),
    WARNING("stale-ranges", "The address ranges of a perimeter entry are old"),
    WARNING("untrusted-reaches", "An untrusted client may reach a governed service"),
    WARNING("unused", "No flow of the evidence used an entry"),
    WARNING("wider-than-observed", "An entry allows far more than was ever used"),
    WARNING("cuts-role", "A server in use would be cut off from its users"),
    WARNING("secure-unready", "A participant of a secured entry was not seen to be ready for it"),
    WARNING("undecidable", "The evidence does not tell"),
};
const size_t check_kinds_n = COUNT_OF(check_kinds);

size_t check_kinds_find(str kind)
{
    for (size_t i = 0; i < check_kinds_n; i++)
        if (str_equal(check_kinds[i].kind, kind)) return i;
    return SIZE_MAX;
}
