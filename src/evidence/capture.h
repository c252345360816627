/* SPDX-License-Identifier: Apache-2.0 */
/* From captured frames to facts: what every capture format shares (docs/evidence-capture.md).
 * One observation per TCP conversation on a service's port, or in which SMB was found; one per UDP
 * conversation on a service's port.
 */
#pragma once

#include "evidence/reader.h"

struct capture_frame {
    uint32_t link_type;
    bytes data;
    int64_t at_us;
    uint64_t offset; /* of its record in the source */
    bool is_cut;     /* the frame was longer when it was sent */
};

struct capture;
struct capture *capture_open(struct arena *arena, const struct fact_sink *sink);
void capture_frame(struct capture *capture, const struct capture_frame *frame);
/* A record of the source, or its header: what stands first in it identifies the content. */
void capture_content(struct capture *capture, bytes record);
/* Reports a part of the source that could not be read. */
void capture_skip(struct capture *capture, uint64_t offset, uint64_t length, const char *format,
                  ...) FORMAT_PRINTF(4, 5);
/* One skip that names a link type that is not read. */
void capture_skip_link(struct capture *capture, uint64_t offset, uint32_t link_type);
/* Bytes of memory that conversations and their buffers have touched. */
uint64_t capture_memory(const struct capture *capture);
/* Reports what is still open, and what had to be left out for lack of room. */
void capture_close(struct capture *capture);
