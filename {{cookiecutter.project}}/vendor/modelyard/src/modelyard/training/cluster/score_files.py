"""Score many CSV or Parquet files, several at a time: by processes of this machine, or by the workers of a cluster.

The answers to each file go to a file of its name in the folder `--to`, as `score` writes them: complete or absent. A
file that breaks the contract is told, and the others are scored; the exit status is then 1. The cluster is the one that
DASK_SCHEDULER_ADDRESS or `cluster` in params.yaml names; a file travels to a worker, and its answers back.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from ...errors import ContractError, counted
from ...runtime.online.address import redis_address
from ...runtime.online.store import OnlineStore
from ...runtime.predictor import Predictor
from ...runtime.project import Project
from ...runtime.score import beside, online_store, score
from ...runtime.table_files import KINDS, check_readable
from ..layout import BUNDLE
from ..settings import read_params
from .address import import_distributed, scheduler_address
from .lost import Work

MOST = 2**30  # bytes of a file that travels
WORK = Work("a file", "give the workers more memory, or split the file", "files that were scored before are there")


def score_files(
    project: Project,
    bundle: Path,
    files: dict[Path, Path],
    jobs: int,
    cluster: str | None = None,
    online: str | None = None,
) -> Iterator[tuple[Path, int | ContractError]]:
    """Each file, as they end, with the number of its rows, or why it was not scored.

    files: where the answers to each go, a ".csv" or ".parquet" file. jobs: processes of this machine. cluster: the
    address of a scheduler, whose workers score instead. online: the online store; for a cluster, one in Redis.

    Raises ContractError if the bundle or the online store cannot be used, or what goes wrong with the cluster.
    """
    waiting = iter(files.items())
    running: dict[Future, tuple[Path, Path]] = {}
    with _workers(project, bundle, jobs, cluster, online) as (pool, many):
        while True:
            while len(running) <= many and (one := next(waiting, None)):  # one more, so that no worker waits for it
                source, target = one
                running[_submit(pool, source, target, there=bool(cluster))] = one
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                source, target = running.pop(done)
                try:
                    rows, answers = done.result()
                except ContractError as error:
                    yield source, error
                    continue
                if answers is not None:
                    with beside(target) as temporary:
                        temporary.write_bytes(answers)
                yield source, rows


@contextmanager
def _workers(
    project: Project, bundle: Path, jobs: int, cluster: str | None, online: str | None
) -> Iterator[tuple[Executor, int]]:
    """The workers, and how many there are."""
    online_store(online, project.predictor(bundle))  # what is wrong with them is not wrong with each file
    if cluster:
        import_distributed()  # which says how to get it
        from .client import cluster_workers
        from .packing import Cargo

        bundled = {path.name: path for path in sorted(bundle.iterdir())}
        with cluster_workers(cluster, WORK, Cargo(project, bundled, begin, (project, online))) as pool:
            yield pool, pool.size
        return
    context = multiprocessing.get_context("spawn")  # a forked process may not use threads that its parent has
    with ProcessPoolExecutor(jobs, context, initializer=begin, initargs=(bundle, project, online)) as processes:
        yield processes, jobs


def _submit(pool: Executor, source: Path, target: Path, there: bool) -> Future[tuple[int, bytes | None]]:
    if there:
        return pool.submit(answer_there, source.name, source.read_bytes(), target.suffix.lower())
    return pool.submit(answer_here, source, target)


# In a worker

_begun: tuple[Path, Project, str | None] | None = None


def begin(bundle: Path, project: Project, online: str | None = None) -> None:
    """Keep what answers."""
    global _begun
    _begun = bundle, project, online
    _answering.cache_clear()


@functools.cache
def _answering() -> tuple[Predictor, OnlineStore | None]:
    if _begun is None:
        raise RuntimeError("the worker was not started")
    bundle, project, online = _begun
    predictor = project.predictor(bundle)
    return predictor, online_store(online, predictor)


def answer_here(source: Path, target: Path) -> tuple[int, None]:
    """Score a file into another of this machine; the number of its rows."""
    with beside(target) as temporary:
        predictor, online = _answering()
        return score(predictor, source, temporary, target.suffix.lower(), online), None


def answer_there(name: str, content: bytes, kind: str) -> tuple[int, bytes]:
    """Score a file of that name and content; the number of its rows, and the content of the file with the answers."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / name, Path(folder) / f"answers{kind}"
        source.write_bytes(content)
        try:
            predictor, online = _answering()
            rows = score(predictor, source, target, kind, online)
        except ContractError as error:
            raise ContractError(str(error).replace(str(source), name)) from None
        return rows, target.read_bytes()


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `score-files`."""
    parser = argparse.ArgumentParser(
        prog="score-files", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("inputs", type=Path, nargs="+", help="files of rows, as `score` reads them")
    parser.add_argument("--to", type=Path, required=True, help="the folder that the answers go to")
    parser.add_argument("--as", dest="kind", choices=KINDS, help="what is written (default: what is read)")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="the bundle's folder (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes, unless there is a cluster (default: 1)")
    parser.add_argument("--online", help="the online store, for features with history that rows do not carry")
    options = parser.parse_args(arguments)
    params = Path("params.yaml")
    cluster = scheduler_address(read_params(params).cluster if params.is_file() else None)
    if options.jobs < 1:
        raise ContractError(f"JOBS is {options.jobs}: at least 1 is needed")
    if cluster and options.online and redis_address(options.online) is None:
        raise ContractError(
            f"--online {options.online} is a file, which the workers of {cluster} do not see: write the store into "
            "Redis with `materialize --to redis://...`"
        )
    files = _targets(options.inputs, options.to, options.kind, travel=bool(cluster))
    refused = total = 0
    for source, found in score_files(project, options.bundle, files, options.jobs, cluster, options.online):
        if isinstance(found, ContractError):
            refused += 1
            print(f"error: {found}" if str(source) in str(found) else f"error: {source}: {found}", file=sys.stderr)
            continue
        total += found
        print(f"{found:,} rows of {source} scored into {files[source]}", file=sys.stderr)
    print(f"{total:,} rows of {counted(len(files) - refused, 'file')} scored", file=sys.stderr)
    if refused:
        sys.exit(1)


def _targets(sources: Sequence[Path], folder: Path, kind: str | None, travel: bool) -> dict[Path, Path]:
    """Where the answers to each file go. Raises ContractError, before any is scored, if a file or a name cannot be."""
    files = {}
    for source in dict.fromkeys(sources):
        check_readable(source)
        if not source.is_file():
            raise ContractError(f"{source}: no such file")
        if travel and source.stat().st_size > MOST:
            raise ContractError(
                f"{source} has {source.stat().st_size / MOST:.1f} GiB, and at most 1 GiB travels to a worker: split "
                "it, or score it on this machine with `score`"
            )
        read_as = ".parquet" if source.suffix.lower() in (".parquet", ".pq") else ".csv"
        files[source] = folder / f"{source.stem}{kind or read_as}"
    twice = [path for path, count in Counter(files.values()).items() if count > 1]
    if twice:
        both = " and ".join(str(source) for source, target in files.items() if target == twice[0])
        raise ContractError(f"the answers to {both} would both go to {twice[0]}; score them into two folders")
    if own := [source for source, target in files.items() if target.resolve() == source.resolve()]:
        raise ContractError(f"the answers would replace {own[0]}; name another folder with --to")
    if not folder.is_dir():
        raise ContractError(f"there is no folder {folder}; make it first")
    return files
