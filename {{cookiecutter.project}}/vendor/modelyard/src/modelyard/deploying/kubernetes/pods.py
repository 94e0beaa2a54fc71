"""The agent of a stage in a namespace: sends requests from inside the pods, by `kubectl exec`.

So no port is opened for a deployment, and the NetworkPolicy need not know of it.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import inside
from ..failure import DeployError
from ..metrics import OWN, Traffic, parse_metrics
from ..scripts import script
from ..stage import PORT
from ..state import NAMES, Name
from .kubectl import Kubectl, Object
from .manifests import CONTAINER, is_ready, pods_of, restarts

CACHED = 1.0  # seconds for which the list of pods is good
BEAT = 5.0  # seconds between two renewals of the lock
TRIES = 4  # to get an answer from a pod
UNHEARD = "closed all streams"  # what kubectl says where an answer came before it listened to all of its streams
SHOWN = 200  # characters of what was printed instead
PROBE = "import pathlib, sys; print(next(pathlib.Path(sys.prefix).rglob('bundle/probe.json')).read_text())"


@dataclass
class Pods:
    """The pods of both variants. selector: their labels; alive: called every few seconds, to keep the lock.

    The counters of a pod are lost when it is deleted or restarted. Their last values are kept, so that the sums of a
    variant never fall.
    """

    kubectl: Kubectl
    selector: str
    alive: Callable[[], None] = lambda: None
    _counted: dict[tuple[Name, str, int], str] = field(default_factory=dict)
    _prefetched: dict[Name, dict[str, Any]] = field(default_factory=dict)
    _cached: tuple[float, list[Object]] = (-math.inf, [])

    def ask(self, **task: Any) -> dict[str, Any]:
        """The answer of a variant, whose name is `host`, to a request, see inside.py.

        /metrics is asked of each of its pods, and the texts are put together. Raises DeployError.
        """
        name: Name = task["host"]
        if task["path"] == "/metrics" and name in self._prefetched:
            return self._prefetched.pop(name)
        sent = {**task, "host": "127.0.0.1", "port": PORT}
        pods = pods_of(self._current_pods(), name)
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

    def ask_routed(self, name: Name, **task: Any) -> dict[str, Any]:
        """As `ask`: the route cannot be reached from inside."""
        return self.ask(host=name, **task)

    def traffic(self, headers: Mapping[str, str]) -> dict[str, Traffic]:
        """The requests of clients that each variant answered until now.

        The next request for a variant's /metrics returns the text that this was read from, so that both agree.
        """
        self._prefetched = {}
        answers = {name: self.ask(host=name, path="/metrics", headers=headers) for name in NAMES}
        self._prefetched = answers
        return {
            name: traffic_in(answer["text"]) if answer["status"] == 200 else Traffic()
            for name, answer in answers.items()
        }

    def probe(self, name: Name) -> Mapping[str, Any]:
        """The probe rows of the bundle in a variant's image, and their answers. Raises DeployError."""
        pods = [one for one in pods_of(self._current_pods(), name) if is_ready(one)]
        if not pods:
            raise DeployError(f"no pod of {name} is ready")
        return self._run([*self._inside(pods[0]), "python3", "-c", PROBE])

    def idle(self, seconds: float) -> None:
        """Wait, but keep the lock."""
        until = time.monotonic() + seconds
        while True:
            self.alive()
            remaining = until - time.monotonic()
            if remaining <= 0:
                return
            time.sleep(min(remaining, BEAT))

    def forget(self) -> None:
        """Discard the cached list of pods; to be called after a change."""
        self._cached = (-math.inf, [])

    def _current_pods(self) -> list[Object]:
        if time.monotonic() - self._cached[0] > CACHED:
            self._cached = (time.monotonic(), self.kubectl.get("pods", f"--selector={self.selector}"))
        return self._cached[1]

    def _inside(self, pod: Object, *options: str) -> list[str]:
        return ["exec", pod["metadata"]["name"], f"--container={CONTAINER}", *options, "--"]

    def _exec(self, pod: Object, task: Mapping[str, Any]) -> dict[str, Any]:
        command = [*self._inside(pod, "--stdin"), "python3", "-I", "-c", script("main()", inside)]
        answer = self._run(command, json.dumps(task) + "\n")
        if "fault" in answer:
            raise DeployError(
                f"{pod['metadata']['name']}{task['path']} did not answer the deployment: {answer['fault']}"
            )
        return answer

    def _run(self, command: list[str], text: str | None = None) -> dict[str, Any]:
        """What a command in a pod printed, as JSON. Raises DeployError."""
        output = ""
        for _ in range(TRIES):  # kubectl may exit with status 0 before it has passed on all output
            try:
                output = self.kubectl.run(*command, text=text)
                answer: dict[str, Any] = json.loads(output)
            except ValueError:
                continue
            except DeployError as error:
                if UNHEARD not in str(error):
                    raise
                output = UNHEARD
                continue
            return answer
        raise DeployError(
            f"`kubectl exec {command[1]}` printed no answer {TRIES} times "
            f"({output[:SHOWN]!r}); check what is between here and the pods, and run this again"
        )


def traffic_in(metrics: str) -> Traffic:
    """The requests of clients in a page of /metrics, by the status of their answer."""
    by_kind: Counter[str] = Counter()
    for one in parse_metrics(metrics):
        if one.name == "modelyard_http_requests_total" and one.labels.get("path") not in OWN:
            by_kind[one.labels["code"][:1]] += int(one.value)
    return Traffic(by_kind.total(), by_kind["5"], by_kind["4"])
