"""The extras of the library that reach a store: each kind of URL has a client of its own."""

from __future__ import annotations

EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "abfs": "az",
    "abfss": "az",
    "ssh": "ssh",
    "sftp": "ssh",
}


def store_extra(store: str | None) -> tuple[str, ...]:
    """The extra of the project's package that reaches a store; none for a folder."""
    extra = EXTRAS.get(store.partition("://")[0]) if store and "://" in store else None
    return (extra,) if extra else ()
