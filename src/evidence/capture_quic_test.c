/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "evidence/capture.h"
#include "wire/ip.h"
#include "wire/link.h"
#include "wire/quic_seal.h"

struct heard {
    size_t n;
    struct observation last;
    bool named;
};

static void on_observation(void *to, const struct observation *fact)
{
    struct heard *heard = to;
    heard->n++;
    heard->last = *fact;
}

static void on_identity(void *to, const struct identity *fact)
{
    struct heard *heard = to;
    heard->named = str_equal(fact->name, S("fs01.contoso.com"));
}

static void send(struct arena *arena, struct capture *capture, bool to_server, bytes payload)
{
    struct buf datagram = buf_in(arena), packet = buf_in(arena);
    struct addr client = addr_v4(0x0A000001), server = addr_v4(0x0A000002);
    encode_udp(&datagram, to_server ? 50001 : 443, to_server ? 443 : 50001, payload);
    encode_ip(&packet, to_server ? client : server, to_server ? server : client, IP_UDP,
              encode_done(&datagram));
    bytes data = encode_done(&packet);
    capture_frame(capture, &(struct capture_frame){.link_type = LINK_RAW,
                                                   .data = data,
                                                   .at_us = INT64_C(1700000000000000)});
}

static void smb_over_quic_is_told_from_the_web(void **state)
{
    (void)state;
    static const struct {
        const char *text, *protocol;
        bool answered;
        size_t n;
        enum outcome outcome;
    } rows[] = {
        {"SMB",            "smb", true,  1, OUTCOME_ESTABLISHED},
        {"SMB, no answer", "smb", false, 1, OUTCOME_NO_ANSWER  },
        {"the web",        "h3",  true,  0, OUTCOME_NONE       },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena = arena_open("quic test", 0, NULL);
        struct heard heard = {0};
        struct fact_sink sink = fact_sink_none();
        sink.to = &heard;
        sink.observation = on_observation;
        sink.identity = on_identity;
        struct capture *capture = capture_open(&arena, &sink);
        bytes hello = quic_seal_hello(&arena, S("fs01.contoso.com"), str_of(rows[i].protocol));
        struct buf frames = buf_in(&arena), answer = buf_in(&arena);
        quic_seal_crypto(&frames, hello, 0, hello.len);
        buf_repeat(&answer, 0x55, 100);
        send(&arena, capture, true, quic_seal_initial(&arena, 1, 0, encode_done(&frames)));
        if (rows[i].answered) send(&arena, capture, false, encode_done(&answer));
        capture_close(capture);
        if (heard.n != rows[i].n) fail_msg("%s: %zu conversations", rows[i].text, heard.n);
        if (!heard.n) continue;
        assert_true(heard.named && heard.last.is_smb);
        assert_int_equal(heard.last.outcome, rows[i].outcome);
        assert_int_equal(heard.last.port, 443);
        assert_int_equal(heard.last.client_port, 50001);
        assert_int_equal(heard.last.bytes_to_client, rows[i].answered ? 100 : 0);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(smb_over_quic_is_told_from_the_web)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
