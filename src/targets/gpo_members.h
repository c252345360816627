/* SPDX-License-Identifier: Apache-2.0 */
/* Who loads a group policy object: a GPO goes to machines in security groups, one group per ring
 * that may hold a machine of the class. The file that says so is made for people and for scripts:
 *
 *   # member: 10.10.0.0/16          whose rules these are (read back by the proof)
 *   group sallyport-contoso-clients-1-pilot
 *   machine WS0417.contoso.com      of the group above
 */
#pragma once

#include "targets/gpo_settings.h"
#include "targets/target.h"

/* The group of a class's machines in a ring, at most 64 characters, as a common name of AD has.
 * ring : empty = the policy has no rings */
str gpo_members_group(str workspace, str class_id, str ring, struct arena *arena);

struct gpo_members {
    const struct target *target;
    const struct resolved *resolved; /* NULL = one ring */
    const struct host_class *host_class;
    const struct target_header *header;
    const struct gpo_settings *settings;
    str gpo_name, backup_id;
};
str gpo_members_text(const struct gpo_members *members, struct arena *arena);
