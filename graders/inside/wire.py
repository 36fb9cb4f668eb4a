"""One JSON value with its length before it, over a socket: how the inside and the outside talk. Both import this."""

from __future__ import annotations

import json
import socket
from typing import Any


def read(connection: socket.socket) -> Any:
    """One JSON value; None when the other side has closed."""
    head = _exactly(connection, 8)
    return json.loads(_exactly(connection, int.from_bytes(head, "big")) or b"null") if head else None


def write(connection: socket.socket, value: Any) -> None:
    data = json.dumps(value).encode()
    connection.sendall(len(data).to_bytes(8, "big") + data)


def _exactly(connection: socket.socket, count: int) -> bytes:
    """`count` bytes, or b"" when the other side closes before."""
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(count - len(data), 1 << 20))
        if not piece:
            return b""
        data += piece
    return bytes(data)
