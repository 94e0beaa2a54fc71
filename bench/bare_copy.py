"""What duckdb alone does with the same log files: read the JSON, and write one Parquet file."""

from __future__ import annotations

import sys

import duckdb


def main(pattern: str, target: str) -> None:
    """Copy all lines."""
    duckdb.sql("SET memory_limit = '1GiB'")
    duckdb.sql("SET threads = 2")
    duckdb.sql("SET preserve_insertion_order = false")
    duckdb.sql(
        f"COPY (SELECT * FROM read_json('{pattern}', format = 'newline_delimited')) "  # noqa: S608
        f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
