"""A stand-in for the API server of a cluster: the few requests that kubectl makes for a deployment, and no other.

It is strict where a wrong deployment could pass unseen: what it does not know it refuses and notes in `refused`; fields
are checked by whoever starts it (`check`); a write with an old resourceVersion conflicts; a Deployment gets its pods,
which are ready, or not, as `broken` says by image. It is no scheduler: pods are ready at once.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import itertools
import json
import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ruamel.yaml import YAML

Object = dict[str, Any]

KINDS = {
    "api/v1": {"configmaps": "ConfigMap", "pods": "Pod", "services": "Service", "serviceaccounts": "ServiceAccount"},
    "apis/apps/v1": {"deployments": "Deployment"},
    "apis/autoscaling/v2": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "apis/coordination.k8s.io/v1": {"leases": "Lease"},
    "apis/gateway.networking.k8s.io/v1": {"httproutes": "HTTPRoute"},
    "apis/networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy"},
    "apis/policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
PATH = re.compile(
    r"/(?P<group>api/v1|apis/[^/]+/[^/]+)/namespaces/models/(?P<kind>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?"
)
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STDIN, STDOUT, STATUS, END = 0, 1, 3, 255  # channels of v5.channel.k8s.io


class Cluster:
    """The objects of one namespace.

    answer: what a pod says to a task, see inside.py. check: raises ValueError where an object has a field
    that Kubernetes does not know. broken: for an image, the reason for which its pods wait.
    """

    def __init__(
        self, answer: Callable[[Object, Object], Object], check: Callable[[Object], None] = lambda _: None
    ) -> None:
        self.answer, self.check = answer, check
        self.probe: Object = {"rows": [], "answers": []}
        self.objects: dict[tuple[str, str], Object] = {}
        self.broken: dict[str, str] = {}
        self.forbidden: set[tuple[str, str]] = set()  # method and kind
        self.mute = 0  # so many of the next commands in pods are not heard
        self.refused: list[str] = []
        self.done: list[str] = []
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)

    def of(self, kind: str) -> list[Object]:
        """The objects of a kind."""
        return [one for (found, _), one in sorted(self.objects.items()) if found == kind]

    def weights(self) -> dict[str, int]:
        """The weight of each variant in the route."""
        (route,) = self.of("httproutes")
        return {one["name"].rpartition("-")[2]: one["weight"] for one in route["spec"]["rules"][0]["backendRefs"]}

    def write(self, kind: str, new: Object) -> Object:
        """Store an object as a server does: with uid, versions, and for a Deployment with its pods."""
        name = new["metadata"]["name"]
        old = self.objects.get((kind, name))
        meta = new["metadata"]
        meta["namespace"] = "models"
        meta["uid"] = old["metadata"]["uid"] if old else f"uid-{next(self._numbers)}"
        changed = old is None or old.get("spec") != new.get("spec")
        meta["generation"] = (old["metadata"]["generation"] if old else 0) + changed
        meta["resourceVersion"] = str(next(self._numbers))
        self.objects[kind, name] = new
        if kind == "deployments":
            self._roll_out(new)
        return new

    def remove(self, kind: str, name: str) -> Object:
        gone = self.objects.pop((kind, name))
        if kind == "deployments":
            for pod in self._pods(gone):
                del self.objects["pods", pod["metadata"]["name"]]
        return gone

    def restart(self, variant: str) -> None:
        """Let the containers of a variant's pods end and be started again."""
        for pod in self.of("pods"):
            if pod["metadata"]["labels"]["variant"] == variant:
                pod["status"]["containerStatuses"][0]["restartCount"] += 1

    def _pods(self, deployment: Object) -> list[Object]:
        owner = deployment["metadata"]["uid"]
        return [one for one in self.of("pods") if one["metadata"]["ownerReferences"][0]["uid"] == owner]

    def _roll_out(self, deployment: Object) -> None:
        spec = deployment["spec"]
        wanted = spec.setdefault("replicas", 1)
        template = json.dumps(spec["template"], sort_keys=True)
        hashed = hashlib.sha256(template.encode()).hexdigest()[:10]
        (container,) = spec["template"]["spec"]["containers"]
        reason = self.broken.get(container["image"])
        pods = self._pods(deployment)
        old = [one for one in pods if one["metadata"]["labels"]["pod-template-hash"] != hashed]
        new = [one for one in pods if one not in old]
        for pod in [*([] if reason else old), *new[wanted:]]:  # a rollout that does not get ready leaves the old
            del self.objects["pods", pod["metadata"]["name"]]
        for _ in range(wanted - len(new)):
            number = next(self._numbers)
            state: Object = {"waiting": {"reason": reason, "message": "said by a test"}} if reason else {"running": {}}
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"{deployment['metadata']['name']}-{hashed}-{number}",
                    "uid": f"uid-{number}",
                    "namespace": "models",
                    "labels": {**spec["template"]["metadata"]["labels"], "pod-template-hash": hashed},
                    "ownerReferences": [{"uid": deployment["metadata"]["uid"]}],
                },
                "spec": spec["template"]["spec"],
                "status": {
                    "conditions": [{"type": "Ready", "status": "False" if reason else "True"}],
                    "containerStatuses": [{"name": container["name"], "restartCount": 0, "state": state}],
                },
            }
            self.objects["pods", pod["metadata"]["name"]] = pod
        ready = len(old) if reason else wanted
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": wanted + (len(old) if reason else 0),
            "updatedReplicas": wanted,
            "availableReplicas": ready,
        }


class Refused(Exception):
    """A request that is answered by a Status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": message,
        }


class Handler(BaseHTTPRequestHandler):
    """One connection of kubectl."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together: else each answer waits 40 ms for the client's acknowledgement
    server: Server

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server looks for these names

    def log_message(self, *_: object) -> None: ...

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cluster = self.server.cluster
        try:
            found = PATH.fullmatch(urlsplit(self.path).path)
            if found and found["sub"] == "exec":
                self._exec(found["name"])
                return
            with cluster.lock:
                code, answer = (200, self._discover()) if found is None else self._resource(found, body)
        except Refused as refused:
            code, answer = refused.body["code"], refused.body
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _discover(self) -> Object:
        path = urlsplit(self.path).path.strip("/")
        if path == "version":
            return {"major": "1", "minor": "35", "gitVersion": "v1.35.0"}
        if path == "api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "apis":
            groups = [key.split("/")[1:] for key in KINDS if key.startswith("apis/")]
            named = [(group, {"groupVersion": f"{group}/{version}", "version": version}) for group, version in groups]
            each = [{"name": group, "versions": [one], "preferredVersion": one} for group, one in named]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": each}
        if path in KINDS:
            resources = []
            for plural, kind in KINDS[path].items():
                one = {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": VERBS}
                resources.append(one)
                if kind == "Deployment":
                    scale = {"name": f"{plural}/scale", "singularName": "", "namespaced": True, "kind": "Scale"}
                    resources.append({**scale, "group": "autoscaling", "version": "v1", "verbs": VERBS})
            version = path.removeprefix("apis/").removeprefix("api/")
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
        if path == "api/v1/namespaces/models" and self.command == "GET":
            return {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "models"}}
        if path == "openapi/v3":
            return {"paths": {group: {"serverRelativeURL": f"/openapi/v3/{group}"} for group in KINDS}}
        if path.startswith("openapi/v3/") and (group := path.removeprefix("openapi/v3/")) in KINDS:
            title = {"title": "stand-in", "version": "1"}
            return {"openapi": "3.0.0", "info": title, "paths": dict(self._paths(group))}
        raise self._unknown()

    def _paths(self, group: str) -> Iterator[tuple[str, Object]]:
        """That the server itself checks fields: kubectl asks for that before it applies."""
        parts = group.split("/")
        for plural, kind in KINDS[group].items():
            named = {"group": parts[1] if len(parts) == 3 else "", "version": parts[-1], "kind": kind}
            patch = {
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
                "x-kubernetes-group-version-kind": named,
                "responses": {},
            }
            yield f"/{group}/namespaces/{{namespace}}/{plural}/{{name}}", {"patch": patch}

    def _unknown(self) -> Refused:
        self.server.cluster.refused.append(f"{self.command} {self.path}")
        return Refused(404, "NotFound", f"the stand-in does not know {self.command} {self.path}")

    def _resource(self, found: re.Match[str], body: bytes) -> tuple[int, Any]:
        cluster, kind, name = self.server.cluster, found["kind"], found["name"]
        query = parse_qs(urlsplit(self.path).query)
        if kind not in KINDS.get(found["group"], {}):
            raise self._unknown()
        if (self.command, kind) in cluster.forbidden:
            raise Refused(403, "Forbidden", f"{kind} is forbidden: the account cannot {self.command} it")
        sent = YAML(typ="safe").load(body.decode()) if body else None
        if self.command != "GET":
            cluster.done.append(f"{self.command} {kind} {name or sent['metadata']['name']}")
        if name is None:
            return self._collection(found, sent, query)
        if self.command == "PATCH" and found["sub"] is None and "apply-patch" in self.headers["Content-Type"]:
            return self._apply(kind, name, sent, query)
        there = cluster.objects.get((kind, name))
        if there is None:
            raise Refused(404, "NotFound", f'{kind} "{name}" not found')
        match self.command, found["sub"]:
            case "GET", None:
                return 200, there
            case "GET", "log":
                return 200, f"a line of {name}\n"
            case "GET", "scale":
                return 200, self._scale(there)
            case (("PATCH" | "PUT"), "scale"):
                new = copy.deepcopy(there)
                new["spec"]["replicas"] = sent["spec"]["replicas"]
                return 200, self._scale(cluster.write(kind, new))
            case "PUT", None:
                if sent["metadata"].get("resourceVersion") not in (None, there["metadata"]["resourceVersion"]):
                    raise Refused(409, "Conflict", f'{kind} "{name}": the object has been modified')
                return 200, cluster.write(kind, self._checked(sent))
            case "DELETE", None:
                return 200, cluster.remove(kind, name)
        raise self._unknown()

    def _collection(self, found: re.Match[str], sent: Any, query: dict[str, list[str]]) -> tuple[int, Any]:
        cluster, kind = self.server.cluster, found["kind"]
        version = found["group"].removeprefix("apis/").removeprefix("api/")
        if self.command == "GET" and not query.get("watch"):
            wanted = dict(one.split("=") for one in filter(None, query.get("labelSelector", [""])[0].split(",")))
            items = [one for one in cluster.of(kind) if wanted.items() <= one["metadata"].get("labels", {}).items()]
            listed = f"{KINDS[found['group']][kind]}List"
            return 200, {"kind": listed, "apiVersion": version, "metadata": {}, "items": items}
        if self.command == "POST":
            if (kind, sent["metadata"]["name"]) in cluster.objects:
                raise Refused(409, "AlreadyExists", f'{kind} "{sent["metadata"]["name"]}" already exists')
            return 201, cluster.write(kind, self._checked(sent))
        raise self._unknown()

    def _apply(self, kind: str, name: str, sent: Object, query: dict[str, list[str]]) -> tuple[int, Object]:
        """Server-side apply, as far as it goes with one manager: fields that others set, as replicas, stay."""
        assert query["fieldValidation"] == ["Strict"]
        assert query["fieldManager"] == ["modelyard-deploy"]
        new = self._checked(copy.deepcopy(sent))
        there = self.server.cluster.objects.get((kind, name))
        if there and kind == "deployments":
            new["spec"].setdefault("replicas", there["spec"]["replicas"])
        return (200 if there else 201), self.server.cluster.write(kind, new)

    def _checked(self, sent: Object) -> Object:
        try:
            self.server.cluster.check(sent)
        except ValueError as error:
            raise Refused(400, "BadRequest", f"strict decoding error: {error}") from None
        return sent

    def _scale(self, deployment: Object) -> Object:
        meta = {key: deployment["metadata"][key] for key in ("name", "uid", "resourceVersion")}
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": meta,
            "spec": {"replicas": deployment["spec"]["replicas"]},
            "status": {"replicas": deployment["status"]["replicas"]},
        }

    def _exec(self, name: str) -> None:
        """Run a command in a pod over a WebSocket, as kubectl 1.30 and newer does."""
        cluster, query = self.server.cluster, parse_qs(urlsplit(self.path).query)
        pod = cluster.objects[("pods", name)]
        key = self.headers["Sec-WebSocket-Key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest()).decode()  # noqa: S324 - RFC 6455 asks for it
        self.send_response(101)
        for header, value in {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept,
            "Sec-WebSocket-Protocol": "v5.channel.k8s.io",
        }.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.flush()
        given = b"".join(self._stdin()) if query.get("stdin") == ["true"] else b""
        if "bundle/probe.json" in query["command"][-1]:
            said = json.dumps(cluster.probe)
        else:
            with cluster.lock:
                said = "\n".join(json.dumps(cluster.answer(pod, json.loads(line))) for line in given.splitlines())
        if cluster.mute:
            cluster.mute -= 1
        else:
            self._send(bytes([STDOUT]) + said.encode() + b"\n")
        self._send(bytes([STATUS]) + json.dumps({"metadata": {}, "status": "Success"}).encode())
        self._send(struct.pack(">H", 1000), 0x88)
        self.close_connection = True

    def _stdin(self) -> Iterator[bytes]:
        while True:
            first, second = self.rfile.read(2)
            length = second & 127
            if length > 125:
                length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self.rfile.read(length)))
            if first & 15 == 8 or data[:1] == bytes([END]):
                return
            if data[:1] == bytes([STDIN]):
                yield data[1:]

    def _send(self, data: bytes, kind: int = 0x82) -> None:
        length = bytes([len(data)]) if len(data) < 126 else b"\x7f" + struct.pack(">Q", len(data))
        self.wfile.write(bytes([kind]) + length + data)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """The server of one cluster."""

    daemon_threads = True

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cluster = cluster

    @property
    def kubeconfig(self) -> str:
        """What kubectl needs to find it."""
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}],
                "users": [{"name": "me", "user": {}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "models"}}],
                "current-context": "here",
            }
        )


@contextmanager
def serve(cluster: Cluster) -> Iterator[Server]:
    """The cluster's server while the context lasts."""
    with Server(cluster) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
