from __future__ import annotations

import hashlib
import json
import threading

import numpy as np
import pytest
from library.serving.conftest import relist
from modelyard.errors import ContractError
from modelyard.runtime.bundle import bundled_contract
from modelyard.runtime.matrix import matrix
from modelyard.runtime.predictor import OnnxModel
from modelyard.runtime.rows import encode
from modelyard.serving.answers import loaded
from modelyard.serving.answers.breaker import Breaker
from modelyard.serving.answers.variants import Served
from modelyard.serving.config import ModelConfig, SplitConfig

from flight_delays import project

KINDS = ["made", "made_regression", "made_multiclass"]
EVER = 1e9  # milliseconds
NEVER = 1e-9


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def probes(workspace):
    return json.loads((workspace.root / "bundle/probe.json").read_text())


def serve(bundle, deadline_ms=EVER, **config):
    given = {name: value if isinstance(value, SplitConfig) else str(value) for name, value in config.items()}
    return Served(project, "flights", ModelConfig(str(bundle), **given), deadline_ms)


def table_of(served, workspace):
    return served.table(encode(probes(workspace)["rows"], served.contract))


def far(served, table):
    """The same rows, for which a failing model fails."""
    changed = table.copy()
    changed[:, served.predictor.manifest["training"]["features"].index("distance")] = 6000
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_answers_columns_and_tables_alike_and_says_that_it_did(kind, request, short):
    workspace = request.getfixturevalue(kind)
    served = serve(workspace.root / "bundle")
    columns = encode(probes(workspace)["rows"], served.contract)
    for given in (columns, served.table(columns)):
        found = served.answer(given)
        assert found.scores.tolist() == probes(workspace)["answers"]
        assert (found.by, found.bundle) == ("model", short(workspace.root / "bundle"))
        assert (found.kind, found.rows) == (served.contract.kind, None)
        assert found.decisions() == project.predictor(workspace.root / "bundle").decide(found.scores)


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_model_fails_the_last_good_one_answers(kind, request, failing, copied, short):
    workspace = request.getfixturevalue(kind)
    threshold = 0.9 if kind == "made" else None  # only two classes have one
    good = copied(workspace, "good", threshold=threshold)
    served = serve(failing(workspace), fallback=good)
    table = table_of(served, workspace)
    assert served.answer(table).by == "model"
    found = served.answer(far(served, table))
    assert (found.by, found.bundle) == ("last good", short(good))
    assert found.scores.tolist() == project.predictor(good).model.answer(far(served, table)).tolist()
    assert found.predictor.threshold == threshold


@pytest.mark.parametrize("kind", KINDS)
def test_where_all_fail_the_baseline_answers_every_row_the_same(kind, request, failing, short):
    workspace = request.getfixturevalue(kind)
    bundle = failing(workspace)
    served = serve(bundle, fallback=failing(workspace, "failing too"))
    found = served.answer(far(served, table_of(served, workspace)))
    assert (found.by, found.bundle) == ("baseline", short(bundle))
    baseline = json.loads((bundle / "manifest.json").read_text())["training"]["baseline"]
    assert found.scores.shape == np.array(probes(workspace)["answers"]).shape
    assert np.unique(found.scores.reshape(100, -1), axis=0).tolist() == [baseline]
    assert len(found.decisions()) == 100


def test_without_a_last_good_one_the_baseline_answers(made, failing):
    served = serve(failing(made))
    assert served.answer(far(served, table_of(served, made))).by == "baseline"


def test_a_model_that_fails_five_times_in_a_row_is_left_alone_and_tried_again_later(made, failing, clock):
    served = serve(failing(made))
    served.first.breaker = Breaker(clock=clock)
    table = table_of(served, made)
    for _ in range(5):
        assert served.answer(far(served, table)).by == "baseline"
    assert served.answer(table).by == "baseline"  # though it could answer these
    clock.now += 10
    assert served.answer(far(served, table)).by == "baseline"  # the one try
    assert served.answer(table).by == "baseline"
    clock.now += 10
    assert [served.answer(table).by for _ in range(3)] == ["model"] * 3
    assert served.first.breaker.is_closed


def test_a_model_that_is_slow_five_times_in_a_row_is_left_alone(made, copied, clock):
    served = serve(made.root / "bundle", deadline_ms=NEVER, fallback=copied(made))
    served.first.breaker = Breaker(clock=clock)
    table = table_of(served, made)
    assert [served.answer(table).by for _ in range(12)] == ["model"] * 5 + ["last good"] * 5 + ["baseline"] * 2
    clock.now += 10
    assert [served.answer(table).by for _ in range(2)] == ["model", "baseline"]
    served._deadline = EVER
    clock.now += 10
    assert [served.answer(table).by for _ in range(2)] == ["model"] * 2


def test_a_batch_has_as_much_time_as_its_rows_need(made, monkeypatch):
    served = serve(made.root / "bundle", deadline_ms=10)
    given = []
    monkeypatch.setattr(served.first, "answer", lambda table, deadline: given.append(deadline) or np.zeros(len(table)))
    for rows in (1, 1000, 1001, 100_000):
        served.answer(np.zeros((rows, 15)))
    assert given == pytest.approx([0.01, 0.01, 0.02, 1.0])


def test_an_answer_that_is_no_number_counts_as_a_failure(made, copied):
    served = serve(made.root / "bundle", fallback=copied(made))
    table = table_of(served, made)
    for rows in (1, 3):
        served.first._answer = lambda table: np.full(len(table), np.nan)
        assert served.answer(table[:rows]).by == "last good"


def test_no_rows_have_an_answer_too(made, made_multiclass):
    assert serve(made.root / "bundle").answer(np.empty((0, 15))).scores.shape == (0,)
    assert serve(made_multiclass.root / "bundle").answer(np.empty((0, 15))).scores.shape == (0, 3)


def test_many_threads_get_the_answers_of_their_own_rows(made, failing, copied):
    served = serve(failing(made), fallback=copied(made))
    table = table_of(served, made)
    expected = served.answer(table).scores
    wrong = []

    def ask(start):
        for place in range(start, 100, 4):
            rows = table[place : place + 1] if place % 3 else far(served, table[place : place + 1])
            found = served.answer(rows)
            if found.by == "model" and abs(found.scores[0] - expected[place]) > 1e-12:
                wrong.append(place)

    threads = [threading.Thread(target=ask, args=[start]) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_split_sends_a_key_always_the_same_way(made, copied, short):
    second = copied(made, "second")
    served = serve(made.root / "bundle", split=SplitConfig(str(second), "X-Customer", 0.5))
    table = table_of(served, made)[:1]
    names = {short(made.root / "bundle"): False, short(second): True}
    for key in map(str, range(50)):
        taken = {names[served.answer(table, key).bundle] for _ in range(2)}
        assert taken == {served.split.takes(key)}
    assert served.answer(table).bundle == short(made.root / "bundle")


def test_a_batch_whose_rows_have_keys_is_answered_by_both(made, copied, short):
    second = copied(made, "second")
    served = serve(made.root / "bundle", split=SplitConfig(str(second), "carrier", 0.5))
    table = table_of(served, made)
    keys = [row["carrier"] for row in probes(made)["rows"]]
    parts = served.answer_each(table, keys)
    assert [part.bundle for part in parts] == [short(made.root / "bundle"), short(second)]
    assert sorted(row for part in parts for row in part.rows) == list(range(100))
    for part, takes in zip(parts, (False, True), strict=True):
        assert {served.split.takes(keys[row]) for row in part.rows} == {takes}
        np.testing.assert_allclose(part.scores, np.array(probes(made)["answers"])[part.rows], rtol=1e-12)


def test_a_batch_whose_keys_all_go_one_way_is_answered_in_one(made, copied, short):
    second = copied(made, "second")
    for share, folder in ((0.0, made.root / "bundle"), (1.0, second)):
        served = serve(made.root / "bundle", split=SplitConfig(str(second), "carrier", share))
        table = table_of(served, made)[:3]
        (part,) = served.answer_each(table, ["AA", "B6", "UA"])
        assert (part.bundle, part.rows) == (short(folder), None)
    (part,) = serve(made.root / "bundle").answer_each(table[:0], [])
    assert part.rows is None


def test_a_second_bundle_that_fails_is_stood_in_for(made, failing, copied, short):
    good = copied(made, "good")
    second = SplitConfig(str(failing(made)), "X-Customer", 1.0)
    served = serve(made.root / "bundle", fallback=good, split=second)
    found = served.answer(far(served, table_of(served, made)), "ada")
    assert (found.by, found.bundle) == ("last good", short(good))


def test_a_shadow_sees_the_same_rows(made, copied, short):
    shadow = copied(made, "shadow")
    served = serve(made.root / "bundle", shadow=shadow)
    found = []
    served.shadow.offer(table_of(served, made), lambda scores, _ms: found.append(scores.tolist()))
    served.close()
    assert found == [probes(made)["answers"]]
    assert served.shadow.bundle == short(shadow)


@pytest.mark.parametrize("place", ["fallback", "shadow", "split.bundle"])
def test_a_bundle_that_predicts_something_else_cannot_stand_beside_the_model(made, made_regression, place):
    other = str(made_regression.root / "bundle")
    config = {"split": SplitConfig(other, "X-Customer", 0.5)} if place == "split.bundle" else {place: other}
    with pytest.raises(ContractError, match=rf"models.flights.{place}: .*cannot stand beside the model") as refused:
        serve(made.root / "bundle", **config)
    assert "its target is 'delay'; the first bundle's is 'late'" in str(refused.value)
    assert "its kind is 'regression'; the first bundle's is 'binary'" in str(refused.value)


def change(folder, name, **values):
    path = folder / "contract.json"
    contract = json.loads(path.read_text())
    contract["columns"][name] |= values
    path.write_text(json.dumps(contract))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["contract.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("carrier", {"values": ["ZZ", "AA"]}, "its input carrier has another values"),
        ("distance", {"role": "unused"}, "its list of inputs is"),
        ("distance", {"type": "number", "missing": False}, None),
        ("temp", {"missing": False}, "its input temp must not be missing, and the first bundle's may"),
        ("scheduled_departure", {"format": "%d.%m.%Y"}, "its input scheduled_departure has another format"),
        ("distance", {"minimum": 5, "maximum": 9000}, None),
        ("distance", {"missing": True}, None),
    ],
)
def test_a_bundle_may_stand_beside_the_model_where_it_takes_the_same_inputs(made, copied, name, values, told):
    other = copied(made)
    first = json.loads((made.root / "bundle/contract.json").read_text())["columns"]
    if values.get("type") == "number":
        values = {"type": first[name]["type"]}
    change(other, name, **values)
    if told is None:
        assert serve(made.root / "bundle", fallback=other)
    else:
        with pytest.raises(ContractError, match=told):
            serve(made.root / "bundle", fallback=other)


def test_a_bundle_with_other_features_is_refused(made, copied):
    manifest = json.loads((made.root / "bundle/manifest.json").read_text())
    other = copied(made, training=manifest["training"] | {"features": ["x"]})
    with pytest.raises(ContractError, match=r"its list of features is \['x'\]"):
        serve(made.root / "bundle", shadow=other)


def test_a_folder_without_a_bundle_is_refused(made, tmp_path):
    with pytest.raises(ContractError, match="holds no bundle"):
        serve(made.root / "bundle", fallback=tmp_path)
    with pytest.raises(ContractError, match="bundle holds no bundle"):
        Served(project, "flights", ModelConfig())


@pytest.mark.parametrize("name", ["model.onnx", "contract.json", "reference.json"])
def test_a_bundle_that_is_not_whole_is_refused_with_the_file(made, copied, name):
    bundle = copied(made)
    raw = (bundle / name).read_bytes()
    (bundle / name).write_bytes(raw + b"\n")
    with pytest.raises(ContractError, match=rf"{name} is not the file that the manifest lists; .* copy it again"):
        serve(bundle)
    (bundle / name).write_bytes(raw)
    assert serve(bundle)


def test_a_bundle_whose_manifest_is_cut_off_is_refused(made, copied):
    bundle = copied(made)
    (bundle / "manifest.json").write_bytes((bundle / "manifest.json").read_bytes()[:100])
    with pytest.raises(ContractError, match=r"manifest\.json is no valid JSON: .* copy it again"):
        serve(bundle)


def test_a_bundle_without_one_of_its_files_is_refused(made, copied):
    bundle = copied(made)
    (bundle / "reference.json").unlink()
    with pytest.raises(ContractError, match=r"reference\.json is missing, and the manifest lists it; .* copy it again"):
        serve(bundle)


@pytest.fixture
def older(copied):
    """Copies a bundle as an older version left it, whose weekday began on Sunday: its features have the same names."""

    def copy(workspace, name="older"):
        folder = copied(workspace, name)
        contract = bundled_contract(folder)
        rows = json.loads((folder / "probe.json").read_text())["rows"]
        made = project.features(encode(rows, contract), contract)
        made["scheduled_departure_weekday"] = (made["scheduled_departure_weekday"] + 1) % 7
        model = project.predictor(workspace.root / "bundle").model
        (folder / "probe.json").write_text(json.dumps({"rows": rows, "answers": model.answer(matrix(made)).tolist()}))
        relist(folder)
        return folder

    return copy


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["bundle", "fallback", "shadow", "split.bundle"])
def test_a_bundle_of_an_older_version_with_other_features_is_refused_wherever_it_stands(kind, place, request, older):
    workspace = request.getfixturevalue(kind)
    old = older(workspace)
    if place == "bundle":
        with pytest.raises(ContractError, match="probe rows are not answered as by the pipeline"):
            serve(old)
        return
    config = {"split": SplitConfig(str(old), "X-Customer", 0.5)} if place == "split.bundle" else {place: old}
    with pytest.raises(ContractError, match=rf"models\.flights\.{place}: cannot stand beside the model: .* probe rows"):
        serve(workspace.root / "bundle", **config)


def test_a_bundle_beside_the_model_is_asked_with_the_features_of_the_models_contract(made, copied):
    class Scaled:
        """Features that depend on a limit in the contract, which is another in each bundle."""

        name = project.name

        @staticmethod
        def features(columns, contract):
            computed = project.features(columns, contract)
            return computed | {"distance": computed["distance"] - contract.columns["distance"].minimum}

    def scale(folder, minimum):
        change(folder, "distance", minimum=minimum)
        contract = bundled_contract(folder)
        rows = json.loads((folder / "probe.json").read_text())["rows"]
        answers = OnnxModel(folder / "model.onnx", contract, Scaled.features).predict(encode(rows, contract))
        (folder / "probe.json").write_text(json.dumps({"rows": rows, "answers": answers.tolist()}))
        relist(folder)
        return str(folder)

    first, same, far = (scale(copied(made, name), by) for name, by in (("first", 0), ("same", 0), ("far", -900)))
    assert Served(Scaled, "flights", ModelConfig(first, fallback=same))
    assert Served(Scaled, "flights", ModelConfig(far))
    with pytest.raises(ContractError, match=r"models\.flights\.fallback: cannot stand beside the model"):
        Served(Scaled, "flights", ModelConfig(first, fallback=far))


def test_a_bundle_of_another_name_cannot_stand_beside_the_model(made, copied):
    renamed = copied(made, "renamed")
    manifest = json.loads((renamed / "manifest.json").read_text())
    (renamed / "manifest.json").write_text(json.dumps(manifest | {"name": "penguins"}))
    contract = json.loads((renamed / "contract.json").read_text())
    (renamed / "contract.json").write_text(json.dumps(contract | {"name": "penguins"}))
    relist(renamed)
    assert serve(renamed)
    with pytest.raises(ContractError, match="its name is 'penguins'; the first bundle's is 'flights'"):
        serve(made.root / "bundle", fallback=renamed)


def test_a_bundle_of_another_project_is_refused(made, copied):
    assert serve(copied(made, "same", package="flight_delays"))
    with pytest.raises(ContractError, match="is a bundle of 'penguin_species', and this is flight_delays"):
        serve(copied(made, "other", package="penguin_species"))


def test_a_probe_that_is_never_answered_is_not_waited_for(made, monkeypatch):
    ends = threading.Event()

    class Stuck:
        name = project.name

        @staticmethod
        def features(columns, contract):
            ends.wait(30)
            return project.features(columns, contract)

    monkeypatch.setattr(loaded, "PROBE_SECONDS", 0.05)
    try:
        with pytest.raises(ContractError, match=r"bundle: its probe rows are not answered within 0\.05 s"):
            Served(Stuck, "flights", ModelConfig(str(made.root / "bundle")))
    finally:
        ends.set()
