"""An update of one package, as Dependabot proposes it: it is relocked or there is nothing to do, and main proves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from projects import clone_of

from .hosted import Hosted, why

# Of scikit-learn and numpy, trees are made; of ruff nothing is
UPDATES = {"scikit-learn": "1.8.0", "numpy": "2.4.4", "ruff": "0.16.0"}
RELOCKED = ("scikit-learn", "numpy")


@pytest.mark.parametrize("package", UPDATES)
def test_an_update_is_relocked_where_it_can_change_the_model_and_main_proves_it(
    hosted: Hosted, package: str, tmp_path: Path
) -> None:
    clone = clone_of(hosted.project, tmp_path)
    clone.run("uv", "lock", "--quiet", "--upgrade-package", f"{package}=={UPDATES[package]}")
    branch = f"dependabot/uv/{package}-{UPDATES[package]}"
    pull = hosted.propose(branch, {"uv.lock": (clone.root / "uv.lock").read_bytes()})
    first = pull.head_sha

    runs = [run for run in hosted.deliver() if run.file == "train.yml"]
    assert [run.conclusion for run in runs] == ["success"] * len(runs), why(*runs)
    assert pull.mergeable_by_checks(["model"])
    if package in RELOCKED:
        assert [run.event.name for run in runs] == ["pull_request", "workflow_dispatch"]
        assert pull.repository.log(pull.head_sha).startswith("Update dvc.lock [dependabot skip]")
        assert {"dvc.lock", "versions.json"} <= set(pull.repository.changed(first, pull.head_sha))
    else:
        assert [run.event.name for run in runs] == ["pull_request"]
        assert pull.head_sha == first
    (comment,) = pull.comments
    assert comment.startswith("**✅ The checks of commit")

    hosted.github.merge(pull)
    proof = next(run for run in hosted.deliver(("train.yml",)) if run.event.name == "push")
    assert proof.conclusion == "success", why(proof)
    assert "**Identical:**" in proof.summary
