"""The pipeline of one commit, run from its source and isolated from the rest of this machine.

It runs in a clone of the commit, with the commit's library, an empty DVC cache of its own, and this Python environment.
The workspace, its cache and run-cache, the DVC settings and the variables for Python and DVC do not affect it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..clone import Clone
from ..command import REFUSAL, SILENT, ended_by
from ..errors import ContractError
from ..git import without_repository
from ..judging.lock import CACHE, LOCK, path_md5, put_folder, read_lock
from ..runtime.project import Project
from ..training import layout
from ..training.cluster import address
from ..training.settings import read_params
from ..vendoring.guard import ANY_VERSIONS
from ..vendoring.versions import VERSIONS, write_versions
from .source import bring_source
from .tolerance import Difference

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
FOLDERS = ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG")  # that DVC reads outside of a project
LAST = 15  # lines of a failed pipeline's output that are shown
PATIENCE = 10  # seconds for a stopped pipeline to end by itself
SETTINGS = "[core]\n    analytics = false\n    check_update = false\n[cache]\n    dir = {}\n    type = reflink,copy\n"


class Scratch:
    """The clone, removed after the `with` block.

    root: the clone. kept: the outputs that Git holds in the commit, as they were before anything ran.

    Raises ContractError if there is no such commit, or no DVC.
    """

    def __init__(self, project: Project, commit: str) -> None:
        if importlib.util.find_spec("dvc") is None:
            raise ContractError("there is no DVC in this environment; run `make setup`")
        self._package = project.name
        self._clone = Clone(commit, cache=None)
        self.root = self._clone.root
        self._own = self._clone.beside
        self._rebuilt = self._own / "rebuilt"
        self.kept = self._own / "kept"

    def __enter__(self) -> Scratch:
        self._clone.__enter__()
        self.kept.mkdir(parents=True)
        # replaces the settings of the clone, in which a shared cache may be set
        (self.root / ".dvc/config.local").write_text(SETTINGS.format(self._own / "cache"), encoding="utf-8")
        return self

    def __exit__(self, *error: object) -> None:
        self._clone.__exit__(*error)

    def keep(self, outs: Iterable[str]) -> None:
        """Copy the outputs that are in the commit, because the pipeline will replace them."""
        for path in outs:
            _copy(self.root / path, self.kept / path)

    def status(self) -> dict[str, list[Any]]:
        """The changes since the lock was made, as `dvc status` reports them, an update of uv.lock among them."""
        if (self.root / VERSIONS).is_file():  # older commits have none
            write_versions(self.root)
        return json.loads(self._run_python("-m", "dvc", "status", "--json"))

    def bring_source(self, project: Path) -> None:
        """Copy the source from the project's folder if Git does not hold it; see `bring_source` of `source`."""
        bring_source(project, self.root)

    def retrain(self) -> str | None:
        """Run all stages again; return None, or the reason of a failure: the stage's message, else the last output."""
        (self.root / LOCK).unlink()  # so that the new one lists only stages that have run
        command = [sys.executable, "-m", "dvc", "repro", "--force", "--no-run-cache"]
        printed: list[str] = []
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
                    printed.append(line)
            except BaseException:
                _stop(process)
                raise
        if not process.returncode:
            return None
        refusal = self.root / REFUSAL
        message = json.loads(refusal.read_text())["message"] if refusal.is_file() else "".join(printed[-LAST:]).strip()
        return (ended_by("".join(printed)) if message.startswith(SILENT) else None) or message

    def share(self, cache: Path) -> None:
        """Add the outputs to a DVC cache, replacing files of the same name."""
        shutil.copytree(self._own / "cache", cache, dirs_exist_ok=True, copy_function=_replace)
        if self.has_rebuilt:
            put_folder(self._rebuilt, cache)

    def place(self) -> None:
        """Put the retrained outputs and their dvc.lock into the project, and the outputs into its cache."""
        self.share(CACHE)
        for path, md5 in read_lock(self.root / LOCK).outs.items():
            if path_md5(Path(path)) != md5:
                _remove(Path(path))
                _copy(self.root / path, Path(path))
        _copy(self.root / LOCK, LOCK)

    @property
    def has_rebuilt(self) -> bool:
        """Whether `rebuild_bundle` gave the committed bundle."""
        return self._rebuilt.is_dir()

    def rebuild_bundle(self, outs: Mapping[str, str]) -> bool:
        """Make the bundle from the committed outputs; return whether it has its committed hash.

        outs: the committed hash of each output. For outputs that are not in `kept`, the retrained ones are used. The
        retrained outputs are not changed.
        """
        stages = read_lock(self.root / LOCK).stages
        command = stages.get(layout.BUNDLE.name, {}).get("cmd")
        if not isinstance(command, str):
            return False
        aside = self._own / "aside"
        committed = [path for path in outs if (self.kept / path).exists() and Path(path) != layout.BUNDLE]
        replaced = [path for path in [*committed, layout.BUNDLE.as_posix()] if (self.root / path).exists()]
        try:
            for path in replaced:
                _move(self.root / path, aside / path)
            for path in committed:
                _copy(self.kept / path, self.root / path)
            self._run_python(*shlex.split(command)[1:])  # with the Python of this environment
            if (self.root / layout.BUNDLE).is_dir():
                _move(self.root / layout.BUNDLE, self._rebuilt)
        except ContractError:
            return False
        finally:
            for path in replaced:
                _remove(self.root / path)
                _move(aside / path, self.root / path)
        if path_md5(self._rebuilt) != outs[layout.BUNDLE.as_posix()]:
            _remove(self._rebuilt)
        return self.has_rebuilt

    def compare_answers(self, where: str, committed: Path, retrained: Path) -> Iterator[Difference]:
        """The differences between the answers of two models to every row of the data and more; see every_row.py.

        The features are those of the commit, and the library is the one that judges.

        Raises ContractError if the features cannot be computed.
        """
        module = f"{__name__.rpartition('.')[0]}.every_row"
        library = Path(__file__).parents[2]
        # in an environment it is found without, and nothing beside it may be taken for a part of Python
        more = [] if str(library) == sysconfig.get_path("purelib") else [str(library)]
        path = {"PYTHONPATH": os.pathsep.join([str(self.root), *more])}
        printed = self._run_python("-m", module, self._package, str(committed), str(retrained), env=path)
        told = json.loads(printed.splitlines()[-1])
        if "unanswered" in told:
            yield Difference(where, f"no answer ({told['unanswered']})", "answers")
        for one in told.get("apart", ()):
            if one["rows"]:
                label = f"{where}: answers to {one['rows']:,} of {one['asked']:,} {one['kind']}, most to {one['where']}"
                yield Difference(label, one["committed"], one["retrained"])

    def _run_python(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        command = [sys.executable, *arguments]
        environment = {**self._environment(), **(env or {})}
        result = subprocess.run(  # noqa: S603
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            last = result.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
            raise ContractError(f"`{' '.join(arguments[:3])}` failed: {last[0]}")
        return result.stdout

    def _environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in without_repository().items() if not name.startswith(("DVC_", "PYTHON"))
        }
        folders = {f"DVC_{name}_DIR": str(self._own / name) for name in FOLDERS}
        threads = str(read_params(self.root / "params.yaml").threads)
        return {
            **inherited,
            **folders,
            **dict.fromkeys(THREADS, threads),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
            # the commit's code and library, not those installed in the environment
            "PYTHONPATH": self._clone.python_path,
            "PYTHONUNBUFFERED": "1",
            ANY_VERSIONS: "1",  # which differ is for the proof to say
            address.VARIABLE: address.HERE,  # a proof trusts no cluster, and the bytes need none
        }


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, if there is one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        shutil.copyfile(source, target)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _replace(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)  # DVC's files are read-only
    shutil.copy2(source, target)


def _stop(process: subprocess.Popen[str]) -> None:
    """End the pipeline and all of its processes, so that nothing writes into a folder that is being removed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(PATIENCE)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
