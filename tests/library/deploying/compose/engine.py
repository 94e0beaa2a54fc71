"""A Docker engine of one stage, as a program that stands where `docker` does: its state is a JSON file.

The real engine is in the template's own tests. What is tested with this one is what `deploy` makes of an engine's
answers: a container that does not come up, a router that answers oddly, a lock that is taken.
"""

import json
import os
import sys
from pathlib import Path

FILE = Path(os.environ["ENGINE"])
SERVER = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_uweight srv_check_health"
COLUMNS = "pxname,svname,scur,econ,wretr,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx"


def read():
    return json.loads(FILE.read_text())


def change(**values):
    """Change the state at once, as other processes read it."""
    FILE.with_suffix(".new").write_text(json.dumps({**read(), **values}))
    FILE.with_suffix(".new").rename(FILE)


def inspect(state):
    """What `docker inspect` says of the containers."""
    return [
        {
            "Id": one["id"],
            "Config": {"Image": one["image"], "Labels": {"com.docker.compose.service": name, **one["labels"]}},
            "State": {"Running": one["status"] == "running", "Status": one["status"], "StartedAt": one["id"]},
            "NetworkSettings": {"Networks": {"inside": {"IPAddress": one["address"]}}},
        }
        for name, one in state["containers"].items()
    ]


def servers(state):
    """What the router says of both; a canary is new to it for as many looks as `unchecked` says."""
    lines = [SERVER]
    new = state.get("unchecked", 0) if "canary" in state["containers"] else 0
    if new:
        change(unchecked=new - 1)
    for number, name in enumerate(("stable", "canary"), 1):
        one = state["containers"].get(name, {"address": "-", "status": "gone"})
        up = 2 if one["status"] == "running" else 0
        lines.append(f"3 service {number} {name} {one['address']} {up} {state['weights'][name]} {1 if new else 2}")
    return "1\n" + "\n".join(lines) + "\n"


def admin(state, command):
    match command.split():
        case ["show", "servers", *_]:
            return servers(state)
        case ["set", "weight", where, weight]:
            if state.get("stubborn"):
                return "Permission denied\n"
            change(weights={**state["weights"], where.partition("/")[2]: int(weight)})
            return "\n"
        case _:
            rows = [
                f"service,{name},0,0,0,0,{state['asked'][name]},0,0,{state['failed'][name]}" for name in state["asked"]
            ]
            return f"# {COLUMNS}\n" + "\n".join(rows) + "\n"


def request(state, task):
    """An answer over HTTP; each scrape of a variant's metrics finds more requests, by the weights."""
    name = task.get("headers", {}).get("x-variant") or (task["host"] == "10.0.0.2" and "stable") or "canary"
    if task["path"] == "/metrics":
        if name == "canary":
            more = {one: 4 * state["weights"][one] for one in state["asked"]}
            broken = int(more["canary"] * state.get("breaks", 0.0))
            change(
                asked={one: state["asked"][one] + more[one] for one in more},
                failed={**state["failed"], "canary": state["failed"]["canary"] + broken},
                containers={one: value for one, value in state["containers"].items() if one != state.get("dies")},
            )
        asked = state["asked"][name]
        return 200, (
            f'modelyard_http_request_duration_seconds_bucket{{path="/predict",le="0.1"}} {asked}\n'
            f'modelyard_http_request_duration_seconds_bucket{{path="/predict",le="+Inf"}} {asked}\n'
            f'modelyard_prediction_score_bucket{{model="a",le="0.5"}} {asked // 2}\n'
            f'modelyard_prediction_score_bucket{{model="a",le="+Inf"}} {asked}\n'
        )
    if state.get("unchecked"):
        name = "stable"  # a check has failed, and the other gets what it would
    image = state["containers"][name]["image"]
    if task["path"] == "/predict":
        right = 0.75 if "wrong" in image else 0.5
        return 200, json.dumps({"variant": name, "fallback": None, "predictions": [{"prediction": right}]})
    return 200, json.dumps({"bundle": "b" * 64})


def agent(arguments):
    """The lock, and the answers to what is asked inside."""
    if "--name" in arguments:
        lock = FILE.with_suffix(".lock")
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            sys.exit('docker: Error: Conflict. The name "/stage" is already in use by container "1234".')
    try:
        for line in sys.stdin:
            task, state = json.loads(line), read()
            if "admin" in task and state.get("deaf"):
                change(deaf=state["deaf"] - 1)
                answer = {"fault": "ConnectionRefusedError: refused"}
            elif "admin" in task:
                answer = {"text": admin(state, task["admin"])}
            elif "host" in task:
                status, text = request(state, task)
                if state.get("leaves") == task["path"]:
                    change(gone=True)
                    return
                answer = {"status": status, "text": text}
            else:
                answer = {}
            print(json.dumps(answer), flush=True)
    finally:
        if "--name" in arguments:
            lock.unlink()


def compose(arguments, given):
    match arguments:
        case [*_, "--force-recreate", name]:
            state, upper = read(), name.upper()
            image = os.environ[f"{upper}_IMAGE"]
            made = {
                "id": f"{name}-{image}",
                "image": image,
                "labels": {"modelyard.releases": os.environ[f"{upper}_RELEASES"]},
                "address": "10.0.0.2" if name == "stable" else "10.0.0.3",
                "serving": json.loads(os.environ[f"{upper}_SERVING"]),
                "status": "exited" if "broken" in image else "running",
            }
            change(containers={**state["containers"], name: made})
        case [*_, "rm", "--stop", "--force", name]:
            state = read()
            change(containers={one: value for one, value in state["containers"].items() if one != name})
        case [*_, "logs", "--no-color", "--tail", _, _]:
            print("the last words")
        case [*_, "prepare"]:
            change(prepared=json.loads(given))
        case [*_, "lend", version, _]:
            change(lent={**read().get("lent", {}), version: os.environ["LEND_IMAGE"]})
            print(f"the bundle of {version} was copied")
        case ["--project-name", *_, "up", "--detach", "--no-deps", "--no-build", "--pull", "never", "ship"]:
            if read().get("stubborn_shipper"):
                sys.exit("no space left on device")
            names = ("SHIP_IMAGE", "SHIP_STORE", "SHIP_FOLDER")
            made = {"id": "s", "image": os.environ["SHIP_IMAGE"], "labels": {}, "address": "", "status": "running"}
            told = {name: os.environ[name] for name in names if name in os.environ}
            change(containers={**read()["containers"], "ship": made}, ships=told)
        case [*_, "router"]:
            router = {"id": "r", "image": "haproxy", "labels": {}, "address": "10.0.0.1", "status": "running"}
            change(containers={**read()["containers"], "router": router})


def main(arguments, given=""):
    state = read()
    if state.get("gone"):
        sys.exit("Cannot connect to the Docker daemon")
    state["calls"].append(arguments)
    change(calls=state["calls"])
    match arguments:
        case ["ps", *_]:
            print("\n".join(one["id"] for one in state["containers"].values()))
        case ["image", "inspect", *_, image]:
            if image not in state["images"]:
                sys.exit(f"Error: No such image: {image}")
            print(state["images"][image])
        case ["pull", *_, image]:
            if "unknown" in image:
                sys.exit("manifest unknown")
            change(images={**state["images"], image: "10001:10001"})
        case ["inspect", "--format", *_]:
            print("modelyard.action=canary\nmodelyard.by=ada\nother=1")
        case ["inspect", *_]:
            print(json.dumps(inspect(state)))
        case ["exec", _, "cat", *_]:
            print(state["config"], end="")
        case ["exec", _, "python3", *_]:
            print(json.dumps({"rows": [{"x": 1}], "answers": [0.5]}))
        case ["cp", source, _]:
            change(config=Path(source).read_text())
        case ["run", *_]:
            agent(arguments)
        case ["compose", *rest]:
            compose(rest, given)


if __name__ == "__main__":
    main(sys.argv[1:])
