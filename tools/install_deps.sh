# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Sourced, not run: installs the Debian packages that a script needs. The caller stands in the root of
# the source tree.
#
#   install_deps "$@" -- PART...   reads the caller's options (--no-install, --help), then makes sure that
#                                  every package of the named parts of packaging/deps.debian is there
#
# Nothing but apt and a POSIX shell is assumed. sudo is used only by a user who is not root.

deps_list=packaging/deps.debian

# The entries of the parts, one "package [cmd:NAME]" a line, each once.
deps_entries() {
    for deps_part; do
        grep -q "^\\[$deps_part]" "$deps_list" || {
            echo "error: $deps_list has no part [$deps_part]" >&2
            return 2
        }
    done
    for deps_part; do
        deps_inside=no
        while read -r deps_name deps_rest; do
            case $deps_name in
            "[$deps_part]") deps_inside=yes ;;
            '['*) deps_inside=no ;;
            '' | '#'*) ;;
            *) [ "$deps_inside" = no ] || echo "$deps_name ${deps_rest%%#*}" ;;
            esac
        done <"$deps_list"
    done | sort -u
}

# The packages of the parts that are not installed.
deps_missing() {
    deps_entries "$@" | while read -r deps_name deps_instead; do
        case $deps_instead in
        cmd:*) command -v "${deps_instead#cmd:}" >/dev/null 2>&1 && continue ;;
        esac
        deps_status=$(dpkg-query -W -f='${db:Status-Status}' "$deps_name" 2>/dev/null) || deps_status=
        [ "$deps_status" = installed ] || echo "$deps_name"
    done
}

deps_as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Usage: deps_refuse WHY PACKAGE...
deps_refuse() {
    deps_why=$1
    shift
    echo "error: $deps_why; root can: apt-get install --no-install-recommends $*" >&2
    return 2
}

# Usage: deps_install PACKAGE...
deps_install() {
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null 2>&1; then
        deps_refuse "installing needs root or sudo" "$@"
        return
    fi
    # A stale package list is worth a try: the install itself says what it cannot find.
    deps_as_root apt-get -qq update || echo "warning: apt-get update failed, trying with the lists there are" >&2
    deps_as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "$@" </dev/null >"$deps_log" 2>&1 && return 0
    tail -n 20 "$deps_log" >&2
    deps_refuse "the packages could not be installed" "$@"
}

install_deps() {
    deps_only_say=no
    while [ "$1" != -- ]; do
        case $1 in
        --no-install) deps_only_say=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 2
            ;;
        esac
        shift
    done
    shift

    if ! command -v apt-get >/dev/null 2>&1; then
        echo "error: apt-get not found; install what $deps_list lists ($*) by hand" >&2
        exit 2
    fi
    deps_entries "$@" >/dev/null || exit 2
    deps_wanted=$(deps_missing "$@" | tr '\n' ' ')
    if [ -z "$deps_wanted" ]; then
        echo "Debian packages ($*): all there"
        [ "$deps_only_say" = no ] || exit 0
        return 0
    fi
    if [ "$deps_only_say" = yes ]; then
        echo "Debian packages ($*), missing: $deps_wanted"
        exit 2
    fi
    echo "Debian packages ($*), installing: $deps_wanted"
    deps_log=$(mktemp) || exit 2
    # shellcheck disable=SC2086 # a list of package names
    deps_install $deps_wanted || {
        rm -f "$deps_log"
        exit 2
    }
    rm -f "$deps_log"
}
