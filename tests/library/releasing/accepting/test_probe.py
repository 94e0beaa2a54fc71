from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from modelyard.releasing.accepting.probe import read_probe
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.contract import ContractError

from flight_delays import project


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_predictions_and_decisions_are_the_bundles_own(kind, request):
    folder = request.getfixturevalue(kind).root / "bundle"
    probe, predictor = read_probe(project, read_bundle(folder)), project.predictor(folder)
    scores = predictor.predict(probe.rows)
    right = list(zip(scores.tolist(), predictor.decide(scores), strict=True))
    assert [probe.fault(number, one) for number, one in enumerate(right)] == [None] * len(probe.rows)


def test_the_last_bit_counts(probe):
    prediction, decision = probe.answers[3]
    found = (float(np.nextafter(prediction, 1)), decision)
    assert str(probe.fault(3, found)).startswith(f"probe row 3 is answered with [{found[0]}, {decision}], and the ")
    assert probe.fault(3, (prediction, not decision))


def test_a_bundle_without_probe_rows_is_refused(bundle, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(bundle.folder, folder)
    (folder / "probe.json").write_text(json.dumps({"rows": [], "answers": []}))
    object.__setattr__(bundle, "folder", folder)
    with pytest.raises(ContractError, match=r"probe\.json has no rows, so nothing can be asked"):
        read_probe(project, bundle)
