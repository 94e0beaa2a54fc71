"""Search for better settings of the estimator in use, judged on the validation rows, and write them to params.yaml.

Settings are proposed in batches, whose size is in params.yaml, each from a seed of its own, and reported in order. So
the result depends on the seed and the number of trials only, not on how many run at once or on whether the search was
interrupted and resumed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import optuna
from tqdm import tqdm

from ..errors import counted
from ..runtime.contract import Contract
from ..runtime.project import Project
from .edit import edit_yaml
from .journal import whole_batches
from .metrics import PRIMARY
from .settings import Params, read_contract, read_params
from .spread import measure, merge, propose
from .study import ask, distributions, journal_of, open_study, score, tell
from .trials import WorkerArguments, check_taken, workers


def tune(
    project: Project, root: Path, contract: Contract, params: Params, trials: int, jobs: int
) -> tuple[optuna.Study, float]:
    """Extend the study to at least `trials` trials, in whole batches, `jobs` at a time.

    Returns the study and the value of the settings in params.yaml. Raises ContractError if params.yaml has no space for
    the estimator in use.
    """
    distributions(params)
    check_taken(root)
    journal = journal_of(root, contract, params)
    with whole_batches(journal):
        return _extend(journal, (project, root, contract, params), trials, jobs)


def _extend(journal: Path, arguments: WorkerArguments, trials: int, jobs: int) -> tuple[optuna.Study, float]:
    params = arguments[-1]
    study, done = open_study(journal, params)
    total = done + _whole(trials - done, params)
    with (
        workers(jobs, arguments) as pool,
        tqdm(total=total, initial=done, desc="tuning", unit="trial", disable=None) as bar,
    ):
        present = pool.submit(score, {})
        while done < trials:
            batch = ask(study, params, done)
            values = []
            for value in pool.map(score, [trial.params for trial in batch]):
                values.append(value)
                bar.update()
            tell(study, batch, values)
            done += len(batch)
        return study, present.result()


def _whole(trials: int, params: Params) -> int:
    """So many trials in whole batches; none if there are enough."""
    return params.tune.batch * max(0, -(-trials // params.tune.batch))


def _told(found: int, wanted: int, params: Params) -> str:
    told = counted(found, "trial")
    if 0 < found - wanted < params.tune.batch:
        told += f", not {wanted}, as they run in batches of {params.tune.batch} (tune.batch in params.yaml)"
    return told


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `tune`."""
    parser = argparse.ArgumentParser(
        prog="tune", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, help="how many in all (else as params.yaml says)")
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        help="processes at a time, unless a cluster runs them; the result is the same (default: 1)",
    )
    apart = parser.add_mutually_exclusive_group()
    apart.add_argument("--propose", type=int, metavar="SHARES", help="only write the next batch, for so many machines")
    apart.add_argument("--measure", type=int, metavar="SHARE", help="only measure a share of it, from 1 on")
    apart.add_argument("--merge", action="store_true", help="only report what all shares of it were measured to be")
    options = parser.parse_args(arguments)
    contract, params = read_contract(), read_params()
    wanted = options.trials or params.tune.trials
    if options.propose is not None:
        count = propose(project, Path(), contract, params, wanted, options.propose)
        print(f"{counted(count, 'share')} of the next batch" if count else f"there are {wanted} trials already")
        return
    if options.measure is not None:
        count = measure(project, Path(), contract, params, options.measure, options.jobs)
        print(f"share {options.measure}: {counted(count, 'trial')} measured")
        return
    if options.merge:
        print(f"{counted(merge(project, Path(), contract, params, wanted), 'trial')} of {wanted}")
        return
    study, present = tune(project, Path(), contract, params, wanted, options.jobs)
    metric = PRIMARY[contract.kind]
    best = ", ".join(f"{name} {value:.6g}" for name, value in study.best_params.items())
    found = _told(len(study.trials), wanted, params)
    print(f"{found}; best {metric} {study.best_value:.6f} with {best}; now {metric} {present:.6f}")
    if study.best_value >= present:
        print("params.yaml is as good already; nothing was changed")
        return
    edit_yaml(Path("params.yaml"), {"model": {params.model.estimator: study.best_params}})
    print("params.yaml has the better settings; see `git diff`, then `make pipeline` and commit")
