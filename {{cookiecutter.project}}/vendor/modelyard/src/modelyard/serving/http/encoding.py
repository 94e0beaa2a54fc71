"""Decompresses bodies, to a size that is limited."""

from __future__ import annotations

import zlib

from ..refusal import Refusal

ENCODINGS = (b"gzip", b"deflate")
_GZIP, _ZLIB, _RAW = 31, 15, -15  # what zlib calls window bits: which header comes first


def check_encoding(value: bytes) -> bytes | None:
    """The encoding that a header names, or None for a body that is as it is.

    Raises Refusal with status 415 if it is another, which says which there are (RFC 7694).
    """
    encoding = value.strip().lower().removeprefix(b"x-")
    if encoding in (b"", b"identity"):
        return None
    if encoding not in ENCODINGS:
        shown = value[:100].decode("latin-1")
        detail = f"the body may be compressed with gzip or deflate, not {shown}"
        raise Refusal(415, "wrong encoding", detail, headers=[(b"accept-encoding", b", ".join(ENCODINGS))])
    return encoding


def decompressed(body: bytes, encoding: bytes, limit: int) -> bytes | None:
    """The body, or None if it has more than `limit` bytes.

    Raises Refusal with status 400 if it is not compressed so, is cut off or has something behind its end.
    """
    bits = _GZIP
    if encoding == b"deflate":  # zlib's format, but some clients leave out its header
        bits = _ZLIB if len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0 else _RAW
    decoder = zlib.decompressobj(bits)
    try:
        content = decoder.decompress(body, limit + 1)
    except zlib.error:
        raise _broken(encoding, "it is something else") from None
    if len(content) > limit:
        return None
    if not decoder.eof:
        raise _broken(encoding, "it is cut off")
    if decoder.unused_data:
        raise _broken(encoding, "something comes behind its end")
    return content


def _broken(encoding: bytes, why: str) -> Refusal:
    return Refusal(400, "broken encoding", f"the body cannot be decompressed as {encoding.decode()}: {why}")
