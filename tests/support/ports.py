"""Ports for servers that a test starts."""

from __future__ import annotations

import contextlib
import random
import socket
from pathlib import Path

# Of its own: tests that repeat a seed's chances must not meet the same ports again.
_CHANCE = random.SystemRandom()


def free_port() -> int:
    """A port that nobody has and that no client is given, so that a server that was killed finds it free when it comes again."""
    first_of_clients = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    low = max(1024, first_of_clients // 2)
    while True:
        # Where clients are given nearly everything, any port has to do.
        port = _CHANCE.randrange(low, first_of_clients) if first_of_clients - low >= 1000 else 0
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return listener.getsockname()[1]
