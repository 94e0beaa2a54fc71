from __future__ import annotations

import pytest
from builders.data import DATA
from builders.kinds import BUILDERS
from builders.measured import measure

REFUSED = {"SVC, probability"}


@pytest.mark.parametrize("name", sorted(BUILDERS.keys() - REFUSED))
def test_the_export_answers_as_the_estimator_does(name):
    measured = {(task, data_set): measure(name, task, data_set) for task in BUILDERS[name].tasks for data_set in DATA}
    assert {key: one.refused for key, one in measured.items() if one.refused} == {}
    assert {key: one.difference for key, one in measured.items() if not one.difference <= 1e-9} == {}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_refused_says_what_to_take_instead(name):
    assert "can be" in measure(name, BUILDERS[name].tasks[0], "flights").refused
