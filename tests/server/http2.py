"""HTTP/2 by hand: frames as bytes over a socket, so that tests can send what no library would (RFC 9113, RFC 7541).
Headers are written as literals, without the dynamic table and without Huffman's code; the server is told to keep no
table either (SETTINGS_HEADER_TABLE_SIZE 0), so that the names and digits in its answers are readable as they are."""

import re
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = 1, 2, 3, 4, 5

OK, CANCELLED, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 1, 3, 8, 12, 13


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """One frame; `length` is what its header claims, if not the truth."""
    return struct.pack(">I", len(payload) if length is None else length)[1:] + struct.pack(
        ">BBI", kind, flags, stream
    ) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", increment))


def reset(stream, code=8):
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", code))


def hpack_length(length):
    if length < 127:
        return bytes([length])
    out, rest = b"\x7f", length - 127
    while rest >= 128:
        out, rest = out + bytes([rest % 128 | 128]), rest // 128
    return out + bytes([rest])


def literal(name, value, first=b"\x00"):
    """A header as HPACK's literal; `first` b"\\x40" puts it into the dynamic table."""
    name, value = (text.encode() if isinstance(text, str) else text for text in (name, value))
    return first + hpack_length(len(name)) + name + hpack_length(len(value)) + value


def headers_of(path, *more, **instead):
    """The header block of a call of gRPC: `more` are pairs, `instead` replaces pseudo-headers (method="GET")."""
    pseudo = {"method": "POST", "scheme": "http", "path": path, "authority": "localhost", **instead}
    block = b"".join(literal(":" + name, value) for name, value in pseudo.items() if value is not None)
    for name, value in (("te", "trailers"), ("content-type", "application/grpc"), *more):
        block += literal(name, value)
    return block


def message(data, compressed=0, length=None):
    """A message of gRPC; `length` is what its prefix claims, if not the truth."""
    return struct.pack(">BI", compressed, len(data) if length is None else length) + data


class Connection:
    """A connection whose frames are read as they come. `begin` False sends no preface."""

    def __init__(self, port, begin=True, window=1 << 20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.first_window, self.windows = 65535, {0: 65535}  # what the server lets us send, by stream
        if begin:
            self.send(PREFACE + settings((HEADER_TABLE_SIZE, 0), (INITIAL_WINDOW, window)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *data):
        """False if the server has closed the connection."""
        try:
            self.socket.sendall(b"".join(data))
            return True
        except OSError:
            return False

    def call(self, path, data=b"", stream=1, *more, end=True):
        """Sends a whole unary call."""
        return self.send(
            frame(HEADERS, END_HEADERS, stream, headers_of(path, *more)),
            frame(DATA, END_STREAM if end else 0, stream, message(data)),
        )

    def _take(self, size):
        while len(self.buffer) < size:
            got = self.socket.recv(1 << 16)
            if not got:
                raise EOFError
            self.buffer += got
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def next(self):
        """(kind, flags, stream, payload), or None where the connection is at its end."""
        try:
            head = self._take(9)
            length = int.from_bytes(head[:3], "big")
            return head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, self._take(length)
        except (EOFError, ConnectionError):
            return None

    def answer(self, stream=1):
        """How the call on `stream` ends: its grpc-status, "reset N", "goaway N", or "closed"."""
        while True:
            got = self.next()
            if got is None:
                return "closed"
            kind, flags, of, payload = got
            status = re.search(rb"grpc-status.(\d+)", payload, re.DOTALL) if kind == HEADERS else None
            if kind == SETTINGS and not flags & ACK:
                self.send(frame(SETTINGS, ACK))
            elif kind == PING and not flags & ACK:
                self.send(frame(PING, ACK, payload=payload))
            elif status and of == stream:
                return int(status[1])
            elif kind == RST_STREAM and of == stream:
                return "reset %d" % int.from_bytes(payload[:4], "big")
            elif kind == GOAWAY and payload[4:8] != b"\0\0\0\0":
                return "goaway %d" % int.from_bytes(payload[4:8], "big")

    def send_slowly(self, data, stream=1):
        """Sends so much DATA as the server has windows for it. False if it ends the stream or the connection."""
        self.windows.setdefault(stream, self.first_window)
        while data:
            size = min(len(data), 16384, self.windows[0], self.windows[stream])
            if size <= 0:
                if not self._take_windows(stream):
                    return False
                continue
            if not self.send(frame(DATA, 0, stream, data[:size])):
                return False
            self.windows[0] -= size
            self.windows[stream] -= size
            data = data[size:]
        return True

    def _take_windows(self, stream):
        got = self.next()
        if got is None:
            return False
        kind, flags, of, payload = got
        if kind == SETTINGS and not flags & ACK:
            for i in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[i : i + 6])
                if name == INITIAL_WINDOW:
                    for each in self.windows.keys() - {0}:
                        self.windows[each] += value - self.first_window
                    self.first_window = value
            self.send(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, payload=payload))
        elif kind == WINDOW_UPDATE:
            self.windows[of] = self.windows.get(of, self.first_window) + struct.unpack(">I", payload)[0]
        return not (kind == GOAWAY or (kind in (RST_STREAM, HEADERS) and of == stream))

    def silence(self, seconds):
        """True if the server says nothing and leaves the connection open for so long."""
        self.socket.settimeout(seconds)
        try:
            return self.next() is not None
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(60)


def ask(port, path, request):
    """How a unary call or a read ends, on a connection of its own, whose client takes all of a large answer."""
    with Connection(port, window=1 << 24) as connection:
        connection.send(window_update(0, 1 << 24), frame(HEADERS, END_HEADERS, 1, headers_of(path)))
        if not connection.send_slowly(message(request)):
            return "closed"
        connection.send(frame(DATA, END_STREAM, 1))
        return connection.answer()
