from __future__ import annotations

import io
import json

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.predict import main, read_rows
from modelyard.runtime.rows import RowsRefused

from flight_delays import project


@pytest.fixture
def probe(made):
    return json.loads((made.root / "bundle/probe.json").read_text())


@pytest.fixture
def answered(made, capsys):
    def answer(*arguments):
        main([*map(str, arguments), "--bundle", str(made.root / "bundle")], project)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return answer


def test_a_json_array_is_answered_a_line_a_row(made, probe, answered, tmp_path):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(probe["rows"], indent=1))
    found = answered(path)
    assert [line["prediction"] for line in found] == probe["answers"]
    threshold = project.predictor(made.root / "bundle").threshold
    assert [line["decision"] for line in found] == [answer >= threshold for answer in probe["answers"]]


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_json_lines_are_read_from_stdin(arguments, probe, answered, monkeypatch):
    lines = "\n\n".join(map(json.dumps, probe["rows"]))
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    assert [line["prediction"] for line in answered(*arguments)] == probe["answers"]


def test_a_number_is_its_own_decision(made_regression, tmp_path, capsys):
    bundle = made_regression.root / "bundle"
    probe = json.loads((bundle / "probe.json").read_text())
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(probe["rows"][0]))
    main([str(path), "--bundle", str(bundle)], project)
    answer = probe["answers"][0]
    assert json.loads(capsys.readouterr().out) == {"prediction": answer, "decision": answer}


def test_the_probabilities_of_several_classes_are_a_list(made_multiclass, tmp_path, capsys):
    bundle = made_multiclass.root / "bundle"
    probe = json.loads((bundle / "probe.json").read_text())
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(probe["rows"]))
    main([str(path), "--bundle", str(bundle)], project)
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["prediction"] for line in found] == probe["answers"]
    assert {line["decision"] for line in found} <= {"early", "late", "on time"}


def test_a_bad_row_leaves_nothing_on_stdout(probe, answered, tmp_path, capsys):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([probe["rows"][0], {"distance": "far"}]))
    with pytest.raises(RowsRefused, match="row 1: distance = 'far'"):
        answered(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["", "\n", "[]"])
def test_no_rows_have_no_answers(text):
    assert read_rows(text) == []


def test_a_line_that_is_no_json_is_named():
    with pytest.raises(ContractError, match="the rows are no JSON: line 3"):
        read_rows('{"a": 1}\n\n{"a": }\n')


def test_an_array_that_is_no_json_says_where():
    with pytest.raises(ContractError, match="the rows are no JSON: line 2"):
        read_rows('[{"a": 1},\n{"a": }]')


def test_a_separator_of_unicode_does_not_end_a_line():
    assert read_rows('{"a": "\u2028"}\n{"a": "\x85"}') == [{"a": "\u2028"}, {"a": "\x85"}]


@pytest.mark.parametrize("text", ["[[1, 2]]", "3", '"row"'])
def test_a_row_that_is_no_object_is_refused(text):
    with pytest.raises(ContractError, match="row 0 is no JSON object"):
        read_rows(text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_rows_in_another_encoding_of_unicode_are_read(probe, answered, tmp_path, encoding):
    path = tmp_path / "rows.json"
    path.write_bytes(json.dumps(probe["rows"][:3]).encode(encoding))
    assert [line["prediction"] for line in answered(path)] == pytest.approx(probe["answers"][:3])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "rows.json",
            b'[{"origin": "Orl\xe9ans"}]',
            r"rows.json is not UTF-8: byte 0xe9 in line 1; .*\n  iconv -f WINDOWS",
        ),
        (
            "rows.json",
            b"origin,dest\nJFK,LAX\n",
            "the rows are no JSON: line 1, .*; CSV and Parquet are read by `score`",
        ),
        ("rows.csv", b"origin,dest\n", "rows.csv: rows of JSON are expected; CSV and Parquet are read by `score`"),
        ("rows.json", b"[" * 100_000, "the rows are no JSON"),
        ("rows.json", b'{"distance": ' + b"1" * 5000 + b"}", "the rows are no JSON that can be read: from line 1 on"),
    ],
)
def test_a_file_that_is_no_json_is_told_without_a_traceback(answered, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ContractError, match=told):
        answered(tmp_path / name)


def test_rows_that_are_not_there_are_told(answered, tmp_path):
    with pytest.raises(ContractError, match=r"none.json cannot be read: No such file"):
        answered(tmp_path / "none.json")
