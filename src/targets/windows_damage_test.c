/* SPDX-License-Identifier: Apache-2.0 */
/* Damage to artefacts for Windows in their own words: whatever is changed, the file is refused or
 * no longer proved. Addresses are tamper_test's. */
#include "base/test.h"
#include "targets/prove.h"

static const char policy_text[] =
    "version: 1\norganisation: Contoso\ngovern: [smb, netbios]\nsegments:\n"
    "  clients: {networks: [10.10.0.0/16, \"2001:db8:10::/48\"], trust: managed}\n"
    "  servers: {networks: [10.20.0.0/24], trust: managed}\n"
    "groups:\n"
    "  dcs: {hosts: [10.20.0.11], role: domain-controller}\n"
    "allow:\n  - {name: SYSVOL, from: managed, to: dcs, service: smb}\n";

static const struct target_header header = {
    .organisation = {"Contoso",     7 },
    .policy_source = {"policy.yaml", 11},
    .policy_sha256 = {"00",          2 },
    .workspace = {"contoso",     7 },
};

/* The first place of `from` in the first file whose name ends so. */
static const struct row {
    const char *target, *file, *from, *to;
} rows[] = {
    {"mdm",    "rules.xml",    "<Data>IN</Data>",                                                 "<Data>OUT</Data>"                 },
    {"mdm",    "rules.xml",    "<Data>OUT</Data>",                                                "<Data>IN</Data>"                  },
    {"mdm",    "rules.xml",    "int</Format></Meta><Data>0</Data>",                               "int</Format></Meta><Data>1</Data>"},
    {"mdm",    "rules.xml",    "<Data>6</Data>",                                                  "<Data>17</Data>"                  },
    {"mdm",    "rules.xml",    "<Data>445</Data>",                                                "<Data>446</Data>"                 },
    {"mdm",    "rules.xml",    "<Data>445</Data>",                                                "<Data>445,139</Data>"             },
    {"mdm",    "rules.xml",    "<Data>445</Data>",                                                "<Data>0</Data>"                   },
    {"mdm",    "rules.xml",    "<Data>true</Data>",                                               "<Data>false</Data>"               },
    {"mdm",    "rules.xml",    "LocalPortRanges",                                                 "RemotePortRanges"                 },
    {"mdm",    "rules.xml",    "RemoteAddressRanges",                                             "LocalAddressRanges"               },
    {"mdm",    "rules.xml",    "# workspace: contoso",                                            "# workspace: other"               },
    {"mdm",    "rules.xml",    "<Add><CmdID>",                                                    "<Replace><CmdID>"                 },
    {"mdm",    "rules.xml",    "</Atomic>\n",                                                     ""                                 },
    {"mdm",    "rules.xml",    "</SyncML>\n",                                                     "</SyncML>\n<Add/>\n"              },
    {"mdm",    "rollback.xml", "sallyport-contoso-",                                              "other-contoso-"                   },
    {"mdm",    "rollback.xml", "<Delete><CmdID>1</CmdID>",                                        "<Add><CmdID>1</CmdID>"            },
    {"mdm",    "rollback.xml", "DomainProfile/LogMaxFileSize",                                    "DomainProfile/EnableFirewall"     },
    {"mdm",    "logging.xml",  "EnableLogDroppedPackets",                                         "EnableFirewall"                   },
    {"intune", "rules.json",   "direction_in\"",                                                  "direction_out\""                  },
    {"intune", "rules.json",   "action_type_0",                                                   "action_type_1"                    },
    {"intune", "rules.json",   "enabled_1",                                                       "enabled_0"                        },
    {"intune", "rules.json",   "\"value\":6",                                                     "\"value\":17"                     },
    {"intune", "rules.json",   "\"value\":\"445\"",                                               "\"value\":\"444-445\""            },
    {"intune", "rules.json",   "}_profiles_1",                                                    "}_profiles_4"                     },
    {"intune", "rules.json",   "localportranges",                                                 "remoteportranges"                 },
    {"intune", "rules.json",   "remoteaddressranges",                                             "localaddressranges"               },
    {"intune", "rules.json",   "part 1 of 1",                                                     "part 1 of 2"                      },
    {"intune", "rules.json",   "\"platforms\":\"windows10\"",                                     "\"platforms\":\"linux\""          },
    {"intune", "rules.json",   "\"workspace\":\"contoso\"",                                       "\"workspace\":\"other\""          },
    {"intune", "import.ps1",   "-Method PUT",                                                     "-Method DELETE"                   },
    {"intune", "rollback.ps1", "StartsWith($prefix) -and",                                        "StartsWith('') -and"              },
    {"intune", "members.txt",  "# member: ",                                                      "member: "                         },
    {"mdm",    "rollback.xml", "sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1<",
     "sallyport-contoso-x<"                                                                                                          },
    {"netsh",  "rollback.cmd", "sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1\"",
     "sallyport-contoso-x\""                                                                                                         },
    {"reg",    "rollback.reg", "\"sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1\"=-\r\n", ""                                 },
    {"reg",    "rollback.reg", "\"LogFileSize\"=-\r\n",                                           ""                                 },
    {"netsh",  "apply.cmd",    "dir=in",                                                          "dir=out"                          },
    {"netsh",  "apply.cmd",    "action=block",                                                    "action=allow"                     },
    {"netsh",  "apply.cmd",    "enable=yes",                                                      "enable=no"                        },
    {"netsh",  "apply.cmd",    "profile=domain",                                                  "profile=public"                   },
    {"netsh",  "apply.cmd",    "protocol=tcp",                                                    "protocol=udp"                     },
    {"netsh",  "apply.cmd",    "localport=445",                                                   "localport=445,139"                },
    {"netsh",  "apply.cmd",    "localport=445",                                                   "remoteport=445"                   },
    {"netsh",  "apply.cmd",    " remoteip=",                                                      " localip="                        },
    {"netsh",  "apply.cmd",    " >nul || goto failed",                                            " >nul"                            },
    {"netsh",  "apply.cmd",    "description=\"",                                                  "description=\"%TEMP% "            },
    {"netsh",  "apply.cmd",    "setlocal\r\n",                                                    "setlocal\r\nnet stop mpssvc\r\n"  },
    {"netsh",  "apply.cmd",    "exit /b 0\r\n",                                                   ""                                 },
    {"netsh",  "rollback.cmd", "name=\"sallyport-contoso-",                                       "name=\"all-"                      },
    {"reg",    "rules.reg",    "|Dir=In|",                                                        "|Dir=Out|"                        },
    {"reg",    "rules.reg",    "Action=Block|Active=TRUE",                                        "Action=Allow|Active=TRUE"         },
    {"reg",    "rules.reg",    "|Active=TRUE|",                                                   "|Active=FALSE|"                   },
    {"reg",    "rules.reg",    "|Protocol=6|",                                                    "|Protocol=17|"                    },
    {"reg",    "rules.reg",    "|LPort=445|",                                                     "|LPort=446|"                      },
    {"reg",    "rules.reg",    "|Profile=Domain|",                                                "|Profile=Public|"                 },
    {"reg",    "rules.reg",    "Active=FALSE",                                                    "Active=TRUE"                      },
    {"reg",    "rules.reg",    "dword:0000020a",                                                  "dword:00000221"                   },
    {"reg",    "rules.reg",    "\"LogDroppedPackets\"=dword:00000001",
     "\"LogDroppedPackets\"=dword:00000000"                                                                                          },
    {"reg",    "rules.reg",    "Microsoft\\WindowsFirewall\\DomainProfile",
     "Microsoft\\Windows\\DomainProfile"                                                                                             },
    {"reg",    "rollback.reg", "\"sallyport-contoso-",                                            "\"other-"                         },
    {"reg",    "rollback.cmd", "rollback.reg",                                                    "rules.reg"                        },
    {"reg",    "apply.cmd",    "ProgramFiles",                                                    "ProgramData"                      },
};

struct made {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved resolved;
};

static void make(struct made *made)
{
    struct diagnostics wrong = {0};
    made->arena = arena_open("test", 0, NULL);
    made->scratch = arena_open("scratch", 0, NULL);
    assert_true(
        policy_parse(S("policy.yaml"), str_of(policy_text), &made->arena, &made->policy, &wrong));
    assert_true(
        resolve_policy(&made->policy, NULL, 0, false, &made->arena, &made->resolved, &wrong));
}

/* False when no file of that name has it. */
static bool damage(struct target_files *files, const struct row *row, struct arena *arena)
{
    str from = str_of(row->from);
    for (size_t i = 0; i < files->n; i++) {
        str content = files->items[i].content;
        if (!str_ends(files->items[i].path, str_of(row->file))) continue;
        for (size_t at = 0; at + from.len <= content.len; at++) {
            if (!str_starts(str_tail(content, at), from)) continue;
            files->items[i].content =
                str_format(arena, "%.*s%s%.*s", STR_ARG(str_head(content, at)), row->to,
                           STR_ARG(str_tail(content, at + from.len)));
            return true;
        }
    }
    return false;
}

static void test_every_change_is_noticed(void **state)
{
    struct made made;
    (void)state;
    make(&made);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct target *target = target_by_name(str_of(rows[i].target));
        struct target_files files = {0};
        struct err err = {0};
        struct bundles bundles = bundle_make(&made.resolved, *target->peers, header.workspace,
                                             &made.arena, made.scratch);
        assert_true(target->emit(&bundles, &header, &made.arena, &files, &err));
        struct prove_report report =
            prove_files(target, &bundles, &files, header.workspace, &made.arena, made.scratch);
        assert_true(report.equal);
        if (!damage(&files, &rows[i], &made.arena))
            fail_msg("row %zu: %s has no \"%s\"", i, rows[i].file, rows[i].from);
        report = prove_files(target, &bundles, &files, header.workspace, &made.arena, made.scratch);
        if (report.equal)
            fail_msg("row %zu: %s %s: \"%s\" for \"%s\" is not noticed", i, rows[i].target,
                     rows[i].file, rows[i].to, rows[i].from);
    }
    arena_close(&made.scratch);
    arena_close(&made.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_change_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
