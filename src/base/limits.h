/* SPDX-License-Identifier: Apache-2.0 */
/* Every ceiling of the program, with its reason. A table that input can fill has a row here
 * and a rule for full (evict, spill, or degrade and count) beside its use.
 */
#pragma once

enum {
    /* One error sentence with its quoted input; longer text would hide the sentence. */
    LIMIT_ERR_TEXT = 512,
    /* Paths in messages; longer ones are shortened in the middle. */
    LIMIT_ERR_SOURCE = 512,
    /* Nesting of JSON, YAML and policy lists: real files stay below 10. */
    LIMIT_NESTING = 64,
    /* A policy file: 200,000 exceptions of 120 bytes each are ledger records, not lines here. */
    LIMIT_POLICY_BYTES = 64 << 20,
    /* Errors and warnings reported of one policy file; the rest are counted. */
    LIMIT_DIAGNOSTICS = 1000,
    /* Steps in which reason/cover follows entries that are surplus only because of each other:
     * some seconds. Full: of those left, only what the others hold for certain is surplus.
     */
    LIMIT_COVER_WORK = 1 << 26,
    /* Ports of one service, and services of one policy: Windows rules take lists, not novels. */
    LIMIT_SERVICE_PORTS = 64,
    LIMIT_SERVICES = 256,
    /* Overrides of the hardening baseline: which of them hold for a machine is a word of bits. */
    LIMIT_OVERRIDES = 64,
    /* Settings of one machine that a collector's file tells: some 300 in practice. */
    LIMIT_COLLECTED_SETTINGS = 4096,
    /* Bytes of a segment's or service's name inside an id. Folders and firewall rules are named
     * after ids: a Windows path has 260 characters, most of them the folder's. Longer names
     * are cut and stay apart by their number. */
    LIMIT_ID_NAME_BYTES = 64,
    /* Stances of one segment and mode that get a host class each, and so files of their own. More
     * share classes: a folder of some thousand files is nobody's to look through. */
    LIMIT_STANCES_APART = 64,
    /* Stances in one such class, each at its own local addresses: a Windows host has some hundred
     * rules anyway, and takes seconds to load as many more. */
    LIMIT_STANCES_TOGETHER = 128,
    /* Members of groups in files of the directory: 10^5 computers in ten groups each. */
    LIMIT_MEMBERSHIP_MEMBERS = 1 << 20,
    /* One such file. */
    LIMIT_MEMBERSHIP_BYTES = 256 << 20,
    /* Different sets of computers that secured entries name: each doubles as a policy of its own in
     * the making of rules. */
    LIMIT_COMPUTER_SETS = 64,
    /* First bytes shown to a reader so that it may recognise its format. */
    LIMIT_RECOGNISE_BYTES = 4096,
    /* The largest record a reader may wait for (a pcapng block, one log line). */
    LIMIT_RECORD_BYTES = 16 << 20,
    /* A line of a text log; those of the formats read here stay below 1 KiB. Longer ones are
     * stepped over and reported. */
    LIMIT_LOG_LINE_BYTES = 64 << 10,
    /* Memory while one line of a text log, or one record of a table, is read: its text decoded,
     * names made valid, its fields. */
    LIMIT_LINE_SCRATCH = 4 << 20,
    /* One read from an input; a window is at least this unless the file is shorter. */
    LIMIT_WINDOW_BYTES = 1 << 20,
    /* A TZif file: the largest of the system's are 4 KiB. */
    LIMIT_ZONE_BYTES = 1 << 20,
    /* Fields of one CSV record; exports of directories have some hundred columns. */
    LIMIT_CSV_FIELDS = 4096,
    /* Lines of one CSV record whose quoted field holds newlines. Full: the quote is taken for one
     * that was never closed, and its line is skipped. */
    LIMIT_CSV_RECORD_LINES = 256,
    /* XML: attributes of one element, bytes of text between two tags (longer text is cut, and the
     * reader told), bytes of one tag or comment: those of scans and event logs stay below 4 KiB. */
    LIMIT_XML_ATTRIBUTES = 256,
    LIMIT_XML_TEXT = 64 << 10,
    LIMIT_XML_TAG = 1 << 20,
    /* Members of one archive: an export of every host's log of a large site stays below. Full: the
     * rest of the archive is one problem that says so. */
    LIMIT_ARCHIVE_MEMBERS = 1 << 20,
    /* Unpacked bytes per packed byte, asked past LIMIT_UNPACK_FREE. Repetitive logs reach about 100
     * with xz and zstd; a bomb of zeros 1000 with gzip and far more with the others. Memory is
     * bounded by the window anyway: this bounds the time. Full: the rest is one problem. */
    LIMIT_UNPACK_RATIO = 500,
    LIMIT_UNPACK_FREE = 256 << 20,
    /* Folders inside folders when a directory is walked; deeper ones are a problem each. */
    LIMIT_FOLDER_DEPTH = 64,
    /* One file of rules: some hundred thousand of them, as an artefact or an export. */
    LIMIT_ARTEFACT_BYTES = 256 << 20,
    /* Such files in the folders of one command: ten targets of some thousand classes. */
    LIMIT_ARTEFACTS = 100000,
    /* Skips of one source that are listed with their offset; the rest are counted. */
    LIMIT_SKIPS_LISTED = 100,
    /* TCP streams followed at once in a capture; the least recently used is evicted and counted. */
    LIMIT_STREAMS = 65536,
    /* Bytes of one direction of a stream held for reassembly (out of order or a split header). */
    LIMIT_STREAM_BUFFER = 128 << 10,
    /* All reassembly buffers together; past it the least recently used stream's are dropped. */
    LIMIT_STREAM_BUFFERS_TOTAL = 32 << 20,
    /* Segments that wait for one before them, over all streams. */
    LIMIT_STREAM_PIECES = 65536,
    /* Interfaces of one section of a capture; packets of further ones are skipped. */
    LIMIT_INTERFACES = 4096,
    /* IP datagrams whose fragments wait for their siblings (66 KiB each); the oldest is dropped. */
    LIMIT_FRAGMENTS = 256,
    /* Names (users, shares, hosts) kept per connection or flow; the rest only counted. */
    LIMIT_NAMES = 256,
    /* TLS client hellos over QUIC that wait for their rest (18 KiB each), and conversations of SMB
     * over QUIC that are told from others on its port; further ones are not told. */
    LIMIT_QUIC_HELLOS = 64,
    LIMIT_QUIC_CONVERSATIONS = 65536,
    /* All names of one capture, and all lists of them, together; past it names are only counted. */
    LIMIT_CAPTURE_NAMES = 64 << 20,
    LIMIT_CAPTURE_LISTS = 64 << 20,
    /* Bytes of one such name. */
    LIMIT_NAME_BYTES = 1024,
    /* Times that addresses of hosts named in a policy are followed from owner to owner by
     * `simulate`. Full: the flows of further owners are undecidable. */
    LIMIT_ERAS = 8,
    /* Witnesses printed per flow in JSON. */
    LIMIT_WITNESSES = 16,
    /* Logons, and ports reached by clients, that a reader of events remembers for later events of
     * the same session; the least recently used is forgotten, and its later events lack it. */
    LIMIT_EVENT_RECALL = 4096,
    /* Observations of one source held in memory; past it they go to the open transaction. */
    LIMIT_FACTS_HELD = 1 << 16,
    /* The same in bytes, of all that they hold; and what is reserved so that the last fact fits. */
    LIMIT_PARCEL_BYTES = 16 << 20,
    LIMIT_PARCEL_RESERVE = 256 << 20,
    /* What a reader and its parcel in the making may come to: 65,536 conversations of a capture
     * that are all SMB. */
    LIMIT_WORKER_BYTES = 192 << 20,
    /* Pieces of a large source that are read apart, where its format allows: large enough that what
     * each wants once does not matter. A window shows one and what comes behind it. */
    LIMIT_BLOCK_BYTES = 7 << 20,
    /* Numbered records of one source that are remembered, so that one that comes again counts once
     * (16 bytes each). Full: all are forgotten, and those that come again count again. */
    LIMIT_RECORDS_TOLD = 1 << 22,
    /* Hosts whose records one source holds: a collector serves some ten thousand. Records of
     * further ones count as the source's own. */
    LIMIT_ORIGINS = 1 << 14,
    /* Kinds of records of use that can't be tied to a flow; readers have few. */
    LIMIT_UNPLACED = 64,
    /* One event as XML: Windows writes at most 64 KiB of values. Longer ones are stepped over and
     * reported. Scratch memory for one is some copies of it. */
    LIMIT_EVENT_BYTES = 1 << 20,
    LIMIT_EVENT_SCRATCH = 64 << 20,
    /* The same for one as JSON, which may be as long as any record, and hold XML. */
    LIMIT_EVENT_JSON_SCRATCH = 512 << 20,
    /* Own addresses of a log's host that are remembered; the first ones met. */
    LIMIT_LOCAL_ADDRESSES = 64,
    /* Threads that read evidence; more than cores only wait for one another. */
    LIMIT_WORKERS = 256,
    /* Files found ahead of those that are read; the walk then waits. */
    LIMIT_POOL_JOBS = 1024,
    /* Conversations of exported flows that wait for their other direction and for more of it; the
     * least recently used is told of as it stands. Each takes 400 bytes. */
    LIMIT_FLOW_PAIRS = 1 << 16,
    /* Conversations looked at for one record; the last of them makes room. */
    LIMIT_FLOW_PROBES = 64,
    /* Exporters or interfaces told apart in one source; further ones count as the source. */
    LIMIT_FLOW_VANTAGES = 4096,
    /* Exporters' sources (line cards, engines) in one source; further ones are counted. */
    LIMIT_NETFLOW_DOMAINS = 4096,
    /* Templates of all of them, and the fields of one that are read or lie between such: real ones
     * have up to 80 fields, most of which nothing is made of. */
    LIMIT_NETFLOW_TEMPLATES = 1 << 14,
    LIMIT_NETFLOW_STEPS = 256,
    /* Sets of data that wait for their template: some minutes of a busy exporter. Full: further
     * ones are counted. */
    LIMIT_NETFLOW_WAITING_BYTES = 16 << 20,
    /* A block of an nfcapd file, packed or not: nfdump writes them up to 5 MiB. */
    LIMIT_NFCAPD_BLOCK_BYTES = 8 << 20,
    /* Extension maps of one such file; collectors make some dozen. */
    LIMIT_NFCAPD_MAPS = 4096,
    /* Binary XML of a chunk of an event log: 64 KiB hold no more than this when templates do not
     * overlap. Full: all are forgotten and compiled again when named again. */
    LIMIT_EVTX_TEMPLATES = 1024,
    LIMIT_EVTX_LEAVES = 4096,
    LIMIT_EVTX_PIECES = 16384,
    /* Bytes per chunk that are compiled, matched and turned to text, several times what it has.
     * Full: its further records are skipped. */
    LIMIT_EVTX_WORK = 1 << 20,
    /* Values of one template (Windows allows 128), and fragments of one record (real ones have
     * two). Full: the record is skipped. */
    LIMIT_EVTX_VALUES = 1024,
    LIMIT_EVTX_PARTS = 8,
    /* Templates of an event log that are remembered for damaged chunks, and the chunks that have
     * them (64 KiB each); the first ones met. */
    LIMIT_EVTX_SPARES = 256,
    LIMIT_EVTX_SPARE_CHUNKS = 8,
    /* Text of one event's values: a record of 64 KiB gives at most 96 KiB of UTF-8. Full: the
     * record is skipped. */
    LIMIT_EVTX_TEXT = 192 << 10,
    /* Pairs of client and server up to which ingest ends with the statement of what is covered and
     * what stays open: a second's work. Beyond, the statement is another command's. */
    LIMIT_STATEMENT_EDGES = 50000,
    /* Policy mining. Effort of the search for each kind: one step is about one word looked at, so
     * this is about a second. Full: the best cover so far, and the gap is printed. */
    LIMIT_MINE_STEPS = 400000000,
    /* Words of one bit matrix of what the reductions leave (64 MiB; there are four). Full: one
     * entry per server, or per client where these are fewer. */
    LIMIT_MINE_KERNEL_WORDS = 8 << 20,
    /* Vertices of a side up to which covers are searched to the end: a search goes as deep. */
    LIMIT_MINE_BRANCH_VERTICES = 512,
    /* Proposals of one set of a connection security rule, as many as Windows takes ([MS-FASP]), and
     * what one says (the specification knows 12 things). Full: the rest is passed over, and a
     * condition says that there is more. */
    LIMIT_FIREWALL_SUITES = 1000,
    LIMIT_FIREWALL_SUITE_FIELDS = 64,
    /* Keys inside keys: Windows makes no more than 512. */
    LIMIT_REGISTRY_DEPTH = 512,
    /* Bytes of a key's path in a hive; those of real ones stay below 500. */
    LIMIT_REGISTRY_PATH = 4096,
    /* One entry of the ledger: a policy's hash and some hundred paths, never a file's content. */
    LIMIT_LEDGER_ENTRY = 1 << 20,
    /* Milliseconds that a command waits until another one has written its decision. */
    LIMIT_LEDGER_WAIT_MS = 30000,
    /* Bytes of entries that are held at once while many are read. */
    LIMIT_LEDGER_BATCH = 4 << 20,
    /* Bytes of the name of a user, of a system account or of a token: as long as a distinguished
     * name's first part may be. */
    LIMIT_PERSON_NAME = 64,
    /* Users of one workspace, and system accounts of one: an organisation has some dozen. */
    LIMIT_PEOPLE = 10000,
    LIMIT_PERSON_ACCOUNTS = 16,
    /* Bytes of a password: a sentence. Its hash takes the same time for any length. */
    LIMIT_PASSWORD_BYTES = 1024,
    /* The shortest password, in bytes (NIST SP 800-63B, 5.1.1.2). */
    LIMIT_PASSWORD_LEAST = 8,
    /* How long a login lasts: a working day. */
    LIMIT_LOGIN_HOURS = 8,
    /* The longest life of a token that is made: somebody looks at it once a year. */
    LIMIT_TOKEN_DAYS = 366,
    /* Connections a workspace keeps one by one before old days are only counted. */
    LIMIT_CONNECTIONS = 5000000,
    /* Entries of the ledger that a book of exceptions passed over, and tells why; the rest are
     * counted. */
    LIMIT_BOOK_FAULTS = 1000,
    /* People who approve one exception: a policy may ask for so many. */
    LIMIT_APPROVERS = 16,
    /* A person's name, and any other text somebody writes about an exception (reason, note): they
     * stand in rules, reports and sheets. */
    LIMIT_PERSON_BYTES = 256,
    LIMIT_REASON_BYTES = 4096,
    /* A review's sheet that came back: 10,000 exceptions with a page of notes each. */
    LIMIT_REVIEW_BYTES = 64 << 20,
};

/* Address space reserved for one arena, and the default memory budget of a job. */
#define LIMIT_ARENA_RESERVE (UINT64_C(64) << 30)
#define LIMIT_JOB_BUDGET    (UINT64_C(8) << 30)
