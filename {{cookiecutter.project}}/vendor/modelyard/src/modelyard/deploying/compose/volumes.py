"""Runs on the Docker host, with a stage's volumes under /volumes: gives them to the service's user, writes its keys.

It is sent there as text and run by the serving image's Python, so it requires the standard library only. Standard
input: a JSON object with `user` ("uid:gid") and `keys`, the text of the keys file, or null to keep the current one.
"""

import json
import os
import sys

VOLUMES = "/volumes"


def prepare(root: str, user: str, keys: str | None) -> None:
    """Give each volume to the user. The keys replace the old ones atomically, readable by that user alone."""
    uid, _, gid = user.partition(":")
    owner = int(uid), int(gid or uid)
    for name in os.listdir(root):
        os.chown(os.path.join(root, name), *owner)
    if keys is None:
        return
    path = os.path.join(root, "keys", "keys.json")
    with open(os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "w", encoding="utf-8") as opened:
        opened.write(keys)
        os.fchown(opened.fileno(), *owner)
    os.replace(f"{path}.new", path)


def main() -> None:
    """Prepare VOLUMES as the standard input says."""
    prepare(VOLUMES, **json.load(sys.stdin))
