"""The items about data: what comes in, what it is good for and what it costs."""

from __future__ import annotations

from ..git import git
from ..training.layout import IMPORTANCE, LEDGER
from .evidence import PracticeEvidence
from .found import Lack, Part, Trace, best
from .reports import COSTS, STAGES, RunFiles

CLEAR = 2.0  # standard deviations from which on a loss counts as more than noise
GITHUBS = "noreply@github.com"  # who commits what is merged on GitHub


def schema(found: PracticeEvidence) -> list[Part]:
    """Rows are taken under a contract that ingest enforces."""
    periods = found.pipeline.read_json(LEDGER).get("periods", {})
    if not found.pipeline.depends_on("ingest", "contract.yaml"):
        periods = {}
    rows = sum(entry["rows"] for entry in periods.values())
    what = f"ingest held {rows:,} rows of {len(periods):,} periods against contract.yaml as it is now"
    return [found.pipeline.part(LEDGER, what if periods else "")]


def benefit(found: PracticeEvidence) -> list[Part]:
    """What each input adds is measured, and those that add nothing are named."""
    lines = {line["input"]: line for line in found.pipeline.read_lines(IMPORTANCE)}
    if not lines:
        return [found.pipeline.part(IMPORTANCE, "")]
    if unmeasured := [name for name in found.contract.inputs if name not in lines]:
        return [Lack(f"what {', '.join(unmeasured)} adds was not measured", "make pipeline")]
    idle = [name for name, one in lines.items() if float(one["loss"]) <= CLEAR * float(one["std"])]
    names = f"; not told from noise: {', '.join(idle)}" if idle else "; all are told from noise"
    what = f"the loss without each of {len(lines)} inputs was measured{names}"
    return [found.pipeline.part(IMPORTANCE, what)]


def cost(found: PracticeEvidence) -> list[Part]:
    """What taking and learning from the inputs costs is measured."""
    alone = Lack(
        "what one input costs is not measured: give it `role: unused`, and compare the stages' costs", "make pipeline"
    )
    measured = [_costs(files) for files in found.reports if files.files.keys() >= set(COSTS)]
    nothing = Lack("no run of the pipeline has left what its stages cost (reports/cost)", "make pipeline")
    return [best(*measured, nothing), alone]


def _costs(files: RunFiles) -> Trace:
    costs = {stage: files.object(name) or {} for stage, name in zip(STAGES, COSTS, strict=True)}
    told = (f"{stage} {one.get('seconds')} s, {one.get('peak_mb')} MB" for stage, one in costs.items())
    return files.trace(COSTS[0], f"the stages' costs were measured: {'; '.join(told)}")


def rules(found: PracticeEvidence) -> list[Part]:
    """Only inputs that the contract allows are used."""
    return [found.check("the features read no column but the contract's inputs", "check_inputs_only")]


def privacy(found: PracticeEvidence) -> list[Part]:
    """Who may reach the data is limited, and persons can be removed."""
    command = "make github APPLY=1"
    settings: Part = Lack("GitHub's settings of access are not known here", "GH_TOKEN=... make maturity")
    if found.hub.access is not None:
        settings = Trace("secrets and data are where only main and its owners reach", "settings on GitHub", "", True)
        if found.hub.access:
            settings = Lack(f"access on GitHub is not as wanted: {found.hub.access[0]}", command)
    if not found.audit:
        return [settings]
    last = found.audit[-1]
    removed = Trace(f"a person's rows were removed: {last.get('removed')}", "audit.jsonl", str(last.get("time", "")))
    return [best(settings, removed)]


def quickness(found: PracticeEvidence) -> list[Part]:
    """An input or a feature was changed, and the model made with it, in a time that Git tells."""
    made = "contract.yaml", f"{found.package.name}/features.py"
    form = "--format=%h%x09%aI%x09%cI%x09%ce"
    # changed, not added: the contract of one's own data is written once, in place of the sample's
    with_model = set(git(found.root, "log", "--diff-filter=M", "--format=%h", "--", "dvc.lock").split())
    for line in git(found.root, "log", "--diff-filter=M", form, "--", *made).splitlines():
        commit, begun, ended, committer = line.split("\t")
        if commit in with_model:
            what = f"a change of inputs or features came with its model (written {begun})"
            merged = committer == GITHUBS
            return [Trace(what, f"commit {commit}" + (", merged on GitHub" if merged else ""), ended, merged)]
    lacking = "no commit since the first model changed contract.yaml or features.py together with the model"
    return [Lack(lacking, "make pipeline")]


def tested(found: PracticeEvidence) -> list[Part]:
    """The code of features is tested."""
    names = "check_arrays", "check_rows_alone", "check_twice", "check_inputs_unchanged"
    return [found.check("features are a pure function of each row", *names)]
