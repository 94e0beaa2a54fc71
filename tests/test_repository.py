"""What must never be in this repository, and what each file of it must keep."""

from __future__ import annotations

import re
import subprocess

import pytest

from projects import ROOT

# in pieces, so that this file does not hold what it looks for
HOSTS = re.compile("|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs")))
MOST_LINES = 250
ACTIONS = re.compile(r"uses: (?!\./)(\S+)(.*)")


def tracked() -> list[str]:
    """The files that are in Git or about to be."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    return [name for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0") if name]


@pytest.mark.parametrize("name", [name for name in tracked() if (ROOT / name).is_file()])
def test_a_file_names_no_registry_and_no_folder_of_a_machine(name: str) -> None:
    text = (ROOT / name).read_text(errors="replace")  # a picture is no text
    assert not HOSTS.search(text)
    assert str(ROOT) not in text
    assert (ROOT / name).stat().st_size < 500_000


@pytest.mark.parametrize("name", [name for name in tracked() if name.endswith(".py") and "/tests/" not in name])
def test_a_module_is_read_in_one_sitting(name: str) -> None:
    if not name.startswith("tests/") and (ROOT / name).is_file():
        assert len((ROOT / name).read_text().splitlines()) <= MOST_LINES


def test_third_party_actions_are_pinned_by_commit() -> None:
    workflows = list((ROOT / ".github/workflows").glob("*.yml"))
    used = [found for path in workflows for found in ACTIONS.findall(path.read_text())]
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
