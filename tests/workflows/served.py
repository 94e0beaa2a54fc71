"""A host on which an older version serves in production: deployed and registered by hand, before any release is."""

from __future__ import annotations

import shutil
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from release.conftest import refuse
from release.drill import Drill, client_of, docker, shorten, spoil, surroundings
from release.load import Answers
from release.ssh_host import free_port, ssh_host

from projects import Project, clone_of, run

from . import engine
from .hosted import NAME, Hosted, tagged

OLD, BAD = "7.30.0", "7.32.0"  # no other test makes images of these versions
STAGES = ("staging", "production")
LONGEST = 900.0  # seconds of a run in which clients may ask


@dataclass(frozen=True)
class Served:
    """The stages of a host, and a person's clone from which they are seen to. images: those of versions, by digest."""

    hosted: Hosted
    clone: Project
    registry: engine.Registry
    folder: Path
    stages: Mapping[str, Drill]
    images: dict[str, str]

    @property
    def production(self) -> Drill:
        """The stage that has clients."""
        return self.stages["production"]

    def serves(self, stage: str) -> str:
        """The version that serves a stage alone."""
        self.stages[stage].deploy("status")
        record = self.stages[stage].record()
        assert "canary: none, 0 % of requests" in record["lines"]
        version: str = record["serves"]["version"]
        return version

    def tools(self, *command: str) -> str:
        """What a verb of `vendor/yard` printed in the clone, with a person's token."""
        github = self.hosted.github
        known = {"GITHUB_SERVER_URL": github.url, "GH_TOKEN": github.token({"contents": "write"})}
        # a person is in no run, wherever these tests are
        known |= {"GITHUB_RUN_ID": "", "GITHUB_ACTIONS": ""}
        said = self.clone.run("python3", "vendor/yard", *command, env=known)
        github.deliver(only=())
        return said

    def put_up(self, version: str, name: str) -> None:
        """Tag main, push an image of this engine as that of the version, and register it, all by hand."""
        remote = f"{self.registry.address}/octo/flight-delays"
        docker("tag", name, f"{remote}:{version}")
        run(["docker", "push", "--quiet", f"{remote}:{version}"], self.folder, self.production.environment_of_client)
        self.images[version] = f"{remote}@{self.registry.digest('octo/flight-delays', version)}"
        tagged(self.hosted, self.clone, f"v{version}")
        self.hosted.github.deliver(only=())
        self.tools("register", "version", "--tag", f"v{version}", "--image", self.images[version])

    def put_up_bad(self, good: str) -> None:
        """The same with an image that fails requests, made from a good one."""
        self.commit("Change what does harm")
        spoil(self.clone, good, "errors", f"flight-delays:{BAD}", self.folder)
        self.put_up(BAD, f"flight-delays:{BAD}")

    def commit(self, message: str) -> None:
        """One more commit on main, of which the model is the same."""
        with (self.clone.root / "README.md").open("a") as readme:
            readme.write(f"\n{message}.\n")
        self.clone.git("add", "README.md", "policy.yaml")
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
        self.clone.git(*who, "commit", "--quiet", "--message", message)
        self.hosted.github.push(self.hosted.repository, "main", self.clone.root)
        self.hosted.github.deliver(only=())

    @contextmanager
    def clients(self, after_staging: bool = False) -> Iterator[Answers]:
        """Clients of production until the block ends, at once or from when staging answers."""
        answers, ended = Answers(), threading.Event()

        def ask() -> None:
            while after_staging and not _answers(self.stages["staging"].port) and not ended.wait(0.5):
                pass
            if not ended.is_set():
                with self.production.clients(LONGEST) as asked:
                    ended.wait()
                answers.good.update(asked.good)
                answers.failed.update(asked.failed)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        try:
            yield answers
        finally:
            ended.set()
            thread.join(60)


def _answers(port: int) -> bool:
    """Whether a service there is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _have_free(name: str) -> None:
    """Remove what a run of these tests that was cut off left under a name; stop where it is another's.

    A network alone holds nothing, and whose it was cannot be seen.
    """
    labelled = ("--quiet", "--filter", f"label=com.docker.compose.project={name}")
    containers = docker("ps", "--all", *labelled).split()
    images = docker("inspect", "--format", "{{.Config.Image}}", *containers).split() if containers else []
    volumes = docker("volume", "ls", *labelled).split()
    if any(image.startswith("127.0.0.1:") and "/octo/" in image for image in images):  # a registry of a test's
        docker("rm", "--force", "--volumes", *containers)
        for volume in volumes:
            docker("volume", "rm", "--force", volume)  # an anonymous one went with its container
    elif containers or volumes:
        refuse(f"the engine has {name} already, and these tests would remove it")
    for network in docker("network", "ls", *labelled).split():
        docker("network", "rm", network)


@contextmanager
def served(hosted: Hosted, registry: engine.Registry, folder: Path) -> Iterator[Served]:
    """The host, and a GitHub that knows it; all of it is removed afterwards."""
    for stage in STAGES:
        _have_free(f"{hosted.project.root.name}-{stage}")
    clone = clone_of(hosted.project, folder)
    shorten(clone)
    shutil.copytree(hosted.project.root / "data/periods", clone.root / "data/periods", dirs_exist_ok=True)
    for key, value in {"user.name": "Ada", "user.email": "ada@example.invalid"}.items():
        clone.git("config", key, value)
    clone.git("remote", "set-url", "origin", f"{hosted.github.url}/{NAME}.git")
    with ssh_host(folder) as host:
        environment, key = surroundings(clone, folder, host)
        stages = {}
        for stage in STAGES:
            port = free_port()
            stages[stage] = Drill(clone, host, {**environment, "DEPLOY_PORT": str(port)}, stage, port, {}, key)
        here = Served(hosted, clone, registry, folder, stages, {})
        try:
            _deploy_by_hand(here)
            _tell(hosted, environment, stages, folder)
            yield here
        finally:
            for one in stages.values():
                one.end()
            for part in (f":{OLD}", f":{BAD}", f"{registry.address}/"):
                engine.forget(part)


def _deploy_by_hand(here: Served) -> None:
    clone, production = here.clone, here.production
    clone.run("make", "gate", "ARGS=--no-champion")
    clone.run("make", "image", env={"BASE_IMAGE": engine.base_image(), "VERSION": OLD})
    login = ["docker", "login", "--username", engine.USER, "--password", engine.PASSWORD, here.registry.address]
    run(login, here.folder, production.environment_of_client)
    here.put_up(OLD, f"flight-delays:{OLD}")
    production.deploy("canary", "--image", here.images[OLD], "--version", OLD)
    assert production.record()["result"] == "deployed"
    here.tools("register", "stage", "production", "--version", f"v{OLD}", "--verdict", "deployed by hand")


def _tell(hosted: Hosted, environment: Mapping[str, str], stages: Mapping[str, Drill], folder: Path) -> None:
    """Set what docs/operations.md says, as its owner would."""
    github = hosted.github
    github.variables |= {name: environment[name] for name in ("DEPLOY_KNOWN_HOSTS", "DEPLOY_BIND", "ROUTER_IMAGE")}
    github.variables["DEPLOY_HOST"] = environment["DOCKER_HOST"]
    github.secrets |= {name: environment[name] for name in ("DEPLOY_SSH_KEY", "DEPLOY_KEYS", "DEPLOY_API_KEY")}
    for name, stage in stages.items():
        github.environments[name] = {"DEPLOY_PORT": str(stage.port)}
    # runs log in for themselves
    github.env["DOCKER_CONFIG"] = str(client_of(folder / "runner"))
