"""The pipeline of one commit, run from its source where nothing else of this machine can reach it.

It has a clone of the commit, a DVC cache of its own that is empty, and the Python environment that is here. Neither
the workspace nor its cache, run-cache, DVC settings or variables for Python and DVC have a say in it.
"""

from __future__ import annotations

import glob
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..clone import Clone
from ..training.lineage import PACKAGE
from ..command import REFUSAL
from ..runtime.contract import ContractError
from ..training import layout
from ..training.settings import read_params
from .lock import LOCK

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
FOLDERS = ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG")  # where DVC looks outside of a project
FEW = 50  # rows that are asked at once; a model may have another way for many
TOLD = 15  # how many of a failed pipeline's last lines are told
PATIENCE = 10  # seconds that a stopped pipeline has to end by itself
SETTINGS = "[core]\n    analytics = false\n    check_update = false\n[cache]\n    dir = {}\n    type = reflink,copy\n"


class Scratch:
    """The clone, gone after the `with` block however that ends.

    root: the clone. kept: the outputs that the commit itself holds, as they were before anything ran.

    Raises ContractError where there is no such commit, or no DVC.
    """

    def __init__(self, commit: str) -> None:
        if importlib.util.find_spec("dvc") is None:
            raise ContractError("there is no DVC in this environment; run `make setup`")
        self._clone = Clone(commit, cache=None)
        self.root = self._clone.root
        self._own = self.root.parent / ".scratch"
        self.kept = self._own / "kept"

    def __enter__(self) -> Scratch:
        self._clone.__enter__()
        self.kept.mkdir(parents=True)
        # in place of what the clone was given: a shared cache that is set there would leak in
        (self.root / ".dvc/config.local").write_text(SETTINGS.format(self._own / "cache"), encoding="utf-8")
        return self

    def __exit__(self, *error: object) -> None:
        self._clone.__exit__(*error)

    def keep(self, outs: Iterable[str]) -> None:
        """Put aside the outputs that are in the commit; running the pipeline will replace them."""
        for path in outs:
            found, target = self.root / path, self.kept / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(found, target)
            elif found.is_file():
                shutil.copyfile(found, target)

    def status(self) -> dict[str, list[Any]]:
        """What DVC says has changed since the lock was made."""
        return json.loads(self._ask("-m", "dvc", "status", "--json"))

    def bring_source(self, here: Path) -> None:
        """Copy a source that is files of the project which Git does not hold.

        They may be otherwise than they were: the ledger, which the commit holds, has the hash of their rows.

        Raises ContractError where they are not here either, or their path leads out of the project.
        """
        pattern = _local_source(self.root)
        if pattern is None:
            return
        if ".." in Path(pattern).parts:
            raise ContractError(
                f"the source {pattern} leads out of the project, and from a clone elsewhere; name it by its whole path "
                "in params.yaml"
            )
        for name in glob.glob(pattern, root_dir=here, recursive=True):
            if (here / name).is_file() and not (self.root / name).exists():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(here / name, self.root / name)
        if not glob.glob(pattern, root_dir=self.root, recursive=True):
            raise ContractError(
                f"the source {pattern} is neither in the commit nor on this machine; commit it, or bring it with "
                "`dvc pull`, or name a place in params.yaml that every machine can reach"
            )

    def retrain(self) -> str | None:
        """Run all stages, whatever was run before; None, or why that failed: a stage's own words where it has some."""
        (self.root / LOCK).unlink()  # so that the new one lists only what has run
        command = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache"]
        said: list[str] = []
        with subprocess.Popen(  # noqa: S603
            command,
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    print(line, end="", flush=True)
                    said.append(line)
            except BaseException:
                _stop(process)
                raise
        if not process.returncode:
            return None
        refusal = self.root / REFUSAL
        return json.loads(refusal.read_text())["message"] if refusal.is_file() else "".join(said[-TOLD:]).strip()

    def share(self, cache: Path) -> None:
        """Add what was made to a DVC cache; it replaces what has its name there."""
        shutil.copytree(self._own / "cache", cache, dirs_exist_ok=True, copy_function=_replace)

    def run_stage(self, command: str) -> None:
        """Run one stage's command, with what lies in the clone now."""
        self._ask(*command.split()[1:])

    def answers(self, model: Path) -> list[float]:
        """What a model answers to the retrained bundle's probe set, by the commit's own code.

        Raises ContractError where it does not take these rows, or answers them otherwise when fewer are asked at once.
        """
        bundle = self._own / "probed"
        shutil.rmtree(bundle, ignore_errors=True)
        shutil.copytree(self.root / layout.BUNDLE, bundle)
        shutil.copyfile(model, bundle / "model.onnx")
        rows = json.loads((bundle / "probe.json").read_text())["rows"]
        answers = self._predict(bundle, rows)
        if answers != [one for start in range(0, len(rows), FEW) for one in self._predict(bundle, rows[start:][:FEW])]:
            raise ContractError(f"it answers a row otherwise among {len(rows)} rows than among {FEW}")
        return answers

    def _predict(self, bundle: Path, rows: list[Any]) -> list[float]:
        given = self._own / "rows.json"
        given.write_text(json.dumps(rows), encoding="utf-8")
        said = self._ask("-m", f"{PACKAGE.name}.predict", str(given), "--bundle", str(bundle))
        answers = [json.loads(line)["prediction"] for line in said.splitlines()]
        return [float(one) for answer in answers for one in (answer if isinstance(answer, list) else [answer])]

    def _ask(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(  # noqa: S603
            command, cwd=self.root, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise ContractError(f"`{' '.join(arguments[:2])}` failed: {last[0]}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "PYTHON"))}
        folders = {f"DVC_{name}_DIR": str(self._own / name) for name in FOLDERS}
        threads = str(read_params(self.root / "params.yaml").threads)
        return {
            **kept,
            **folders,
            **dict.fromkeys(THREADS, threads),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
            # the clone's code, and not the workspace's that the environment was made for
            "PYTHONPATH": str(self.root),
            "PYTHONUNBUFFERED": "1",
        }


def _local_source(root: Path) -> str | None:
    """The path or pattern of a source that is files of the project; None where it is elsewhere."""
    source = read_params(root / "params.yaml").source
    path = source.path if source.kind == "files" else ""
    if source.kind == "sql" and source.url.startswith("sqlite:///"):
        path = source.url.removeprefix("sqlite:///").partition("?")[0]
    return path if path and "://" not in path and not Path(path).is_absolute() else None


def _replace(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)  # DVC writes its files so that nobody writes into them
    shutil.copy2(source, target)


def _stop(process: subprocess.Popen[str]) -> None:
    """End the pipeline and all that it started, so that nothing writes into a folder that is being removed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(PATIENCE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
