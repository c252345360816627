/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/suggest_print.h"

#include "reason/suggest_yaml.h"

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static void put_items(struct json *json, str key, struct suggest_items items)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < items.n; i++)
        json_str(json, items.items[i].text);
    json_array_end(json);
}

static void put_names(struct json *json, str key, struct names names)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < names.n; i++)
        json_str(json, names.items[i]);
    json_array_end(json);
}

static void put_time(struct json *json, str key, int64_t at_us, bool known)
{
    json_key(json, key);
    if (known)
        json_instant(json, at_us);
    else
        json_null(json);
}

static void put_summary(struct json *json, const struct suggest_summary *sum)
{
    json_object(json);
    json_member_u64(json, S("flows"), sum->flows);
    json_member_u64(json, S("connections"), sum->connections);
    put_names(json, S("clients"), sum->clients);
    put_names(json, S("servers"), sum->servers);
    put_names(json, S("users"), sum->users);
    put_names(json, S("shares"), sum->shares);
    json_member_u64(json, S("days"),
                    sum->timed ? suggest_flows_days(sum->first_us, sum->last_us) : 0);
    put_time(json, S("first_seen"), sum->first_us, sum->timed);
    put_time(json, S("last_seen"), sum->last_us, sum->timed);
    json_object_end(json);
}

static void put_segments(struct json *json, const struct suggestion *s)
{
    json_key(json, S("segments"));
    json_array(json);
    for (size_t i = 0; i < s->places.n_segments; i++) {
        const struct suggest_segment *segment = &s->places.segments[i];
        json_object(json);
        json_member_str(json, S("name"), segment->name);
        json_member_str(json, S("kind"), suggest_places_kind_text(segment->kind));
        json_key(json, S("networks"));
        json_array(json);
        for (size_t j = 0; j < segment->n_networks; j++) {
            char text[PREFIX_TEXT];
            json_str(json, prefix_text(text, segment->networks[j]));
        }
        json_array_end(json);
        json_member_str(json, S("trust"),
                        segment->managed && s->has_lifeline ? S("managed") : S("untrusted"));
        json_member_u64(json, S("machines"), segment->n_machines);
        json_member_u64(json, S("domain_machines"), segment->n_domain);
        json_key(json, S("reasons"));
        json_array(json);
        for (unsigned w = 0; w < SUGGEST_WITNESS_COUNT; w++) {
            if (!segment->witnesses[w]) continue;
            json_object(json);
            json_member_str(json, S("sign"),
                            suggest_evidence_witness_text((enum suggest_witness)w));
            json_member_u64(json, S("machines"), segment->witnesses[w]);
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_groups(struct json *json, const struct suggestion *s, struct arena *arena)
{
    json_key(json, S("groups"));
    json_array(json);
    for (size_t i = 0; i < s->places.n_groups; i++) {
        const struct suggest_group *group = &s->places.groups[i];
        json_object(json);
        json_member_str(json, S("name"), group->name);
        json_member_str_or_null(json, S("role"), group->role);
        json_member_bool(json, S("managed"), group->managed);
        json_member_str(json, S("reason"), group->purpose);
        json_key(json, S("hosts"));
        json_array(json);
        for (size_t j = 0; j < group->n_members; j++) {
            const struct suggest_member *member = &group->members[j];
            bool seen = member->machine != UINT32_MAX;
            const struct suggest_machine *machine =
                seen ? &s->machines->items[member->machine] : NULL;
            bool named = machine && machine->host->name.len;
            json_object(json);
            json_key(json, S("address"));
            json_addr(json, member->addr);
            json_member_str_or_null(json, S("name"),
                                    named ? suggest_evidence_label(machine, arena) : (str){0});
            json_member_str_or_null(json, S("reason"), member->reason);
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_entries(struct json *json, const struct suggestion *s)
{
    const struct policy *policy = s->policy;
    json_key(json, S("allow"));
    json_array(json);
    for (size_t i = 0; i < s->n_entries; i++) {
        const struct suggest_entry *entry = &s->entries[i];
        json_object(json);
        json_member_str(json, S("name"), entry->name);
        put_items(json, S("from"), entry->from);
        put_items(json, S("to"), entry->to);
        json_key(json, S("service"));
        json_array(json);
        for (size_t j = 0; j < entry->n_services; j++)
            json_str(json, policy->services.services[entry->services[j]].name);
        json_array_end(json);
        json_member_str_or_null(json, S("secure"), entry->secure);
        json_member_str_or_null(json, S("reason"), entry->why);
        json_member_bool(json, S("mined"), entry->is_mined);
        json_member_u64(json, S("pairs_seen"), entry->seen);
        json_member_u64(json, S("pairs_allowed"), entry->allowed);
        json_key(json, S("evidence"));
        put_summary(json, &entry->summary);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_end(struct json *json, str key, struct endpoint end, struct arena *arena)
{
    json_member_str(json, key, view_end_text(arena, end));
}

static void put_question_flows(struct json *json, const struct suggestion *s,
                               const struct suggest_question *q, struct arena *arena)
{
    json_key(json, S("flows"));
    json_array(json);
    for (size_t i = 0; i < q->n_flows; i++) {
        const struct suggest_flow *f = &s->flows[q->flows[i]];
        const struct matrix_flow *flow = f->flow;
        json_object(json);
        put_end(json, S("client"), flow->client, arena);
        put_end(json, S("server"), flow->server, arena);
        json_member_str(json, S("transport"), service_transport_text(flow->transport));
        json_member_u64(json, S("port"), flow->port);
        json_member_str(json, S("service"), s->policy->services.services[f->service].name);
        json_key(json, S("outcomes"));
        json_object(json);
        for (int o = OUTCOME_NONE + 1; o < OUTCOME_COUNT; o++)
            json_member_u64(json, outcome_text((enum outcome)o), flow->outcomes[o]);
        json_object_end(json);
        json_member_u64(json, S("connections"), flow->connections);
        put_time(json, S("first_seen"), flow->first_us, !flow->is_timeless);
        put_time(json, S("last_seen"), flow->last_us, !flow->is_timeless);
        put_names(json, S("users"), flow->users);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_questions(struct json *json, const struct suggestion *s, struct arena *arena)
{
    json_key(json, S("questions"));
    json_array(json);
    for (size_t i = 0; i < s->n_questions; i++) {
        const struct suggest_question *q = &s->questions[i];
        json_object(json);
        json_member_str(json, S("kind"), suggest_flows_kind_text(q->kind));
        json_member_str(json, S("about"), q->about);
        json_member_str(json, S("text"), q->text);
        json_member_str_or_null(json, S("if_yes"), q->answer);
        json_member_bool(json, S("worked"),
                         q->n_flows && view_flow_worked(s->flows[q->flows[0]].flow));
        json_member_bool(json, S("allowed"), q->is_allowed);
        json_member_bool(json, S("closed"), q->is_closed);
        json_member_bool(json, S("asserted"), q->is_asserted);
        put_question_flows(json, s, q, arena);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_surpluses(struct json *json, const struct suggestion *s)
{
    json_key(json, S("surplus"));
    json_array(json);
    for (size_t i = 0; i < s->n_surpluses; i++) {
        const struct suggest_surplus *one = &s->surpluses[i];
        json_object(json);
        json_member_str(json, S("kind"), suggest_surplus_text(one->kind));
        json_member_str(json, S("host"), one->host);
        json_member_str_or_null(json, S("share"), one->share);
        json_member_bool(json, S("decidable"), one->is_decidable);
        json_member_str(json, S("reason"), one->reason);
        json_object_end(json);
    }
    json_array_end(json);
}

static void put_changes(struct json *json, const struct suggestion *s)
{
    json_key(json, S("replaced"));
    json_array(json);
    for (size_t i = 0; i < s->n_changes; i++) {
        const struct suggest_change *change = &s->changes[i];
        json_object(json);
        json_member_str_or_null(json, S("name"), change->entry->name);
        json_member_u64(json, S("line"), change->entry->place.line);
        json_member_u64(json, S("flows"), change->flows);
        json_object_end(json);
    }
    json_array_end(json);
}

/* Two decimals, half up: the same digits on every machine. */
static void put_ratio(struct json *json, str key, double value)
{
    uint64_t hundredths = value > 0 ? (uint64_t)(value * 100 + 0.5) : 0;
    json_key(json, key);
    /* json_u64 keeps the commas right; the fraction follows it. */
    json_u64(json, hundredths / 100);
    buf_format(json->out, ".%02" PRIu64, hundredths % 100);
}

static void put_numbers(struct json *json, const struct suggestion *s)
{
    const struct mine_result *mined = &s->mined;
    json_key(json, S("numbers"));
    json_object(json);
    json_member_u64(json, S("pairs_seen"), mined->seen);
    json_member_u64(json, S("pairs_allowed"), mined->allowed);
    put_ratio(json, S("over_grant"), mine_over_grant(mined));
    json_member_u64(json, S("entries"), mined->n_entries);
    json_member_u64(json, S("entries_by_service"), mined->n_alone);
    json_member_u64(json, S("lower_bound"), mined->bound);
    put_ratio(json, S("gap_percent"), mine_gap_percent(mined));
    json_member_bool(json, S("optimal"), mine_is_optimal(mined));
    json_member_u64(json, S("exact_entries"), mined->n_exact);
    json_member_u64(json, S("exact_lower_bound"), mined->exact_bound);
    json_object_end(json);
}

void suggest_print_json(const struct suggestion *suggestion, struct arena *arena, struct buf *out)
{
    const struct suggestion *s = suggestion;
    struct json json = json_to(out);
    json_object(&json);
    json_member_str_or_null(&json, S("policy"), s->given ? s->given->source : (str){0});
    json_member_bool(&json, S("lifeline"), s->has_lifeline);
    json_key(&json, S("evidence"));
    put_summary(&json, &s->evidence);
    put_segments(&json, s);
    put_groups(&json, s, arena);
    put_entries(&json, s);
    put_questions(&json, s, arena);
    put_surpluses(&json, s);
    put_changes(&json, s);
    put_numbers(&json, s);
    json_key(&json, S("outlook"));
    json_object(&json);
    json_member_u64(&json, S("kept"), s->kept);
    json_member_u64(&json, S("broken"), s->broken);
    json_member_u64(&json, S("stopped"), s->stopped);
    json_member_u64(&json, S("escaped"), s->escaped);
    json_member_u64(&json, S("undecidable"), s->undecidable);
    json_object_end(&json);
    json_member_str(&json, S("yaml"), s->text);
    json_object_end(&json);
    buf_char(out, '\n');
}

/* ---- Summary ------------------------------------------------------------------------------------
 */

static void count_questions(const struct suggestion *s, size_t *closed, size_t *flows)
{
    *closed = *flows = 0;
    for (size_t i = 0; i < s->n_questions; i++) {
        *closed += s->questions[i].is_closed;
        *flows += s->questions[i].is_closed ? s->questions[i].n_flows : 0;
    }
}

static void put_kinds(const struct suggestion *s, struct buf *out)
{
    for (unsigned k = 0; k < SUGGEST_ASK_COUNT; k++) {
        size_t n = 0;
        for (size_t i = 0; i < s->n_questions; i++)
            n += s->questions[i].kind == k;
        if (n)
            buf_format(out, "  %4zu %.*s\n", n,
                       STR_ARG(suggest_flows_kind_text((enum suggest_question_kind)k)));
    }
}

void suggest_print_summary(const struct suggestion *suggestion, struct arena *arena,
                           struct buf *out, bool colour)
{
    const struct suggestion *s = suggestion;
    const struct mine_result *mined = &s->mined;
    size_t closed, flows, unused = 0;
    count_questions(s, &closed, &flows);
    for (size_t i = 0; i < s->n_changes; i++)
        unused += !s->changes[i].flows;
    if (!s->given)
        buf_format(out, "proposed: %zu segments, %zu groups, %zu allow entries\n",
                   s->places.n_segments, s->places.n_groups, s->n_entries);
    else
        buf_format(out,
                   "proposed: %zu allow entries in place of %zu (%zu of which nobody was seen to "
                   "use)\n",
                   s->n_entries, s->n_changes, unused);
    buf_format(out, "pairs: %" PRIu64 " seen, %" PRIu64 " allowed, %.2f per pair seen\n",
               mined->seen, mined->allowed, mine_over_grant(mined));
    buf_format(out, "%.*s\n", STR_ARG(suggest_yaml_bound(mined, arena)));
    buf_format(out,
               "held against the evidence: %" PRIu64 " flows kept, %" PRIu64 " broken, %" PRIu64
               " stopped, %" PRIu64 " escape, %" PRIu64 " undecidable\n",
               s->kept, s->broken, s->stopped, s->escaped, s->undecidable);
    if (s->n_questions) {
        buf_format(out, "%zu questions, at the end of the file:\n", s->n_questions);
        put_kinds(s, out);
    }
    if (flows) {
        str text = str_format(arena, "%zu flow%s that worked %s not allowed until you answer%s",
                              flows, flows == 1 ? "" : "s", flows == 1 ? "is" : "are",
                              s->broken ? "" : "; the file asserts that they stay closed");
        table_tone(out, text, TONE_WARN, colour);
        buf_char(out, '\n');
    }
    if (!s->has_lifeline) {
        table_tone(out,
                   S("no domain controller is known, so nothing is managed yet: name one with "
                     "--controller HOST"),
                   TONE_BAD, colour);
        buf_char(out, '\n');
    }
}

/* ---- CSV ----------------------------------------------------------------------------------------
 */

void suggest_print_csv(const struct suggestion *suggestion, struct arena *arena, struct buf *out)
{
    static const struct table_column columns[] = {
        {{"what", 4},  ALIGN_LEFT,  0},
        {{"kind", 4},  ALIGN_LEFT,  0},
        {{"about", 5}, ALIGN_LEFT,  0},
        {{"flows", 5}, ALIGN_RIGHT, 0},
        {{"text", 4},  ALIGN_LEFT,  0},
        {{"line", 4},  ALIGN_LEFT,  0},
    };
    const struct suggestion *s = suggestion;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < s->n_entries; i++) {
        const struct suggest_entry *entry = &s->entries[i];
        table_add(&table, S("allow"));
        table_add(&table, entry->is_mined ? S("mined") : S("fixed"));
        table_add(&table, entry->name);
        table_add_u64(&table, entry->summary.flows);
        table_add(&table, suggest_yaml_span(&entry->summary, arena));
        table_add(&table, suggest_yaml_entry(s->policy, entry, arena));
    }
    for (size_t i = 0; i < s->n_questions; i++) {
        const struct suggest_question *q = &s->questions[i];
        table_add(&table, S("question"));
        table_add(&table, suggest_flows_kind_text(q->kind));
        table_add(&table, q->about);
        table_add_u64(&table, q->n_flows);
        table_add(&table, q->text);
        table_add(&table, q->answer);
    }
    for (size_t i = 0; i < s->n_surpluses; i++) {
        const struct suggest_surplus *one = &s->surpluses[i];
        table_add(&table, S("surplus"));
        table_add(&table, suggest_surplus_text(one->kind));
        table_add(&table, one->host);
        table_add_u64(&table, 0);
        table_add(&table, one->reason);
        table_add(&table, one->share);
    }
    table_print_csv(&table, out);
}
