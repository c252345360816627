# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Sourced, not run: sets up a Meson build folder, or brings an existing one to the options asked for,
# and builds. The caller stands in the root of the source tree.
#
#   build_in DIR COMPILER [MESON OPTION]...

build_in() {
    build_dir=$1 build_cc=$2
    shift 2
    if [ -f "$build_dir/build.ninja" ]; then
        # Options first: `setup --reconfigure` alone leaves compiler arguments as they were. It then looks
        # again for libraries that were not there before.
        meson configure "$build_dir" "$@" && meson setup --reconfigure "$build_dir" >/dev/null
    else
        CC=$build_cc meson setup "$@" "$build_dir"
    fi && ninja -C "$build_dir"
}
