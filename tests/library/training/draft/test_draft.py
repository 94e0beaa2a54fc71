from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest
from modelyard.command import run_command
from modelyard.errors import ContractError
from modelyard.training.bundle import bundle
from modelyard.training.data.dataset import read_rows
from modelyard.training.data.sources.files import FileSource
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.draft.draft import draft, main
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml, round_trip
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from modelyard.training.train import train
from sample import SAMPLE
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from flight_delays import project as flights

SETTINGS = ["contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"]
SMALL = {
    "model": {"estimator": "gradient_boosting", "gradient_boosting": {"max_iter": 60}},
    "evaluate": {"bootstrap": 100, "importance_rows": 100, "importance_repeats": 1},
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with the settings of the sample, in which one stands."""
    root = tmp_path / "my-data"
    for name in SETTINGS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes((SAMPLE / name).read_bytes())
    monkeypatch.chdir(root)
    return root


def diabetes(path: Path) -> None:
    load_diabetes(as_frame=True).frame.to_csv(path, index=False)


def iris(path: Path) -> None:
    load_iris(as_frame=True).frame.to_csv(path, index=False)


def breast_cancer(path: Path) -> None:
    load_breast_cancer(as_frame=True).frame.to_csv(path, index=False)


def iris_by_name(path: Path) -> None:
    data = load_iris(as_frame=True)
    data.frame.assign(target=data.target_names[data.target]).to_csv(path, index_label="", index=True)


def weather(path: Path) -> None:
    """The hours of one airport, with a time in UTC, and its offset, as its text."""
    lines = (SampleSource()._folder / "weather.csv").read_text().splitlines()
    path.write_text("\n".join(line for line in lines if line.startswith(("origin", "EWR"))) + "\n")


FOREIGN = {
    "diabetes": (diabetes, Roles(), "regression", None),
    "iris": (iris, Roles(), "multiclass", None),
    "iris by name": (iris_by_name, Roles(), "multiclass", None),
    "breast cancer": (breast_cancer, Roles(), "binary", None),
    "weather": (
        weather,
        Roles(target="temp", time="time_hour", timezone="America/New_York"),
        "regression",
        "time_hour",
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_data_goes_through_the_whole_pipeline_without_touching_python(project, name):
    write, roles, kind, time = FOREIGN[name]
    write(project / "data.csv")
    contract = draft(project, FileSource("data.csv").read(str(project / "data.csv")), files("data.csv"), roles)
    edit_yaml(project / "params.yaml", SMALL)
    assert (contract.kind, contract.time) == (kind, time)
    assert read_contract() == contract
    settings = read_contract(), read_params()
    ingest(project, *settings)
    for stage in (train, evaluate, bundle):
        stage(flights, project, *settings)
    metrics = json.loads((project / "bundle/metrics.json").read_text())
    primary = "rmse" if kind == "regression" else "log_loss"
    assert metrics["holdout"][primary]["value"] < metrics["baseline"][primary]


def files(path: str) -> dict[str, str]:
    return {"kind": "files", "path": path}


def trips(**columns: list) -> pa.Table:
    count = 40
    plain = {"size": [place / 2 for place in range(count)], "kind": ["a", "b"] * 20}
    return pa.table({**plain, **columns, "price": [place + 0.5 for place in range(count)]})


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_contract_keeps_the_owner_and_takes_the_folders_name(project):
    edit_yaml(project / "contract.yaml", {"owner": "Ada"})
    draft(project, trips(), files("data.csv"), Roles())
    assert (read_contract().owner, read_contract().name) == ("Ada", "my-data")


def test_a_project_whose_contract_is_broken_can_be_drafted_anew(project):
    (project / "contract.yaml").write_text("columns: 3\n")
    draft(project, trips(), files("data.csv"), Roles())
    assert read_contract().owner == "(to be named)"


def test_the_other_settings_are_fitted_and_keep_their_comments(project):
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("\nsplit:", "\n# How much is held out, and why.\nsplit:"))
    draft(project, trips(), files("data.csv"), Roles())
    params = read_params()
    assert (params.watermark, params.split.holdout, params.evaluate.resample) == (None, 0.2, "row")
    assert params.source.path == "data.csv"
    assert "\n# How much is held out, and why.\nsplit:" in path.read_text()


def test_no_comment_that_stays_speaks_of_the_samples_rows(project):
    draft(project, trips(), files("data.csv"), Roles())
    subject = re.compile("flight|airport|airline|carrier|plane|weather|departure", re.I)
    told = [line for name in SETTINGS for line in (project / name).read_text().splitlines() if subject.search(line)]
    assert [line for line in told if "flight_delays" not in line] == []


def test_data_with_time_is_held_out_by_its_last_periods(project):
    days = pa.array([f"2013-{1 + place // 4:02}-{1 + place % 4:02} 12:00" for place in range(40)])
    draft(project, trips().add_column(0, "when", days), files("data.csv"), Roles())
    params = read_params()
    assert (params.period, params.watermark, params.split.holdout) == ("month", "2013-10", 1)
    assert read_contract().time == "when"


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([f"2013-{1 + place // 40:02}-{1 + place % 10:02}" for place in range(400)], "day"),
        ([f"{1990 + place // 40}-05-01" for place in range(400)], "row"),  # so there is one day in the holdout
    ],
    ids=["ten days a month", "a day a year"],
)
def test_days_are_drawn_together_where_the_holdout_has_enough_of_them(project, times, expected):
    rows = pa.table({"when": times, "size": [place % 7 for place in range(400)], "price": [*map(float, range(400))]})
    draft(project, rows, files("data.csv"), Roles(time="when"))
    assert read_params().evaluate.resample == expected


@pytest.mark.parametrize(
    ("late", "held_out"),
    [(8, 4), (4, 8), (3, 4)],  # of 24 months; three a month would need more than a third of them
    ids=["a sixth is enough", "a third is needed", "a third is too little"],
)
def test_the_holdout_has_as_many_rows_of_each_class_as_a_verdict_needs(project, late, held_out):
    months = [f"{year}-{month:02}" for year in (2011, 2012) for month in range(1, 13)]
    rows = [(f"{month}-{1 + row % 28:02}", row * 7 % 40, int(row < late)) for month in months for row in range(40)]
    lines = ["day,size,late", *(f"{day},{size},{is_late}" for day, size, is_late in rows)]
    (project / "mine.csv").write_text("\n".join(lines) + "\n")
    main(["mine.csv", "--target", "late", "--time", "day"], flights)
    split = read_params().split
    assert (split.holdout, split.validation) == (held_out, held_out)


# rows of each of twelve months, of which the last `pigs` rows are of a rare class, and the months held out
UNEVEN = [
    ([40] * 12, 0, 2),
    ([10] * 8 + [80, 80, 60, 60], 0, 1),  # two would leave 80 of 360 rows to train on, though one has few dogs
    ([20] * 6 + [60] * 6, 0, 2),
    ([40] * 12, 130, 1),  # of the rare class, the training rows have fifty by one month, and none by two
]


@pytest.mark.parametrize(("counts", "pigs", "held_out"), UNEVEN)
def test_the_holdout_leaves_half_of_the_rows_and_each_class_to_train_on(project, counts, pigs, held_out):
    days = [f"2013-{month:02}-{1 + row % 28:02}" for month, count in enumerate(counts, 1) for row in range(count)]
    animals = [["cat", "dog"][row % 7 % 2] for row in range(len(days) - pigs)] + ["pig"] * pigs
    rows = pa.table({"day": days, "size": [row % 9 for row in range(len(days))], "animal": animals})
    pyarrow.csv.write_csv(rows, "uneven.csv")
    main(["uneven.csv"], flights)
    ingest(project, read_contract(), read_params())
    assert read_params().split.holdout == held_out
    train_rows = read_rows(project, read_contract(), read_params(), "train")
    assert set(train_rows.target) == set(range(len(read_contract().classes)))
    assert 2 * len(train_rows.target) >= len(days)


def test_a_class_that_no_split_could_train_is_refused_with_its_rows_and_nothing_is_written(project):
    before = contents(project)
    days = [f"2013-{1 + row // 20:02}-{1 + row % 20:02}" for row in range(240)]
    animals = [*["cat", "dog", "dog"] * 78, *["pig"] * 6]
    table = pa.table({"day": days, "size": [row % 9 for row in range(240)], "animal": animals})
    told = r"animal = 'pig' has 6 rows, in 2013-12; leave these rows out at the source, or give them the name"
    with pytest.raises(ContractError, match=told):
        draft(project, table, files("data.csv"), Roles(target="animal"))
    animals = ["pig" if row in (0, 7) else "cat" if row % 2 else "dog" for row in range(240)]  # held out by place
    with pytest.raises(ContractError, match=r"animal = 'pig' has 2 rows, in holdout"):
        draft(
            project, table.drop(["day", "animal"]).append_column("animal", pa.array(animals)), files("a.csv"), Roles()
        )
    assert contents(project) == before


def test_a_split_that_a_person_chose_is_refused_where_a_class_cannot_be_trained_by_it(project):
    days = [f"2013-{1 + row // 20:02}-{1 + row % 20:02}" for row in range(240)]
    animals = [*["cat", "dog"] * 60, *["cat", "dog", "pig"] * 40]
    table = pa.table({"day": days, "size": [row % 9 for row in range(240)], "animal": animals})
    draft(project, table, files("data.csv"), Roles())
    for size in (3, "91d"):
        edit_yaml(Path("params.yaml"), {"split": {"holdout": size, "validation": size}})
        told = r"'pig' has 40 rows, in 2013-07 to 2013-12; make split\.holdout or split\.validation in params"
        with pytest.raises(ContractError, match=told):
            draft(project, table, files("data.csv"), Roles())


# which of twelve months have rows with a target, and the period, the watermark and the periods held out
LATE = [
    (range(12), ("month", "2013-12", 2)),
    (range(10), ("month", "2013-10", 1)),
    (range(3), ("day", "2013-03-04", 2)),
    ([0, 1, 2, 3, 5, 6, 7, 9], ("month", "2013-10", 2)),  # one month would be a validation period without a target
]


@pytest.mark.parametrize(("labelled", "expected"), LATE)
@pytest.mark.parametrize("target", ["price", "sold"])
def test_the_watermark_is_the_last_period_with_a_target(project, capsys, labelled, expected, target):
    days = [(month, day) for month in range(12) for day in range(1, 5)]
    known = {"price": [place + 0.5 for place in range(48)], "sold": ["yes", "no"] * 24}[target]
    columns = {
        "when": [f"2013-{month + 1:02}-{day:02}T12:00:00" for month, day in days],
        "size": [place % 7 + 0.5 for place in range(48)],
        target: [value if month in labelled else None for value, (month, _) in zip(known, days, strict=True)],
    }
    pyarrow.csv.write_csv(pa.table(columns), "late.csv")
    main(["late.csv"], flights)
    params = read_params()
    assert (params.period, params.watermark, params.split.holdout) == expected
    late = 48 - 4 * (max(labelled) + 1)
    said = f"watermark: {expected[1]}, the last {expected[0]} with a target; {late} later rows have no {target} yet"
    assert (said in capsys.readouterr().out) == (late > 0)
    ingest(project, read_contract(), params)
    for part in ("train", "validation", "holdout"):
        assert len(read_rows(project, read_contract(), params, part).target)


def test_the_policy_has_no_bounds_of_another_data_set(project):
    edit_yaml(project / "policy.yaml", {"champion": {"metric": "recall", "margin": 0.2}, "slices": {"margin": 3.0}})
    draft(project, trips(), files("data.csv"), Roles())
    policy = round_trip().load(project / "policy.yaml")
    assert policy["floors"] == {}
    assert policy["champion"]["metric"] is None


@pytest.mark.parametrize(
    ("source", "margins"), [(diabetes, (0.0, 0.0, None)), (breast_cancer, (0.001, 0.01, {"margin": 0.01}))]
)
def test_the_margins_suit_the_unit_of_the_target(project, source, margins):
    source(project / "data.csv")
    draft(project, pyarrow.csv.read_csv("data.csv"), files("data.csv"), Roles(target="target"))
    policy = round_trip().load(project / "policy.yaml")
    assert (policy["champion"]["margin"], policy["slices"]["margin"], policy["calibration"]) == margins


@pytest.mark.parametrize(
    ("path", "watched"),
    [
        ("data.csv", "data.csv"),
        ("rows/data.parquet", "rows/data.parquet"),
        ("rows/*.csv", "rows"),
        ("rows/20*/??.csv", "rows"),
        ("https://example.org/data.csv", None),
        ("*.csv", None),
    ],
)
def test_dvc_watches_a_source_that_is_on_this_machine(project, path, watched):
    before = round_trip().load(project / "dvc.yaml")["stages"]["ingest"]["deps"]
    for _ in range(2):
        draft(project, trips(), files(path), Roles())
    after = round_trip().load(project / "dvc.yaml")["stages"]["ingest"]["deps"]
    assert after == (before if watched is None else [*before, watched])


def test_dvc_keeps_all_else_of_the_pipeline(project):
    before = round_trip().load(project / "dvc.yaml")
    draft(project, trips(), files("rows/*.csv"), Roles())
    after = round_trip().load(project / "dvc.yaml")
    after["stages"]["ingest"]["deps"].remove("rows")
    assert after == before
    assert after["stages"]["ingest"]["cmd"] == "python -m flight_delays ingest"


def test_text_that_yaml_could_take_for_something_else_is_read_back_as_text(project):
    values = ["NO", "9E", "1e5", "0x1F", "null", "~", "on", "12:30", "2013-01-01T", "- a", "a: b", "", "é", "#", "true"]
    draft(project, trips(odd=[values[place % len(values)] for place in range(40)]), files("data.csv"), Roles())
    assert read_contract().columns["odd"].values == sorted(values)


def test_a_column_may_have_any_name(project):
    names = ["a b", "a: b", "#", "NO", "1", "null", "ä", "{x}", "- y"]
    draft(project, trips(**{name: list(range(40)) for name in names}), files("data.csv"), Roles())
    assert set(names) < set(read_contract().columns)


def test_personal_data_is_refused_until_a_purpose_is_stated(project):
    draft(project, trips(email=["a@b.org", "c@d.org"] * 20), files("data.csv"), Roles())
    with pytest.raises(ContractError, match=r"contract\.yaml: columns\.email: it is marked pii and gives no purpose"):
        read_contract()
    edit_yaml(project / "contract.yaml", {"columns": {"email": {"purpose": "to answer"}}})
    assert read_contract().columns["email"].role == "unused"


@pytest.mark.parametrize(
    "table", [trips().slice(0, 0), trips().select(["price"]), trips(x=[[1]] * 40), trips().select(["size", "kind"])[:1]]
)
def test_where_no_contract_can_be_guessed_nothing_is_written(project, table):
    before = contents(project)
    with pytest.raises(ContractError):
        draft(project, table, files("data.csv"), Roles())
    assert contents(project) == before


def test_a_file_with_its_header_alone_is_named(project):
    (project / "rows.csv").write_text("size,price\n")
    with pytest.raises(ContractError, match=r"^rows\.csv has no rows to draft a contract from"):
        main(["rows.csv"], flights)


def test_where_the_times_are_too_few_nothing_is_written(project):
    before = contents(project)
    with pytest.raises(ContractError, match="the times lie in fewer than 4 days"):
        draft(project, trips(when=["2013-01-01 12:00"] * 40), files("data.csv"), Roles(time="when"))
    assert contents(project) == before


@pytest.fixture
def committed(project) -> Path:
    """The same project, saved in Git, beside data that is not."""
    pyarrow.csv.write_csv(trips(), project / "data.csv")
    git(project, "init", "-q")
    git(project, "add", *SETTINGS)
    git(project, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "all")
    return project


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_are_not_in_git_yet_are_not_overwritten(committed, name):
    with (committed / name).open("a") as opened:
        opened.write("# mine\n")
    before = contents(committed)
    with pytest.raises(
        SystemExit, match=f'{name}: changed since the last commit, .* commit it first, or add ARGS="--force"$'
    ):
        run_command(lambda: main(["data.csv"], flights))
    assert contents(committed).items() >= {key: before[key] for key in SETTINGS}.items()


def test_the_advice_keeps_the_options_that_were_given(committed):
    (committed / "contract.yaml").write_text("# mine\n")
    given = ["--target=price", "--track", "--purpose", "email=to answer", "--", "data.csv"]  # as make gives them
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: main(given, flights))
    assert str(ended.value).endswith("or add ARGS=\"--force --track --purpose 'email=to answer'\"")


def test_where_git_cannot_say_what_is_saved_nothing_is_overwritten(committed, monkeypatch):
    (committed / "contract.yaml").write_text("# mine\n")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as in a folder of another user
    with pytest.raises(SystemExit, match=r"error: .*dubious ownership"):
        run_command(lambda: main(["data.csv"], flights))
    assert (committed / "contract.yaml").read_text() == "# mine\n"


def test_force_overwrites_them(committed):
    (committed / "contract.yaml").write_text("# mine\n")
    main(["data.csv", "--force"], flights)
    assert read_contract().target == "price"


@pytest.mark.usefixtures("committed")
def test_saved_settings_are_overwritten_and_the_roles_told(capsys):
    main(["data.csv", "--target", "size", "--id", "price"], flights)
    assert read_contract().target == "size"
    assert capsys.readouterr().out.splitlines()[:3] == [
        "contract.yaml: 3 columns of 40 rows (regression)", "  target: size", "  id: price"
    ]  # fmt: skip


def test_files_of_a_glob_are_drafted_together(committed):
    months = trips().append_column("when", pa.array([f"2013-{1 + place // 4:02}-01" for place in range(40)]))
    (committed / "rows").mkdir()
    for month in pc.unique(months["when"]).to_pylist():
        pyarrow.parquet.write_table(months.filter(pc.equal(months["when"], month)), f"rows/{month}.parquet")
    main(["rows/*.parquet", "--target", "price", "--time", "when"], flights)
    assert read_params().watermark == "2013-10"
    assert read_contract().columns["size"].maximum > 20


def test_files_that_do_not_fit_together_are_told(committed):
    (committed / "a1.csv").write_text("key,price\n1,2\n")
    (committed / "a2.csv").write_text("key,price\nx,2\n")
    with pytest.raises(SystemExit, match=r"the files of a\?\.csv do not fit together"):
        run_command(lambda: main(["a?.csv"], flights))


def test_a_query_is_drafted(committed):
    with_sqlite(committed / "rows.db", trips())
    main(["sqlite:///rows.db", "--query", "SELECT * FROM rows"], flights)
    source = read_params().source
    assert (source.kind, source.url, source.query) == ("sql", "sqlite:///rows.db", "SELECT * FROM rows")
    ingest(committed, read_contract(), read_params())
    assert (committed / "data/ledger.json").is_file()


def with_sqlite(path: Path, table: pa.Table) -> None:
    with sqlite3.connect(path) as connection:
        table.to_pandas().to_sql("rows", connection, index=False)


def test_another_source_takes_the_place_of_the_one_that_ingest_watched(workspace):
    watched = [str(workspace.source)]
    months = pa.concat_tables(workspace.month(f"2013-{month:02}") for month in range(1, 7))
    for path in ("first.csv", "second.csv", "https://example.com/third.csv"):
        draft(workspace.root, months, {"kind": "files", "path": path}, Roles(target="late"))
        deps = round_trip().load(workspace.root / "dvc.yaml")["stages"]["ingest"]["deps"]
        watched.append(deps[-1])
    assert watched[1:3] == ["first.csv", "second.csv"]
    assert watched[3] == "contract.yaml"


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("data/*.parquet", "data/periods"),  # DVC would find the pipeline's output in what ingest depends on
        ("data/**/*.parquet", "data/periods"),
        ("data/periods/*.parquet", "data/periods"),
        ("rows/../data/*.csv", "data/periods"),
        ("evaluation/slices.csv", "evaluation/slices.csv"),
        ("evaluation/*.csv", "evaluation/predictions.parquet"),
        ("*/*.csv", "evaluation/slices.csv"),
        ("**/*.csv", "data/periods"),
        ("model/*.csv", "model/model.onnx"),
        ("bundle/more.csv", "bundle"),
        ("champion/rows.csv", "champion"),
        ("file://{root}/data/*.csv", "data/periods"),
        ("{root}/data/*.csv", "data/periods"),
    ],
)
def test_a_source_among_what_the_pipeline_makes_is_refused_in_words_and_nothing_is_written(project, path, made):
    before = contents(project)
    with pytest.raises(ContractError, match=rf"{made}.* a folder of its own, such as rows/"):
        draft(project, trips(), files(path.format(root=project)), Roles())
    assert contents(project) == before


@pytest.mark.parametrize(
    ("path", "watched"),
    [
        ("data/mine.csv", ["data/mine.csv"]),
        ("./rows/mine.csv", ["rows/mine.csv"]),
        ("{root}/rows/*.csv", ["rows"]),
        ("../my-data/rows/*.csv", ["rows"]),
        ("../beside/*.csv", ["../beside"]),
        ("?.csv", ["1.csv", "2.csv"]),
        ("${{x}}.csv", ["\\${{x}}.csv"]),
    ],
)
def test_dvc_reads_the_pipeline_with_any_other_source(project, path, watched):
    for name in ("1.csv", "2.csv"):
        (project / name).touch()
    before = round_trip().load(project / "dvc.yaml")["stages"]["ingest"]["deps"]
    draft(project, trips(), files(path.format(root=project)), Roles())
    expected = [name.format(root=project) for name in watched]
    assert round_trip().load(project / "dvc.yaml")["stages"]["ingest"]["deps"] == [*before, *expected]
    (project / ".dvc").mkdir()
    (project / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    (project / "vendor").mkdir()
    for name in ("vendor/yard.json", "versions.json"):
        (project / name).write_bytes((SAMPLE / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "dag"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_source_in_the_project_is_kept_by_its_place_in_it(committed):
    main([str(committed.resolve() / "data.csv")], flights)
    assert read_params().source.path == "data.csv"


SECRET = "hunter2"  # noqa: S105


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("sqlite:///$ROWS", "sqlite:///$ROWS"),
        ("sqlite:///${ROWS}", "sqlite:///${ROWS}"),
        ("sqlite:///$$ROWS", "sqlite:///$ROWS"),  # as a person who knows make writes it
    ],
)
def test_params_keep_the_name_of_a_variable(committed, monkeypatch, url, kept):
    with_sqlite(committed / "rows.db", trips())
    monkeypatch.setenv("ROWS", "rows.db")
    main([url, "--query", "SELECT * FROM rows"], flights)
    assert read_params().source.url == kept
    ingest(committed, read_contract(), read_params())


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@host/db",
        f"postgresql+psycopg://me:{SECRET}/@host/db",
        f"postgresql://me:$A-{SECRET}@host/db",
        f"postgresql://host/db?user=me&password={SECRET}",
        f"mssql+pyodbc://@host/db?odbc_connect=DRIVER%3Dx%3BPWD%3D{SECRET}",
    ],
)
def test_a_password_in_clear_is_refused_and_never_shown(committed, capsys, url):
    before = contents(committed)
    with pytest.raises(SystemExit, match=r"a password in clear, .* write the variable's name") as refused:
        run_command(lambda: main([url, "--query", "SELECT 1"], flights))
    assert SECRET not in str(refused.value) + "".join(capsys.readouterr())
    assert contents(committed) == before


@pytest.mark.parametrize(
    "path",
    [
        f"https://me:{SECRET}@host/rows.csv",
        f"https://{SECRET}@host/rows.csv",
        f"https://host/rows.csv?token={SECRET}",
        f"https://bucket.s3.amazonaws.com/rows.csv?X-Amz-Signature={SECRET}",
        f"https://host.blob.core.windows.net/rows.csv?sv=1&sig={SECRET}",
    ],
)
@pytest.mark.usefixtures("committed")
def test_a_secret_in_the_address_of_a_file_is_refused_and_never_shown(path):
    with pytest.raises(SystemExit, match="a password or a token in its address") as refused:
        run_command(lambda: main([path], flights))
    assert SECRET not in str(refused.value)


@pytest.mark.usefixtures("committed")
def test_without_a_source_it_says_how_to_give_one():
    with pytest.raises(
        SystemExit, match=r"no source is given; for example `make contract SOURCE=my\.csv TARGET=price`"
    ):
        run_command(lambda: main([""], flights))
