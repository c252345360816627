/* SPDX-License-Identifier: Apache-2.0 */
/* What `collect --script` found on one machine: the settings part of its JSON (docs/collector.md).
 * Rules and IPsec are read by others; unknown members are passed over, so that newer scripts can be
 * read. UTF-8, with a byte order mark or without, and UTF-16 as old PowerShells write it.
 */
#pragma once

#include "base/addr.h"
#include "base/err.h"

enum collected_part {
    COLLECTED_SMB_SERVER, /* name: a property of Get-SmbServerConfiguration */
    COLLECTED_SMB_CLIENT,
    COLLECTED_PROFILE,  /* of: "Domain"; name: a property of Get-NetFirewallProfile */
    COLLECTED_REGISTRY, /* of: the key without its hive; name: the value */
    COLLECTED_SERVICE,  /* name: the service; text: its start type, 2 to 4 */
    COLLECTED_FEATURE,  /* name: the feature; text: "Enabled", "Disabled" */
    COLLECTED_AUDIT,    /* name: the subcategory's GUID; text: 0 to 3 */
};

struct collected_setting {
    enum collected_part part;
    str of, name;
    str text;    /* "True", "False", a number as written, text, lines */
    bool absent; /* it was looked for and is not there: text is empty */
};

struct collected {
    str source;
    str computer, fqdn; /* as the machine calls itself; either may be empty */
    const struct addr *addrs;
    size_t n_addrs;
    int64_t at_us; /* 0 = not said */
    str caption;   /* "Microsoft Windows Server 2022 Standard" */
    uint32_t build;
    bool has_build, is_server;
    const struct collected_setting *settings;
    size_t n_settings;
};

/* arena : owns what is read; `content` is kept
 * fails : MALFORMED, TRUNCATED, LIMIT (settings, nesting): with the offset */
MUST_USE bool collected_read(str source, bytes content, struct arena *arena, struct collected *out,
                             struct err *err);
/* True when the bytes begin like one: an object whose first member is "sallyport": "collected". */
bool collected_recognise(bytes head);
/* NULL = nobody looked. Names compare without case. */
const struct collected_setting *collected_find(const struct collected *collected,
                                               enum collected_part part, str of, str name);
