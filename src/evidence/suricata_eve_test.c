/* SPDX-License-Identifier: Apache-2.0 */
/* Events with the facts they give, every truncation of one of them in windows of two sizes, and the
 * events of the corpus, which jansson reads for comparison. */
#include <jansson.h>

#include "base/test.h"
#include "evidence/sensor_heard.h"

extern const struct reader suricata_eve_reader;

#define EVENT(type)                                                                                \
    "{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"flow_id\":77,\"event_type\":\"" type     \
    "\",\"src_ip\":\"10.1.1.7\",\"src_port\":50001,\"dest_ip\":\"10.1.2.8\",\"dest_port\":445,"    \
    "\"proto\":\"TCP\""
#define REVERSED(type)                                                                             \
    "{\"timestamp\":\"2020-09-13T14:26:40.250000+0200\",\"flow_id\":77,\"event_type\":\"" type     \
    "\",\"src_ip\":\"10.1.2.8\",\"src_port\":445,\"dest_ip\":\"10.1.1.7\",\"dest_port\":50001,"    \
    "\"proto\":\"TCP\""
#define FLOW(to_server, to_client)                                                                 \
    ",\"flow\":{\"pkts_toserver\":" to_server ",\"pkts_toclient\":" to_client                      \
    ",\"bytes_toserver\":300,\"bytes_toclient\":900,\"start\":\"2020-09-13T12:26:30.000000+0000\"" \
    ",\"end\":\"2020-09-13T12:26:35.000000+0000\",\"state\":\"closed\"}"
#define FLAGS(to_server, to_client)                                                                \
    ",\"tcp\":{\"tcp_flags\":\"1f\",\"tcp_flags_ts\":\"" to_server                                 \
    "\",\"tcp_flags_tc\":\"" to_client "\"}}\n"
#define ENDS  "10.1.1.7:50001>10.1.2.8:445 tcp "
#define SPAN  "1599999990000000+5000000"
#define POINT "1600000000250000+0"

/* clang-format off */
static const struct {
    const char *name, *in, *expected;
    size_t records;
} rows[] = {
    {"flow", EVENT("flow") ",\"app_proto\":\"smb\"" FLOW("9", "8") FLAGS("1b", "1b"),
     ENDS "established smb " SPAN " 300/900\n", 1},
    {"flow refused", EVENT("flow") FLOW("1", "1") FLAGS("02", "14"), ENDS "refused " SPAN " 300/900\n", 1},
    {"flow without an answer", EVENT("flow") FLOW("2", "0") FLAGS("02", "00"), ENDS "no-answer " SPAN " 300/900\n", 1},
    {"flow in mid-stream", EVENT("flow") FLOW("2", "2") FLAGS("18", "10"), ENDS "established within " SPAN " 300/900\n", 1},
    {"flow of acknowledgements", EVENT("flow") FLOW("2", "2") FLAGS("10", "10"), ENDS "none within " SPAN " 300/900\n", 1},
    {"flow in mid-stream, reversed", REVERSED("flow") FLOW("2", "2") FLAGS("12", "18"),
     ENDS "established within " SPAN " 900/300\n", 1},
    {"flow reversed, its SYN too", REVERSED("flow") FLOW("1", "1") FLAGS("14", "02"), ENDS "refused " SPAN " 900/300\n", 1},
    {"flow dropped", EVENT("flow") ",\"verdict\":{\"action\":\"drop\"}" FLOW("1", "0") FLAGS("02", "00"),
     ENDS "blocked " SPAN " 300/900\n", 1},
    {"flow without flags", EVENT("flow") FLOW("1", "1") "}\n" EVENT("flow") ",\"flow\":{\"pkts_toserver\":3,\"pkts_toclient\":0,\"state\":\"new\"}}\n",
     ENDS "none " SPAN " 300/900\n" ENDS "no-answer " POINT "\n", 2},
    {"netflow, both halves", EVENT("netflow") ",\"netflow\":{\"pkts\":2,\"bytes\":300,\"start\":\"2020-09-13T12:26:30.000000+0000\",\"end\":\"2020-09-13T12:26:35.000000+0000\"},\"tcp\":{\"tcp_flags\":\"1b\"}}\n"
     REVERSED("netflow") ",\"netflow\":{\"pkts\":2,\"bytes\":900,\"start\":\"2020-09-13T12:26:30.000000+0000\",\"end\":\"2020-09-13T12:26:35.000000+0000\"},\"tcp\":{\"tcp_flags\":\"1b\"}}\n",
     ENDS "established " SPAN " 300/900\n", 2},
    {"netflow refused, then another without an answer", EVENT("netflow") ",\"netflow\":{\"bytes\":60},\"tcp\":{\"tcp_flags\":\"02\"}}\n"
     REVERSED("netflow") ",\"netflow\":{\"bytes\":40},\"tcp\":{\"tcp_flags\":\"14\"}}\n"
     EVENT("netflow") ",\"netflow\":{\"bytes\":60},\"tcp\":{\"tcp_flags\":\"02\"}}\n",
     ENDS "refused " POINT " 60/40\n" ENDS "no-answer " POINT " 60/0\n", 3},
    {"share", EVENT("smb") ",\"smb\":{\"dialect\":\"3.11\",\"command\":\"SMB2_COMMAND_TREE_CONNECT\",\"status\":\"STATUS_SUCCESS\",\"share\":\"\\\\\\\\FS01\\\\q1\",\"share_type\":\"PRINT\"}}\n",
     ENDS "established within smb " POINT " 3.1.1 share=\\\\FS01\\q1\nidentity 10.1.2.8 FS01 2\nuse \\\\FS01\\q1   printer\n", 1},
    {"share refused, reversed", REVERSED("smb") ",\"smb\":{\"dialect\":\"2.??\",\"command\":\"SMB2_COMMAND_TREE_CONNECT\",\"status\":\"STATUS_ACCESS_DENIED\",\"share\":\"\\\\\\\\10.1.2.8\\\\c$\"}}\n",
     ENDS "established within smb " POINT " share=\\\\10.1.2.8\\c$ refused=\\\\10.1.2.8\\c$\nuse \\\\10.1.2.8\\c$   refused\n", 1},
    {"the share of pipes, and a pipe", EVENT("smb") ",\"smb\":{\"dialect\":\"2.10\",\"command\":\"SMB2_COMMAND_TREE_CONNECT\",\"status\":\"STATUS_SUCCESS\",\"named_pipe\":\"\\\\\\\\10.1.2.8\\\\IPC$\"}}\n"
     EVENT("smb") ",\"smb\":{\"dialect\":\"3.02\",\"command\":\"SMB2_COMMAND_WRITE\",\"filename\":\"svcctl\",\"share\":\"\\\\\\\\10.1.2.8\\\\IPC$\"}}\n",
     ENDS "established within smb " POINT " 2.1 share=\\\\10.1.2.8\\IPC$\nuse \\\\10.1.2.8\\IPC$  \n"
     ENDS "established within smb " POINT " 3.0.2 share=\\\\10.1.2.8\\IPC$ pipe=svcctl\nuse \\\\10.1.2.8\\IPC$ svcctl \n", 2},
    {"logons", EVENT("smb") ",\"smb\":{\"dialect\":\"3.00\",\"command\":\"SMB2_COMMAND_SESSION_SETUP\",\"status\":\"STATUS_SUCCESS\",\"ntlmssp\":{\"domain\":\"CONTOSO\",\"user\":\"alice\",\"host\":\"WS01\"}}}\n"
     EVENT("smb") ",\"smb\":{\"dialect\":\"2.02\",\"command\":\"SMB2_COMMAND_SESSION_SETUP\",\"status\":\"STATUS_LOGON_FAILURE\",\"ntlmssp\":{\"domain\":\"\",\"user\":\"bob\",\"host\":\"\"}}}\n"
     EVENT("smb") ",\"smb\":{\"dialect\":\"NT LM 0.12\",\"command\":\"SMB1_COMMAND_SESSION_SETUP_ANDX\",\"status\":\"STATUS_INSUFF_SERVER_RESOURCES\",\"ntlmssp\":{\"domain\":\"\",\"user\":\"\",\"host\":\"\"}}}\n"
     EVENT("smb") ",\"smb\":{\"dialect\":\"unknown\",\"command\":\"SMB2_COMMAND_SESSION_SETUP\",\"kerberos\":{\"realm\":\"CONTOSO.COM\",\"snames\":[\"cifs\",\"fs01.contoso.com\"]}}}\n",
     ENDS "established within smb " POINT " 3.0 user=CONTOSO\\alice client=WS01\nidentity 10.1.1.7 WS01 0\n"
     ENDS "auth-failed within smb " POINT " 2.0.2 user=bob\n"
     ENDS "established within smb " POINT " nt-lm-0.12 anonymous\n"
     ENDS "established within smb " POINT " kerberos server=fs01.contoso.com\nidentity 10.1.2.8 fs01.contoso.com 3\n", 4},
    {"frames of SMB 1 only", EVENT("smb") ",\"smb\":{\"dialect\":\"unknown\",\"command\":\"SMB1_COMMAND_NEGOTIATE_PROTOCOL\",\"status\":\"STATUS_SUCCESS\"}}\n"
     EVENT("smb") ",\"smb\":{\"dialect\":\"unknown\",\"command\":\"SMB1_COMMAND_READ_ANDX\",\"status\":\"STATUS_SUCCESS\"}}\n",
     ENDS "established within smb " POINT "\n" ENDS "established within smb " POINT " nt-lm-0.12\n", 2},
    {"interfaces", EVENT("smb") ",\"smb\":{\"dialect\":\"3.11\",\"dcerpc\":{\"request\":\"BIND\",\"interfaces\":[{\"uuid\":\"367abb81-9844-35f1-ad32-98f038001003\",\"version\":\"2.0\"},{\"uuid\":\"00000000-1111-2222-3333-444444444444\"}]}}}\n"
     "{\"timestamp\":\"2020-09-13T12:26:40.250000Z\",\"event_type\":\"dcerpc\",\"src_ip\":\"10.1.1.7\",\"src_port\":50001,\"dest_ip\":\"10.1.2.8\",\"dest_port\":135,\"proto\":\"TCP\",\"dcerpc\":{\"interfaces\":[{\"uuid\":\"e1af8308-5d1f-11c9-91a4-08002b14a0fa\"}]}}\n",
     ENDS "established within smb " POINT " 3.1.1 interface=svcctl interface=00000000-1111-2222-3333-444444444444\n"
     "10.1.1.7:50001>10.1.2.8:135 tcp established within " POINT " interface=epmapper\n", 2},
    {"alerts", EVENT("alert") ",\"app_proto\":\"smb\",\"alert\":{\"action\":\"allowed\"}" FLOW("5", "4") "}\n"
     EVENT("alert") ",\"alert\":{\"action\":\"allowed\"}" FLOW("1", "0") "}\n"
     EVENT("alert") ",\"alert\":{\"action\":\"blocked\"}" FLOW("1", "0") "}\n" EVENT("drop") ",\"drop\":{\"len\":40}}\n",
     ENDS "established within smb 1599999990000000+10250000\n" ENDS "none within 1599999990000000+10250000\n"
     ENDS "blocked within 1599999990000000+10250000\n" ENDS "blocked within " POINT "\n", 4},
    {"SMB on another port", "{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"event_type\":\"smb\",\"src_ip\":\"10.1.1.7\",\"src_port\":50001,\"dest_ip\":\"10.1.2.8\",\"dest_port\":4455,\"proto\":\"TCP\",\"smb\":{\"dialect\":\"3.11\"}}\n",
     "10.1.1.7:50001>10.1.2.8:4455 tcp established within smb " POINT " assumed=4 3.1.1\n", 1},
    {"other ports and kinds", EVENT("anomaly") "}\n{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"event_type\":\"stats\",\"stats\":{\"uptime\":1}}\n"
     "{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"event_type\":\"flow\",\"src_ip\":\"10.1.1.7\",\"src_port\":50001,\"dest_ip\":\"10.1.2.8\",\"dest_port\":80,\"proto\":\"TCP\"}\n"
     "{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"event_type\":\"flow\",\"src_ip\":\"10.1.1.7\",\"src_port\":50001,\"dest_ip\":\"10.1.2.8\",\"dest_port\":445,\"proto\":\"UDP\"}\n", "", 4},
    {"datagrams", "{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"event_type\":\"flow\",\"src_ip\":\"10.1.1.7\",\"src_port\":137,\"dest_ip\":\"10.1.2.8\",\"dest_port\":137,\"proto\":\"UDP\",\"flow\":{\"pkts_toserver\":1,\"pkts_toclient\":1}}\n",
     "10.1.1.7:137>10.1.2.8:137 udp established " POINT "\n", 1},
    {"a machine's own account", "{\"timestamp\":\"2020-09-13T12:26:40.250000+0000\",\"event_type\":\"krb5\",\"src_ip\":\"10.1.2.9\",\"src_port\":88,\"dest_ip\":\"10.1.1.7\",\"dest_port\":50001,\"proto\":\"UDP\",\"krb5\":{\"msg_type\":\"KRB_TGS_REP\",\"cname\":\"WS01$\",\"realm\":\"CONTOSO.COM\"}}\n",
     "identity 10.1.1.7 WS01 3\n", 1},
    {"in an array over lines, with a sensor", "[\n {\n  \"timestamp\": \"2020-09-13T12:26:40.250000+00:00\",\n  \"host\": \"sensor1\",\n  \"event_type\": \"smb\",\n  \"src_ip\": \"10.1.1.7\",\n  \"src_port\": 50001,\n  \"dest_ip\": \"10.1.2.8\",\n  \"dest_port\": 445,\n  \"proto\": \"TCP\"\n }\n]\n",
     "origin sensor1\n" ENDS "established within smb " POINT "\n", 1},
    {"inside another's event", "{\"firewall_name\":\"edge\",\"event_timestamp\":\"1600000000\",\"event\":" EVENT("alert") ",\"alert\":{\"action\":\"blocked\"}}}\n",
     "origin edge\n" ENDS "blocked within " POINT "\n", 1},
    {"a time without its offset", "{\"timestamp\":\"2020-09-13T12:26:40.250000\",\"event_type\":\"ssh\",\"src_ip\":\"10.1.1.7\",\"src_port\":50001,\"dest_ip\":\"10.1.2.8\",\"dest_port\":22,\"proto\":\"TCP\"}\n",
     "10.1.1.7:50001>10.1.2.8:22 tcp established within " POINT " assumed=1\n", 1},
    {"damage", EVENT("flow") ",\"flow\":{\n" EVENT("smb") "}\n{\"timestamp\":\"today\",\"event_type\":\"smb\"}\n{\"a\":1}\n",
     "skip 0+177\n" ENDS "established within smb " POINT "\nskip 345+40\nskip 386+7\n", 1},
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
            str found = sensor_read(&suricata_eve_reader, &arena, in, piece, &records);
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
    static const char seed[] = "[" EVENT("flow") FLOW("9", "8") FLAGS("1b", "1b") "," EVENT(
        "smb") ",\"smb\":{\"dialect\":\"3.11\",\"share\":\"\\\\\\\\FS01\\\\p\"}}]";
    struct arena arena = arena_open("test", 0, NULL);
    (void)state;
    for (size_t len = 0; len < sizeof seed; len++) {
        size_t whole = 0, pieces = 0;
        str found = sensor_read(&suricata_eve_reader, &arena, (str){seed, len}, len + 1, &whole);
        assert_true(str_equal(
            found, sensor_read(&suricata_eve_reader, &arena, (str){seed, len}, 7, &pieces)));
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
        {EVENT("flow"),                                                                         true },
        {"[\n  {\n    \"timestamp\": \"x\",\n    \"event_type\": \"alert\",\n    \"src_ip\": ",
         true                                                                                        },
        {"{\"timestamp\":\"x\",\"event_type\":\"stats\",\"stats\":{",                           true },
        {"{\"firewall_name\":\"edge\",\"event\":" EVENT("flow"),                                true },
        {"{\"ts\":1.5,\"uid\":\"C\",\"id.orig_h\":\"10.1.1.7\"}",                               false},
        {"{\"timestamp\":\"x\",\"event_type\":\"logon\"}",                                      false},
        {"timestamp event_type src_ip",                                                         false},
        {"",                                                                                    false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        if (suricata_eve_reader.recognise(str_bytes(str_of(heads[i].head))) != heads[i].ours)
            fail_msg("%s", heads[i].head);
}

/* The corpus, read with jansson: the ends of each event with a port of SMB, as one line a piece. */

static void put_line(struct buf *out, const char *client, const char *server, json_int_t port)
{
    buf_format(out, "%s>%s:%d\n", client, server, (int)port);
}

static void expect_event(struct buf *out, json_t *event)
{
    const char *source = NULL, *destination = NULL;
    json_int_t from = 0, to = 0;
    if (json_unpack(event, "{s:s, s:I, s:s, s:I}", "src_ip", &source, "src_port", &from, "dest_ip",
                    &destination, "dest_port", &to))
        return;
    if (to == 445 || to == 139)
        put_line(out, source, destination, to);
    else if (from == 445 || from == 139)
        put_line(out, destination, source, from);
}

/* An array, or objects one after another. */
static void expect_file(struct buf *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (json_t *root; (root = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL));) {
        size_t i;
        json_t *event;
        if (json_is_array(root)) {
            json_array_foreach(root, i, event)
            {
                expect_event(out, event);
            }
        } else {
            expect_event(out, root);
        }
        json_decref(root);
    }
    fclose(file);
}

static void hear_ends(void *to, const struct observation *fact)
{
    char client[ADDR_TEXT], server[ADDR_TEXT];
    struct buf *out = to;
    if (fact->port != 445 && fact->port != 139) return;
    buf_format(out, "%.*s>%.*s:%u\n", STR_ARG(addr_text(client, fact->client.addr)),
               STR_ARG(addr_text(server, fact->server.addr)), fact->port);
}

static void the_corpus_agrees(void **state)
{
    static const char *const files[] = {"smb-events-oisf-pr3256.json",
                                        "wrccdc-2018-alerts-only.json"};
    const char *corpus = test_corpus();
    (void)state;
    if (!corpus) skip();
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[4096];
        struct arena own = arena_open("test", 0, NULL), kept = arena_open("test", 0, NULL);
        struct buf expected = buf_in(&kept), found = buf_in(&kept);
        struct fact_sink sink = fact_sink_none();
        snprintf(path, sizeof path, "%s/eve/%s", corpus, files[i]);
        expect_file(&expected, path);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        uint8_t *data = arena_array(&own, uint8_t, 1 << 20);
        size_t size = fread(data, 1, 1 << 20, file), consumed = 0, want = 0;
        fclose(file);
        sink.to = &found;
        sink.observation = hear_ends;
        assert_true(suricata_eve_reader.recognise((bytes){data, LIMIT_RECOGNISE_BYTES}));
        void *reader = suricata_eve_reader.open(&own, &(struct reader_options){0}, &sink);
        struct window window = {
            {data, size},
            0, true
        };
        assert_true(suricata_eve_reader.feed(reader, window, &consumed, &want));
        suricata_eve_reader.close(reader);
        assert_true(expected.len > 0);
        if (!str_equal(buf_text(&found), buf_text(&expected)))
            fail_msg("%s: found\n%.*s", files[i], STR_ARG(buf_text(&found)));
        arena_close(&own);
        arena_close(&kept);
    }
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
