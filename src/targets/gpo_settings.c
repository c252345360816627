/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/gpo_settings.h"

#include "base/buf.h"

/* ---- Where a value goes -------------------------------------------------------------------------
 */

/* Values that the security templates know by name (sceregvl.inf): the editor shows them under
 * "Security Options". Lower case. */
static const struct {
    const char *key, *value;
} security_options[] = {
    {"system\\currentcontrolset\\control\\lsa",                            "scenoapplylegacyauditpolicy" },
    {"system\\currentcontrolset\\control\\lsa",                            "restrictanonymous"           },
    {"system\\currentcontrolset\\control\\lsa",                            "restrictanonymoussam"        },
    {"system\\currentcontrolset\\control\\lsa",                            "restrictremotesam"           },
    {"system\\currentcontrolset\\control\\lsa",                            "everyoneincludesanonymous"   },
    {"system\\currentcontrolset\\control\\lsa",                            "forceguest"                  },
    {"system\\currentcontrolset\\control\\lsa",                            "lmcompatibilitylevel"        },
    {"system\\currentcontrolset\\control\\lsa",                            "nolmhash"                    },
    {"system\\currentcontrolset\\control\\lsa\\msv1_0",                    "allownullsessionfallback"    },
    {"system\\currentcontrolset\\control\\lsa\\msv1_0",                    "ntlmminclientsec"            },
    {"system\\currentcontrolset\\control\\lsa\\msv1_0",                    "ntlmminserversec"            },
    {"system\\currentcontrolset\\control\\lsa\\msv1_0",                    "restrictsendingntlmtraffic"  },
    {"system\\currentcontrolset\\control\\lsa\\msv1_0",                    "restrictreceivingntlmtraffic"},
    {"system\\currentcontrolset\\control\\lsa\\msv1_0",                    "auditreceivingntlmtraffic"   },
    {"system\\currentcontrolset\\services\\netlogon\\parameters",          "auditntlmindomain"           },
    {"system\\currentcontrolset\\services\\lanmanserver\\parameters",      "requiresecuritysignature"    },
    {"system\\currentcontrolset\\services\\lanmanserver\\parameters",      "enablesecuritysignature"     },
    {"system\\currentcontrolset\\services\\lanmanserver\\parameters",      "restrictnullsessaccess"      },
    {"system\\currentcontrolset\\services\\lanmanserver\\parameters",      "nullsessionpipes"            },
    {"system\\currentcontrolset\\services\\lanmanserver\\parameters",      "nullsessionshares"           },
    {"system\\currentcontrolset\\services\\lanmanserver\\parameters",
     "smbservernamehardeninglevel"                                                                       },
    {"system\\currentcontrolset\\services\\lanmanworkstation\\parameters",
     "requiresecuritysignature"                                                                          },
    {"system\\currentcontrolset\\services\\lanmanworkstation\\parameters",
     "enablesecuritysignature"                                                                           },
    {"system\\currentcontrolset\\services\\lanmanworkstation\\parameters",
     "enableplaintextpassword"                                                                           },
};

static bool is_security_option(const struct harden_change *change)
{
    for (size_t i = 0; i < COUNT_OF(security_options); i++)
        if (str_equal_nocase(change->key, str_of(security_options[i].key)) &&
            str_equal_nocase(change->value, str_of(security_options[i].value)))
            return true;
    return false;
}

static bool is_plain(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') return false;
    return true;
}

/* A quote ends a text of GptTmpl.inf, a comma an item of a list, two stars begin what Registry.pol
 * takes for an order. */
static bool stays_in_its_field(const struct harden_change *change, bool in_template)
{
    str text = change->text;
    bool is_list = change->type == HARDEN_STRINGS;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool separator = is_list && c == '\n';
        if (!separator && (c < ' ' || c > '~')) return false;
        if (in_template && (c == '"' || (is_list && c == ','))) return false;
    }
    return is_plain(change->key) && is_plain(change->value) && change->value.len &&
           !str_starts(change->value, S("**")) && !str_contains(change->key, S("=")) &&
           !str_contains(change->value, S("="));
}

struct sorting {
    const struct harden_change **items;
    size_t n;
};

static bool refuse(const struct harden_change *change, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "setting %.*s: its value cannot be expressed by target gpo; nothing is written",
                   STR_ARG(change->id));
}

bool gpo_settings_of(const struct host_class *host_class, struct arena *arena,
                     struct gpo_settings *out, struct err *err)
{
    enum { REGISTRY, OPTIONS, SERVICES, AUDITS, OTHERS, PLACES };
    struct sorting sorted[PLACES] = {0};
    for (size_t p = 0; p < PLACES; p++)
        sorted[p].items =
            arena_array(arena, const struct harden_change *, host_class->n_hardening + 1);
    for (size_t i = 0; i < host_class->n_hardening; i++) {
        const struct harden_change *change = &host_class->hardening[i];
        size_t place = OTHERS;
        if (change->service.len)
            place = SERVICES;
        else if (change->audit_guid.len)
            place = AUDITS;
        else if (change->key.len)
            place = is_security_option(change) ? OPTIONS : REGISTRY;
        if ((place == OPTIONS || place == REGISTRY) &&
            !stays_in_its_field(change, place == OPTIONS))
            return refuse(change, err);
        if (place == SERVICES &&
            (!is_plain(change->service) || str_contains(change->service, S("\"")) ||
             change->service_start < 2 || change->service_start > 4))
            return refuse(change, err);
        sorted[place].items[sorted[place].n++] = change;
    }
    *out = (struct gpo_settings){
        .registry = sorted[REGISTRY].items,
        .n_registry = sorted[REGISTRY].n,
        .options = sorted[OPTIONS].items,
        .n_options = sorted[OPTIONS].n,
        .services = sorted[SERVICES].items,
        .n_services = sorted[SERVICES].n,
        .audits = sorted[AUDITS].items,
        .n_audits = sorted[AUDITS].n,
        .others = sorted[OTHERS].items,
        .n_others = sorted[OTHERS].n,
    };
    return true;
}

/* ---- Registry.pol -------------------------------------------------------------------------------
 */

/* Each item ends in NUL, the list in one more ([MS-GPREG] 2.2.1). */
static bytes list_data(str text, struct arena *arena)
{
    struct buf data = buf_in(arena);
    while (text.len) {
        str item, rest;
        (void)str_cut(text, '\n', &item, &rest);
        buf_bytes(&data, registry_value_utf16(item, arena));
        text = rest;
    }
    buf_repeat(&data, '\0', 2);
    return str_bytes(buf_text(&data));
}

struct registry_value gpo_settings_value(const struct harden_change *change, struct arena *arena)
{
    if (change->type == HARDEN_DWORD)
        return registry_value_of_dword(change->key, change->value, change->number, arena);
    if (change->type == HARDEN_STRING)
        return registry_value_of_text(change->key, change->value, change->text, arena);
    return (struct registry_value){.key = change->key,
                                   .name = change->value,
                                   .type = REGISTRY_MULTI_SZ,
                                   .data = list_data(change->text, arena)};
}

/* ---- GptTmpl.inf --------------------------------------------------------------------------------
 */

str gpo_settings_option_line(const struct harden_change *change, struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (change->service.len) {
        buf_format(&out, "\"%.*s\",%u,\"\"", STR_ARG(change->service),
                   (unsigned)change->service_start);
        return buf_text(&out);
    }
    buf_format(&out, "MACHINE\\%.*s\\%.*s=", STR_ARG(change->key), STR_ARG(change->value));
    if (change->type == HARDEN_DWORD) buf_format(&out, "4,%" PRIu32, change->number);
    if (change->type == HARDEN_STRING) buf_format(&out, "1,\"%.*s\"", STR_ARG(change->text));
    if (change->type != HARDEN_STRINGS) return buf_text(&out);
    buf_str(&out, S("7,"));
    for (size_t i = 0; i < change->text.len; i++)
        buf_char(&out, change->text.ptr[i] == '\n' ? ',' : change->text.ptr[i]);
    return buf_text(&out);
}

static void put_section(struct buf *out, const char *name,
                        const struct harden_change *const *changes, size_t n, struct arena *arena)
{
    if (n) buf_format(out, "[%s]\r\n", name);
    for (size_t i = 0; i < n; i++) {
        buf_str(out, gpo_settings_option_line(changes[i], arena));
        buf_str(out, S("\r\n"));
    }
}

str gpo_settings_inf(const struct gpo_settings *settings, struct arena *arena)
{
    struct buf text = buf_in(arena), out = buf_in(arena);
    buf_str(&text, S("[Unicode]\r\nUnicode=yes\r\n"
                     "[Version]\r\nsignature=\"$CHICAGO$\"\r\nRevision=1\r\n"));
    put_section(&text, "Registry Values", settings->options, settings->n_options, arena);
    put_section(&text, "Service General Setting", settings->services, settings->n_services, arena);
    bytes wide = registry_value_utf16(buf_text(&text), arena);
    buf_str(&out, S("\xff\xfe"));
    buf_bytes(&out, (bytes){wide.ptr, wide.len - 2}); /* a file has no NUL at its end */
    return buf_text(&out);
}

/* ---- audit.csv ----------------------------------------------------------------------------------
 */

str gpo_settings_audit_text(uint32_t setting)
{
    static const str texts[] = {
        {"No Auditing",         11},
        {"Success",             7 },
        {"Failure",             7 },
        {"Success and Failure", 19},
    };
    return texts[setting & 3];
}

str gpo_settings_csv(const struct gpo_settings *settings, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,"
                    "Exclusion Setting,Setting Value\r\n"));
    for (size_t i = 0; i < settings->n_audits; i++) {
        const struct harden_change *change = settings->audits[i];
        buf_format(&out, ",System,Audit %.*s,%.*s,%.*s,,%u\r\n", STR_ARG(change->audit_name),
                   STR_ARG(str_lower(arena, change->audit_guid)),
                   STR_ARG(gpo_settings_audit_text(change->audit_setting)),
                   (unsigned)change->audit_setting);
    }
    return buf_text(&out);
}
