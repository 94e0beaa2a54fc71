"""A review of labels as a pull request: applied, judged, approved by an owner, merged and proven on main."""

from __future__ import annotations

import json

from .hosted import Hosted, why

# What `make labels-review` leaves, two of whose lines a person filled in
SUSPECTS = """\
flight_id,period,slice,given,predicted,probability,uncertainty,disagreement,label,reviewer,reason
UA-1545-2013-01-01T05,2013-01,origin=EWR; carrier=UA,false,true,0.0213,0.1483,,true,Ada,the airline's log
UA-1714-2013-01-01T05,2013-01,origin=LGA; carrier=UA,false,true,0.0224,0.1547,,keep,Ada,the airline's log
AA-1141-2013-01-01T05,2013-01,origin=JFK; carrier=AA,false,true,0.0239,0.1628,,,,
"""
# What the command adds to dvc.yaml at the first review, so that an owner looks at it once
WATCHED = ("dvc.yaml", "      - contract.yaml\n", "      - contract.yaml\n      - corrections\n")


def corrected_labels(hosted: Hosted, commit: str) -> list[int]:
    periods = json.loads(hosted.repository.read(commit, "data/ledger.json"))["periods"]
    return [entry["corrected"]["labels"] for entry in periods.values() if "corrected" in entry]


def test_a_label_review_is_applied_judged_approved_merged_and_proven(hosted: Hosted) -> None:
    pull = hosted.propose("reviewed", {"corrections/review-1.csv": SUSPECTS, **hosted.edit(*WATCHED)})
    runs = [run for run in hosted.deliver() if run.file == "train.yml"]
    assert [run.conclusion for run in runs] == ["success", "success"], why(*runs)
    assert corrected_labels(hosted, pull.head_sha) == [1]
    (comment,) = pull.comments
    assert "**1 label corrected by people** (0 on main): `Ada` (1). 1 reviewed label kept." in comment
    assert "| origin = EWR | false → true | 1 |" in comment
    assert json.loads(runs[1].artifacts["report"]["verdict.json"])["verdict"] == "ships"

    assert not pull.mergeable_by_checks(["model"])  # until an owner has seen that dvc.yaml changed
    hosted.github.review(pull, "octo", "COMMENTED", "/approve")
    hosted.deliver()
    assert pull.mergeable_by_checks(["model"])

    merged = hosted.github.merge(pull)
    runs = [run for run in hosted.deliver() if run.file == "train.yml"]
    assert [run.conclusion for run in runs] == ["success"], why(*runs)
    assert "identical: " in runs[0].jobs["prove"].log
    assert corrected_labels(hosted, merged) == [1]
