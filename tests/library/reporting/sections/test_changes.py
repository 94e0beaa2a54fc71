from __future__ import annotations

import shutil

from modelyard.reporting.document import to_markdown
from modelyard.reporting.sections.changes import changes, differences


def text(project) -> str:
    section = changes(project.gather())
    assert section is not None
    return to_markdown([section])


def test_differences_are_found_at_any_depth():
    main = {"a": {"b": 1, "c": [1]}, "d": 1, "gone": {"x": 1}}
    this = {"a": {"b": 2, "c": [1]}, "d": 1, "new": 3}
    found = list(differences(main, this))
    assert [place for place, *_ in found] == ["a.b", "gone", "new"]
    assert found[0][1:] == (1, 2)


def test_a_change_of_parameters_is_shown_old_and_new(project):
    shown = text(project)
    assert "**Parameters**" in shown
    assert "| `split.window` | `null` | `3` |" in shown


def test_what_did_not_change_is_named_in_one_line(project):
    assert "As on main: data, columns, code, environment." in text(project)


def test_where_nothing_changed_that_is_said(project):
    shutil.rmtree(project.bundle)
    shutil.copytree(project.main, project.bundle)
    assert text(project) == (
        "### What changed\n\nNothing: parameters, data, columns, code and environment are main's.\n"
    )


def test_without_mains_bundle_nothing_is_said(alone):
    assert changes(alone.gather()) is None


def test_periods_that_were_added_removed_and_changed_are_counted(project):
    def change(manifest: dict) -> None:
        periods = manifest["data"]["periods"]
        del periods["2013-01"]
        periods["2013-02"] = {"rows": 7, "sha256": "other"}
        periods["2014-01"] = {"rows": 1234, "sha256": "new"}

    before = project.gather().this.manifest["data"]["periods"]
    total = sum(entry["rows"] for entry in before.values())
    project.rewrite(project.bundle / "manifest.json", change)
    shown = text(project)
    rows = total - before["2013-01"]["rows"] - before["2013-02"]["rows"] + 7 + 1234
    assert "**Data.** 1 period added, 1 period removed, 1 period changed; " in shown
    assert f"{rows:,} rows in all, main has {total:,}." in shown
    assert "| `2014-01` | - | 1,234 | added |" in shown
    assert f"| `2013-01` | {before['2013-01']['rows']:,} | - | removed |" in shown
    assert f"| `2013-02` | {before['2013-02']['rows']:,} | 7 | changed |" in shown


def test_another_source_is_told(project):
    def change(manifest: dict) -> None:
        manifest["data"]["source"] = "other"
        manifest["params"]["source"] = {"kind": "files", "path": "elsewhere/*.csv"}

    project.rewrite(project.bundle / "manifest.json", change)
    assert "**Data.** It comes from another source. " in text(project)


def test_a_change_of_the_contract_alone_is_no_other_source(project):
    project.rewrite(project.bundle / "manifest.json", lambda manifest: manifest["data"].update(source="other"))
    assert "**Data.** The contract has other columns or types of them. " in text(project)


def test_columns_that_were_added_removed_and_changed_are_shown(project):
    def change(contract: dict) -> None:
        columns = contract["columns"]
        columns["added"] = dict(columns["distance"])
        del columns["flight_id"]
        columns["distance"]["maximum"] = 4000
        columns["origin"]["values"] = [*columns["origin"]["values"][1:], "XNA"]

    maximum = project.gather().main.contract.columns["distance"].maximum
    first = project.gather().main.contract.columns["origin"].values[0]
    project.rewrite(project.bundle / "contract.json", change)
    shown = text(project)
    assert "| `columns.added` | - | `feature integer` |" in shown
    assert "| `columns.flight_id` | `id string` | - |" in shown
    assert f"| `columns.distance.maximum` | `{maximum}` | `4000` |" in shown
    assert f"| `columns.origin.values` | 3 values, only here: `{first}` | 3 values, only here: `XNA` |" in shown


def test_files_of_code_that_changed_are_named(project):
    def change(manifest: dict) -> None:
        del manifest["code"]["model.py"]
        manifest["code"] |= {"features.py": "other", "own.py": "new"}

    project.rewrite(project.bundle / "manifest.json", change)
    assert "**Code.** 3 files: `features.py`, `model.py` removed, `own.py` added." in text(project)


def test_code_of_the_library_that_changed_is_named_by_what_runs_it(project):
    other = {"modelyard:train": "other", "modelyard:predict": "other"}
    project.rewrite(project.bundle / "manifest.json", lambda manifest: manifest["code"].update(other))
    assert "**Code.** The library's code of `train`, `predict`." in text(project)


def test_many_files_of_code_are_counted(project):
    new = {f"own{number}.py": "new" for number in range(30)}
    project.rewrite(project.bundle / "manifest.json", lambda manifest: manifest["code"].update(new))
    assert " and 18 more." in text(project)


def test_a_change_of_the_environment_is_shown(project):
    def change(manifest: dict) -> None:
        manifest["environment"]["packages"]["numpy"] = "99.0"

    numpy = project.gather().main.manifest["environment"]["packages"]["numpy"]
    project.rewrite(project.bundle / "manifest.json", change)
    assert f"| `packages.numpy` | `{numpy}` | `99.0` |" in text(project)


def test_the_inputs_that_moved_are_shown(project):
    shown = text(project)
    assert "**Training rows.**" in shown
    assert "| `scheduled_departure` | " in shown
