#!/bin/sh
# sallyport: firewalld rollback; removes policies and ipsets
# policy: policy.yaml, SHA-256 53f3f47745cdba9155d8b911ceb3d61db468628558cb9856ee094743c0d180a5
# as of: 2026-11-21T00:00:00.000000Z
set -eu
to=${1:-/etc/firewalld}
rm -f "$to"/ipsets/sallyport-*.xml "$to"/policies/sallyport-*.xml
[ $# = 0 ] || exit 0
firewall-cmd --reload
