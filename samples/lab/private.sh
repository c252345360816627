# SPDX-License-Identifier: Apache-2.0
# Sourced by what builds the sample network: namespaces of one's own, and a folder that goes away with them.

# run_private SECONDS COMMAND...: runs COMMAND, with the new folder $WORK as its last argument, and ends it after so long.
# LAB_KEEP=1: the folder stays, for its logs.
run_private() {
    local seconds=$1
    shift
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/contoso.XXXXXX") || return
    chmod 755 "$WORK"           # Samba serves its shares as the user
    trap '[ -n "${LAB_KEEP:-}" ] || rm -rf "$WORK"' EXIT
    # All processes live in one PID namespace and die with its first one; network and mount namespaces go with them.
    timeout --foreground --kill-after=1 "$seconds" unshare --mount --net --pid --uts --ipc --fork --kill-child --mount-proc \
        --propagation private "$@" "$WORK" </dev/null &
    child=$!
    trap 'kill -TERM $child 2>/dev/null; wait $child || true; exit 130' INT TERM HUP
    wait $child
}

isolate() {                     # first thing inside
    # /run is where ip netns and Samba would leave traces; hosts and nsswitch name the machines, without DNS.
    mount -t tmpfs tmpfs /run
    mkdir /run/netns /run/samba
    echo '127.0.0.1 localhost' >"$WORK/hosts"
    printf 'passwd: files\ngroup: files\nhosts: files\n' >"$WORK/nsswitch.conf"
    mount --bind "$WORK/hosts" /etc/hosts
    mount --bind "$WORK/nsswitch.conf" /etc/nsswitch.conf
    export KRB5_CONFIG=$WORK/krb5.conf
}
