"""A commit of a small project is proven for real; the verdicts on forgeries are judged against its honest outputs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import onnx
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest
from library.backdoor import with_backdoor
from library.library_versions import vendor
from modelyard.git import git
from modelyard.judging.lock import LOCK, path_md5, put_folder, read_lock, take
from modelyard.proving.proof import Proof
from modelyard.proving.prove import judge, main, prove
from modelyard.proving.scratch import Scratch
from modelyard.proving.settle import settle
from modelyard.proving.tolerance import Difference
from modelyard.runtime.contract import ContractError
from modelyard.runtime.matrix import matrix
from modelyard.training import layout
from modelyard.training.data.dataset import read_rows
from modelyard.training.draft.writing import watch
from modelyard.vendoring.wheel import unpack
from sample import INSTALLED, SAMPLE

from flight_delays import project

PACKAGE = "flight_delays"
FILES = {
    ".dvcignore": "__pycache__/\n",
    ".gitignore": "__pycache__/\n/reports/\n/source/\n/bundle\n/data/periods\n/data/.seen.json\n/model/model.onnx\n"
    "/evaluation/predictions.parquet\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    ".dvc/config": "[core]\n    analytics = false\n",
}
METRICS = layout.METRICS.as_posix()
UPDATED = """\
[[package]]
name = "flight-delays"
source = { editable = "." }
optional-dependencies = { train = [{ name = "scikit-learn" }] }
[[package]]
name = "scikit-learn"
version = "1.9.1"
source = { registry = "https://index.example/simple" }
"""
REFUSE = "raise ContractError('the library of the commit')\n\n\n"  # where a stage begins
PROVE = "from flight_delays import project\nfrom modelyard.proving.prove import main\nmain([], project)"


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def commit(root: Path) -> None:
    run(root, "git", "add", "--all")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    run(root, "git", *identity, "commit", "--quiet", "--allow-empty", "-m", "all")


@pytest.fixture(scope="module")
def committed(made, tmp_path_factory) -> Path:
    """A repository that holds what its pipeline made of a source in the project's folder, which Git does not hold.

    It has the library as a wheel, as every project has.
    """
    root = tmp_path_factory.mktemp("committed") / "flights"
    shutil.copytree(made.root, root)
    shutil.copytree(SAMPLE / PACKAGE, root / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    vendor(root)
    shutil.copytree(INSTALLED, root, dirs_exist_ok=True)  # so that a clone knows what the project requires
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    pipeline = root / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace(str(made.source), "source"))
    workspace = type(made)(root)
    workspace.edit(source={"kind": "files", "path": "source/*.parquet"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        workspace.run()
    run(root, "git", "init", "--quiet")
    run(root, sys.executable, "-m", "dvc", "commit", "--force", "--quiet")
    commit(root)
    return root


@pytest.fixture
def repository(committed, tmp_path, monkeypatch) -> Path:
    """A copy of it to change, in which one stands."""
    root = tmp_path / "flights"
    shutil.copytree(committed, root)
    monkeypatch.chdir(root)
    return root


def ended(capsys, *arguments: str) -> tuple[int, str]:
    """The status of the verb and what it printed."""
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments), project)
    return int(str(exit_.value.code)), capsys.readouterr().out


def out_of(path: str) -> str:
    return "bundle" if path.startswith("bundle/") else path


def store(root: Path, content: bytes, suffix: str = "") -> None:
    """Put something into DVC's cache."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    kept = root / ".dvc/cache/files/md5" / md5[:2] / f"{md5[2:]}{suffix}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    kept.write_bytes(content)


def forge(root: Path, path: str, content: bytes, cached: bool = True) -> None:
    """Do to an edited output what `dvc commit --force` does: lock and cache then say that the pipeline made it so."""
    out = root / out_of(path)
    before = path_md5(out)
    (root / path).unlink()
    (root / path).write_bytes(content)
    lock = root / LOCK
    lock.write_text(lock.read_text().replace(str(before), str(path_md5(out))))
    if cached:
        files = [out] if out.is_file() else sorted(out.iterdir())
        for file in files:
            store(root, file.read_bytes())
        if out.is_dir():
            listing = [{"md5": path_md5(file), "relpath": file.name} for file in files]
            store(root, json.dumps(listing, sort_keys=True).encode(), ".dir")


def judged(root: Path, honest: Path, place: bool = False) -> Proof:
    """The verdict on what `root` commits, where retraining gives what `honest` holds; see `settle` for `place`."""
    commit(root)
    with Scratch(project, "HEAD") as scratch:
        lock = read_lock(scratch.root / LOCK)
        scratch.keep(lock.outs)
        for path in [LOCK.as_posix(), *read_lock(honest / LOCK).outs]:
            made, target = honest / path, scratch.root / path
            if made.is_dir():
                shutil.copytree(made, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(made, target)
        shutil.copytree(honest / ".dvc/cache", scratch.root.parent / ".beside/cache", dirs_exist_ok=True)
        return settle(judge(lock, scratch), scratch, place)


def edited_metrics(root: Path, by: float = 0.1) -> bytes:
    content = json.loads((root / METRICS).read_text())
    content["holdout"]["roc_auc"]["value"] += by
    return json.dumps(content).encode()


def model(root: Path, edit: str) -> bytes:
    """The model with other bytes: said otherwise, or answering otherwise, or so for a few rows only."""
    made = onnx.load(root / layout.MODEL)
    if edit == "said":
        made.doc_string = "the same model"
    else:
        (trees,) = (node for node in made.graph.node if node.op_type == "TreeEnsemble")
        (weights,) = (one for one in trees.attribute if one.name == "leaf_weights")
        values = onnx.numpy_helper.to_array(weights.t) * 1.5
        weights.t.CopyFrom(onnx.numpy_helper.from_array(values))
    if edit == "answers":
        del made.metadata_props[:]  # the tables that answer many rows
    return made.SerializeToString()


def wheres(proof: Proof) -> list[str]:
    return [one.where for one in proof.differences]


def evict(root: Path) -> None:
    shutil.rmtree(root / ".dvc/cache")


def name_other_python(root: Path, cached: bool = True) -> None:
    """Make the committed model one that was trained by another patch version of Python, and by nothing else."""
    path = layout.ENVIRONMENT.as_posix()
    environment = json.loads((root / path).read_text())
    environment["python"] = "3.11.30"
    forge(root, path, json.dumps(environment, indent=1).encode(), cached)
    assemble(root, cached)


def assemble(root: Path, cached: bool = True) -> None:
    """Make the bundle again of the outputs that are there; lock and cache then have that one."""
    before = str(path_md5(root / "bundle"))
    run(root, sys.executable, "-m", PACKAGE, "bundle")
    lock = root / LOCK
    lock.write_text(lock.read_text().replace(before, str(path_md5(root / "bundle"))))
    if cached:
        put_folder(root / "bundle", root / ".dvc/cache")


def test_an_honest_commit_is_identical_whatever_surrounds_it(repository, tmp_path, monkeypatch, capsys):
    # the cache holds another file under each hash, and the environment points at other code and at another cache
    for kept in (repository / ".dvc/cache/files/md5").rglob("*"):
        if kept.is_file():
            kept.chmod(0o644)
            kept.write_bytes(b"poison")
    other = tmp_path / "other"
    for name in (PACKAGE, "modelyard"):
        (other / name).mkdir(parents=True)
        (other / name / "__init__.py").write_text("raise RuntimeError('the code of another place')")
    monkeypatch.setenv("PYTHONPATH", str(other))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config").write_text(f"[cache]\n    dir = {repository}/.dvc/cache\n")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    # the project is a folder of its repository, in which other files are edited, and a hook of another one runs this
    shutil.rmtree(repository / ".git")
    run(tmp_path, "git", "init", "--quiet")
    (tmp_path / "README.md").touch()
    run(tmp_path, "git", "add", "README.md", repository.name)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    run(tmp_path, "git", *identity, "commit", "--quiet", "-m", "all")
    (tmp_path / "README.md").write_text("edited")
    run(other, "git", "init", "--quiet")
    run(other, "git", *identity, "commit", "--quiet", "--allow-empty", "-m", "all")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    others_head = (other / ".git/HEAD").read_text()
    before = {path: path.stat().st_mtime_ns for path in repository.rglob("*") if not {".git", ".dvc"} & {*path.parts}}

    status, printed = ended(capsys)

    assert (status, printed.splitlines()[-1]) == (0, "identical: retraining from the source gave the same bytes")
    assert "Running stage 'train'" in printed
    told = json.loads((repository / "reports/prove.json").read_text())
    assert (told["format"], told["verdict"], told["commit"]) == (
        1,
        "identical",
        git(Path(), "rev-parse", "HEAD").strip(),
    )
    assert (repository / "reports/prove.md").read_text().startswith("**Identical:** retraining")
    assert list((tmp_path / "temporary").iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (other / ".git/HEAD").read_text() == others_head
    # what was proven has taken the place of the poison
    outs = read_lock(LOCK).outs
    assert all(take(outs[path], tmp_path / "had" / path) for path in ("bundle", "data/periods", "model/model.onnx"))


def test_a_bundle_of_another_python_is_proven_without_being_had(repository, tmp_path, capsys):
    name_other_python(repository, cached=False)
    commit(repository)
    evict(repository)
    status, _ = ended(capsys)
    told = json.loads((repository / "reports/prove.json").read_text())
    assert (status, told["verdict"], told["rewritten"]) == (0, "equivalent", ["bundle"])
    here = sys.version.split()[0]
    assert told["environment"] == [{"where": "python", "committed": "3.11.30", "retrained": here}]
    # what was proven has the bytes of the commit, so that nothing needs to be made once more
    outs = read_lock(LOCK).outs
    assert all(take(outs[path], tmp_path / "had" / path) for path in ("bundle", "data/periods", "model/model.onnx"))
    assert "3.11.30" in (tmp_path / "had/bundle/manifest.json").read_text()


def test_another_commit_is_proven_with_its_own_code(repository):
    """Its package says which code runs, in a commit before the last one."""
    package = repository / PACKAGE / "__init__.py"
    package.write_text(f"{package.read_text()}\nraise SystemExit('the code of the commit')\n")
    commit(repository)
    other = run(repository, "git", "rev-parse", "HEAD").strip()
    run(repository, "git", "reset", "--quiet", "--hard", "HEAD~1")
    with Scratch(project, other) as scratch:
        scratch.bring_source(repository)
        assert "the code of the commit" in str(scratch.retrain())


def test_an_update_of_packages_without_the_pipeline_is_named(repository):
    """As a lock that was committed alone, after which `make setup` wrote versions.json."""
    (repository / "uv.lock").write_text(UPDATED)
    commit(repository)
    (repository / "versions.json").write_text("{}\n")
    found = prove(project)
    assert (found.verdict, found.sides) == ("different", ("in dvc.lock", "in the commit"))
    assert Difference("versions.json: train.scikit-learn", None, "1.9.1") in found.differences


@pytest.mark.parametrize("ejected", [False, True])
def test_another_commit_is_proven_with_its_own_library(repository, ejected):
    """A stage of the library says which one runs, in a commit before the last one."""
    vendor(repository, "training/ingest.py", "def main(", f"{REFUSE}def main(")
    if ejected:
        (wheel,) = (repository / "vendor").glob("*.whl")
        unpack(wheel.read_bytes(), repository / "vendor/modelyard")
        wheel.unlink()
    commit(repository)
    other = run(repository, "git", "rev-parse", "HEAD").strip()
    run(repository, "git", "reset", "--quiet", "--hard", "HEAD~1")
    with Scratch(project, other) as scratch:
        scratch.bring_source(repository)
        assert "the library of the commit" in str(scratch.retrain())


def test_a_stage_that_a_signal_ends_is_told_by_its_name(repository):
    vendor(repository, "training/ingest.py", "def main(", "import os\nos.kill(os.getpid(), 4)\n\n\ndef main(")
    commit(repository)
    with Scratch(project, "HEAD") as scratch:
        scratch.bring_source(repository)
        assert "by the signal SIGILL: an instruction that this processor does not have" in str(scratch.retrain())


def test_a_commit_before_an_upgrade_of_the_library_is_identical(repository):
    """The library that is here trains another model; the commit's own does not."""
    before = run(repository, "git", "rev-parse", "HEAD").strip()
    vendor(repository, "training/train.py", "def main(", f"{REFUSE}def main(")
    commit(repository)
    assert prove(project, before).verdict == "identical"
    assert prove(project, "HEAD").differences[0].where == "vendor/yard.json: train"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (slice(3, None), "the source changed in periods that were taken before"),
        (slice(0, 1), "breaks the contract, so nothing was taken"),
    ],
)
def test_changed_source_data_is_told_in_the_words_of_ingest(repository, capsys, rows, told):
    march = repository / "source/2013-03.parquet"
    table = pyarrow.parquet.read_table(march)
    again = table if rows.stop else table.schema.empty_table()  # the same ids twice break the contract
    pyarrow.parquet.write_table(pyarrow.concat_tables([again, table[rows]]), march)
    status, printed = ended(capsys)
    proof = json.loads((repository / "reports/prove.json").read_text())
    assert (status, proof["verdict"]) == (1, "different")
    first, second, *_ = proof["reason"].splitlines()
    assert first == "the source does not give the data that was committed:"
    assert told in second
    assert proof["reason"] in printed
    assert told in (repository / "reports/prove.md").read_text()


def test_a_source_that_cannot_be_read_is_no_verdict_on_the_commit(repository, capsys):
    (repository / "source/2013-03.parquet").write_bytes(b"PAR1, cut off")
    status, printed = ended(capsys)
    assert status == 2
    assert "unjudged: the pipeline failed, so the commit could not be judged:\n" in printed
    assert "2013-03.parquet" in printed.splitlines()[-1]


def test_a_source_that_is_nowhere_is_said(repository):
    shutil.rmtree(repository / "source")
    with pytest.raises(ContractError, match=r"source/\*.parquet is neither in the commit nor on this machine"):
        prove(project)


@pytest.fixture
def tracked(repository, made, tmp_path) -> Path:
    """A file of the source that is under DVC, in a commit that holds what the pipeline made of it, and a remote."""
    shared = tmp_path / "shared"
    (repository / ".dvc/config").write_text(
        f"[core]\n    analytics = false\n    remote = s\n['remote \"s\"']\n    url = {shared}\n"
    )
    dvc = (sys.executable, "-m", "dvc")
    shutil.move(repository / "source", repository / "rows [1]")
    run(repository, *dvc, "add", "--quiet", "rows [1]")
    watch(repository / "dvc.yaml", ["rows [1]"])
    type(made)(repository).edit(source={"kind": "files", "path": "rows [[]1]/*.parquet"})
    type(made)(repository).run()
    run(repository, *dvc, "commit", "--force", "--quiet")
    run(repository, *dvc, "push", "--quiet")
    commit(repository)
    return repository


def test_a_commit_with_a_source_under_dvc_is_proven_with_the_version_that_it_names(tracked, capsys):
    # another version is here, which is not committed; the commit's comes from the remote
    march = tracked / "rows [1]/2013-03.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(march)[3:], march)
    evict(tracked)
    assert prove(project).verdict == "identical"

    # where nobody has that version, it is no verdict on the commit
    evict(tracked)
    shutil.rmtree(tracked.parent / "shared")
    status, printed = ended(capsys)
    assert status == 2
    assert "this machine does not have rows [1] as the `.dvc` file in the commit names it (rows [1] here has" in printed
    assert "run `make pull`; if " in printed


def test_a_source_under_dvc_that_changed_without_the_pipeline_is_different(tracked):
    march = tracked / "rows [1]/2013-03.parquet"
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(march)[3:], march)
    run(tracked, sys.executable, "-m", "dvc", "add", "--quiet", "rows [1]")
    commit(tracked)
    proof = prove(project)
    assert (proof.verdict, proof.reason[:18], wheres(proof)) == ("different", "dvc.lock is stale:", ["rows [1]"])


def test_a_source_outside_of_the_project_is_named_by_its_whole_path(repository):
    params = repository / "params.yaml"
    params.write_text(params.read_text().replace("source/*.parquet", "../source/*.parquet"))
    commit(repository)
    with (
        Scratch(project, "HEAD") as scratch,
        pytest.raises(ContractError, match=r"the source \.\./source/\*\.parquet leads out of the project"),
    ):
        scratch.bring_source(repository)


@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_proof_leaves_nothing_behind(repository, tmp_path, sign, status):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    (repository / "reports").mkdir(exist_ok=True)
    (repository / "reports/prove.json").write_text("of an earlier run")
    # whoever runs the tests in the background has their children ignore SIGINT
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{heed}\n{PROVE}"]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=repository, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any("Running stage 'ingest'" in line for line in process.stdout)
        assert list(temporary.glob("clone-*"))
        process.send_signal(sign)
        process.stdout.read()
    assert process.returncode == status
    assert list(temporary.glob("clone-*")) == []
    assert not (repository / "reports/prove.json").exists()


def test_files_that_differ_from_the_commit_are_refused_by_name(repository, capsys):
    (repository / "policy.yaml").write_text("floors: {}\n")
    status, printed = ended(capsys)
    assert status == 2
    assert "these files differ from HEAD: policy.yaml; commit them, or prove HEAD without them" in printed
    assert json.loads((repository / "reports/prove.json").read_text())["verdict"] == "unjudged"


@pytest.mark.parametrize("lock", [None, "schema: '2.0'\n", "stages: {make: {outs: [{path: data, md5: a}]}}\n"])
def test_without_a_bundle_in_the_lock_there_is_nothing_to_prove(repository, capsys, lock):
    (repository / LOCK).unlink()
    if lock:
        (repository / LOCK).write_text(lock)
    commit(repository)
    status, printed = ended(capsys)
    assert status == 0
    assert "nothing: the commit has no bundle in its dvc.lock yet" in printed
    assert "`make pipeline`" in printed


@pytest.mark.usefixtures("repository")
def test_a_commit_that_is_not_there_is_said():
    with pytest.raises(ContractError, match="there is no commit 'no-such' here"):
        prove(project, "no-such")


def test_a_stale_lock_names_what_it_was_not_made_from(repository, capsys):
    for name, old, new in [
        ("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2"),
        ("docs/model-card.md", "## What it is given", "## What it takes"),
        ("dvc.yaml", "cmd: python -m flight_delays bundle", "cmd: python -B -m flight_delays bundle"),
    ]:
        path = repository / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
    commit(repository)
    status, printed = ended(capsys)
    assert status == 1
    assert "different: dvc.lock is stale: it was not made from this commit; run `make pipeline` and commit" in printed
    assert "params.yaml: model.gradient_boosting.learning_rate: 0.1000 in dvc.lock, 0.2000 in the commit" in printed
    assert "docs/model-card.md: " in printed
    assert "dvc.yaml: bundle.cmd: " in printed
    assert "Running stage" not in printed


def test_a_stage_that_the_lock_does_not_know_makes_it_stale(repository):
    with (repository / "dvc.yaml").open("a") as opened:
        opened.write("  more:\n    cmd: python more.py\n    outs: [more.txt]\n")
    commit(repository)
    assert wheres(prove(project)) == ["dvc.yaml: more"]


def test_an_edited_metric_is_named_with_both_values(repository, committed):
    was = json.loads((repository / METRICS).read_text())["holdout"]["roc_auc"]["value"]
    forge(repository, METRICS, edited_metrics(repository))
    proof = judged(repository, committed)
    assert (proof.verdict, proof.exit) == ("different", 1)
    assert proof.reason == f"{METRICS}: holdout.roc_auc.value: {was + 0.1:.4f} committed, {was:.4f} retrained"
    assert wheres(proof) == [f"{METRICS}: holdout.roc_auc.value"]


def test_an_edited_metric_is_found_where_the_lock_was_left_as_it_was(repository, committed):
    (repository / METRICS).write_bytes(edited_metrics(repository))
    assert wheres(judged(repository, committed)) == [f"{METRICS}: holdout.roc_auc.value"]


def test_a_metric_that_is_off_by_less_than_the_tolerance_is_equivalent(repository, committed):
    forge(repository, METRICS, edited_metrics(repository, by=1e-9))
    proof = judged(repository, committed)
    assert (proof.verdict, proof.rewritten) == ("equivalent", (METRICS,))


def test_a_lock_with_a_hash_that_nothing_has_is_different_though_the_file_is_right(repository, committed):
    lock = repository / LOCK
    lock.write_text(lock.read_text().replace(str(path_md5(repository / METRICS)), "0" * 32))
    assert wheres(judged(repository, committed)) == [f"dvc.lock: {METRICS}"]


def test_a_lock_of_two_runs_put_together_is_different(repository, committed):
    lock, periods = repository / LOCK, read_lock(repository / LOCK).outs[layout.PERIODS.as_posix()]
    first, _, rest = lock.read_text().partition(periods)
    lock.write_text(first + periods + rest.replace(periods, f"{'0' * 32}.dir"))
    assert "dvc.lock: train: data/periods" in wheres(judged(repository, committed))


def test_outputs_that_only_one_side_has_are_different(repository, committed, tmp_path):
    lock, more = repository / LOCK, "  more:\n    cmd: python more.py\n    outs:\n    - path: more.txt\n      md5: {}\n"
    lock.write_text(lock.read_text() + more.format("0" * 32))
    assert "more.txt" in wheres(judged(repository, committed))
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    (other / "more.txt").write_text("more")
    shutil.copyfile(committed / LOCK, lock)
    assert wheres(judged(repository, other)) == ["more.txt"]


def test_a_model_with_other_bytes_and_the_same_answers_is_equivalent(repository, committed):
    said = model(repository, "said")
    forge(repository, layout.MODEL.as_posix(), said)
    proof = judged(repository, committed)
    assert (proof.verdict, proof.rewritten) == ("equivalent", (layout.MODEL.as_posix(),))


def test_a_model_with_other_answers_is_different_whatever_the_metrics_say(repository, committed):
    forge(repository, layout.MODEL.as_posix(), model(repository, "answers"))
    proof = judged(repository, committed)
    data, allowed, leaves, tables = wheres(proof)
    assert "model/model.onnx: answers to " in data
    assert " rows of the data, most to row " in data
    assert " rows with missing, unknown and extreme values, most to a row with " in allowed
    assert " values of leaf_weights, in 20 of 20 trees; most leaf " in leaves
    assert tables.startswith("model/model.onnx: tables of the trees")


def test_a_model_that_has_learned_the_holdout_is_different(repository, committed, made, tmp_path, monkeypatch):
    root = tmp_path / "elsewhere/flights"
    shutil.copytree(committed, root)
    workspace = type(made)(root)
    validation = workspace.params.split.validation
    workspace.edit(split={"holdout": 1, "validation": validation})
    monkeypatch.chdir(root)
    workspace.run()
    forge(repository, layout.MODEL.as_posix(), (root / layout.MODEL).read_bytes())
    monkeypatch.chdir(repository)
    proof = judged(repository, committed)
    assert proof.verdict == "different"
    assert "model/model.onnx: answers to " in proof.differences[0].where


def test_a_model_with_other_answers_for_a_few_rows_is_different(repository, committed):
    forge(repository, layout.MODEL.as_posix(), model(repository, "few"))
    one, *_ = judged(repository, committed).differences
    assert one.where == "model/model.onnx"
    assert one.committed.startswith("no answer")
    assert "its trees answer otherwise than its tables of them" in one.committed


def test_a_bundle_with_another_model_than_was_trained_is_different(repository, committed):
    forge(repository, "bundle/model.onnx", model(repository, "answers"))
    found = wheres(judged(repository, committed))
    assert any(where.startswith("bundle/model.onnx: ") for where in found)
    assert "bundle/manifest.json: files.model.onnx" in found


def test_a_backdoor_that_no_holdout_row_reaches_is_different(repository, committed, made):
    """Metrics, predictions and probes are those of the honest model."""
    holdout = matrix(
        project.features(read_rows(made.root, made.contract, made.params, "holdout").columns, made.contract)
    )
    forged, count = with_backdoor(repository / layout.MODEL, holdout)
    assert count > 10
    forge(repository, layout.MODEL.as_posix(), forged)
    proof = judged(repository, committed)
    data, *_, trees, tables = proof.differences
    assert proof.verdict == "different"
    assert data.where.startswith("model/model.onnx: answers to ")
    assert f"model/model.onnx: {count} of " in trees.where
    assert (trees.committed, tables.committed) == (-8.0, -8.0)


def test_a_database_file_of_the_project_comes_along(repository):
    (repository / "mine.db").write_bytes(b"rows")
    edit = (repository / "params.yaml").read_text().partition("source:")
    query = "source: {kind: sql, url: 'sqlite:///mine.db', query: select 1}\nperiod:"
    (repository / "params.yaml").write_text(edit[0] + query + edit[2].partition("\nperiod:")[2])
    (repository / ".gitignore").write_text("mine.db\n")
    commit(repository)
    with Scratch(project, "HEAD") as scratch:
        assert not (scratch.root / "mine.db").exists()
        scratch.bring_source(repository)
        assert (scratch.root / "mine.db").read_bytes() == b"rows"


def test_a_model_that_answers_nothing_is_different(repository, committed):
    forge(repository, layout.MODEL.as_posix(), b"no model")
    one, other = judged(repository, committed).differences
    assert {one.where, other.where} == {"model/model.onnx"}
    assert one.committed.startswith("no answer")
    assert other.committed.startswith("no ONNX model")


def test_other_bytes_that_cannot_be_had_are_not_believed(repository, committed):
    forge(repository, layout.MODEL.as_posix(), model(repository, "said"), cached=False)
    proof = judged(repository, committed)
    assert (proof.verdict, proof.exit) == ("unjudged", 2)
    assert "retraining gave model/model.onnx other bytes" in proof.reason
    assert "bring it with `make pull`" in proof.reason
    assert "`make prove ARGS=--settle` lets the retrained outputs take their place" in proof.reason


def test_retrained_outputs_take_the_place_of_those_of_another_processor(repository, committed, tmp_path):
    """And what somebody brings later under the hash of the commit's lock is not used."""
    said = model(repository, "said")
    forge(repository, layout.MODEL.as_posix(), said, cached=False)
    forge(repository, METRICS, edited_metrics(repository, by=1e-9), cached=False)
    proof = judged(repository, committed, place=True)
    assert (proof.verdict, proof.exit, proof.absent) == ("equivalent", 0, (layout.MODEL.as_posix(),))
    assert "all that Git holds of it agrees within 1e-06" in proof.reason
    store(repository, said)
    assert (repository / LOCK).read_text() == (committed / LOCK).read_text()
    for path in (METRICS, layout.MODEL):
        assert (repository / path).read_bytes() == (committed / path).read_bytes()
    assert take(read_lock(LOCK).outs[layout.MODEL.as_posix()], tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").read_bytes() == (committed / layout.MODEL).read_bytes()


def test_nothing_takes_a_place_where_what_git_holds_differs(repository, committed):
    forge(repository, layout.MODEL.as_posix(), model(repository, "said"), cached=False)
    forge(repository, METRICS, edited_metrics(repository))
    before = (repository / LOCK).read_text()
    assert judged(repository, committed, place=True).verdict == "different"
    assert (repository / LOCK).read_text() == before


def test_nothing_takes_a_place_where_git_does_not_hold_the_metrics(repository, committed):
    forge(repository, layout.MODEL.as_posix(), model(repository, "said"), cached=False)
    run(repository, "git", "rm", "--quiet", "--cached", METRICS)
    (repository / ".gitignore").write_text(f"{FILES['.gitignore']}/{METRICS}\n")
    proof = judged(repository, committed, place=True)
    assert (proof.verdict, proof.exit) == ("unjudged", 2)
    assert "--settle" not in proof.reason


@pytest.mark.usefixtures("repository")
def test_outputs_of_another_commit_are_put_nowhere(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--settle", "--ref", "HEAD"], project)
    assert "--settle puts outputs into this folder, so it goes with HEAD and not with --ref" in capsys.readouterr().err


def test_a_cache_entry_that_is_not_what_its_hash_says_is_not_believed(repository, committed):
    said = model(repository, "said")
    forge(repository, layout.MODEL.as_posix(), said)
    md5 = str(path_md5(repository / layout.MODEL))
    shutil.copyfile(committed / layout.MODEL, repository / ".dvc/cache/files/md5" / md5[:2] / md5[2:])
    assert judged(repository, committed).verdict == "unjudged"


def test_a_bundle_of_another_python_is_equivalent(repository, committed):
    name_other_python(repository)
    proof = judged(repository, committed)
    assert proof.verdict == "equivalent"
    assert [one.where for one in proof.environment] == ["python"]
    assert "python: 3.11.30 committed" in proof.reason


def test_a_card_may_name_the_environment_and_nothing_else_may_differ(repository, tmp_path):
    card = (repository / "bundle/README.md").read_text()
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    forge(other, "bundle/README.md", f"{card}\nMade by Python {sys.version.split()[0]}.\n".encode())
    name_other_python(repository)
    forge(repository, "bundle/README.md", f"{card}\nMade by Python 3.11.30.\n".encode())
    assert "bundle/README.md" not in wheres(judged(repository, other))
    forge(repository, "bundle/README.md", f"{card}\nMade by Python 3.11.29.\n".encode())
    assert "bundle/README.md" in wheres(judged(repository, other))


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("bundle/README.md", "0.4", "0.5"),
        ("bundle/slices.csv", "0.4", "0.5"),
        ("bundle/probe.json", "0.4", "0.5"),
        ("bundle/contract.json", '"missing": true', '"missing": false'),
        ("bundle/manifest.json", '"seed": 2013', '"seed": 2014'),
        ("bundle/manifest.json", '"format": 1', "no JSON"),
    ],
)
def test_an_edited_value_in_the_bundle_is_different(repository, committed, path, old, new):
    text = (repository / path).read_text()
    forge(repository, path, text.replace(old, new, 1).encode())
    assert (repository / path).read_text() != text
    assert any(where.startswith(path) for where in wheres(judged(repository, committed)))


def test_a_file_more_in_the_bundle_is_different(repository, committed):
    (repository / "bundle/more.txt").write_text("")
    forge(repository, "bundle/more.txt", b"more")
    lock = repository / LOCK
    was, now = read_lock(committed / LOCK).outs["bundle"], str(path_md5(repository / "bundle"))
    lock.write_text(lock.read_text().replace(was, now))
    assert "bundle/more.txt" in wheres(judged(repository, committed))


def test_changed_rows_are_different_though_the_ledger_is_not(repository, committed):
    out = layout.PERIODS.as_posix()
    before = read_lock(repository / LOCK).outs[out]
    march = repository / out / "2013-03.parquet"
    table = pyarrow.parquet.read_table(march)
    distance = table.column_names.index("distance")
    table = table.set_column(distance, "distance", pyarrow.compute.add(table["distance"], 1))
    march.unlink()
    pyarrow.parquet.write_table(table, march)
    files = sorted(march.parent.iterdir())
    for file in files:
        store(repository, file.read_bytes())
    listing = [{"md5": path_md5(file), "relpath": file.name} for file in files]
    store(repository, json.dumps(listing, sort_keys=True).encode(), ".dir")
    lock = repository / LOCK
    lock.write_text(lock.read_text().replace(before, str(path_md5(march.parent))))
    (one,) = judged(repository, committed).differences
    assert one.where == f"data/periods/2013-03.parquet: distance of {table.num_rows:,} rows, such as"


def test_an_evicted_bundle_of_other_packages_than_the_commit_names_is_not_believed(repository, committed):
    manifest = json.loads((repository / "bundle/manifest.json").read_text())
    manifest["environment"]["packages"]["numpy"] = "2.0.0"
    forge(repository, "bundle/manifest.json", (json.dumps(manifest, indent=1) + "\n").encode(), cached=False)
    evict(repository)
    proof = judged(repository, committed)
    assert (proof.verdict, proof.rewritten) == ("unjudged", ("bundle",))


def test_an_evicted_bundle_with_the_metrics_of_git_is_proven(repository, committed):
    """Another processor rounds a metric otherwise, and the bundle that holds it was left on the machine it is of."""
    forge(repository, METRICS, edited_metrics(repository, by=1e-12))
    assemble(repository, cached=False)
    evict(repository)
    proof = judged(repository, committed)
    assert (proof.verdict, proof.rewritten) == ("equivalent", (METRICS, "bundle"))


def test_a_bundle_that_names_another_environment_than_its_commit_is_different(repository, committed):
    manifest = json.loads((repository / "bundle/manifest.json").read_text())
    manifest["environment"]["python"] = "3.11.30"
    forge(repository, "bundle/manifest.json", (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
    assert wheres(judged(repository, committed)) == ["bundle/manifest.json: environment.python"]


def test_an_environment_that_only_the_file_names_is_different(repository, committed):
    """The bundle was not made from it."""
    path = layout.ENVIRONMENT.as_posix()
    forge(repository, path, (repository / path).read_text().replace(sys.version.split()[0], "3.11.30").encode())
    proof = judged(repository, committed)
    assert (proof.verdict, proof.rewritten) == ("different", ())


def test_other_answers_in_another_environment_are_laid_to_it(repository, committed):
    name_other_python(repository)
    forge(repository, METRICS, edited_metrics(repository))
    assert "; the likely reason is the environment; python: 3.11.30 committed" in judged(repository, committed).reason
