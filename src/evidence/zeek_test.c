/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of logs with the facts they give, every truncation of one of them in windows of all sizes,
 * and the logs of the corpus against what an independent count found in them. */
#include <dirent.h>

#include "base/test.h"
#include "evidence/sensor_heard.h"

extern const struct reader zeek_reader;

#define TSV(path, fields)                                                                          \
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" path    \
    "\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\t" fields "\n"
#define CONN TSV("conn", "proto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state")
#define IDS  "1600000000.250000\tCu1\t10.1.1.7\t50001\t10.1.2.8\t445\t"
#define JSON_IDS                                                                                   \
    "\"ts\":1600000000.25,\"uid\":\"Cu1\",\"id.orig_h\":\"10.1.1.7\",\"id.orig_p\":50001,"         \
    "\"id.resp_h\":\"10.1.2.8\",\"id.resp_p\":445"
#define ENDS "10.1.1.7:50001>10.1.2.8:445 tcp "

/* clang-format off */
static const struct {
    const char *name, *in, *expected;
    size_t records;
} rows[] = {
    {"connection", CONN IDS "tcp\tsmb,gssapi\t1.5\t300\t900\tSF\n",
     ENDS "established smb 1600000000250000+1500000 300/900\n", 1},
    {"no answer", CONN IDS "tcp\t-\t-\t-\t-\tS0\n", ENDS "no-answer 1600000000250000+0\n", 1},
    {"refused", CONN IDS "tcp\t-\t0.1\t0\t0\tREJ\n", ENDS "refused 1600000000250000+100000\n", 1},
    {"reset by the client", CONN IDS "tcp\t-\t0.1\t10\t20\tRSTO\n",
     ENDS "established 1600000000250000+100000 10/20\n", 1},
    {"mid-stream", CONN IDS "tcp\t-\t-\t0\t20\tOTH\n",
     ENDS "established within 1600000000250000+0 0/20\n", 1},
    {"the server is called originator",
     CONN "1600000000.0\tCu1\t10.1.2.8\t445\t10.1.1.7\t50001\ttcp\t-\t-\t20\t10\tOTH\n",
     ENDS "established within 1600000000000000+0 10/20\n", 1},
    {"another port", CONN "1600000000.0\tCu1\t10.1.2.8\t4450\t10.1.1.7\t443\ttcp\tssl\t-\t1\t1\tSF\n",
     "", 1},
    {"another protocol", CONN "1600000000.0\tCu1\t10.1.2.8\t445\t10.1.1.7\t445\ticmp\t-\t-\t1\t1\tOTH\n",
     "", 1},
    {"a service of UDP on TCP's number",
     CONN "1600000000.0\tCu1\t10.1.2.8\t50001\t10.1.1.7\t445\tudp\t-\t-\t1\t1\tSF\n", "", 1},
    {"SMB by content", CONN "1600000000.0\tCu1\t10.1.1.7\t50001\t10.1.2.8\t4455\ttcp\tgssapi,smb\t-\t1\t1\tSF\n",
     "10.1.1.7:50001>10.1.2.8:4455 tcp established smb 1600000000000000+0 1/1\n", 1},
    {"a datagram is not answered",
     CONN "1600000000.0\tCu1\t10.1.1.7\t138\t10.1.1.255\t138\tudp\t-\t-\t1\t0\tS0\n"
     "1600000000.0\tCu1\t10.1.1.7\t137\t10.1.1.255\t137\tudp\t-\t-\t1\t0\tS0\n",
     "10.1.1.7:138>10.1.1.255:138 udp none 1600000000000000+0 1/0\n"
     "10.1.1.7:137>10.1.1.255:137 udp no-answer 1600000000000000+0 1/0\n", 2},
    {"columns in another order, then the usual one",
     "#separator \\x09\n#path\tconn\n#fields\tconn_state\tid.resp_p\tid.resp_h\tid.orig_p\tid.orig_h\tproto\tts\n"
     "REJ\t445\t10.1.2.8\t50001\t10.1.1.7\ttcp\t1600000000.0\n#close\tx\n" CONN
     IDS "tcp\t-\t-\t0\t0\tS0\n",
     ENDS "refused 1600000000000000+0\n" ENDS "no-answer 1600000000250000+0\n", 2},
    {"another separator", "#separator \\x7c\n#unset_field|none\n#path|conn\n"
     "#fields|ts|uid|id.orig_h|id.orig_p|id.resp_h|id.resp_p|proto|service|conn_state\n"
     "1600000000.0|C|fd00::7|50001|fd00::8|445|tcp|none|SF\n",
     "fd00::7:50001>fd00::8:445 tcp established 1600000000000000+0\n", 1},
    {"no #path", "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\n"
     IDS "tcp\tREJ\n", ENDS "refused 1600000000250000+0\n", 1},
    {"times taken out", CONN "XXXXXXXXXX.XXXXXX\tCu1\t10.1.1.7\t50001\t10.1.2.8\t445\ttcp\t-\t-\t-\t-\tSF\n"
     "XXXXXXXXXX.XXXXXX\tCu1\t10.1.1.7\t50001\t10.1.2.8\t80\ttcp\t-\t-\t-\t-\tSF\n",
     ENDS "established 0+0 assumed=16\n", 2},
    {"times of zeek-cut", CONN "2020-09-13T14:26:40+0200\tCu1\t10.1.1.7\t50001\t10.1.2.8\t445\ttcp\t-\t-\t-\t-\tSF\n"
     "2020-09-13T14:26:40+0200\tCu1\t10.1.1.7\t50001\t10.1.2.8\t80\ttcp\t-\t-\t-\t-\tSF\n",
     ENDS "established 1600000000000000+0\n", 2},
    {"too few fields", CONN IDS "tcp\n" IDS "tcp\t-\t-\t-\t-\tS0\n",
     "skip 191+53\n" ENDS "no-answer 1600000000250000+0\n", 1},
    {"no address", CONN "1600000000.0\tCu1\t10.1.1\t50001\t10.1.2.8\t445\ttcp\t-\t-\t-\t-\tSF\n",
     "skip 191+57\n", 0},
    {"no time", CONN "then\tCu1\t10.1.1.9\t50001\t10.1.2.8\t445\ttcp\t-\t-\t-\t-\tSF\n"
     "then\tCu1\t10.1.1.9\t50001\t10.1.2.8\t80\ttcp\t-\t-\t-\t-\tSF\n", "skip 191+51\nskip 243+50\n", 0},
    {"cut at the end", CONN IDS "tcp\t-\t-\t-\t-", "skip 191+61\n", 0},
    {"no header", IDS "tcp\t-\t-\t-\t-\tS0\n", "skip 0+64\n", 0},
    {"share", TSV("smb_mapping", "path\tservice\tnative_file_system\tshare_type")
     IDS "\\\\\\\\FS01\\\\projects\t-\t-\tDISK\n" IDS "\\x5c\\x5c10.1.2.8\\x5cq1\t-\t-\tPRINT\n" IDS "-\t-\t-\tPIPE\n",
     ENDS "established within smb 1600000000250000+0 share=\\\\FS01\\projects\n"
     "identity 10.1.2.8 FS01 2\nuse \\\\FS01\\projects  \n"
     ENDS "established within smb 1600000000250000+0 share=\\\\10.1.2.8\\q1\n"
     "use \\\\10.1.2.8\\q1   printer\n"
     ENDS "established within smb 1600000000250000+0\n", 3},
    {"files and pipes", TSV("smb_files", "fuid\taction\tpath\tname\tsize")
     IDS "-\tSMB::FILE_OPEN\t\\\\\\\\FS01\\\\p\ta.txt\t0\n" IDS "-\tSMB::PIPE_OPEN\t\\\\\\\\FS01\\\\IPC$\t\\\\svcctl\t0\n"
     IDS "-\tSMB::FILE_OPEN\t-\t\\\\svcctl\t0\n",
     ENDS "established within smb 1600000000250000+0 share=\\\\FS01\\p\n"
     "identity 10.1.2.8 FS01 2\nuse \\\\FS01\\p  \n"
     ENDS "established within smb 1600000000250000+0 share=\\\\FS01\\IPC$ pipe=svcctl\n"
     "use \\\\FS01\\IPC$ svcctl \n"
     ENDS "established within smb 1600000000250000+0\n", 3},
    {"commands", TSV("smb_cmd", "command\tsub_command\targument\tstatus\trtt\tversion\tusername\ttree\ttree_service")
     IDS "NEGOTIATE\t-\t-\tSUCCESS\t-\tSMB1\t-\t-\t-\n" IDS "READ_ANDX\t-\t-\tSUCCESS\t-\tSMB1\tCONTOSO\\\\bob\t\\\\\\\\FS01\\\\p\tA:\n"
     IDS "TREE_CONNECT\t-\t-\tACCESS_DENIED\t-\tSMB2\t-\t\\\\\\\\FS01\\\\c$\t-\n"
     IDS "SESSION_SETUP\t-\t-\tMORE_PROCESSING_REQUIRED\t-\tSMB2\t-\t-\t-\n"
     IDS "SESSION_SETUP\t-\t-\tLOGON_FAILURE\t-\tSMB2\t-\t-\t-\n",
     ENDS "established within smb 1600000000250000+0\n"
     ENDS "established within smb 1600000000250000+0 nt-lm-0.12 user=CONTOSO\\bob share=\\\\FS01\\p\n"
     "identity 10.1.2.8 FS01 2\nuse \\\\FS01\\p  CONTOSO\\bob\n"
     ENDS "established within smb 1600000000250000+0 share=\\\\FS01\\c$ refused=\\\\FS01\\c$\n"
     "identity 10.1.2.8 FS01 2\nuse \\\\FS01\\c$   refused\n"
     ENDS "established within smb 1600000000250000+0\n"
     ENDS "auth-failed within smb 1600000000250000+0\n", 5},
    {"logons", TSV("ntlm", "username\thostname\tdomainname\tserver_nb_computer_name\tserver_dns_computer_name\tserver_tree_name\tsuccess")
     IDS "alice\tWS01\tCONTOSO\tFS01\tfs01.contoso.com\tcontoso.com\tT\n"
     IDS "bob\t-\t-\tFS01\tfs01\t-\tF\n" IDS "(empty)\t-\t-\t-\t-\t-\tT\n" IDS "-\t-\t-\t-\t-\t-\t-\n"
     "1600000000.0\tC\t10.1.1.7\t50001\t10.1.2.8\t8080\tcarol\t-\t-\t-\t-\t-\tT\n",
     ENDS "established within 1600000000250000+0 user=CONTOSO\\alice client=WS01 server=FS01 server=fs01.contoso.com\n"
     "identity 10.1.1.7 WS01 0\nidentity 10.1.2.8 FS01 0\nidentity 10.1.2.8 fs01.contoso.com 0\n"
     ENDS "auth-failed within 1600000000250000+0 user=bob server=FS01\nidentity 10.1.2.8 FS01 0\n"
     ENDS "established within 1600000000250000+0 anonymous\n"
     ENDS "established within 1600000000250000+0\n", 5},
    {"tickets", TSV("kerberos", "request_type\tclient\tservice\tsuccess")
     IDS "-\talice/CONTOSO.COM\tcifs/fs01\t-\n" IDS "AS\tscan/NM\tkrbtgt/NM\t-\n"
     "1600000000.0\tC\t10.1.1.7\t50001\t10.1.2.9\t88\tTGS\tWS01$/CONTOSO.COM\tcifs/fs01\tT\n"
     "1600000000.0\tC\t10.1.1.7\t50001\t10.1.2.9\t88\tAS\tWS02$/CONTOSO.COM\tkrbtgt/CONTOSO.COM\tF\n"
     "1600000000.0\tC\t10.1.1.7\t50001\t10.1.2.9\t88\tAS\talice/CONTOSO.COM\tkrbtgt/CONTOSO.COM\tT\n",
     ENDS "established within 1600000000250000+0 kerberos user=CONTOSO.COM\\alice\n"
     ENDS "established within 1600000000250000+0\nidentity 10.1.1.7 WS01 3\n", 5},
    {"calls", TSV("dce_rpc", "rtt\tnamed_pipe\tendpoint\toperation")
     IDS "0.1\t\\\\pipe\\\\ntsvcs\tsvcctl\tOpenSCManagerW\n"
     "1600000000.0\tC\t10.1.1.7\t50001\t10.1.2.8\t135\t0.1\t135\tepmapper\tept_map\n"
     "1600000000.0\tC\t10.1.1.7\t50001\t10.1.2.8\t49667\t0.1\t49667\tdrsuapi\tDRSBind\n"
     IDS "0.1\tlsass\tunknown-12345778-1234-abcd-ef00-0123456789ac\tunknown-3\n",
     ENDS "established within 1600000000250000+0 pipe=ntsvcs interface=svcctl\nuse  ntsvcs \n"
     "10.1.1.7:50001>10.1.2.8:135 tcp established within 1600000000000000+0 interface=epmapper\n"
     ENDS "established within 1600000000250000+0 pipe=lsass interface=12345778-1234-abcd-ef00-0123456789ac\nuse  lsass \n", 4},
    {"no times at all", "#separator \\x09\n#path\tloaded_scripts\n#fields\tname\n#types\tstring\n"
     "/usr/share/zeek/base/init-bare.zeek\n  /usr/share/zeek/base/init-default.zeek\n",
     "", 0},
    {"services", "#separator \\x09\n#path\tknown_services\n#fields\tts\thost\tport_num\tport_proto\tservice\n"
     "1600000000.0\t10.1.2.8\t445\ttcp\tSMB\n1600000000.0\t10.1.2.8\t80\ttcp\tHTTP\n",
     "listening 10.1.2.8:445 open\n", 2},
    {"a log of no use", TSV("dns", "query") IDS "fs01\n", "", 1},
    {"JSON", "{" JSON_IDS ",\"proto\":\"tcp\",\"duration\":1e-05,\"orig_bytes\":3,\"conn_state\":\"SF\",\"_path\":\"conn\"}\n",
     ENDS "established 1600000000250000+10 3/0\n", 1},
    {"JSON with underscores, a sensor and ISO times",
     "{\"@stream\":\"conn\",\"@system\":\"sensor1\",\"ts\":\"2020-09-13T12:26:40.250000Z\",\"id_orig_h\":\"10.1.1.7\","
     "\"id_orig_p\":50001,\"id_resp_h\":\"10.1.2.8\",\"id_resp_p\":445,\"proto\":\"tcp\",\"conn_state\":\"REJ\"}",
     "origin sensor1\n" ENDS "refused 1600000000250000+0\n", 1},
    {"JSON without the log's name", "{" JSON_IDS ",\"path\":\"\\\\\\\\FS01\\\\p\",\"share_type\":\"DISK\"}\n",
     ENDS "established within smb 1600000000250000+0 share=\\\\FS01\\p\nidentity 10.1.2.8 FS01 2\nuse \\\\FS01\\p  \n", 1},
    {"JSON of other ports is passed by",
     "{\"ts\":1600000000.25,\"uid\":\"C\",\"id.orig_h\":\"10.1.1.7\",\"id.orig_p\":5000,\"id.resp_h\":\"10.1.2.8\",\"id.resp_p\":80}\n"
     "{\"ts\":1600000000.25,\"uid\":\"C\",\"id.orig_h\":\"10.1.1.7\",\"id.orig_p\":5000,\"id.resp_h\":\"10.1.2.8\",\"id.resp_p\":80,\"proto\":\"tcp\",\"service\":\"smb\",\"conn_state\":\"SF\"}\n"
     "{\"ts\":1600000000.25,\"uid\":\"C\",\"id.orig_h\":\"10.1.1.7\",\"id.orig_p\":\"445\",\"id.resp_h\":\"10.1.2.8\",\"id.resp_p\":80,\"proto\":\"tcp\",\"conn_state\":\"SF\"}\n"
     "{\"ts\":1600000000.25,\"uid\":\"C\",\"id.orig_h\":\"10.1.1.7\",\"id.orig_p\":5001,\"id.resp_h\":\"10.1.2.8\",\"id.resp_p\":80}\n",
     "10.1.1.7:5000>10.1.2.8:80 tcp established smb 1600000000250000+0\n"
     "10.1.2.8:80>10.1.1.7:445 tcp established 1600000000250000+0\n", 4},
    {"JSON that is damaged", "{" JSON_IDS ",\"proto\":tcp}\n{" JSON_IDS ",\"proto\":\"tcp\",\"conn_state\":\"S0\"}\n"
     "{\"ts\":1600000000.25,\"uid\":\"C\",\"id.orig_h\":\"x\",\"id.orig_p\":1,\"id.resp_h\":\"10.1.2.8\",\"id.resp_p\":445,\"_path\":\"conn\"}",
     "skip 0+124\n" ENDS "no-answer 1600000000250000+0\nskip 270+114\n", 1},
};
/* clang-format on */

static void rows_give_their_facts(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t records = 0;
        str in = str_of(rows[i].in);
        for (size_t piece = in.len; piece > 0; piece = piece > 40 ? piece / 2 : piece - 1) {
            str found = sensor_read(&zeek_reader, &arena, in, piece, &records);
            if (!str_equal(found, str_of(rows[i].expected)))
                fail_msg("%s, windows of %zu: found\n%.*s", rows[i].name, piece, STR_ARG(found));
            if (records != rows[i].records)
                fail_msg("%s: found %zu records", rows[i].name, records);
        }
        if (i + 1 < COUNT_OF(rows)) arena_reset(&arena);
    }
    arena_close(&arena);
}

static void every_cut_is_read(void **state)
{
    static const char *const seeds[] = {
        CONN IDS "tcp\tsmb\t1.5\t300\t900\tSF\n" IDS "tcp\t-\t-\t-\t-\tS0\n",
        "[{" JSON_IDS ",\"proto\":\"tcp\",\"conn_state\":\"SF\"},\n{" JSON_IDS
        ",\"action\":\"SMB::FILE_OPEN\",\"path\":\"\\\\\\\\FS01\\\\p\"}]\n",
    };
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(seeds); i++)
        for (size_t len = 0; len <= strlen(seeds[i]); len++) {
            size_t whole = 0, pieces = 0;
            str cut = {seeds[i], len};
            str found = sensor_read(&zeek_reader, &arena, cut, len + 1, &whole);
            assert_true(str_equal(found, sensor_read(&zeek_reader, &arena, cut, 7, &pieces)));
            assert_int_equal(whole, pieces);
            arena_reset(&arena);
        }
    arena_close(&arena);
}

static void heads_are_recognised(void **state)
{
    static const struct {
        const char *head;
        bool ours;
    } heads[] = {
        {"#separator \\x09\n#set",                                                          true },
        {"### a note\n#separator \\x09\n",                                                  true },
        {"#fields\tts\tuid\tid.orig_h\t",                                                   true },
        {"{\"ts\":1.5,\"uid\":\"C\",\"id.orig_h\":\"10.1.1.7\",\"id.or",                    true },
        {"[{\"ts\":1.5,\"uid\":\"C\",\"id_orig_h\":\"10.1.1.7\"}",                          true },
        {"{\"ts\":1.5,\"host\":\"10.1.1.7\",\"port_num\":445,\"port_proto\":\"tcp\"}\n",    true },
        {"{\"ts\":1.5,\"uids\":[\"C\"],\"mac\":\"00:00:5e:00:53:01\"}\n",                   true },
        {"{\"ts\":1.5,\"name\":\"bad_TCP_checksum\",\"notice\":false,\"peer\":\"zeek\"}\n", true },
        {"{\"ts\":1.5,\"uids_seen\":2,\"mac\":\"x\"}\n",                                    false},
        {"#Fields: date time",                                                              false},
        {"#Version: 1.5\n#Software: Microsoft Windows Firewall\n",                          false},
        {"{\"timestamp\":\"2020-09-13T12:26:40\",\"event_type\":\"flow\",\"uid\":1}",       false},
        {"",                                                                                false},
        {"ts\tuid\n",                                                                       false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (zeek_reader.recognise(str_bytes(str_of(heads[i].head))) != heads[i].ours)
            fail_msg("%s", heads[i].head);
}

/* The corpus: per log, how many rows name two ends and a port of SMB, and what else they hold. */

struct sighting {
    char text[2048]; /* "client\tserver\tport\tdetail" */
};

enum detail { TALLY_ENDS, TALLY_OUTCOMES, TALLY_SHARES, TALLY_USERS };

struct tally {
    struct arena *arena;
    enum detail detail;
    struct sighting *items;
    size_t n, room, skips;
};

static str first_name(struct names names)
{
    return names.n ? names.items[0] : S("-");
}

static void tally_observation(void *to, const struct observation *fact)
{
    struct tally *tally = to;
    char client[ADDR_TEXT], server[ADDR_TEXT], detail[1024] = "";
    if (fact->port != 445 && fact->port != 139) return;
    if (tally->detail == TALLY_OUTCOMES)
        snprintf(detail, sizeof detail, "%.*s", STR_ARG(outcome_text(fact->outcome)));
    if (tally->detail == TALLY_SHARES)
        snprintf(detail, sizeof detail, "%.*s", STR_ARG(first_name(fact->shares)));
    if (tally->detail == TALLY_USERS)
        snprintf(detail, sizeof detail, "%.*s@%.*s", STR_ARG(first_name(fact->users)),
                 STR_ARG(first_name(fact->client_names)));
    arena_grow(tally->arena, tally->items, tally->n, tally->room);
    snprintf(tally->items[tally->n++].text, sizeof tally->items->text, "%.*s\t%.*s\t%u\t%s",
             STR_ARG(addr_text(client, fact->client.addr)),
             STR_ARG(addr_text(server, fact->server.addr)), fact->port, detail);
}

static void tally_skip(void *to, const struct skip *fact)
{
    struct tally *tally = to;
    (void)fact;
    tally->skips++;
}

static str read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *data = arena_array(arena, char, size + 1);
    assert_int_equal(fread(data, 1, size, file), size);
    fclose(file);
    return (str){data, size};
}

/* The truth's detail in our words. It holds the fields as the log has them. */
static void put_expected(const struct tally *tally, str detail, bool is_lines, char *out,
                         size_t room)
{
    str user, host;
    if (tally->detail == TALLY_OUTCOMES) {
        bool none = str_equal(detail, S("S0")), refused = str_equal(detail, S("REJ"));
        snprintf(out, room, "%s", none ? "no-answer" : refused ? "refused" : "established");
    } else if (tally->detail == TALLY_SHARES) {
        size_t n = 0;
        for (size_t i = 0; i < detail.len && n + 1 < room; i++) {
            if (is_lines && detail.ptr[i] == '\\') i++;
            out[n++] = detail.ptr[i];
        }
        out[n] = 0;
    } else if (tally->detail == TALLY_USERS) {
        (void)str_cut(detail, '@', &user, &host);
        if (str_ends(user, S("\\-"))) user = S("-");
        if (str_starts(user, S("-\\"))) user = str_tail(user, 2);
        snprintf(out, room, "%.*s@%.*s", STR_ARG(user), STR_ARG(host));
    } else {
        snprintf(out, room, "%s", "");
    }
}

static void compare(struct tally *tally, const char *path, str truth, bool is_lines)
{
    str line, cells[5];
    uint64_t sum = 0, n = 0;
    while (truth.len) {
        (void)str_cut(truth, '\n', &line, &truth);
        if (!line.len || line.ptr[0] == '#' || str_starts(line, S("orig_h"))) continue;
        for (size_t i = 0; i < COUNT_OF(cells); i++)
            (void)str_cut(line, '\t', &cells[i], &line);
        char detail[1024], expected[2048];
        put_expected(tally, cells[3], is_lines, detail, sizeof detail);
        snprintf(expected, sizeof expected, "%.*s\t%.*s\t%.*s\t%s", STR_ARG(cells[0]),
                 STR_ARG(cells[1]), STR_ARG(cells[2]), detail);
        assert_true(str_u64(cells[4], UINT32_MAX, &n));
        size_t found = 0;
        for (size_t i = 0; i < tally->n; i++)
            found += strcmp(tally->items[i].text, expected) == 0;
        if (found != n) fail_msg("%s: %s: found %zu of %" PRIu64, path, expected, found, n);
        sum += n;
    }
    if (sum != tally->n || tally->skips)
        fail_msg("%s: found %zu rows of %" PRIu64 ", %zu skips", path, tally->n, sum, tally->skips);
}

static void compare_log(const char *path, const char *truth_path)
{
    static const struct {
        const char *name;
        enum detail detail;
    } details[] = {
        {"/conn.log",        TALLY_OUTCOMES},
        {"/smb_mapping.log", TALLY_SHARES  },
        {"/ntlm.log",        TALLY_USERS   },
    };
    struct arena arena = arena_open("test", 0, NULL), kept = arena_open("test", 0, NULL);
    struct tally tally = {.arena = &kept};
    struct fact_sink sink = fact_sink_none();
    size_t consumed = 0, want = 0;
    for (size_t i = 0; i < COUNT_OF(details); i++)
        if (str_ends(str_of(path), str_of(details[i].name))) tally.detail = details[i].detail;
    sink.to = &tally;
    sink.observation = tally_observation;
    sink.skip = tally_skip;
    str log = read_file(&kept, path);
    bytes head = {str_bytes(log).ptr,
                  log.len < LIMIT_RECOGNISE_BYTES ? log.len : LIMIT_RECOGNISE_BYTES};
    if (!zeek_reader.recognise(head)) fail_msg("%s is not recognised", path);
    void *reader = zeek_reader.open(&arena, &(struct reader_options){0}, &sink);
    assert_true(
        zeek_reader.feed(reader, (struct window){str_bytes(log), 0, true}, &consumed, &want));
    zeek_reader.close(reader);
    compare(&tally, path, read_file(&kept, truth_path), log.ptr[0] == '#');
    arena_close(&arena);
    arena_close(&kept);
}

static size_t compare_folder(const char *folder)
{
    size_t compared = 0;
    DIR *open = opendir(folder);
    if (!open) return 0;
    for (struct dirent *entry; (entry = readdir(open));) {
        char path[4096], log[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        str name = str_of(path), suffix = S(".expected.tsv");
        if (str_ends(name, suffix)) {
            snprintf(log, sizeof log, "%.*s", (int)(name.len - suffix.len), path);
            compare_log(log, path);
            compared++;
        } else {
            compared += compare_folder(path);
        }
    }
    closedir(open);
    return compared;
}

static void the_corpus_agrees(void **state)
{
    char folder[4096];
    const char *corpus = test_corpus();
    (void)state;
    if (!corpus) skip();
    snprintf(folder, sizeof folder, "%s/zeek", corpus);
    size_t compared = compare_folder(folder);
    print_message("%zu logs compared\n", compared);
    assert_true(compared >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_give_their_facts),
        cmocka_unit_test(every_cut_is_read),
        cmocka_unit_test(heads_are_recognised),
        cmocka_unit_test(the_corpus_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
