"""Messages of protobuf by hand, as http2.py has the frames around them."""

import hashlib


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, value):
    """A field of a message: `value` is a number, or the bytes of a text or a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def digest_of(data):
    """The Digest message of a blob."""
    return field(1, hashlib.sha256(data).hexdigest().encode()) + field(2, len(data))


def name_of(data):
    """A blob in a resource name."""
    return b"%s/%d" % (hashlib.sha256(data).hexdigest().encode(), len(data))
