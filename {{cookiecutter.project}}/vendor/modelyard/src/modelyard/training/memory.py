"""How much memory a fit may take, and how much it would take with all rows in memory."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from ..errors import ContractError
from .data.matrices import FeatureBlocks, Matrix
from .settings import Params

GIB = 2**30
PROCESS = GIB // 2  # of Python with what it imports, and the rows that are read at a time
# Of one value of a feature while the estimator is fitted, the matrix included: measured for gradient boosting of
# scikit-learn, of which others take less; and for those that can be fitted by blocks
BYTES, BYTES_OF_BLOCKWISE = 25, 14
CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def fitting_rows(blocks: FeatureBlocks, estimator: object, params: Params) -> Matrix | FeatureBlocks:
    """The rows as one matrix if there is memory for it, else as blocks.

    Raises ContractError, before any of them is read, if there is not and the estimator cannot be fitted by blocks.
    """
    blockwise = hasattr(estimator, "fit_blocks")
    rows, features = len(blocks.target), len(blocks.features)
    needed = PROCESS + rows * features * (BYTES_OF_BLOCKWISE if blockwise else BYTES)
    allowed, by = allowed_memory(params)
    if needed <= allowed:
        return blocks.in_memory()
    told = f"{rows:,} rows of {features} features take about {needed / GIB:.1f} GiB in memory"
    limit = f"{allowed / GIB:.1f} GiB are allowed by {by}"
    if blockwise:
        print(f"{told}, and {limit}: {params.model.estimator} reads them block by block, with files beside")
        return blocks
    raise ContractError(
        f"{params.model.estimator} needs all rows at once: {told}, and {limit}; allow more, train on fewer periods "
        "(split.window), or use XGBoost (`from modelyard import xgboost` in model.py), which reads them block by block"
    )


def allowed_memory(params: Params) -> tuple[int, str]:
    """The bytes that this process may take, and what says so: `memory_gb`, else the smallest limit that it is under."""
    if params.memory_gb is not None:
        return int(params.memory_gb * GIB), "memory_gb in params.yaml"
    limits = {"this machine": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")}
    for name in ("RLIMIT_AS", "RLIMIT_DATA"):
        soft, _hard = resource.getrlimit(getattr(resource, name))
        if soft != resource.RLIM_INFINITY:
            limits[name] = soft
    if group := _group_limit():
        limits["the control group"] = group
    by = min(limits, key=lambda name: limits[name])
    return limits[by], by


def _group_limit() -> int | None:
    """The smallest limit of this process' control group and those above it; None without one (Linux, cgroups(7))."""
    if not OWN_GROUPS.is_file():
        return None
    found = []
    for line in OWN_GROUPS.read_text().splitlines():
        _number, kinds, own = line.split(":", 2)
        if kinds not in ("", "memory"):  # version 2, and the hierarchy of version 1
            continue
        top, name = (CONTROL_GROUPS / "memory", "memory.limit_in_bytes") if kinds else (CONTROL_GROUPS, "memory.max")
        folder = top / own.lstrip("/")
        while folder.is_relative_to(top):
            limit = folder / name
            if limit.is_file() and (text := limit.read_text().strip()).isdecimal():
                found.append(int(text))
            folder = folder.parent
    return min(found, default=None)
