"""Choose ports on loopback: the preferred one if it is free, else another."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def taking_turns() -> Iterator[None]:
    """Serialise the start of this account's stacks: a port that was found free is bound only seconds later."""
    lock = os.open(Path(tempfile.gettempdir()) / f"magodoo-up-{os.getuid()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel takes it back from a process that dies
        yield
    finally:
        os.close(lock)


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port, on loopback or on all addresses."""
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def any_free() -> int:
    """Return a port that is free according to the system."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def choose(preferred: int, taken: set[int] = frozenset()) -> int:  # type: ignore[assignment]
    """Return the preferred port, or else the next free one above it."""
    for port in range(preferred, min(preferred + 100, 65536)):
        if port not in taken and is_free(port):
            return port
    return any_free()
