"""Make all files of a release from the bundle, and check that all of them give its answers.

`dist/` then holds the wheel, the single-file executable, the bills of materials (sbom.cdx.json of the service's image,
mlbom.cdx.json of the model), the model card, image.txt with the images (the service's, then the pipeline's) and
SHA256SUMS, signed where the environment has RELEASE_SIGNING_KEY. Two runs on one commit give the same wheel, executable
and bills, and images of the same layers.

`--push REPOSITORY` afterwards sends the images there and writes their digests into image.txt. Environment: BASE_IMAGE
(another base than the Dockerfile's), DOCKER (the client), PIP_* (where packages come from).
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import ContractError
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.hashing import sha256
from ..runtime.project import Project
from ..training import layout
from .packaging import signature
from .packaging.answers import Probes, ask_image, ask_program, ask_with_file
from .packaging.build import UNRELEASED, ReleaseBuild, read_release
from .packaging.engine import find_docker
from .packaging.executable import EXTRA, build_executable
from .packaging.images import TARGETS, build_image, image_name, lay_out, write_images
from .packaging.inventory import read_inventory
from .packaging.mlbom import mlbom
from .packaging.push import push
from .packaging.sbom import locked_library, locked_wheels, sbom
from .packaging.sums import write_sums
from .packaging.wheel import build_wheel, install

DIST = Path("dist")
CARD, SBOM, MLBOM = "model-card.md", "sbom.cdx.json", "mlbom.cdx.json"
Say = Callable[[str], None]


def package(project: Project, release: ReleaseBuild, bundle: Bundle, say: Say) -> None:
    """Make the release in DIST, all or nothing.

    Raises ContractError where something cannot be made or gives other answers; DIST is then unchanged.
    """
    docker = find_docker()
    with tempfile.TemporaryDirectory(prefix=".dist-", dir=Path()) as parent, tempfile.TemporaryDirectory() as scratch:
        folder, workspace = Path(parent) / DIST.name, Path(scratch)
        folder.mkdir()
        probes = Probes(project, bundle, workspace)
        wheel = build_wheel(release, folder)
        programs = install(release, wheel, EXTRA, workspace)
        rows = probes.check("the wheel", ask_program(programs / release.name, probes))
        say(f"{wheel.name}: {rows} probe rows answered as the pipeline did")
        executable = build_executable(release, programs, folder)
        for rows_file in (probes.csv, probes.parquet):
            rows = probes.check(
                f"{executable.name}, asked with {rows_file.name},", ask_with_file(executable, rows_file, bundle)
            )
        say(f"{executable.name}: {rows} probe rows answered as the pipeline did, from CSV and from Parquet")
        lay_out(wheel)
        images = {}
        for target in TARGETS:
            name = image_name(release, target)
            images[name] = build_image(docker, release, target, bundle.digest)
            rows = probes.check(f"the image {name}", ask_image(docker, name, release.name, probes))
            say(f"{name}: {rows} probe rows answered as the pipeline did")
        inventory = read_inventory(docker, image_name(release, "service"))
        lock = Path("uv.lock").read_text(encoding="utf-8")
        parts = locked_wheels(lock), locked_library(lock), sha256(wheel)
        (folder / SBOM).write_text(sbom(release, inventory, *parts, bundle.digest), encoding="utf-8")
        (folder / MLBOM).write_text(mlbom(release, bundle), encoding="utf-8")
        shutil.copyfile(bundle.folder / "README.md", folder / CARD)
        write_images(folder, [f"{name}@{digest}" for name, digest in images.items()])
        seal(folder, say)
        shutil.rmtree(DIST, ignore_errors=True)
        folder.rename(DIST)


def seal(folder: Path, say: Say) -> None:
    """Write the sums of a folder's files, and sign them where there is a key."""
    write_sums(folder)
    if signature.sign(folder):
        say(f"{signature.SIGNATURE}: signed")
    else:
        say(f"no signature: {signature.KEY} is not set")


def _wheel_and_image(release: ReleaseBuild, bundle: Bundle, target: str, say: Say) -> None:
    docker = find_docker()
    with tempfile.TemporaryDirectory() as scratch:
        lay_out(build_wheel(release, Path(scratch)))
    name = image_name(release, target)
    build_image(docker, release, target, bundle.digest)
    docker("tag", name, f"{name.partition(':')[0]}:latest")
    say(f"built {name}")


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `package`."""
    parser = argparse.ArgumentParser(
        prog="package", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", default=UNRELEASED, help=f"the tag's, such as 1.2.0 ({UNRELEASED})")
    parser.add_argument("--image", choices=TARGETS, help="build this image alone, and leave dist/ as it is")
    parser.add_argument(
        "--push", metavar="REPOSITORY", help="send the images of dist/ there, such as ghcr.io/me/project"
    )
    parser.add_argument("--platforms", default="", help="with --push: for these, such as linux/amd64,linux/arm64")
    options = parser.parse_args(arguments)
    release = read_release(options.version)
    if options.push:
        if not (DIST / release.executable).is_file():
            raise ContractError(
                f"{DIST}/ holds no release {release.version}; run `make package VERSION={release.version}` first"
            )
        bundle = read_bundle(layout.BUNDLE)
        references = [
            push(find_docker(), release, target, options.push, options.platforms, bundle.digest) for target in TARGETS
        ]
        write_images(DIST, references)
        seal(DIST, print)
        print("\n".join(references))
    elif options.image:
        _wheel_and_image(release, read_bundle(layout.BUNDLE), options.image, print)
    else:
        package(project, release, read_bundle(layout.BUNDLE), print)
        print("\n".join(sorted(path.as_posix() for path in DIST.iterdir())))
