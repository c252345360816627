/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed parts of the PowerShell scripts: what is the same in every artefact but for a word or
 * two. The writer copies them, the reader asks for exactly these lines (it skips remarks and blank
 * lines); neither has addresses in it. What the lines do is tested by running them on a model of a
 * Windows firewall (tests/powershell/evaluate.py).
 *
 * What an apply.ps1 does, whatever its rules are:
 *   - It saves what it replaces, once for a bundle: the group's rules, the connection security of
 *     the group, the log settings. Each bundle's rollback.ps1 puts that back; a second run takes
 *     back the bundle before it.
 *   - It makes each rule in the place of the one of that name, openings before closings, then
 *     removes what the group has left over. No moment is without the blocks that both have.
 *   - Whatever fails, the group is again what it was before the run.
 *   - The same lines write a group policy: in one session, saved at the end or not at all.
 */
#pragma once

#include "base/str.h"

struct powershell_lines {
    const str *lines;
    size_t n;
};

enum powershell_part {
    POWERSHELL_APPLY_PARAMETERS,
    POWERSHELL_ROLLBACK_PARAMETERS,
    POWERSHELL_STRICT,    /* above $workspace and $bundle */
    POWERSHELL_STORE,     /* where rules are: this machine or a group policy */
    POWERSHELL_STATE,     /* reading and putting back a group's state */
    POWERSHELL_REVERT,    /* taking an armed revert away */
    POWERSHELL_ARM,       /* copying the rollback to the machine, arming a revert */
    POWERSHELL_PREPARE,   /* of an apply.ps1, up to what is saved */
    POWERSHELL_KNOWN_OFF, /* which profiles are off, under windows: {firewall: on} */
    POWERSHELL_SAVE,      /* up to the rules */
    POWERSHELL_SECURITY,  /* above connection security rules */
    POWERSHELL_LEFT_OVER, /* below the rules */
    POWERSHELL_TURN_ON,   /* the profiles that are off */
    POWERSHELL_LOG,       /* the log settings, and what happens when something failed */
    POWERSHELL_ROLL_BACK, /* of a rollback.ps1 */
    POWERSHELL_HARDEN_PARAMETERS,
    POWERSHELL_SOFTEN_PARAMETERS, /* of a hardening-rollback.ps1 */
    POWERSHELL_HARDEN_STATE,      /* the five kinds of setting: read, set, put back */
    POWERSHELL_HARDEN_PREPARE,
    POWERSHELL_HARDEN_DONE,
    POWERSHELL_SOFTEN,
};
struct powershell_lines powershell_script(enum powershell_part part);
