"""Compressed bodies are answered as plain ones, and none becomes larger than a body may be."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from modelyard.serving.http.endpoints import LARGE


def raw(body):
    """Deflate without zlib's header, which some clients send."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


WAYS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "Deflate": raw, "identity": bytes}


@pytest.mark.parametrize(("encoding", "compress"), WAYS.items(), ids=WAYS)
@pytest.mark.parametrize("copies", [1, 10, 6000])
def test_a_compressed_body_is_answered_as_a_plain_one(app, probe, encoding, compress, copies):
    body = json.dumps({"rows": [probe["rows"][0]] * copies}).encode()
    assert (len(body) > LARGE) == (copies == 6000)
    told = app.post("/predict", compress(body), content_encoding=encoding)
    assert told.status == 200
    assert [one["prediction"] for one in told.json()["predictions"]] == [probe["answers"][0]] * copies


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "é"])
def test_another_encoding_is_refused_and_those_there_are_named(app, encoding):
    told = app.post("/predict", b"{}", content_encoding=encoding)
    assert (told.status, told.headers["accept-encoding"]) == (415, "gzip, deflate")
    assert "gzip or deflate" in told.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "it is something else"),
        (b"", "it is cut off"),
        (gzip.compress(b'{"rows": []}', mtime=0)[:-3], "it is cut off"),
        (gzip.compress(b'{"rows": []}', mtime=0) + b"x", "something comes behind its end"),
        (gzip.compress(b"{}", mtime=0)[:-8] + bytes(8), "it is something else"),
    ],
)
def test_a_broken_body_is_refused(app, body, said):
    told = app.post("/predict", body, content_encoding="gzip")
    assert (told.status, told.json()["detail"].rpartition(": ")[2]) == (400, said)


@pytest.mark.parametrize("size", [3_000, 2_000_000, 500_000_000])
def test_a_body_that_would_become_too_large_is_refused(called, made, size):
    app = called(made.root / "bundle", config={"body_mb": 0.002 if size < LARGE else 1.5})
    compressor = zlib.compressobj(wbits=31)
    parts = [compressor.compress(bytes(1_000)) for _ in range(3)]
    if size > 3_000:
        parts += [compressor.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)]
    told = app.post("/predict", b"".join(parts) + compressor.flush(), content_encoding="gzip")
    assert told.status == 413
