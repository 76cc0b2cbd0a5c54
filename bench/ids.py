"""Ids as ours are: a prefix and a UUIDv7 in TypeID's base 32 (https://github.com/jetify-com/typeid)."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26


def new(prefix, milliseconds):
    """An id of this time, in milliseconds since 1970."""
    random = secrets.randbits(74)
    value = milliseconds << 80 | 7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return f"{prefix}_" + "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(LENGTH)))
