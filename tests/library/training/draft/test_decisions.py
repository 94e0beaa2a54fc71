"""What a draft decides is told, and what it would write is what ingest takes."""

from __future__ import annotations

import datetime
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from modelyard.command import run_command
from modelyard.errors import ContractError
from modelyard.reporting.docs import main as write_docs
from modelyard.runtime.table_files import read_chunks
from modelyard.training.answered_holdout import draw_groups
from modelyard.training.data.dataset import read_rows
from modelyard.training.draft.draft import main
from modelyard.training.draft.guess import guess_contract
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml
from modelyard.training.ingest import ingest
from modelyard.training.settings import open_purposes, read_contract, read_params
from modelyard.training.strict_yaml import read_yaml
from sample import SAMPLE

from flight_delays import project as flights

SETTINGS = ["contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"]
ROWS = 60
pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with the settings of the sample, in which one stands."""
    root = tmp_path / "my-data"
    (root / "docs").mkdir(parents=True)
    for name in SETTINGS:
        shutil.copyfile(SAMPLE / name, root / name)
    monkeypatch.chdir(root)
    return root


def table(**columns: object) -> pa.Table:
    plain = {"size": [place / 2 for place in range(ROWS)]}
    return pa.table({**plain, **columns, "sold": ["yes", "no", "no"] * (ROWS // 3)})


def repeated(*values: object) -> list:
    return [values[place % len(values)] for place in range(ROWS)]


def drafted(capsys, *arguments: str) -> list[str]:
    """The lines that a draft prints of what it decided; ingest takes the source by what was written."""
    capsys.readouterr()
    main(list(arguments), flights)
    told = capsys.readouterr().out.splitlines()
    ingest(Path(), read_contract(), read_params())
    return [line.strip() for line in told]


def told_of(column: str, lines: list[str]) -> str:
    """What is told of a column: its role, its type and why."""
    return next(" ".join(line[len(column) :].split()) for line in lines if line.startswith(f"{column}  "))


def refused(root: Path, *arguments: str) -> str:
    """The message with which a draft ends; nothing was written."""
    before = {name: (root / name).read_bytes() for name in SETTINGS}
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: main(list(arguments), flights))
    assert {name: (root / name).read_bytes() for name in SETTINGS} == before
    return str(ended.value)


@pytest.mark.parametrize(
    ("values", "positive", "costs", "rarer"),
    [
        (repeated("fraud", "ok", "ok", "ok"), "'ok'", "1, a 'fraud' taken for it 3", "'fraud' is rarer: if it is what"),
        (repeated("no", "no", "yes"), "'yes'", "2, a 'no' taken for it 1", None),
        (repeated(0, 1), "1", "1, a 0 taken for it 1", None),
        (repeated(True, True, True, False), "True", "1, a False taken for it 3", None),
    ],
)
def test_the_positive_class_is_named_with_what_its_errors_cost(capsys, values, positive, costs, rarer):
    pyarrow.csv.write_csv(table(state=values), "data.csv")
    (line,) = [line for line in drafted(capsys, "data.csv", "--target", "state") if line.startswith("positive class")]
    assert f"positive class: {positive}, the last of [" in line
    assert f"a missed {positive} costs {costs} (params.yaml); " in line
    assert (rarer or "is rarer") in line if rarer else "is rarer" not in line


@pytest.mark.parametrize("mine", [None, 5.0])
def test_drafted_costs_turn_with_the_positive_class_and_those_of_a_person_stay(capsys, mine):
    pyarrow.csv.write_csv(table(state=repeated("bad", *["good"] * 9)), "data.csv")
    (line,) = [line for line in drafted(capsys, "data.csv", "--target", "state") if line.startswith("positive class")]
    assert line.endswith("""last in `values`, and draft again with ARGS="--force", which turns the costs too""")
    edit_yaml(Path("contract.yaml"), {"columns": {"state": {"values": ["good", "bad"]}}})
    if mine:
        edit_yaml(Path("params.yaml"), {"evaluate": {"false_negative_cost": mine}})
    lines = drafted(capsys, "data.csv", "--target", "state", "--force")
    evaluate = read_params().evaluate
    assert (evaluate.false_positive_cost, evaluate.false_negative_cost) == ((9, mine) if mine else (1, 9))
    said = "params.yaml: the drafted costs are turned with the positive class: false_positive_cost 9 -> 1, "
    assert [line for line in lines if line.startswith("params.yaml")] == (
        [] if mine else [f"{said}false_negative_cost 1 -> 9"]
    )
    assert not any("is rarer" in line for line in lines)
    drafted(capsys, "data.csv", "--target", "state", "--force")
    assert read_params().evaluate == evaluate


CSV = "land;zip;hours;size;sold\n" + "NA;01234;?;1,5;yes\nDE;12345;3;2,25;no\nNO;12345;4;2;no\n" * 20


def test_what_cells_were_taken_for_is_told(capsys):
    Path("data.csv").write_text(CSV)
    assert drafted(capsys, "data.csv")[2:-1] == [
        "cells separated by semicolons",
        "numbers with a decimal comma, such as '1,5'",
        "positive class: 'yes', the last of ['no', 'yes']; a missed 'yes' costs 2, a 'no' taken for it 1 (params.yaml);"
        " 20 rows have it, 33%",
        "gradient_boosting: at least 5 rows in a leaf; `make tune` tries 2 to 20",
        "no time column found: rows are split at random, by their place in the data, as no column is an id",
        "land   feature  string   2 values; 33.3% missing; 'NA' in 20 cells means missing: if it is a value, add it to "
        "`values`",
        "zip    feature  integer  1234 to 12,345; '01234' is the number 1234: if the zeros matter, its type is string",
        "hours  feature  string   3 values; text, as '?' in 20 of 60 cells; all others are numbers: if it means "
        "missing, leave these cells empty at the source, and the column is one of numbers",
        "size   feature  number   1.5 to 2.25",
        "sold   target   string   2 values",
    ]


def test_what_is_told_of_missing_values_can_be_followed(project, capsys):
    Path("data.csv").write_text(CSV)
    drafted(capsys, "data.csv")
    edit_yaml(Path("contract.yaml"), {"columns": {"land": {"values": ["DE", "NA", "NO"], "missing": False}}})
    edit_yaml(Path("contract.yaml"), {"columns": {"zip": {"type": "string", "role": "unused"}}})
    edit_yaml(Path("contract.yaml"), {"columns": {"zip": {"minimum": None, "maximum": None}}})
    ingest(project, read_contract(), read_params())
    (file,) = (project / "data/periods").glob("*.parquet")
    taken = pyarrow.parquet.read_table(file)
    assert set(taken["land"].to_pylist()) == {"NA", "DE", "NO"}
    assert set(taken["zip"].to_pylist()) == {"01234", "12345"}
    rows = [row for chunk in read_chunks(Path("data.csv"), read_contract()) for row in chunk.rows]
    assert [row["land"] for row in rows[:3]] == ["NA", "DE", "NO"]


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("note", [f"text {place}" for place in range(ROWS)],
         "unused string 60 different texts in 60 rows, too many to learn from each; to use it, list some as `values` "
         "with `other: true` and role feature; if it names the row, give it role id"),
        ("kind", [f"kind {place if place < 20 else place % 5}" for place in range(ROWS)],
         "feature string 20 values"),
        ("kind", [f"kind {place if place < 30 else place % 5}" for place in range(ROWS)],
         "feature string 30 values: a category with `other`; the 5 in at least 3 rows are listed, and all others count "
         "as one"),
        ("note", pa.nulls(ROWS), "unused string no value"),
        ("note", ["x"] * ROWS, "feature string always 'x', so nothing can be learned from it"),
        ("note", [*range(ROWS - 6), *[None] * 6], "feature integer 0 to 53; 10.0% missing"),
        ("cost", [f"1.{place:03},5" for place in range(ROWS)],
         "feature number numbers in text: read as number by format '1.234,5', 1000.5 to 1059.5"),
        ("cost", [f"$1,{place:03}" for place in range(ROWS)],
         "feature integer looks like money: read as number in $ by format '1,234.5', 1000 to 1059"),
        ("cost", [f"({place / 2:.1f}%)" for place in range(ROWS)],
         "feature number looks like percent: read as number in % by format '1,234.5', -29.5 to 0"),
        ("cost", [f"1,{place:03}" for place in range(ROWS)],
         "unused string numbers such as '1,000', '1,001', '1,002' may be written as 1,234.5 or 1.234,5: say which, as "
         "in ARGS=\"--format cost=1,234.5\""),
        ("cost", [f"{'$€'[place % 2]}{place}" for place in range(ROWS)], "unused string 60 different texts"),
        ("cost", [*map(str, range(ROWS - 1)), "n/a?"],
         "unused string 'n/a?' in 1 of 60 cells; all others are numbers: if it means missing, leave"),
        ("cost", repeated("1", "2.5", "nil"),
         "feature string 3 values; text, as 'nil' in 20 of 60 cells; all others are numbers: if it means missing, "
         "leave these cells empty at the source, and the column is one of numbers"),
        ("cost", [*map(str, range(ROWS - 9)), *"abcabcabc"], "all others are numbers"),
        ("day", [f"{1 + place % 12:02}/{1 + place // 12:02}/2013" for place in range(ROWS)],
         "unused string dates such as '01/01/2013', '02/01/2013', '03/01/2013' may be %m/%d/%Y or %d/%m/%Y: say which, "
         "as in ARGS=\"--format day=%m/%d/%Y\""),
        ("day", [f"{1 + place % 28:02}.{1 + place // 12:02}.2013" for place in range(ROWS)],
         "time timestamp 2013-01-01 to 2013-05-28; written as %d.%m.%Y; becomes weekday, without hour and year "
         "(constant), month, day_of_year and elapsed (no month comes twice)"),
        ("date", [20130101 + 100 * (place // 12) + place % 28 for place in range(ROWS)],
         "time timestamp 2013-01-01 to 2013-05-28; written as %Y%m%d"),
        ("size", [20130101 + 100 * (place // 12) + place % 28 for place in range(ROWS)], "feature integer 20,130,101"),
        ("paid", [f"{1 + place % 28:02}.{1 + place // 12:02}.19" for place in range(ROWS)],
         "time timestamp 2019-01-01 to 2019-05-28; written as %d.%m.%y, whose years of two digits are 1969 to 2068; "),
        ("when", [f"20{10 + place // 4}{'Qq'[place % 2]}{1 + place % 4}" for place in range(ROWS)],
         "quarters: for a time, put the first day of each in its place at the source, such as 2013-04-01"),
        ("when", [f"Q{1 + place % 4} {2000 + place // 20}" for place in range(ROWS)],
         "feature string 12 values; quarters: for a time, "),
        ("when", [*(f"2013-W{1 + place:02}" for place in range(52)), *["2014-W01"] * 8], "weeks: for a time, put the"),
        ("a", repeated("Yes", "no", "yes", " YES"),
         "' YES', 'Yes', 'yes' differ in case or blanks only: if they mean the same, write one of them at the source"),
        ("' a '", repeated("x", " y"), "the blanks belong to the name, here and for whoever asks the model"),
        ("' a '", repeated("x", " y"), "blanks at an end of ' y' belong to the value"),
        ("a", repeated("x", "None", "-"),
         "'-', 'None' is a value: if it means missing, leave these cells empty at the source"),
    ],
)  # fmt: skip
def test_what_a_column_is_taken_for_is_told(capsys, name, values, told):
    pyarrow.parquet.write_table(table(**{name.strip("'"): values}), "data.parquet")
    assert told in told_of(name, drafted(capsys, "data.parquet"))


def test_what_could_be_the_time_is_told_and_can_be_followed(capsys):
    days = [f"{1 + place % 12:02}/{1 + place // 12:02}/2013" for place in range(ROWS)]
    pyarrow.parquet.write_table(table(day=days, year=[1990 + place // 6 for place in range(ROWS)]), "data.parquet")
    (line,) = (line for line in drafted(capsys, "data.parquet") if line.startswith("no time column"))
    assert 'day with ARGS="--time day --format day=%m/%d/%Y" or year with ARGS="--time year"' in line
    for column, form in (("day", "%d/%m/%Y"), ("year", "%Y")):
        arguments = ["--time", column, *(["--format", f"{column}={form}"] if column == "day" else [])]
        told = drafted(capsys, "data.parquet", "--force", *arguments)
        assert f"; written as {form}; becomes " in told_of(column, told)
        assert read_contract().time == column


def test_an_entity_that_repeats_is_told_and_can_be_kept_together(capsys):
    patients = [f"p{place % 12}" for place in range(ROWS)]
    visits = [None, *(f"2013-0{1 + place % 9}-01" for place in range(ROWS - 1))]
    pyarrow.parquet.write_table(table(patient=patients, visit=visits), "data.parquet")
    (line,) = (line for line in drafted(capsys, "data.parquet") if line.startswith("no time column"))
    assert "visit has times, but is missing in 1 of 60 rows" in line
    assert 'patient repeats: ARGS="--group patient" keeps all rows of one in the same part' in line
    told = drafted(capsys, "data.parquet", "--force", "--group", "patient")
    assert any("rows are split at random, by patient, each with all of its rows" in line for line in told)
    assert read_contract().group == "patient"
    parts = [read_rows(Path(), read_contract(), read_params(), part) for part in ("train", "validation", "holdout")]
    found = [set(rows.table["patient"].to_pylist()) for rows in parts]
    assert sum(map(len, found)) == len(set().union(*found)) == 12
    groups = draw_groups(parts[2], read_contract(), read_params().evaluate)
    assert len(set(groups.tolist())) == len(found[2])
    again = drafted(capsys, "data.parquet", "--force")
    assert any("by patient" in line for line in again)  # what a person chose is kept


def test_a_group_with_a_missing_value_is_refused(project):
    pyarrow.parquet.write_table(table(patient=[None, *["p"] * (ROWS - 1)]), "data.parquet")
    assert "'patient' cannot be the group: it is missing in 1 of 60 rows" in refused(
        project, "data.parquet", "--group", "patient"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--time", "day"], "it has '01/01/2013', '02/01/2013', '03/01/2013'; that may be %m/%d/%Y or %d/%m/%Y: say "),
        (["--time", "kind"], "it has 'a', 'b'; a date in ISO 8601 such as 2013-12-24 can be read, and most others"),
        (
            ["--time", "when"],
            "it has '2013Q1', '2013Q2', '2013Q3'; these are quarters: for a time, put the first day of",
        ),
        (
            ["--time", "past", "--format", "past=%d/%m/%y"],
            "the column 'past' cannot be the time: 12 of 60 rows would lie in the future, in 2068 to 2068, as years of "
            "two digits are 1969 to 2068; write years of four digits at the source, or name another column with --time",
        ),
        (["--format", "day=%d.%m.%Y"], "60 rows are not written so, such as '01/01/2013', '02/01/2013', '03/01/2013'"),
        (["--format", "day=dd/mm"], "format is a strptime format such as"),
        (["--format", "days=%d"], "the source has no column 'days'; did you mean 'day'? it has:"),
        (["--format", "day"], "COLUMN=FORMAT is expected, such as day=%d/%m/%Y or price=1,234.5; the columns are:"),
    ],
)
def test_a_time_that_cannot_be_read_is_refused_with_examples(project, arguments, told):
    days = [f"{1 + place % 12:02}/{1 + place // 12:02}/2013" for place in range(ROWS)]
    quarters = [f"{2013 + place // 4}Q{1 + place % 4}" for place in range(ROWS)]
    past = [f"{1 + place % 12:02}/{1 + place // 12:02}/{68 + place // 12}" for place in range(ROWS)]
    pyarrow.parquet.write_table(table(day=days, when=quarters, past=past, kind=repeated("a", "b")), "data.parquet")
    assert told in refused(project, "data.parquet", *arguments)


@pytest.mark.parametrize(
    ("column", "values", "kind", "answer"),
    [
        ("email", repeated("a@b.org", "c@d.org"), "e-mail addresses", ["--purpose", "email=to answer"]),
        ("note", [f"+49 30 12345{place}" for place in range(ROWS)], "telephone numbers", ["--purpose", "note=to call"]),
        ("birth_rate", [*range(ROWS)], "by its name", ["--not-personal", "birth_rate"]),
    ],
)
def test_personal_data_is_an_open_question_whose_answer_can_be_typed(capsys, column, values, kind, answer):
    pyarrow.parquet.write_table(table(**{column: values}), "data.parquet")
    main(["data.parquet"], flights)
    told = capsys.readouterr().out
    assert f"open question: may {column} ({kind}) be held?" in told
    assert f"make contract SOURCE=data.parquet TARGET=sold ARGS=\"--force --purpose '{column}=the reason'\"" in told
    assert "Answer it, look at `git diff`" in told
    assert open_purposes() == [column]
    write_docs(["--drafted"], flights)
    assert not Path("docs/data.md").exists()
    drafted(capsys, "data.parquet", "--force", *answer)
    assert read_contract().columns[column].purpose == (answer[1].partition("=")[2] or None)
    write_docs(["--drafted"], flights)
    assert f"`{column}`" in Path("docs/data.md").read_text()


def roles() -> dict[str, str]:
    """The role of each column, also while a purpose is open."""
    return {name: column["role"] for name, column in read_yaml(Path("contract.yaml"))["columns"].items()}


@pytest.mark.parametrize("name", ["birth_date", "Date of Birth"])
def test_a_birthday_is_the_time_only_where_a_person_says_so(capsys, name):
    days = [f"{1950 + place}-03-{1 + place % 28:02}" for place in range(ROWS)]
    pyarrow.parquet.write_table(table(**{name: days}), "data.parquet")
    main(["data.parquet"], flights)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    told = told_of(name, lines)
    assert roles()[name] == "unused"
    assert told.startswith("unused timestamp seems to be personal data by its name; see the open question")
    assert told.endswith(" takes it")
    main(["data.parquet", "--force", "--time", name], flights)
    assert f"may {name} (by its name) be held?" in capsys.readouterr().out
    assert (roles()[name], open_purposes()) == ("time", [name])
    told = drafted(capsys, "data.parquet", "--force", "--time", name, "--not-personal", name)
    assert "2009-03-04; becomes" in told_of(name, told)


def test_a_birthday_of_two_digits_is_told_to_which_century_it_belongs(capsys):
    born = [f"{1 + place % 28:02}.{1 + place // 12:02}.{45 + place % 9}" for place in range(ROWS)]
    pyarrow.parquet.write_table(table(birthday=born), "data.parquet")
    told = drafted(capsys, "data.parquet", "--purpose", "birthday=to tell the age")
    assert told_of("birthday", told).endswith(" takes it; years of two digits are 1969 to 2068")


def test_another_time_is_taken_where_the_first_is_a_birthday(capsys):
    days = [f"{1950 + place}-03-{1 + place % 28:02}" for place in range(ROWS)]
    seen = [f"2013-{1 + place // 10:02}-{1 + place % 10:02}" for place in range(ROWS)]
    pyarrow.parquet.write_table(table(birthday=days, seen=seen, passport_no=range(ROWS)), "data.parquet")
    main(["data.parquet"], flights)
    told = told_of("birthday", [line.strip() for line in capsys.readouterr().out.splitlines()])
    assert [roles()[name] for name in ("birthday", "seen", "passport_no")] == ["unused", "time", "id"]
    assert open_purposes() == ["birthday", "passport_no"]
    assert told.endswith("see the open question below")


def test_data_with_nothing_but_a_time_beside_its_target_is_refused_in_words(project):
    Path("data.csv").write_text("day,sold\n" + "".join(f"2013-01-{place + 1:02},{place}\n" for place in range(28)))
    told = refused(project, "data.csv", "--target", "sold")
    assert "no column is left from which 'sold' could be predicted: day is time; add one at the source" in told


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.large_string())])
def test_text_of_parquet_is_taken_alike_however_it_is_held(capsys, kind):
    columns = {
        "day": [f"{2013 + place // 12}/{place % 12 + 1:02}/15" for place in range(ROWS)],
        "width": ["1.5", "2.5", "wide"] * (ROWS // 3),
    }
    cells = {name: pa.array(values).cast(kind) for name, values in columns.items()}
    pyarrow.parquet.write_table(table(**cells), "data.parquet")
    told = drafted(capsys, "data.parquet", "--target", "sold")
    assert "; written as %Y/%m/%d; becomes " in told_of("day", told)
    assert "text, as 'wide' in 20 of 60 cells" in told_of("width", told)


def test_classes_that_are_numbers_and_rows_without_a_target_are_told(capsys):
    rated = table(rating=[None, *repeated(1, 2, 3)[1:]])
    pyarrow.csv.write_csv(rated, "data.csv")
    told = drafted(capsys, "data.csv", "--target", "rating")
    assert "rating: 1 of 60 rows have none, so they neither train nor judge" in told
    assert 'rating: its 3 numbers are classes; for a quantity, draft again with ARGS="--force --regression"' in told
    again = drafted(capsys, "data.csv", "--target", "rating", "--force", "--regression")
    assert again[0] == "contract.yaml: 3 columns of 60 rows (regression)"
    assert read_contract().kind == "regression"
    drafted(capsys, "data.csv", "--target", "rating", "--force")
    assert read_contract().kind == "regression"  # what a person chose is kept


@pytest.mark.parametrize("written", [repeated(*range(1, 16)), [f"{place % 15}.0 €" for place in range(ROWS)]])
def test_a_quantity_with_few_different_values_is_no_class_where_a_person_says_so(capsys, written):
    pyarrow.parquet.write_table(
        table(pulse=[*written[:-1], "99.0 €" if isinstance(written[0], str) else 99]), "data.parquet"
    )
    drafted(capsys, "data.parquet", "--target", "pulse", "--regression")
    contract = read_contract()
    assert (contract.kind, contract.columns["pulse"].values) == ("regression", None)


def test_a_class_of_whole_numbers_without_a_training_row_may_be_a_quantity(project):
    pyarrow.parquet.write_table(table(pulse=[*repeated(50, 60, 70)[:-1], 99]), "data.parquet")
    told = refused(project, "data.parquet", "--target", "pulse")
    assert "pulse = 99 has 1 row, in " in told
    assert told.endswith('; or, if pulse is a quantity rather than a class, add ARGS="--regression"')
    told = refused(project, "data.parquet", "--target", "sold", "--regression")
    assert "--regression: a quantity is a number, and the target 'sold' has 'no', 'yes'; leave it out" in told


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", ""])
@pytest.mark.parametrize(("numbers", "role"), [(range(ROWS), "id"), ([*range(ROWS // 2)] * 2, "unused")])
def test_row_numbers_of_pandas_are_never_a_feature(capsys, name, numbers, role):
    pyarrow.parquet.write_table(table(**{name: [*numbers]}), "data.parquet")
    why = "row numbers" if role == "unused" else "names each row"
    assert told_of(name or repr(name), drafted(capsys, "data.parquet")) == f"{role} integer {why}"
    assert read_contract().columns[name].role == role


def test_a_second_number_for_each_row_is_no_feature_either(capsys):
    numbers = {"id": [*range(ROWS)], "PassengerId": [*range(ROWS, 0, -1)], "TicketNo": [*range(ROWS // 2)] * 2}
    pyarrow.parquet.write_table(table(**numbers), "data.parquet")
    told = drafted(capsys, "data.parquet")
    assert (
        told_of("PassengerId", told) == "unused integer another number for each row, so nothing can be learned from it"
    )
    assert [roles()[name] for name in numbers] == ["id", "unused", "feature"]


@pytest.mark.parametrize(
    ("numbers", "role"),
    [
        (range(300), "unused"),
        (range(17, 317), "unused"),
        (range(300, 0, -1), "unused"),
        (range(0, 600, 2), "feature"),
        ([*range(150), *range(151, 301)], "feature"),
        ([1, 0, *range(2, 300)], "feature"),
    ],
)
def test_a_column_that_counts_the_rows_is_no_feature_whatever_its_name(capsys, numbers, role):
    rows = pa.table({"size": [place % 7 for place in range(300)], "x": [*numbers], "sold": ["yes", "no"] * 150})
    pyarrow.parquet.write_table(rows, "data.parquet")
    told = drafted(capsys, "data.parquet")
    assert roles()["x"] == role
    assert told_of("x", told).startswith(f"{role} integer")
    if role == "unused":
        assert told_of("x", told).endswith("another number for each row, so nothing can be learned from it")


def test_what_counts_the_rows_is_a_feature_where_there_is_no_other(capsys):
    rows = pa.table({"step": range(300), "PassengerId": range(300), "sold": [place % 97 / 7 for place in range(300)]})
    pyarrow.parquet.write_table(rows, "data.parquet")
    drafted(capsys, "data.parquet")
    assert roles() == {"step": "feature", "PassengerId": "id", "sold": "target"}
    column = read_contract().columns["step"]
    assert column.minimum <= 0
    assert column.maximum >= 299


@pytest.mark.parametrize(("absent", "told"), [(1, "1 of 3,000 missing"), (2999, "2,999 of 3,000 missing")])
def test_a_share_that_would_read_as_none_or_as_all_is_a_count(capsys, absent, told):
    values = [*[None] * absent, *range(3000 - absent)]
    rows = pa.table({"size": range(3000), "age": values, "sold": ["yes", "no"] * 1500})
    pyarrow.parquet.write_table(rows, "data.parquet")
    assert told in told_of("age", drafted(capsys, "data.parquet"))


def test_a_column_without_a_name_is_never_a_feature(capsys):
    pyarrow.parquet.write_table(table(**{"": repeated("a", "b")}), "data.parquet")
    assert told_of("''", drafted(capsys, "data.parquet")) == "unused string it has no name of its own"


def test_a_role_may_be_given_without_the_blanks_of_the_name(capsys):
    Path("data.csv").write_text("age, work, income\n" + "29, Private, >50K\n30, State, <=50K\n" * 20)
    assert "target: ' income'" in drafted(capsys, "data.csv", "--target", "income")


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"time": "size"}, "the column 'size' cannot be the time: it has 0.0, 0.5, 1.0; a date in ISO 8601"),
        ({"time": "gap"}, "the column 'gap' cannot be the time: it is missing in 1 of 60 rows"),
        ({"time": "size", "target": "size"}, "the column 'size' is given two roles of target, time, id and group"),
        ({"target": "day"}, "the target 'day' has 59 different times"),
    ],
)
def test_a_role_that_a_column_cannot_have_is_refused(roles, told):
    days = [datetime.datetime(2013, 1, 1) + datetime.timedelta(days=place) for place in range(ROWS)]
    gap = [None, *days[1:]]
    with pytest.raises(ContractError, match=told):
        guess_contract(table(gap=gap, day=gap), "t", "me", Roles(**roles))


def months(folder: Path, **empty: str) -> None:
    """Six files, one a month; in some a column has no value."""
    folder.mkdir()
    for month in range(1, 7):
        lines = [
            f"2013-{month:02}-{1 + place % 28:02},{place / 2},{'' if f'm{month}' in empty else place},{place % 2}"
            for place in range(20)
        ]
        (folder / f"m{month}.csv").write_text("\n".join(["when,size,sensor,sold", *lines, ""]))


def test_a_column_without_a_value_in_one_file_is_allowed_and_told(project, capsys):
    months(project / "rows", m2="sensor")
    told = drafted(capsys, "rows/*.csv", "--target", "sold")
    assert "it has no value in some file or period, so `empty: true` allows that" in told_of("sensor", told)
    assert read_contract().columns["sensor"].empty
    assert not read_contract().columns["size"].empty


def test_a_column_without_a_value_in_one_period_of_a_query_is_allowed_too(project, capsys):
    months(project / "rows", m2="sensor")
    rows = pa.concat_tables(
        [pyarrow.csv.read_csv(path) for path in sorted((project / "rows").glob("*.csv"))], promote_options="permissive"
    ).to_pandas()
    with sqlite3.connect("rows.db") as connection:
        rows.astype({"when": str}).to_sql("rows", connection, index=False)
    drafted(capsys, "sqlite:///rows.db", "--query", "SELECT * FROM rows", "--target", "sold", "--time", "when")
    assert read_contract().columns["sensor"].empty


def test_a_column_that_goes_dark_later_is_still_refused_and_the_way_out_works(project, capsys):
    months(project / "rows")
    drafted(capsys, "rows/*.csv", "--target", "sold")
    lines = "".join(f"2013-07-{1 + place:02},1.5,,{place % 2}\n" for place in range(20))
    (project / "rows/m7.csv").write_text(f"when,size,sensor,sold\n{lines}")
    edit_yaml(Path("params.yaml"), {"watermark": "2013-07"})
    edit_yaml(Path("contract.yaml"), {"columns": {"sensor": {"missing": True}}})
    with pytest.raises(ContractError, match="has `missing: true` and `empty: true` there"):
        ingest(project, read_contract(), read_params())
    edit_yaml(Path("contract.yaml"), {"columns": {"sensor": {"empty": True}}})
    ingest(project, read_contract(), read_params())
    assert "2013-07" in json.loads((project / "data/ledger.json").read_text())["periods"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("data.csv", "x,y,sold\n" + "1,1e999,yes\n2,2,no\n" * 10, "y: must be finite: 10 rows, for example inf"),
        ("data.csv", "x,x,sold\n1,2,yes\n2,3,no\n", "data.csv has the column 'x' twice"),
        ("data.csv", "x y sold\n1 2 yes\n", "data.csv has one column, 'x y sold', so there is nothing to predict from"),
        ("data.csv", "x,sold\n1,yes\n2\n", "line 3 has 1 cells, and the header 2"),
        ("data.json", "[]", "CSV (.csv, .tsv, .tab, .txt, also with .gz, .bz2, .xz, or .zip"),
    ],
)
def test_what_ingest_would_refuse_is_refused_before_anything_is_written(project, name, content, told):
    Path(name).write_text(content)
    assert told in refused(project, name, "--target", "sold")


def test_files_with_other_columns_are_refused_by_name(project):
    Path("a1.csv").write_text("x,y,sold\n" + "1,2,yes\n3,4,no\n" * 10)
    Path("a2.csv").write_text("x,z,sold\n" + "1,2,yes\n3,4,no\n" * 10)
    told = refused(project, "a?.csv", "--target", "sold")
    assert "nothing was written, as ingest would refuse this source; mend it first" in told
    assert "a1.csv breaks the contract" in told
    assert "z: the contract has this column and the data has not: 20 rows" in told
    assert "change contract.yaml" not in told


def test_a_time_that_no_contract_can_take_is_told_without_a_traceback(project):
    far = pa.array([300_000 * 365 * 86400 + place for place in range(ROWS)], pa.timestamp("s"))
    pyarrow.parquet.write_table(table(when=far), "data.parquet")
    assert "that no contract can take" in refused(project, "data.parquet")


NAMES = ["sales [2023].csv", "a::b.csv", "what?.csv", "~x.csv", "cost $5.csv", "it's \"`.csv", "e\x85f.csv"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_drafted_and_watched(capsys, name):
    pyarrow.csv.write_csv(table(), name)
    pyarrow.csv.write_csv(table(other=repeated(1, 2)), "sales 2.csv")
    drafted(capsys, name)
    assert list(read_contract().columns) == ["size", "sold"]
    assert read_params().source.path == name


SEPARATORS = [
    "e\x85f",
    "c\u2028d",
    "p\u2029q",
    "a\nb",
    "g  h",
    "v\x0bw",
    "s\x1cu",
    "\ufeffz",
    "k" * 300,
    "a" + " " * 150 + "b",
]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_categories_with_signs_that_end_a_line_are_taken_as_they_are(capsys, ending):
    given = table(kind=repeated(*SEPARATORS))
    (pyarrow.csv.write_csv if ending == "csv" else pyarrow.parquet.write_table)(given, f"data.{ending}")
    drafted(capsys, f"data.{ending}")
    assert read_contract().columns["kind"].values == sorted(SEPARATORS)
    edit_yaml(Path("contract.yaml"), {"owner": "somebody"})
    assert read_contract().columns["kind"].values == sorted(SEPARATORS)


def test_dvc_reads_what_a_draft_writes_for_a_file_of_any_name(project):
    for name in NAMES[:4]:
        pyarrow.csv.write_csv(table(), name)
    (project / "vendor").mkdir()
    for name in ("vendor/yard.json", "versions.json"):
        shutil.copyfile(SAMPLE / name, name)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    main([NAMES[0], "--force"], flights)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "ingest"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert NAMES[0] in done.stdout
