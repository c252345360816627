# SPDX-License-Identifier: Apache-2.0
# Sourced by what builds the sample network: the cables of Contoso. One namespace per host, one (switch) that holds a bridge per segment,
# one (router) with an interface per segment. All of it lives in the namespaces of private.sh.

in_ns() {                       # in_ns HOST COMMAND...
    local ns=$1
    shift
    nsenter --net="/run/netns/$ns" -- "$@"
}

add_segment() {                 # add_segment NAME ROUTER4 [ROUTER6]
    ip -n switch link add "br-$1" type bridge mcast_snooping 0
    ip -n switch link set "br-$1" up
    ip link add "$1" netns router type veth peer name "up-$1" netns switch
    ip -n switch link set "up-$1" master "br-$1" up
    ip -n router link set "$1" up
    ip -n router addr add "$2" dev "$1"
    [ $# -lt 3 ] || ip -n router addr add "$3" dev "$1" nodad
}

add_host() {                    # add_host NAME SEGMENT ADDRESS/LEN GATEWAY [ADDRESS6/LEN GATEWAY6]
    ip netns add "$1"
    in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_dad=0 \
        net.ipv6.conf.default.router_solicitations=0
    ip link add eth0 netns "$1" type veth peer name "$1" netns switch
    ip -n switch link set "$1" master "br-$2" up
    # Frames as a wire carries them: no segmentation offload, checksums filled in.
    in_ns "$1" python3 "$LAB/wire_frames.py" eth0
    ip -n "$1" link set lo up
    ip -n "$1" link set eth0 up
    ip -n "$1" addr add "$3" dev eth0
    ip -n "$1" route add default via "$4"
    [ $# -lt 6 ] || {
        ip -n "$1" addr add "$5" dev eth0 nodad
        ip -n "$1" -6 route add default via "$6"
    }
}

# Today's router lets nearly everything through, which is what the policy is to change. It blocks three things:
# guests never reach fs02 (silently) nor nas01 (with a word), and one bad address outside is filtered with a word.
router_rules() {
    in_ns router nft -f - <<'EOF'
table inet today {
    chain forward {
        type filter hook forward priority filter; policy accept;
        ip saddr 10.66.0.0/24 ip daddr 10.20.0.22 tcp dport 445 drop
        ip saddr 10.66.0.0/24 ip daddr 10.20.0.40 tcp dport 445 reject with icmp type admin-prohibited
        ip daddr 203.0.113.80 tcp dport 445 reject with icmp type admin-prohibited
    }
    chain output {
        type filter hook output priority filter; policy accept;
        icmp type destination-unreachable icmp code host-unreachable drop comment "no ip unreachables for silent addresses"
    }
}
EOF
}

build_network() {
    ip netns add switch
    ip netns add router
    in_ns switch sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    in_ns router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0 \
        net.ipv4.icmp_ratelimit=0
    ip -n router link set lo up
    add_segment clients 10.10.4.1/24 2001:db8:10:4::1/64
    add_segment branch 10.11.4.1/24 2001:db8:11:4::1/64
    add_segment it 10.10.9.1/28
    add_segment servers 10.20.0.1/24 2001:db8:20::1/64
    add_segment printers 10.40.0.1/24
    add_segment guest 10.66.0.1/24
    add_segment internet 203.0.113.1/24
    router_rules

    local name segment v4 v6 len gw6
    while IFS="$TAB" read -r name segment v4 v6 _; do
        case $name in '#'*) continue ;; esac
        len=24
        [ "$segment" != it ] || len=28
        if [ "$v6" = - ]; then
            add_host "$name" "$segment" "$v4/$len" "${v4%.*}.1"
        else
            gw6=${v6%::*}::1
            add_host "$name" "$segment" "$v4/$len" "${v4%.*}.1" "$v6/64" "$gw6"
        fi
        printf '%s %s.contoso.test %s\n' "$v4" "$name" "$name" >>"$WORK/hosts"
    done <"$LAB/hosts.tsv"
}
