"""Ports on loopback: the usual one where it is free, another one where it is not."""

from __future__ import annotations

import socket


def is_free(port: int) -> bool:
    """Say whether nothing listens on a port, on loopback or on all addresses."""
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def any_free() -> int:
    """A port that the system says is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose(preferred: int, taken: set[int] = frozenset()) -> int:  # type: ignore[assignment]
    """The preferred port, or else the next free one above it."""
    for port in range(preferred, min(preferred + 100, 65536)):
        if port not in taken and is_free(port):
            return port
    return any_free()
