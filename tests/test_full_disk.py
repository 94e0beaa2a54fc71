"""The prediction log on a disk that is really full: a small file system of its own, which needs the rights to mount.

Root has them; others get them in a user namespace, where the kernel gives those.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from projects import ROOT, made_once


@pytest.mark.xdist_group("images")
def test_a_full_and_a_read_only_disk_degrade_to_a_counter_without_a_torn_line(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = made_once("classification", tmp_path_factory)
    # in a namespace of its own, so that nothing stays mounted however this ends
    space = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs -o size=1m none "$1" && exec python "$2" "$1"'
    printed = project.run(*space, "sh", "-c", script, "sh", tmp_path, ROOT / "tests/full_disk.py")
    told = json.loads(printed.splitlines()[-1])

    assert told["full"].endswith("No space left on device")
    assert told["read-only"].endswith("Read-only file system")
    assert told["written while read-only"] == 0
    assert told["failure"] is None
    on_full_disk = [json.loads(line)["request"] for line in told["lines on the full disk"].splitlines()]
    assert told["lines on the full disk"].endswith("\n")
    assert on_full_disk[:100] == [str(number) for number in range(100)]

    kept = [int(json.loads(line)["request"]) for line in told["lines"].splitlines()]
    assert len(kept) == told["written"]
    assert told["written"] + told["dropped"] == 10_400
    assert kept == sorted(set(kept))  # none twice, and in order
    for start in (0, 20_000, 30_000, 40_000):  # the disk had room for these, sooner or later
        assert set(range(start, start + 100)) <= set(kept)
    assert told["dropped"] > 1000
