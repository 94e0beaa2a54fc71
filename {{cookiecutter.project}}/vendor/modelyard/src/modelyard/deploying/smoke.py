"""The smoke test of a variant: it is asked, through the real port, what only the right model answers rightly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .failure import DeployError
from .state import Name, Release

TOLERANCE = 1e-9  # relative and absolute; another CPU may differ in the last digits
ROUTER = {"host": "127.0.0.1", "port": 8080}


class Asks(Protocol):
    """Who asks inside the stage."""

    def ask(self, **task: Any) -> dict[str, Any]:
        """The answer to a task, see inside.py."""


def smoke(
    agent: Asks, name: Name, release: Release, probe: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> list[str]:
    """What was checked, a line each. Raises DeployError with the first check that failed.

    probe: rows and the answers that the bundle has for them. headers: those that let us in.
    """

    def get(path: str, **more: Any) -> str:
        sent = {**headers, "x-variant": name, **more.pop("headers", {})}
        answer = agent.ask(**ROUTER, path=path, headers=sent, **more)
        if answer["status"] != 200:
            raise DeployError(f"smoke test of {name}: {path} answered {answer['status']}: {answer['text'][:300]}")
        text: str = answer["text"]
        return text

    done = []
    for path in ("/healthz", "/readyz"):
        get(path)
        done.append(f"{path} answers 200")
    model = json.loads(get("/model"))
    done.append(check_model(name, release, model))
    if probe is not None:
        body = json.dumps({"rows": probe["rows"]})
        sent = {"content-type": "application/json"}
        text = get("/predict", method="POST", headers=sent, body=body, timeout=30.0)
        done.append(check_answers(name, release, probe, json.loads(text), str(model.get("bundle", ""))))
    return done


def check_model(name: Name, release: Release, said: Mapping[str, Any]) -> str:
    """That the model is the one that was deployed. Raises DeployError."""
    bundle = str(said.get("bundle", ""))
    if not same_bundle(bundle, release.bundle):
        raise DeployError(
            f"smoke test of {name}: /model says bundle {bundle[:12] or 'none'}, and {release.version} has "
            f"{release.bundle[:12]}: the image is not the one of this release"
        )
    return f"/model says bundle {bundle[:12]}"


def same_bundle(one: str, other: str) -> bool:
    """Whether two hashes, either of which may be cut, are of the same bundle; not to be told where one is not given."""
    return one.startswith(other) or other.startswith(one)


def check_answers(
    name: Name, release: Release, probe: Mapping[str, Any], said: Mapping[str, Any], own: str = ""
) -> str:
    """That the probe rows are answered as the bundle says, by this variant's model. Raises DeployError.

    own: the hash of the variant's bundle. Where rows are split by a column, those that the other bundle answered are
    left out; one at least must be left.
    """
    expected = probe["answers"]
    if said.get("variant") != name:
        raise DeployError(f"smoke test of {name}: variant {said.get('variant')!r} answered in its place")
    if said.get("fallback"):
        raise DeployError(f"smoke test of {name}: {said['fallback']} answered, not the model of {release.version}")
    found = [one["prediction"] for one in said["predictions"]]
    if len(found) != len(expected):
        raise DeployError(f"smoke test of {name}: {len(found)} answers to {len(expected)} probe rows")
    by = [str(one.get("bundle") or said.get("bundle") or "") for one in said["predictions"]]
    ours = [row for row, bundle in enumerate(by) if same_bundle(bundle, own)]
    wrong = [row for row in ours if not alike(found[row], expected[row])]
    if expected and not ours:
        raise DeployError(
            f"smoke test of {name}: the other bundle of the split answered all {len(expected)} probe rows, so nothing "
            f"shows what {release.version} answers; split by another column, or by a header"
        )
    if wrong:
        row = wrong[0]
        raise DeployError(
            f"smoke test of {name}: {len(wrong)} of {len(expected)} probe rows are answered otherwise than the bundle "
            f"says, the first in row {row}: {found[row]!r}, and {expected[row]!r} is right"
        )
    others = len(expected) - len(ours)
    split = f"; {others} are answered by the other bundle of the split" if others else ""
    return f"/predict answers {len(ours)} probe rows as the bundle says{split}"


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same: numbers, or the classes' probabilities, within TOLERANCE."""
    if isinstance(one, Mapping):
        one = list(one.values())
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        return len(one) == len(other) and all(alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)
