from __future__ import annotations

import dataclasses
import re

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from library.held import both, held
from library.judged import HOSTILE
from markdown_it import MarkdownIt
from modelyard.reporting.document import to_markdown
from modelyard.reporting.page import page
from modelyard.reporting.rows.found import Held
from modelyard.reporting.sections.rows import changed_rows, compare_held

MONTHS = ["2013-01", "2013-02", "2013-03"]


def shown(*sides: Held) -> str:
    """The section of the report."""
    section = compare_held(*sides)
    assert section is not None
    return to_markdown([section])


def set_rows(table: pa.Table, name: str, changes: dict[int, object]) -> pa.Table:
    values = [changes.get(row, value) for row, value in enumerate(table[name].to_pylist())]
    return table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))


@pytest.fixture(scope="module")
def months(made, flights) -> dict[str, pa.Table]:
    """Real flights of three months, as the contract has them."""
    taken = flights.select(list(made.contract.columns))
    when = pc.strftime(taken["scheduled_departure"], format="%Y-%m")
    return {month: taken.filter(pc.equal(when, month)) for month in MONTHS}


def test_real_rows_with_ids_are_paired_in_the_periods_that_differ(made, months, tmp_path):
    second = months["2013-02"]
    temp = second["temp"][7].as_py()
    changed = set_rows(set_rows(second, "temp", {7: temp + 1e-12, 8: None}), "origin", {9: "NOW"}).slice(2)
    main = held(tmp_path / "main", {month: months[month] for month in MONTHS[:2]}, made.contract)
    text = shown(main, held(tmp_path / "this", {**months, "2013-02": changed}, made.contract))
    same, new = second.num_rows - 5, months["2013-03"].num_rows
    assert f"**{new:,} rows added, 2 removed, 3 changed**; {same:,} as on main." in text
    assert "Paired by `flight_id` in periods `2013-02`, `2013-03`; the others are the same." in text
    assert "| `temp` | 2 | " in text
    assert "| `origin` | 1 | " in text
    identity = [f"`{one}`" for one in second["flight_id"].to_pylist()]
    assert f"| {identity[7]} | `temp` | `{temp}` | `{temp + 1e-12}` |" in text
    assert f"| {identity[9]} | `origin` | `{second['origin'][9]}` | `NOW` |" in text
    assert f"| {min(identity[:2])} | row removed | - | - |" in text
    assert "\n\n10 examples.\n\n" in text


def test_without_an_id_that_is_said_and_the_profiles_are_compared(made, months, tmp_path):
    bare = {month: table.drop_columns(["flight_id"]) for month, table in months.items()}
    columns = {name: column for name, column in made.contract.columns.items() if name != "flight_id"}
    contract = dataclasses.replace(made.contract, columns=columns)
    warmer = set_rows(bare["2013-02"], "temp", {7: 99.5})
    main = held(tmp_path / "main", bare, contract)
    text = shown(main, held(tmp_path / "this", {**bare, "2013-02": warmer}, contract))
    assert "Rows cannot be paired, because the contract has no id: the profiles of the columns are compared" in text
    assert "over the rows of period `2013-02`" in text
    assert "**1 row without an equal on main, 1 of main's without one here**" in text
    assert re.search(r"\| `temp` \|.* to .* → .* to 99\.5 \|", text)
    assert "`origin`" not in text
    fewer = held(tmp_path / "fewer", {month: bare[month] for month in MONTHS[:2]}, contract)
    assert f"over all rows ({sum(table.num_rows for table in bare.values()):,} rows, " in shown(fewer, main)


def test_the_same_rows_are_no_section(made, months, tmp_path):
    main = held(tmp_path / "main", months, made.contract)
    assert compare_held(main, held(tmp_path / "this", months, made.contract)) is None


def test_changes_of_columns_are_told_and_a_new_name_is_found(tmp_path):
    main = pa.table({"key": ["a", "b"], "old": [1.0, 2.0], "kind": [1.0, 2.0], "gone": ["x", "y"], "y": [1.0, 2.0]})
    this = pa.table({"key": ["a", "b"], "new": [1.0, 2.0], "kind": ["1", "2"], "more": [5, 6], "y": [1.0, 3.0]})
    text = shown(*both(tmp_path, main, this, "key"))
    for line in [
        "`old` is now `new`: every row has the same value",
        "`more` was added: integer",
        "`gone` was removed: string",
        "`kind` was number and is string; its values are not compared",
    ]:
        assert f"- {line}\n" in text
    assert "**0 rows added, 0 removed, 1 changed**; 1 as on main" in text


def test_ids_of_another_type_or_name_pair_nothing_and_that_is_said(tmp_path):
    main = pa.table({"key": ["1", "2"], "y": [1.0, 2.0]})
    this = pa.table({"key": [1, 2], "y": [1.0, 3.0]})
    text = shown(*both(tmp_path, main, this, "key"))
    assert "because both do not have the same ids" in text
    assert "| `y` | 0 % | 2 | 1 to 2 → 1 to 3 |" in text


def test_rows_that_are_not_here_are_told_and_nothing_fails(made, months, tmp_path):
    main = held(tmp_path / "main", months, made.contract)
    this = held(tmp_path / "this", {month: months[month].slice(1) for month in MONTHS}, made.contract)
    (tmp_path / "this/2013-01.parquet").write_bytes(b"torn")
    assert "those here of period `2013-01` are not as the ledger lists them; get them with `make pull`" in shown(
        main, this
    )
    (tmp_path / "main/2013-02.parquet").unlink()
    assert "main's of period `2013-02` are not here. They are in neither DVC's cache nor its remote." in shown(
        main, this
    )


def test_an_id_that_occurs_twice_is_told(tmp_path):
    main = pa.table({"key": ["a", "a", "b"], "y": [1.0, 2.0, 3.0]})
    text = shown(*both(tmp_path, main, main.slice(1), "key"))
    assert "Rows whose id occurs more than once, or is missing, are left out: on main 2 rows of 1 id." in text


def test_texts_that_look_alike_are_shown_where_they_differ(tmp_path):
    long = "x" * 100
    main = pa.table({"key": ["1", "2", "3"], "text": ["a b", long + "a" + long, "c"], "y": [1.0] * 3})
    this = pa.table({"key": ["1", "2", "3"], "text": ["a  b", long + "b" + long, "c\u200b"], "y": [1.0] * 3})
    text = shown(*both(tmp_path, main, this, "key"))
    assert "| `1` | `text` | `'a␣b'` | `'a␣␣b'` |" in text
    assert re.search(r"\| `2` \| `text` \| `'x+ax+'` \| `'x+bx+'` \|", text)
    assert r"`'c\u200b'`" in text


@pytest.mark.parametrize("ids", [("key",), ()])
def test_no_cell_is_read_as_markup(ids, tmp_path):
    rows = range(len(HOSTILE))
    main = pa.table({"key": [f"{row} {HOSTILE[row]}" for row in rows], "text": HOSTILE, "y": [1.0] * len(rows)})
    this = main.set_column(1, "text", pa.array([f"{text}{text}" for text in HOSTILE]))
    section = compare_held(*both(tmp_path, main, this, *ids))
    tables = "\n\n".join(block.markdown(whole=True) for block in section.blocks if not isinstance(block, str))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(tables)
    assert {child.type for token in tokens for child in token.children or []} <= {"text", "code_inline"}
    assert not {token.type for token in tokens} & {"html_block", "heading_open", "fence", "hr"}
    assert "script>" not in page([section], "t").replace("&lt;script&gt;", "")


def test_the_report_takes_mains_rows_from_beside_its_bundle(project):
    this, main = project.root / "data/periods", project.root / "champion/periods"
    assert changed_rows(project.gather()) is None
    ledger = project.gather().this.manifest["data"]["periods"]
    month = sorted(ledger)[0]
    table = pyarrow.parquet.read_table(this / f"{month}.parquet").slice(3)
    older = held(main, {month: table}, project.gather().main.contract)
    project.rewrite(
        project.main / "manifest.json", lambda manifest: manifest["data"]["periods"].update(older.ledger["periods"])
    )
    assert "**3 rows added, 0 removed, 0 changed**" in changed_rows(project.gather()).blocks[0]
    (main / f"{month}.parquet").unlink()
    assert "`make champion`, which then is to be run again" in changed_rows(project.gather()).blocks[0]
