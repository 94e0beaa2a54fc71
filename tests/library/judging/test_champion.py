"""A repository with real Git and real DVC; its stages only copy a file, as the champion is got by lock and cache."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelyard.judging.champion import champion, is_unpublished, main
from modelyard.judging.collect import CHAMPION, find_champion
from modelyard.judging.gate import _champion
from modelyard.runtime.contract import ContractError
from modelyard.training.strict_yaml import read_yaml

from flight_delays import project


def ledger(rows: dict[str, bytes]) -> bytes:
    periods = {period: {"sha256": str(content)} for period, content in rows.items()}
    return json.dumps({"source": "", "periods": periods}).encode()


MODEL, ANSWERS = b"a model\r\n\n", b"answers, no line end"
ROWS = {"2013-01": b"rows of January", "2013-02": b"rows of February", "2013-03": b"rows of March"}
FILES = {
    ".gitignore": b"/bundle\n/evaluation/predictions.parquet\n/champion\n/data/periods\n",
    ".dvc/.gitignore": b"/config.local\n/tmp\n/cache\n",
    ".dvc/config": b"[core]\n    analytics = false\n    remote = storage\n"
    b"['remote \"storage\"']\n    url = ../../storage\n",
    "dvc.yaml": b"""\
stages:
  ingest:
    cmd: mkdir -p data/periods && cp rows/* data/periods && cp rows.json data/ledger.json
    deps: [rows, rows.json]
    outs: [data/periods, data/ledger.json: {cache: false}]
  evaluate:
    cmd: mkdir -p evaluation && cp answers evaluation/predictions.parquet
    deps: [answers]
    outs: [evaluation/predictions.parquet]
  bundle:
    cmd: mkdir -p bundle/inner && cp model bundle/manifest.json && cp model bundle/inner/model.onnx
    deps: [model, evaluation/predictions.parquet, data/periods]
    outs: [bundle]
""",
    **{f"rows/{period}.parquet": content for period, content in ROWS.items()},
    "rows.json": ledger(ROWS),
    "model": MODEL,
    "answers": ANSWERS,
    "flight_delays/data.csv": b"no code",
    "policy.yaml": b"floors: {}\r\n",
}
WHEEL = "vendor/modelyard-0.1.2-py3-none-any.whl"
CODE = {
    "flight_delays/__init__.py": b"# __init__\n\n",
    "flight_delays/features.py": b"\n# as it was, without an end of the line",
    "flight_delays/deep/own.py": b"# own\r\n",
    WHEEL: b"PK, and no more",
}


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(root: Path) -> str:
    run(root, "git", "add", "--all")
    run(root, "git", "-c", "user.name=a", "-c", "user.email=a@example.invalid", "commit", "--quiet", "-m", "all")
    return run(root, "git", "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A repository whose branch `main` has a model, which is in its cache and in its remote, and which then went on."""
    root = tmp_path_factory.mktemp("published") / "flights"
    for name, content in (FILES | CODE).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    run(root, "git", "init", "--quiet", "--initial-branch", "main")
    commit(root)
    run(root, "git", "tag", "before")
    for arguments in (["repro"], ["push"]):
        run(root, sys.executable, "-m", "dvc", *arguments, "--quiet")
    commit(root)
    run(root, "git", "checkout", "--quiet", "-b", "change")
    (root / "model").write_bytes(b"another model")
    # February is other here, March is gone, and April is new
    (root / "data/ledger.json").write_bytes(ledger({**dict(list(ROWS.items())[:1]), "2013-02": b"", "2013-04": b""}))
    (root / "flight_delays/features.py").write_bytes(b"# changed")
    (root / WHEEL).unlink()
    (root / "vendor/modelyard-0.1.3-py3-none-any.whl").write_bytes(b"PK, a later version")
    commit(root)
    return root


@pytest.fixture
def repository(published, tmp_path, monkeypatch) -> Path:
    """A copy of it and of its remote to change, in which one stands."""
    shutil.copytree(published.parent, tmp_path / "all", symlinks=True)
    monkeypatch.chdir(tmp_path / "all/flights")
    return tmp_path / "all/flights"


def objects(root: Path, content: bytes) -> Iterator[Path]:
    """Where this content is kept, in the cache and in the remote."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    for store in (root / ".dvc/cache", root.parent / "storage"):
        yield store / "files/md5" / md5[:2] / md5[2:]


def forge(path: Path) -> None:
    """Put something else under the name of an object; DVC takes what is read-only for whole."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"forged")
    path.chmod(0o444)


def origin(root: Path) -> dict[str, object]:
    return json.loads((root / "champion/origin.json").read_text())


def assert_got(root: Path, how: str, other: tuple[str, ...] = ("2013-02", "2013-03")) -> None:
    """The whole champion is there, byte by byte, with the rows that are other here, and it is said where it is from."""
    assert (root / "champion/bundle/manifest.json").read_bytes() == MODEL
    assert (root / "champion/bundle/inner/model.onnx").read_bytes() == MODEL
    assert (root / "champion/predictions.parquet").read_bytes() == ANSWERS
    rows = {path.stem: path.read_bytes() for path in root.glob("champion/periods/*")}
    assert rows == {period: ROWS[period] for period in other}
    commit = run(root, "git", "rev-parse", "main")
    told = {"commit": commit, "ref": "main", "from": f"main at {commit[:7]}, {how}"}
    assert origin(root) == {**told, "absent": False, "committed": True}


def test_the_champion_comes_from_the_cache(repository):
    champion(project, "main")
    assert_got(repository, "from the DVC cache")


def test_mains_policy_comes_along_whatever_the_one_here_is(repository):
    (repository / "policy.yaml").write_text("floors: {log_loss: 9}\n")
    champion(project)
    assert Path("champion/policy.yaml").read_bytes() == FILES["policy.yaml"]


def test_it_comes_from_the_remote_when_the_cache_is_gone(repository):
    shutil.rmtree(repository / ".dvc/cache")
    champion(project, "main")
    assert_got(repository, "from the DVC remote")


def test_it_is_made_again_when_both_are_gone(repository):
    shutil.rmtree(repository / ".dvc/cache")
    shutil.rmtree(repository.parent / "storage")
    champion(project, "main")
    assert_got(repository, "made again from its source")


@pytest.mark.parametrize(
    ("lost", "how"),
    [
        ([], "from the DVC cache"),
        (["flights/.dvc/cache"], "from the DVC remote"),
        (["flights/.dvc/cache", "storage"], "made again from its source"),
    ],
)
def test_a_project_in_a_folder_of_its_repository_has_its_champion_too(repository, monkeypatch, lost, how):
    run(repository, "git", "checkout", "--quiet", "main")
    shutil.rmtree(repository / ".git")
    top = repository.parent
    run(top, "git", "init", "--quiet", "--initial-branch", "main")
    (top / ".gitignore").write_text("/storage\n")
    commit(top)
    for folder in lost:
        shutil.rmtree(top / folder)
    (top / "other").mkdir()
    run(top / "other", "git", "init", "--quiet")
    with monkeypatch.context() as patch:  # as a hook of another repository has it
        patch.setenv("GIT_DIR", str(top / "other/.git"))
        champion(project, "main")
    assert_got(repository, how, ())  # the data here is main's
    assert exported(repository) == CODE


def test_a_forged_object_in_the_cache_is_not_believed(repository):
    forge(next(objects(repository, MODEL)))
    champion(project, "main")
    assert_got(repository, "from the DVC remote")


def test_a_forged_object_in_cache_and_remote_is_not_believed(repository):
    for path in objects(repository, MODEL):
        forge(path)
    champion(project, "main")
    assert_got(repository, "made again from its source")


def test_a_forged_list_of_the_bundles_files_is_not_believed(repository):
    md5 = read_yaml(repository / "dvc.lock")["stages"]["bundle"]["outs"][0]["md5"]
    (listing,) = (repository / ".dvc/cache/files/md5").rglob(md5[2:])
    forge(listing)
    champion(project, "main")
    assert_got(repository, "from the DVC remote")


def test_rows_that_are_not_in_the_cache_come_from_the_remote_and_forged_ones_are_not_believed(repository):
    forge(next(objects(repository, ROWS["2013-02"])))
    next(objects(repository, ROWS["2013-03"])).unlink()
    champion(project, "main")
    assert_got(repository, "from the DVC cache")


def test_rows_that_are_nowhere_are_left_out_and_the_champion_is_there(repository):
    for path in objects(repository, ROWS["2013-02"]):
        path.unlink()
    champion(project, "main")
    assert_got(repository, "from the DVC cache", ("2013-03",))


def test_no_rows_come_where_the_data_is_mains(repository):
    (repository / "data/ledger.json").write_bytes(ledger(ROWS))
    champion(project, "main")
    assert not (repository / "champion/periods").exists()


def test_without_its_answers_the_bundle_is_still_a_champion(repository):
    next(objects(repository, ANSWERS)).unlink()
    champion(project, "main")
    assert (repository / "champion/bundle/manifest.json").read_bytes() == MODEL
    assert not (repository / "champion/predictions.parquet").exists()


def test_a_remote_that_holds_the_bundle_alone_is_enough(repository):
    shutil.rmtree(repository / ".dvc/cache")
    list(objects(repository, ANSWERS))[1].unlink()
    champion(project, "main")
    assert origin(repository)["from"].endswith("from the DVC remote")
    assert (repository / "champion/bundle/manifest.json").read_bytes() == MODEL


def test_nothing_of_it_is_put_into_the_cache_or_the_workspace(repository):
    shutil.rmtree(repository / ".dvc/cache")
    before = run(repository, "git", "status", "--porcelain", "--ignored")
    champion(project, "main")
    assert not (repository / ".dvc/cache/files").exists()
    assert run(repository, "git", "status", "--porcelain", "--ignored").replace("!! champion/\n", "") == before
    assert (repository / "model").read_bytes() == b"another model"


def exported(root: Path) -> dict[str, bytes]:
    code = root / "champion/code"
    return {path.relative_to(code).as_posix(): path.read_bytes() for path in code.rglob("*") if path.is_file()}


def test_the_code_is_that_of_the_commit_byte_by_byte_and_so_is_the_library(repository):
    champion(project, "main")
    assert exported(repository) == CODE


def test_the_library_of_an_ejected_commit_is_its_folder(repository):
    run(repository, "git", "checkout", "--quiet", "main")
    (repository / WHEEL).unlink()
    source = "vendor/modelyard/src/modelyard/deep/own.py"
    for path in (source, "vendor/modelyard/README.md"):
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_bytes(b"ejected")
    champion(project, commit(repository))
    package = {path: content for path, content in CODE.items() if path != WHEEL}
    assert exported(repository) == {**package, source: b"ejected"}


def test_a_commit_that_is_older_than_the_library_has_its_package_only(repository):
    run(repository, "git", "checkout", "--quiet", "main")
    (repository / WHEEL).unlink()
    champion(project, commit(repository))
    assert exported(repository) == {path: content for path, content in CODE.items() if path != WHEEL}


def test_a_commit_is_made_again_with_its_own_library(repository):
    """Which is another version than the one that is installed here."""
    pipeline = "stages: {bundle: {cmd: mkdir bundle && python -m modelyard > bundle/manifest.json, outs: [bundle]}}\n"
    (repository / "dvc.yaml").write_text(pipeline)
    (repository / "dvc.lock").unlink()
    (wheel,) = (repository / "vendor").glob("*.whl")
    with zipfile.ZipFile(wheel, "w") as library:
        library.writestr("modelyard/__init__.py", "")
        library.writestr("modelyard/__main__.py", "print('the library of the commit')")
    made = commit(repository)
    wheel.unlink()
    champion(project, made)
    assert (repository / "champion/bundle/manifest.json").read_text() == "the library of the commit\n"


def test_a_commit_is_called_by_its_hash(repository):
    commit = run(repository, "git", "rev-parse", "main")
    assert champion(project, commit) == f"commit {commit[:7]}, from the DVC cache"


def test_without_a_lock_the_champion_is_what_the_pipeline_makes(repository):
    commit = run(repository, "git", "rev-parse", "before")
    text = f"before at {commit[:7]}, made from its source, as it has no dvc.lock yet"
    assert champion(project, "before") == text
    told = {"commit": commit, "ref": "before", "from": text, "absent": False, "committed": False}
    assert origin(repository) == told
    assert (repository / "champion/bundle/manifest.json").read_bytes() == MODEL
    assert exported(repository) == CODE


@pytest.mark.parametrize("old", ["cp model", "bundle"])
def test_without_a_lock_a_pipeline_that_makes_no_bundle_has_no_model_yet(repository, old):
    (repository / "dvc.lock").unlink()
    pipeline = repository / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace(old, "another"))
    made = commit(repository)
    text = f"commit {made[:7]} has no model yet"
    assert champion(project, made) == text
    assert origin(repository) == {"commit": made, "ref": made, "from": text, "absent": True, "committed": False}
    assert not (repository / "champion/bundle").exists()


def test_a_commit_without_a_pipeline_has_no_model_yet(repository):
    for name in ("dvc.lock", "dvc.yaml"):
        (repository / name).unlink()
    assert champion(project, commit(repository)).endswith("has no model yet")


def test_a_lock_that_cannot_be_read_is_named(repository):
    (repository / "dvc.lock").write_text("<<<<<<< ours\n")
    with pytest.raises(ContractError, match=r"dvc\.lock: "):
        champion(project, commit(repository))
    assert "dvc.lock" in origin(repository)["failed"]


def test_a_commit_that_is_not_here_leaves_no_older_champion_behind(repository):
    champion(project, "main")
    with pytest.raises(ContractError, match="there is no commit 'nowhere' here; get it with `git fetch origin main`"):
        champion(project, "nowhere")
    assert not (repository / "champion").exists()


def test_an_older_champion_makes_way(repository):
    champion(project, "main")
    (repository / "champion/bundle/left.txt").write_text("left over")
    champion(project, "main")
    assert not (repository / "champion/bundle/left.txt").exists()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_champion_that_somebody_put_there_makes_way(repository, tmp_path, kind):
    absent = tmp_path / "elsewhere"
    absent.mkdir()
    (absent / "origin.json").write_text('{"from": "main has no model yet", "absent": true}')
    shutil.rmtree(repository / "champion", ignore_errors=True)
    if kind == "link":
        (repository / "champion").symlink_to(absent)
    else:
        (repository / "champion").write_text("")
    champion(project, "main")
    assert (repository / "champion/bundle/manifest.json").is_file()
    assert not (repository / "champion").is_symlink()
    assert "absent" in (absent / "origin.json").read_text()


def test_the_verb_says_what_it_got(repository, capsys):
    main(["--ref", "main"], project)
    commit = run(repository, "git", "rev-parse", "main")
    assert capsys.readouterr().out == f"champion: main at {commit[:7]}, from the DVC cache\n"


def test_a_pipeline_that_fails_is_an_error_and_the_gate_then_cannot_judge(repository):
    shutil.rmtree(repository / ".dvc/cache")
    shutil.rmtree(repository.parent / "storage")
    shutil.rmtree(repository / "flight_delays")  # else it would be the one that runs
    (repository / "answers").unlink()
    (repository / "policy.yaml").write_text("floors: {}\n")
    broken = commit(repository)
    told = f"commit {broken[:7]}: neither cache nor remote has its bundle, and its pipeline fails"
    command = [sys.executable, "-m", "flight_delays"]
    failed = subprocess.run([*command, "champion", "--ref", broken], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert f"error: {told}\n" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert origin(repository) == {"commit": broken, "ref": broken, "failed": told}
    assert not (repository / "champion/bundle").exists()
    judged = subprocess.run([*command, "gate"], capture_output=True, text=True, check=False)
    assert judged.returncode == 2
    assert f"the champion cannot be had: {told}" in judged.stdout


def test_the_lock_of_the_repository_is_one_that_dvc_wrote(published):
    """Else the other tests would prove nothing."""
    run(published, "git", "cat-file", "-e", "main:dvc.lock")
    stages = read_yaml(published / "dvc.lock")["stages"]
    assert stages["bundle"]["outs"][0]["md5"].endswith(".dir")


def test_without_a_remote_main_is_the_one_that_is_here(repository, capsys):
    main([], project)
    assert_got(repository, "from the DVC cache")
    assert capsys.readouterr().out.startswith("champion: main at ")


def test_without_a_remote_a_main_that_has_no_model_is_no_champion_and_nothing_is_run(repository):
    run(repository, "git", "branch", "--force", "main", "before")
    assert champion(project) == "there is no model on main yet"
    assert origin(repository).items() >= {"absent": True, "committed": False, "ref": "main"}.items()
    assert find_champion(Path("champion/bundle")) is None


def test_without_a_remote_and_without_main_there_is_no_champion(repository):
    run(repository, "git", "branch", "-D", "main")
    assert champion(project) == "there is no model on main yet"
    assert find_champion(Path("champion/bundle")) is None


def test_with_a_remote_the_main_that_is_here_is_not_taken_for_the_one_there(repository):
    run(repository, "git", "remote", "add", "origin", "../nowhere")
    with pytest.raises(ContractError, match=r"no commit 'origin/main' here; .*`make champion REF=main`"):
        champion(project)
    assert not (repository / "champion").exists()
    assert not is_unpublished()


def test_the_gate_gets_a_main_that_is_only_here_and_follows_it(repository, monkeypatch):
    bundles = []
    monkeypatch.setattr("modelyard.judging.gate.find_champion", lambda _: bundles.append(origin(repository)))
    for branch in ("main", "main", "change"):
        run(repository, "git", "update-ref", "refs/heads/main", branch)
        _champion(project, CHAMPION)
    assert [one["commit"] for one in bundles] == [bundles[0]["commit"]] * 2 + [
        run(repository, "git", "rev-parse", "main")
    ]
    main(["--ref", "change"], project)  # what was asked for stays
    run(repository, "git", "update-ref", "refs/heads/main", "before")
    _champion(project, CHAMPION)
    assert bundles[-1]["ref"] == "change"
