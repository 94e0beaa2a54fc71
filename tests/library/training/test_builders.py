from __future__ import annotations

import pytest
from builders.data import DATA
from builders.kinds import BUILDERS
from builders.measured import measure


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_the_export_answers_as_the_estimator_does(name):
    measured = {(task, data_set): measure(name, task, data_set) for task in BUILDERS[name].tasks for data_set in DATA}
    assert {key: one.refused for key, one in measured.items() if one.refused} == {}
    assert {key: one.difference for key, one in measured.items() if not one.difference <= 1e-9} == {}
