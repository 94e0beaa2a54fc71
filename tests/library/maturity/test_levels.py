"""Which level the items reach, and what holds the next one back."""

from __future__ import annotations

import pytest
from modelyard.maturity.found import JudgedItem, Lack, Part, Trace, best, score
from modelyard.maturity.items import ITEMS
from modelyard.maturity.levels import GOOGLE, MICROSOFT, levels

HAND, WORKFLOW = Trace("by a person", "here"), Trace("by a workflow", "there", automated=True)
WORDS = {"automated": WORKFLOW, "by hand": HAND, "missing": Lack("nothing")}


def judged(state="automated", **others):
    states = {item.key: others.get(item.key, state) for item in ITEMS}
    return [JudgedItem(item.key, item.section, item.name, item.workflow, (WORDS[states[item.key]],)) for item in ITEMS]


def test_the_levels_ask_for_items_that_are_there():
    assert {key for step in (*GOOGLE, *MICROSOFT) for key in step} <= {item.key for item in ITEMS}


@pytest.mark.parametrize(
    ("items", "reached"),
    [
        (judged("missing"), (0, 0)),
        (judged("by hand"), (0, 0)),
        (judged(), (2, 4)),
        (judged(canary="missing"), (1, 2)),
        (judged(rollback="by hand"), (2, 4)),
        (judged(staleness="by hand"), (0, 3)),
        (judged("missing", features="automated", model_code="automated"), (0, 1)),
    ],
)
def test_the_level_is_the_last_one_of_which_nothing_lacks(items, reached):
    assert tuple(one.reached for one in levels(items)) == reached


def test_what_holds_it_back_is_named_with_what_is_needed():
    google, microsoft = levels(judged(canary="by hand", rollback="missing"))
    assert str(google) == (
        "Google: level 1 of 2; level 2 lacks a version is tried first (by hand, automated is needed), "
        "a version can be taken back (missing, by hand is needed)"
    )
    assert str(levels(judged())[1]) == "Microsoft: level 4, the highest"
    assert microsoft.reached == 2


def test_the_score_is_the_least_section():
    total, sums = score(judged(inputs="missing", quality="by hand"))
    assert (total, sums) == (5.5, {"data": 7.0, "model": 7.0, "infrastructure": 7.0, "monitoring": 5.5})


@pytest.mark.parametrize(
    ("parts", "state", "lacks"),
    [
        ((WORKFLOW,), "automated", []),
        ((WORKFLOW, WORKFLOW), "automated", []),
        ((HAND,), "by hand", ["the workflow"]),
        ((WORKFLOW, HAND), "by hand", ["the workflow"]),
        ((WORKFLOW, Lack("the rest")), "by hand", ["the rest"]),
        ((HAND, Lack("the rest")), "by hand", ["the rest", "the workflow"]),
        ((Lack("all"),), "missing", ["all"]),
    ],
)
def test_a_state_follows_from_the_parts(parts: tuple[Part, ...], state, lacks):
    one = JudgedItem("key", "data", "Name", Lack("the workflow"), parts)
    assert (one.state, [lack.what for lack in one.lacks]) == (state, lacks)


def test_of_alternatives_a_workflows_trace_counts_before_a_persons():
    assert best(Lack("none"), HAND, WORKFLOW) is WORKFLOW
    assert best(Lack("none"), HAND) is HAND
    assert best(Lack("first"), Lack("second")) == Lack("first")
