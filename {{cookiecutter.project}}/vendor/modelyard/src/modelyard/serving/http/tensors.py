"""Tensors in binary, as the clients of Triton and KServe send and take them: one after the other, behind the JSON."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...runtime.rows import Problem
from ..refusal import Refusal

LENGTH = b"inference-header-content-length"  # the header that says how long the JSON is
SIZE = "binary_data_size"  # the parameter of a tensor that says how many bytes it has
KIND = b"application/octet-stream"

_DTYPES = {
    "BOOL": "?",
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}


def split(body: bytes, length: bytes | None) -> tuple[bytes, memoryview]:
    """The JSON and the binary part of a body. length: the value of LENGTH; None means that all is JSON.

    Raises Refusal with status 400 if the body is shorter.
    """
    if length is None:
        return body, memoryview(b"")
    if not (length.isdigit() and len(length) < 20 and 0 < int(length) <= len(body)):
        shown = length[:40].decode("latin-1")
        detail = f"Inference-Header-Content-Length is {shown!r}, but the body has {len(body)} bytes, JSON first"
        raise Refusal(400, "no inference request", detail)
    return body[: int(length)], memoryview(body)[int(length) :]


class BinaryReader:
    """Takes tensors of at most `limit` values from the binary part of a body, in their order."""

    def __init__(self, content: memoryview, limit: int) -> None:
        self._content, self._limit = content, limit
        self._place = 0

    def take(self, name: str, datatype: str, size: Any, problems: list[Problem]) -> list[Any]:
        """The values of the next tensor, which has `size` bytes; NaN is a missing value.

        What is wrong with single values is added to `problems`. Raises Refusal if the bytes cannot be read at all, and
        with status 413 if there are too many values.
        """
        left = len(self._content) - self._place
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= left:
            raise _unreadable(f"{name}: {SIZE} is {str(size)[:40]}, but {left} bytes are left behind the JSON")
        content = self._content[self._place : self._place + size]
        self._place += size
        if datatype == "BYTES":
            return self._texts(name, content, problems)
        if datatype == "BF16":  # the upper half of an FP32
            values = (self._array(name, content, "<u2", datatype).astype("<u4") << 16).view("<f4")
        elif datatype in _DTYPES:
            values = self._array(name, content, _DTYPES[datatype], datatype)
        else:
            raise _unreadable(f"{name}: there is no datatype {datatype[:40]!r} in binary")
        if values.dtype.kind != "f" or np.isfinite(values).all():
            return list(values.tolist())
        infinite = np.flatnonzero(np.isinf(values)).tolist()
        problems += [Problem(row, name, float(values[row]), "must be finite") for row in infinite]
        return [None if math.isnan(value) else value for value in values.tolist()]

    def end(self) -> None:
        """Raise Refusal unless all has been taken."""
        if left := len(self._content) - self._place:
            raise _unreadable(f"{left} bytes behind the JSON belong to no tensor")

    def _array(self, name: str, content: memoryview, dtype: str, datatype: str) -> np.ndarray[Any, Any]:
        if len(content) % np.dtype(dtype).itemsize:
            raise _unreadable(f"{name}: {len(content)} bytes are no whole number of values of type {datatype}")
        values = np.frombuffer(content, dtype=dtype)
        self._check_count(name, len(values))
        return values

    def _texts(self, name: str, content: memoryview, problems: list[Problem]) -> list[str | None]:
        """Texts of which each comes after its length."""
        texts: list[str | None] = []
        place = 0
        while place < len(content):
            start = place + 4
            place = start + int.from_bytes(content[place:start], "little")
            if start > len(content) or place > len(content):
                raise _unreadable(f"{name}: value {len(texts)} is longer than its tensor")
            raw = bytes(content[start:place])
            try:
                texts.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                problems.append(Problem(len(texts), name, raw.decode("latin-1"), "must be UTF-8"))
                texts.append(None)
            self._check_count(name, len(texts))
        return texts

    def _check_count(self, name: str, count: int) -> None:
        if count > self._limit:
            detail = f"{name} has more than {self._limit} values; send the rows in parts"
            raise Refusal(413, "too many rows", detail)


def binary(values: Sequence[Any], datatype: str) -> bytes:
    """A tensor's bytes."""
    if datatype != "BYTES":
        return np.asarray(values, dtype=_DTYPES[datatype]).tobytes()
    texts = [value.encode() for value in values]
    return b"".join([part for text in texts for part in (struct.pack("<I", len(text)), text)])


def _unreadable(detail: str) -> Refusal:
    return Refusal(400, "no inference request", detail)
