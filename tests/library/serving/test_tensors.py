"""Tensors in binary: each type, and bytes that are none."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from modelyard.serving.http.tensors import BinaryReader, binary, split
from modelyard.serving.refusal import Refusal

TEXTS = b"".join(struct.pack("<I", len(text)) + text for text in (b"EWR", b"", "é".encode()))


def take(content, datatype, size=None, limit=10):
    problems = []
    reader = BinaryReader(memoryview(content), limit)
    values = reader.take("x", datatype, len(content) if size is None else size, problems)
    reader.end()
    return values, [(problem.row, problem.rule) for problem in problems]


@pytest.mark.parametrize(
    ("content", "datatype", "values"),
    [
        (np.array([1.5, -2], "<f8").tobytes(), "FP64", [1.5, -2.0]),
        (np.array([1.5, np.nan], "<f4").tobytes(), "FP32", [1.5, None]),
        (np.array([1.5], "<f2").tobytes(), "FP16", [1.5]),
        (np.array([1.5, -2], "<f4").view("<u4").__rshift__(16).astype("<u2").tobytes(), "BF16", [1.5, -2.0]),
        (np.array([2**62, -1], "<i8").tobytes(), "INT64", [2**62, -1]),
        (np.array([-3], "<i4").tobytes(), "INT32", [-3]),
        (b"\xff\x01", "INT8", [-1, 1]),
        (b"\xff\x01", "UINT8", [255, 1]),
        (b"\x01\x00", "BOOL", [True, False]),
        (TEXTS, "BYTES", ["EWR", "", "é"]),
        (b"", "FP64", []),
    ],
)
def test_each_type_is_read(content, datatype, values):
    assert take(content, datatype) == (values, [])


def test_values_that_cannot_be_are_named():
    assert take(np.array([1, np.inf, -np.inf], "<f8").tobytes(), "FP64")[1] == [
        (1, "must be finite"),
        (2, "must be finite"),
    ]
    assert take(b"\x01\x00\x00\x00a\x01\x00\x00\x00\xff", "BYTES")[1] == [(1, "must be UTF-8")]


@pytest.mark.parametrize(
    ("content", "datatype", "size", "said"),
    [
        (b"12345678", "FP64", 16, "binary_data_size is 16, but 8 bytes are left"),
        (b"12345678", "FP64", -8, "binary_data_size is -8"),
        (b"12345678", "FP64", True, "binary_data_size is True"),
        (b"12345678", "FP64", "8", "binary_data_size is 8, but 8"),
        (b"12345678", "FP64", 7, "7 bytes are no whole number of values"),
        (b"12345678", "FP32", 4, "4 bytes behind the JSON belong to no tensor"),
        (b"12345678", "FP8", 8, "there is no datatype 'FP8' in binary"),
        (b"\x03\x00\x00\x00ab", "BYTES", 6, "value 0 is longer than its tensor"),
        (b"\x00\x00\x00\x00\x01", "BYTES", 5, "value 1 is longer than its tensor"),
        (b"\xff\xff\xff\xff", "BYTES", 4, "value 0 is longer than its tensor"),
        (bytes(11), "BOOL", 11, "more than 10 values"),
        (bytes(44), "BYTES", 44, "more than 10 values"),
    ],
)
def test_bytes_that_are_no_tensor_are_refused(content, datatype, size, said):
    with pytest.raises(Refusal, match=said):
        take(content, datatype, size)


@pytest.mark.parametrize("length", [b"", b"x", b"-1", b"0", b"6", b"9" * 50, "²".encode()])
def test_a_length_that_the_body_does_not_have_is_refused(length):
    with pytest.raises(Refusal, match="the body has 5 bytes"):
        split(b"{}123", length)


def test_a_body_is_split_where_its_json_ends():
    assert split(b"{}123", b"2") == (b"{}", b"123")
    assert split(b"{}123", None) == (b"{}123", b"")


@pytest.mark.parametrize(
    ("values", "datatype"),
    [([0.1, 0.2], "FP64"), ([True, False], "BOOL"), ([0, 1], "INT64"), (["EWR", "é"], "BYTES"), ([], "BYTES")],
)
def test_what_is_written_can_be_read(values, datatype):
    assert take(binary(values, datatype), datatype) == (values, [])
