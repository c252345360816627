#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wire_frames.py IFACE...: turns the offloads of a virtual interface off, so that recorded frames are as a wire has them.

What `ethtool -K IFACE tx off tso off gso off gro off` does, without that package.
"""
import array
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
SET_TX_CHECKSUM, SET_TSO, SET_GSO, SET_GRO = 0x17, 0x1F, 0x24, 0x2C


def switch_off(sock, iface, command):
    value = array.array("B", struct.pack("II", command, 0))
    request = struct.pack("16sP", iface.encode(), value.buffer_info()[0])
    fcntl.ioctl(sock.fileno(), SIOCETHTOOL, request)


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    for name in sys.argv[1:]:
        for what in (SET_TSO, SET_GSO, SET_GRO, SET_TX_CHECKSUM):
            switch_off(s, name, what)
