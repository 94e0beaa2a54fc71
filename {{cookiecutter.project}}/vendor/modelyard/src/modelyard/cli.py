"""The command line: one table of all verbs. Each verb answers --help.

A project calls it as `python -m <package> VERB`. `python3 vendor/yard VERB` runs the verbs that need no environment.
The wheel of a model holds some of the library's folders and offers their verbs only.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pkgutil
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .command import pin_kernels, run_command, run_stage, without_pandas
from .errors import ContractError

if TYPE_CHECKING:
    from .runtime.project import Project

PIPELINE = Path("dvc.yaml")
# The verbs that read outputs which Git tracks, beside `gate`, which says itself that it could not judge, and the
# stages, before which make looks
READ_OUTPUTS = frozenset(
    {"tune", "automl", "compare", "labels-review", "data-diff", "prove", "stale", "package", "retrain"}
)


@dataclass(frozen=True)
class Verb:
    """What one verb does and what it needs.

    module: has `main(arguments, project)`, or `main(arguments)` if the verb is `bare`. extra: the extra that installs
    the packages it imports, or None if no extra does. bare: whether the standard library is enough. stage: whether DVC
    runs it. pandas: whether it uses pandas. Importing pandas takes most of a second, and pyarrow would do so for verbs
    that do not use it. pinned: whether its process runs with `pin_kernels`.
    """

    module: str
    summary: str
    extra: str | None = "train"
    bare: bool = False
    stage: bool = False
    pandas: bool = True
    pinned: bool = False


def _bare(module: str, summary: str) -> Verb:
    return Verb(module, summary, bare=True)


VERBS: Mapping[str, Mapping[str, Verb]] = {
    "make the model": {
        "ingest": Verb("training.ingest", "take the source's rows up to the watermark", stage=True),
        "train": Verb("training.train", "fit the model and export it", stage=True, pinned=True),
        "evaluate": Verb("training.evaluate", "measure the model on the holdout", stage=True, pandas=False),
        "bundle": Verb("training.bundle", "assemble what is shipped", stage=True, pandas=False),
        "draft": Verb("training.draft.draft", "draft contract.yaml from a source of your own"),
        "contract": Verb("training.contract_schema", "check contract.yaml, or print its JSON Schema"),
        "features": Verb("training.feature_list", "list features with history: users, records, freshness, cost"),
        "materialize": Verb("training.materialize", "write the online store, in which features with history are found"),
        "run": Verb("training.run", "run all stages on data in a folder, without the repository"),
        "tune": Verb("training.tune", "search for better settings of the model", None),
        "automl": Verb("training.automl", "search all estimators and their settings", None),
        "cluster": Verb("training.cluster.local", "start a Dask cluster here, for tune and automl", pandas=False),
        "labels-review": Verb("judging.review", "write a CSV of suspicious labels, for people to correct"),
        "compare": Verb("training.experiments", "show experiments and trials, ranked on the validation rows", None),
    },
    "judge it": {
        "champion": Verb("judging.champion", "get the model that is on main", "dev", pandas=False),
        "gate": Verb("judging.gate", "judge by policy.yaml whether the model may ship", "dev", pandas=False),
        "report": Verb("reporting.report", "show how good the model is, as Markdown and HTML", "dev"),
        "data-diff": Verb("reporting.data_diff", "show what changed in the data since main", "dev"),
        "docs": Verb("reporting.docs", "write the table of columns in docs/data.md", "dev"),
        "prove": Verb("proving.prove", "retrain from the source and compare with what is committed", "dev"),
        "stale": Verb("proving.stale", "check that the commit holds what the pipeline makes of it", "dev"),
        "remote": Verb("proving.remote", "move data and models from the DVC remote, or to it", "dev"),
        "resolve": _bare("proving.resolve", "after a merge, make the outputs from the merged sources"),
    },
    "use it": {
        "predict": Verb("runtime.predict", "answer rows with a bundle", ""),
        "score": Verb("runtime.score", "score a CSV or Parquet file of rows with a bundle", "score"),
        "score-files": Verb("training.cluster.score_files", "score many files, here or on a Dask cluster", "train"),
        "serve": Verb("serving.process.serve", "answer rows over HTTP", "serve"),
        "stream": Verb("serving.streaming.stream", "answer the messages of a Kafka topic, or lines on stdin", "serve"),
        "key": Verb("serving.access.key", "make a key for a caller of the service", "serve"),
    },
    "release and deploy it": {
        "package": Verb("releasing.package", "make all files of a release, and compare their answers", "dev"),
        "accept": Verb("releasing.accept", "test the service's image before it is pushed", "dev", pandas=False),
        "verify": Verb("releasing.verify", "check the files of a release, without a network", "dev"),
        "deploy": Verb(
            "deploying.deploy", "deploy a version: staging, canary, promote or roll back", "dev", pandas=False
        ),
        "release": _bare("releasing.registry.release", "check whether a tag may be released, or write its notes"),
        "publish": _bare("releasing.registry.publish", "make the release on GitHub, with its files"),
        "register": _bare("releasing.registry.register", "register a version, or assign one to a stage, by a tag"),
        "history": _bare("releasing.registry.history", "show which version was live in which stage, from the tags"),
        "deployment": _bare("deploying.deployment", "decide what deploy.yml does, and with which image"),
    },
    "watch it": {
        "labels": Verb("production.labels", "join what happened to the answered rows", "monitor"),
        "monitor": Verb("production.monitor", "say how the model does in production", "monitor"),
        "retrain": Verb("production.retrain", "check what has arrived, and move the watermark to it", "dev"),
        "relay": _bare("production.relay", "pass Alertmanager's alerts on to the repository's workflows"),
        "ship": Verb("production.ship", "move the log files of the service to the store", "train", pandas=False),
        "forget": Verb("production.forget", "remove a person's rows by ids", "monitor", pandas=False),
        "compact": Verb("production.compact", "make Parquet files of the logs in the store", "monitor", pandas=False),
    },
    "see where it stands": {
        "maturity": Verb(
            "maturity.maturity", "say how mature the practice is, by what runs have left", "dev", pandas=False
        ),
    },
    "GitHub": {
        "scope": _bare("github.scope", "decide what a change touches, for the first job of a workflow"),
        "results": _bare("github.results", "show the tests' results in the run's summary"),
        "handover": _bare("github.handover", "show the report in the run's summary, and keep whose it is"),
        "status": _bare("github.status", "post the check that main requires on a pull request"),
        "comment": _bare("github.comment", "post the model report on a pull request, as one comment"),
        "relock": _bare("github.relock", "commit a new dvc.lock to a pull request's branch"),
        "watched": _bare("github.watched", "tell whether policy.yaml names a store, for the first job of a schedule"),
        "start": _bare("github.start", "start retrain.yml if a retraining is due"),
        "retrained": _bare("github.retrained", "decide whether a retraining is worth a pull request"),
        "propose": _bare("github.propose", "open the pull request of a retraining, or update it"),
        "incident": _bare("github.incident", "keep one issue for each alarm, until it is over"),
        "update": _bare("github.update", "propose a new version of the template, as `upgrade --report` left it"),
        "doctor": _bare("github.doctor", "plan the repository's settings, and apply them with --apply"),
    },
    "the library itself": {
        "diff": _bare("vendoring.diff", "show what changed between two versions of the library"),
        "check": _bare("vendoring.check", "compare the vendored library with what the template's commit builds"),
        "hashes": _bare("vendoring.hashes", "write vendor/yard.json: the hash of the code of each stage"),
        "versions": _bare("vendoring.versions", "write versions.json: the packages of each stage, as uv.lock has them"),
        "eject": _bare("vendoring.eject", "unpack the library to vendor/modelyard/, to be edited"),
        "newer": _bare("vendoring.newer", "tell whether the template has a newer version"),
        "upgrade": _bare("vendoring.upgrade", "bring in the newest version of the template and its library"),
    },
}


def run(project: Project, arguments: Sequence[str] | None = None) -> None:
    """Run the verb with its arguments; without `arguments`, those of the process. The verb sets the exit status."""
    verb, verb_arguments = _parse(arguments, project.name, _installed_verbs(bare_only=False))
    chosen = _installed_verbs(bare_only=False)[verb]
    if chosen.pinned and arguments is None:  # else the process is not this verb's own
        pin_kernels()
    if not chosen.pandas:
        without_pandas()
    call_arguments = (verb_arguments,) if chosen.bare else (verb_arguments, project)

    def call() -> None:
        if verb in READ_OUTPUTS and PIPELINE.is_file():
            _check("judging", "unmerged", "check_merged")
        _load(verb, chosen).main(*call_arguments)

    if chosen.stage and PIPELINE.is_file():  # without a pipeline, no report reads the cost or the refusal
        run_stage(verb, lambda: _run_checked(verb, call))
    else:
        run_command(call)


def _run_checked(stage: str, call: Callable[[], None]) -> None:
    """Run a stage after a check that the library is the one that the project's files name."""
    _check("vendoring", "guard", "check_stage", stage)
    call()


def _check(room: str, module: str, name: str, *arguments: str) -> None:
    """Call a check; the wheel of a model does not have these folders, and nothing to check."""
    package = f"{__name__.rpartition('.')[0]}.{room}"
    if importlib.util.find_spec(package):
        getattr(importlib.import_module(f"{package}.{module}"), name)(*arguments)


def run_bare(program: str, arguments: Sequence[str] | None = None) -> None:
    """Like `run`, for the verbs that need no project and only the standard library."""
    verb, verb_arguments = _parse(arguments, program, _installed_verbs(bare_only=True))
    chosen = _installed_verbs(bare_only=True)[verb]
    run_command(lambda: _load(verb, chosen).main(verb_arguments))


def _installed_verbs(bare_only: bool) -> dict[str, Verb]:
    """The verbs whose module is installed: the wheel of a model has some folders, and of `production` a part."""
    package = __name__.rpartition(".")[0]
    rooms = {verb.module.partition(".")[0] for group in VERBS.values() for verb in group.values()}
    specs = {room: importlib.util.find_spec(f"{package}.{room}") for room in rooms}
    # their names alone: to look for a module in a package would import the package
    installed = {
        f"{room}.{module.name}"
        for room, spec in specs.items()
        if spec is not None
        for module in pkgutil.iter_modules(spec.submodule_search_locations)
    }
    return {
        name: verb
        for group in VERBS.values()
        for name, verb in group.items()
        if ".".join(verb.module.split(".")[:2]) in installed and (verb.bare or not bare_only)
    }


def _parse(arguments: Sequence[str] | None, program: str, installed: Mapping[str, Verb]) -> tuple[str, list[str]]:
    groups = []
    for title, verbs in VERBS.items():
        lines = [f"  {name:<14}{verb.summary}" for name, verb in verbs.items() if name in installed]
        groups += [f"{title}:\n" + "\n".join(lines)] if lines else []
    parser = argparse.ArgumentParser(
        prog=program, formatter_class=argparse.RawDescriptionHelpFormatter, epilog="\n\n".join(groups)
    )
    parser.add_argument(
        "--arguments-from",
        metavar="NAME",
        help="add the arguments in this variable of the environment: split as a shell does it, nothing expanded",
    )
    parser.add_argument("verb", choices=installed, metavar="verb")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...")
    options = parser.parse_args(arguments)
    sys.argv[0] = options.verb
    given: list[str] = options.arguments
    if options.arguments_from:
        try:
            words = shlex.split(os.environ.get(options.arguments_from, ""))
        except ValueError as error:
            parser.error(f"{options.arguments_from}: {error}; write it as arguments in a shell")
        place = given.index("--") if "--" in given else len(given)  # after `--` come no options
        given[place:place] = words
    return options.verb, given


def _load(verb: str, chosen: Verb) -> Any:
    package = __name__.rpartition(".")[0]
    try:
        return importlib.import_module(f".{chosen.module}", package)
    except ModuleNotFoundError as error:
        if str(error.name).startswith(package):
            raise
        needed = error.name
        if chosen.extra is not None:
            needed = package.partition(".")[0] + (f"[{chosen.extra}]" if chosen.extra else "")
        raise ContractError(f"`{verb}` needs {error.name}; install {needed}") from None
