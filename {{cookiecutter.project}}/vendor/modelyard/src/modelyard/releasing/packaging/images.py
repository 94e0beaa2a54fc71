"""The images: the service, and the pipeline that trains on new data and ships the log of the service."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ...extras import store_extra
from ...judging.policy import POLICY, read_policy
from ...judging.verdict import VERDICT
from .build import ReleaseBuild
from .engine import Docker
from .image_scripts import SCRIPTS
from .wheel import requirements

IMAGES = "image.txt"
BUILD = Path("build")  # the files that the Dockerfile copies, besides the settings
TARGETS = {"service": ("serve", "oidc"), "pipeline": ("train", "monitor")}  # and the extras that each one needs


def lay_out(wheel: Path) -> None:
    """Put the files that the Dockerfile copies into build/."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir()
    shutil.copyfile(wheel, BUILD / wheel.name)
    for name, script in SCRIPTS.items():
        (BUILD / name).write_text(script, encoding="utf-8")
    if VERDICT.is_file():
        shutil.copyfile(VERDICT, BUILD / VERDICT.name)
    for target, extras in TARGETS.items():
        more = store_extra(read_policy().monitor.store) if target == "pipeline" and POLICY.is_file() else ()
        (BUILD / f"{target}.txt").write_text(requirements(*extras, *more), encoding="utf-8")


def image_name(release: ReleaseBuild, target: str) -> str:
    """The image's name on this machine; the service has the project's."""
    name = release.name if target == "service" else f"{release.name}-{target}"
    return f"{name}:{release.version}"


def build_arguments(release: ReleaseBuild, bundle: str) -> dict[str, str]:
    """The labels of an image, and its base where BASE_IMAGE names another one."""
    arguments = {
        "VERSION": release.version,
        "REVISION": release.revision,
        "SOURCE": release.source,
        "CREATED": release.created.isoformat(),
        "SOURCE_DATE_EPOCH": str(release.epoch),  # of the image's own record, where BuildKit knows it
        "BUNDLE": bundle,
    }
    if base := os.environ.get("BASE_IMAGE"):
        arguments["BASE"] = base
    return arguments


def build_image(docker: Docker, release: ReleaseBuild, target: str, bundle: str) -> str:
    """Build one of TARGETS from build/; its id."""
    name = image_name(release, target)
    docker.build(target, name, build_arguments(release, bundle))
    return docker.image_id(name)


def write_images(folder: Path, references: list[str]) -> None:
    """Write image.txt: the service's reference, then the pipeline's, each `name:version@sha256:...`."""
    (folder / IMAGES).write_text("".join(f"{one}\n" for one in references), encoding="utf-8")
