/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall by .reg files, for hosts that nothing else reaches: the values of group
 * policy, below the Policies key, in one file for each host class, with scripts that load them and
 * take them back. Slots that are not used are written as disabled rules, so that loading again
 * replaces. The reader is reg_read.c; it shares nothing with this file.
 *
 * spec : [MS-GPFAS] 2.2 (values), windows-formats.md 8.1 (what regedit takes)
 */
#include "base/instant.h"
#include "rules/universe.h"
#include "targets/firewall_strings_write.h"
#include "targets/reg_read.h"
#include "targets/remarks.h"
#include "targets/windows_slots.h"

enum { WHY_BYTES = 900 };

#define BASE "HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"

extern const struct target reg_target;

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)border_word; /* this dialect has no borders */
    return str_format(arena, "sallyport:%.*s", STR_ARG(workspace));
}

/* ---- Text ---------------------------------------------------------------------------------------
 */

static void put_remark(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (text.len)
        buf_format(out, "; %s: %.*s\r\n", label, STR_ARG(target_plain(arena, text, WHY_BYTES)));
}

static void put_head(struct buf *out, const struct host_class *class, str title,
                     const struct target_header *header, struct arena *arena)
{
    char as_of[INSTANT_TEXT];
    buf_str(out, S("REGEDIT4\r\n\r\n"));
    put_remark(out, arena, "sallyport", title);
    put_remark(out, arena, "workspace", header->workspace);
    put_remark(out, arena, "host class", class->id);
    put_remark(out, arena, "organisation", header->organisation);
    put_remark(out, arena, "policy", header->policy_source);
    put_remark(out, arena, "SHA-256", header->policy_sha256);
    put_remark(out, arena, "as of", instant_text(as_of, header->as_of_us));
}

static void put_quoted(struct buf *out, str text)
{
    buf_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\') buf_char(out, '\\');
        buf_char(out, text.ptr[i]);
    }
    buf_char(out, '"');
}

static void put_key(struct buf *out, str below, bool deletes)
{
    buf_format(out, "\r\n[%s" BASE "%s%.*s]\r\n", deletes ? "-" : "", below.len ? "\\" : "",
               STR_ARG(below));
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static str rules_file(const struct host_class *class, const struct firewall_values *values,
                      const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_head(&out, class, S("firewall rules; load with apply.cmd, again replaces"), header, arena);
    for (size_t i = 0; i < values->n; i++) {
        const struct firewall_value *value = &values->items[i];
        if (!i || !str_equal(value->key, values->items[i - 1].key))
            put_key(&out, value->key, false);
        put_quoted(&out, value->name);
        buf_char(&out, '=');
        if (value->is_number)
            buf_format(&out, "dword:%08" PRIx32, value->number);
        else
            put_quoted(&out, value->text);
        buf_str(&out, S("\r\n"));
    }
    return buf_text(&out);
}

static bool is_set(str key)
{
    return str_starts(key, S("Phase1AuthenticationSets\\")) ||
           str_starts(key, S("Phase2AuthenticationSets\\"));
}

/* What the other file sets, but for the version, which other rules may need. Sets go whole, after
 * the rules that name them. */
static str rollback_file(const struct host_class *class, const struct firewall_values *values,
                         const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    str last = {0};
    put_head(&out, class, S("rollback; load with rollback.cmd"), header, arena);
    for (size_t i = 0; i < values->n; i++) {
        const struct firewall_value *value = &values->items[i];
        if (!value->key.len || is_set(value->key)) continue;
        if (!str_equal(value->key, last)) put_key(&out, value->key, false);
        last = value->key;
        put_quoted(&out, value->name);
        buf_str(&out, S("=-\r\n"));
    }
    for (size_t i = 0; i < values->n; i++) {
        str key = values->items[i].key, head, tail, set;
        if (!is_set(key) || !str_cut(key, '\\', &head, &tail)) continue;
        (void)str_cut(tail, '\\', &set, &tail);
        str whole = str_format(arena, "%.*s\\%.*s", STR_ARG(head), STR_ARG(set));
        if (!str_equal(whole, last)) put_key(&out, whole, true);
        last = whole;
    }
    return buf_text(&out);
}

/* ---- Scripts ------------------------------------------------------------------------------------
 */

#define SCRIPT(title)                                                                              \
    "@echo off\r\n"                                                                                \
    "rem sallyport: " title "\r\n"                                                                 \
    "setlocal\r\n"                                                                                 \
    "set \"KEY=HKLM\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\"\r\n"                         \
    "set \"SAVED=%%ProgramFiles%%\\sallyport\\reg-%.*s\"\r\n"

static str apply_script(str workspace, struct arena *arena)
{
    return str_format(
        arena,
        SCRIPT(
            "loads rules.reg; run as administrator, again replaces") "rem What the log settings "
                                                                     "were before the first run, "
                                                                     "for rollback.cmd.\r\n"
                                                                     "if exist "
                                                                     "\"%%SAVED%%\\saved\" goto "
                                                                     "load\r\n"
                                                                     "if not exist \"%%SAVED%%\" "
                                                                     "mkdir \"%%SAVED%%\" || exit "
                                                                     "/b 1\r\n"
                                                                     "for %%%%P in (DomainProfile "
                                                                     "PrivateProfile "
                                                                     "PublicProfile) do (\r\n"
                                                                     "    reg query "
                                                                     "\"%%KEY%%\\%%%%P\\Logging\" "
                                                                     ">nul 2>&1 && (\r\n"
                                                                     "        reg export "
                                                                     "\"%%KEY%%\\%%%%P\\Logging\" "
                                                                     "\"%%SAVED%%\\%%%%P.reg\" /y "
                                                                     "|| exit /b 1\r\n"
                                                                     "    )\r\n"
                                                                     ")\r\n"
                                                                     "type nul "
                                                                     ">\"%%SAVED%%\\saved\" || "
                                                                     "exit /b 1\r\n"
                                                                     ":load\r\n"
                                                                     "reg import "
                                                                     "\"%%~dp0rules.reg\" || exit "
                                                                     "/b 1\r\n"
                                                                     "gpupdate /target:computer "
                                                                     "/force\r\n",
        STR_ARG(workspace));
}

static str rollback_script(str workspace, struct arena *arena)
{
    return str_format(arena,
                      SCRIPT("deletes what rules.reg made, and restores the log settings; run as "
                             "administrator") "reg import \"%%~dp0rollback.reg\" || exit /b 1\r\n"
                                              "for %%%%P in (DomainProfile PrivateProfile "
                                              "PublicProfile) do (\r\n"
                                              "    if exist \"%%SAVED%%\\%%%%P.reg\" reg import "
                                              "\"%%SAVED%%\\%%%%P.reg\" || exit /b 1\r\n"
                                              ")\r\n"
                                              "if exist \"%%SAVED%%\\saved\" rmdir /s /q "
                                              "\"%%SAVED%%\"\r\n"
                                              "gpupdate /target:computer /force\r\n",
                      STR_ARG(workspace));
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    const struct firewall_strings_of of = {
        .target = &reg_target,
        .policy = bundles->resolved ? bundles->resolved->policy : NULL,
        .workspace = header->workspace,
        .group = group(header->workspace, (str){0}, arena),
    };
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        struct firewall_values values = {0};
        if (!firewall_strings_write(class, &of, arena, &values, err)) return false;
        struct buf members = buf_in(arena);
        remarks_head(&members, arena, header, S("the machines that run apply.cmd"));
        remarks_class(&members, arena, class);
        target_add_class_file(&files, arena, class, TARGET_FILE_RULES, S("rules.reg"),
                              rules_file(class, &values, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("apply.cmd"),
                              apply_script(header->workspace, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_ROLLBACK, S("rollback.reg"),
                              rollback_file(class, &values, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("rollback.cmd"),
                              rollback_script(header->workspace, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("members.txt"),
                              buf_text(&members));
    }
    *out = files;
    return true;
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt own_doubts[] = {
    {T("reg-reread"),         0,
     T("That `gpupdate` makes the firewall read values which no GPO wrote; a restart does. "
       "Verify with Get-NetFirewallRule -PolicyStore ActiveStore.")},
    {T("reg-policy-version"), 0,
     T("PolicyVersion is set to that of version 2.10, also where something else "
       "had written a later one; a rollback leaves it.")           },
    {{0},                     0, {0}                               },
};

const struct target reg_target = {
    .name = T("reg"),
    .summary = T(".reg files with scripts that load them, for hosts that nothing else reaches"),
    .engine = ENGINE_WINDOWS,
    .holds = TARGET_SECURE | TARGET_PROGRAM,
    .profiles = (1u << PROFILE_COUNT) - 1,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses which the documentation neither allows nor forbids as end "
          "points"),
    .cannot = T("borders (it holds host rules only) and the hardening baseline"),
    .load = T("`apply.cmd` as administrator, again replaces; `rollback.cmd` deletes the rules and "
              "restores "
              "the log settings. Both work offline"),
    .decides =
        T("an authenticated override, else any block, else any allow, else the profile's default; "
          "order does not matter, and rules of all stores count together"),
    .doubts = doubts_windows,
    .own_doubts = own_doubts,
    .hosts = true,
    .fixed_slots = true,
    .emit = emit,
    .read = reg_read,
    .read_part = reg_read_part,
    .settings = reg_read_settings,
    .group = group,
    .read_rollback = reg_read_rollback,
    .undoes = reg_read_undoes,
    .recognise = reg_read_recognise,
};
