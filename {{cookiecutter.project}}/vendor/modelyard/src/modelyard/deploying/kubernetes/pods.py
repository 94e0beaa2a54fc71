"""Our hand inside a namespace: what we cannot ask from here is asked in the pods themselves, by `kubectl exec`.

So no port is opened for a deployment, and the NetworkPolicy need not know of it.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import inside
from ..failure import DeployError
from ..metrics import OWN, parse_metrics
from ..place import PORT
from ..state import NAMES, Name
from .kubectl import Kubectl, Object
from .manifests import CONTAINER, is_ready, pods_of, restarts

KNOWN = 1.0  # seconds for which the list of pods is good
BEAT = 5.0  # seconds between two signs of life to the lock
TRIES = 4  # to be told something in a pod
SHOWN = 200  # characters of what was printed instead
PROBE = "import pathlib, sys; print(next(pathlib.Path(sys.prefix).rglob('bundle/probe.json')).read_text())"


@dataclass
class Pods:
    """The pods of both variants. selector: their labels; alive: called every few seconds, to keep the lock.

    A pod that goes, or is started again, takes its counters with it; what they last were is remembered, so that the
    sums of a variant never fall.
    """

    kubectl: Kubectl
    selector: str
    alive: Callable[[], None] = lambda: None
    _counted: dict[tuple[Name, str, int], str] = field(default_factory=dict)
    _asked: dict[Name, dict[str, Any]] = field(default_factory=dict)
    _seen: tuple[float, list[Object]] = (-math.inf, [])

    def ask(self, **task: Any) -> dict[str, Any]:
        """The answer of a variant to a request, see inside.py: `host` is its name, or the header x-variant says it.

        /metrics is asked of each of its pods, and the texts are put together. Raises DeployError.
        """
        headers = dict(task.get("headers", {}))
        name: Name = headers.pop("x-variant", None) or task["host"]
        if task["path"] == "/metrics" and name in self._asked:
            return self._asked.pop(name)
        sent = {**task, "host": "127.0.0.1", "port": PORT, "headers": headers}
        pods = pods_of(self._there(), name)
        ready = [one for one in pods if is_ready(one)]
        if not ready:
            raise DeployError(f"no pod of {name} is ready, so none can be asked for {task['path']}")
        if task["path"] != "/metrics":
            return self._exec(ready[0], sent)
        for pod in ready:
            answer = self._exec(pod, sent)
            if answer["status"] != 200:
                return answer
            self._counted[name, pod["metadata"]["uid"], restarts(pod)] = answer["text"]
        text = "\n".join(text for (variant, _, _), text in self._counted.items() if variant == name)
        return {"status": 200, "text": text}

    def statistics(self, headers: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """How many requests of clients each variant answered, by kind of status, as of now; see `statistics`.

        Who asks for a variant's /metrics next gets the text that this was read from, so that both fit.
        """
        self._asked = {}
        answers = {name: self.ask(host=name, path="/metrics", headers=headers) for name in NAMES}
        self._asked = answers
        return {name: statistics(answer["text"]) if answer["status"] == 200 else {} for name, answer in answers.items()}

    def probe(self, name: Name) -> Mapping[str, Any]:
        """The probe rows of the bundle in a variant's image, and their answers. Raises DeployError."""
        pods = [one for one in pods_of(self._there(), name) if is_ready(one)]
        if not pods:
            raise DeployError(f"no pod of {name} is ready")
        return self._run([*self._inside(pods[0]), "python3", "-c", PROBE])

    def idle(self, seconds: float) -> None:
        """Wait, but keep the lock."""
        until = time.monotonic() + seconds
        while True:
            self.alive()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, BEAT))

    def forget(self) -> None:
        """Look for the pods anew; whoever changed something says so."""
        self._seen = (-math.inf, [])

    def _there(self) -> list[Object]:
        if time.monotonic() - self._seen[0] > KNOWN:
            self._seen = (time.monotonic(), self.kubectl.get("pods", f"--selector={self.selector}"))
        return self._seen[1]

    def _inside(self, pod: Object, *options: str) -> list[str]:
        return ["exec", pod["metadata"]["name"], f"--container={CONTAINER}", *options, "--"]

    def _exec(self, pod: Object, task: Mapping[str, Any]) -> dict[str, Any]:
        script = Path(inside.__file__).read_text(encoding="utf-8")
        command = [*self._inside(pod, "--stdin"), "python3", "-I", "-c", script]
        answer = self._run(command, json.dumps(task) + "\n")
        if "fault" in answer:
            raise DeployError(
                f"{pod['metadata']['name']}{task['path']} did not answer the deployment: {answer['fault']}"
            )
        return answer

    def _run(self, command: list[str], text: str | None = None) -> dict[str, Any]:
        """What a command in a pod printed, as JSON. Raises DeployError."""
        said = ""
        for _ in range(TRIES):  # kubectl may end well before it has passed on all that was printed
            said = self.kubectl.run(*command, text=text)
            try:
                found: dict[str, Any] = json.loads(said)
            except ValueError:
                continue
            return found
        raise DeployError(
            f"`kubectl exec {command[1]}` ended well {TRIES} times, and printed no answer ({said[:SHOWN]!r}); see what "
            "stands between here and the pods, and run this again"
        )


def statistics(metrics: str) -> dict[str, str]:
    """How many requests of clients a variant answered, by kind of status, named as the router of compose names them."""
    found: Counter[str] = Counter()
    for one in parse_metrics(metrics):
        if one.name == "http_requests_total" and one.labels.get("path") not in OWN:
            found[f"hrsp_{one.labels['code'][:1]}xx"] += int(one.value)
    return {name: str(number) for name, number in found.items()}
