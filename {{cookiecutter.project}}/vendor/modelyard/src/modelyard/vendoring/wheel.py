"""The library's wheel from its source folder, with the same bytes on every machine.

A source folder holds `pyproject.toml`, `README.md`, `LICENSE` and `src/modelyard`. The wheel is a stored zip with fixed
times and modes, so its bytes depend on the source alone, and Git packs two versions of it as their difference.

This module is also the build backend that the library's `pyproject.toml` names (PEP 517, PEP 660). All of it needs the
standard library only.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import YardError

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
MODE = 0o100644
NAME = "modelyard"
BESIDE = ("pyproject.toml", "README.md", "LICENSE")  # what a source folder has beside `src`
TAG = "py3-none-any"
# What `_metadata` and `_entry_points` know to write; another key would be lost in silence
KEYS = {
    *("name", "version", "description", "readme", "requires-python", "license", "license-files", "dependencies"),
    *("optional-dependencies", "entry-points", "scripts", "urls", "classifiers", "keywords"),
}


def build(source: Path) -> tuple[str, bytes]:
    """The file name and the bytes of the wheel of a source folder."""
    project = _project(source)
    files = {f"{NAME}/{name}": content for name, content in _package(source)}
    return _pack(project, files | _dist_info(source, project))


def unpack(wheel: bytes, folder: Path) -> None:
    """Restore the source folder of a wheel: `build(folder)` gives the same wheel."""
    for name, content in sources(wheel).items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise YardError(f"the wheel has a file {name!r}, outside the folder that it is unpacked to")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def sources(wheel: bytes) -> dict[str, bytes]:
    """The files of the source folder from which a wheel was built, by their path there.

    Raises YardError where the bytes are no wheel of this library.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            for name in sorted(archive.namelist()):
                inside = _source_path(name)
                if inside:
                    files[inside] = archive.read(name)
    except zipfile.BadZipFile as error:
        raise YardError(f"not a wheel: {error}") from None
    missing = [name for name in BESIDE if name not in files]
    if missing:
        raise YardError(f"not a wheel of {NAME}: it does not hold {', '.join(missing)}")
    return files


def _source_path(name: str) -> str | None:
    """Where a file of the wheel lies in the source folder; None for what the build adds."""
    top, _, rest = name.partition("/")
    if top == NAME:
        return f"src/{name}"
    kept, _, file = rest.partition("/")
    return file if kept in ("source", "licenses") and file in BESIDE else None


def _project(source: Path) -> Mapping[str, Any]:
    """Its table `project`. Raises YardError where a key of it is not one that a wheel here has a place for."""
    project: dict[str, Any] = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    unknown = sorted(project.keys() - KEYS)
    if unknown:
        raise YardError(f"{source / 'pyproject.toml'}: the build does not write {', '.join(unknown)} of [project]")
    return project


def _package(source: Path) -> Iterator[tuple[str, bytes]]:
    """The files of the package by their path in it; what Python or an editor left there is not among them."""
    root = source / "src" / NAME
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in parts):
            yield "/".join(parts), path.read_bytes()


def _stem(project: Mapping[str, Any]) -> str:
    return f"{NAME}-{project['version']}"


def _dist_info(source: Path, project: Mapping[str, Any]) -> dict[str, bytes]:
    """The metadata of the wheel, and what `unpack` needs to restore the source folder."""
    info = f"{_stem(project)}.dist-info"
    metadata = _metadata(project, (source / "README.md").read_text(encoding="utf-8"))
    commands = _entry_points(project)
    kind = f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: true\nTag: {TAG}\n"
    return {
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": kind.encode(),
        **({f"{info}/entry_points.txt": commands.encode()} if commands else {}),
        f"{info}/licenses/LICENSE": (source / "LICENSE").read_bytes(),
        **{f"{info}/source/{name}": (source / name).read_bytes() for name in ("pyproject.toml", "README.md")},
    }


def _metadata(project: Mapping[str, Any], readme: str) -> str:
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        *([f"Keywords: {','.join(project['keywords'])}"] if "keywords" in project else []),
        *(f"Classifier: {name}" for name in project.get("classifiers", [])),
        *(f"Project-URL: {label}, {url}" for label, url in project.get("urls", {}).items()),
        f"License-Expression: {project['license']}",
        *(f"License-File: {name}" for name in project["license-files"]),
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
    ]
    for extra, needs in project.get("optional-dependencies", {}).items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_with_extra(needed, extra)}" for needed in needs]
    lines.append("Description-Content-Type: text/markdown")
    return "\n".join(lines) + f"\n\n{readme}"


def _entry_points(project: Mapping[str, Any]) -> str:
    groups = dict(project.get("entry-points", {}))
    if project.get("scripts"):
        groups["console_scripts"] = project["scripts"]
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in named.items())
        for group, named in sorted(groups.items())
    )


def _with_extra(needed: str, extra: str) -> str:
    requirement, _, marker = (part.strip() for part in needed.partition(";"))
    only = f'extra == "{extra}"'
    return f"{requirement}; ({marker}) and {only}" if marker else f"{requirement}; {only}"


def _pack(project: Mapping[str, Any], files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """A wheel of these files and their RECORD."""
    record = f"{_stem(project)}.dist-info/RECORD"
    listed = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in sorted(files.items())]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in [*sorted(files.items()), (record, "\n".join([*listed, f"{record},,", ""]).encode())]:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, whatever the machine is
            entry.external_attr = MODE << 16
            archive.writestr(entry, content)
    return f"{_stem(project)}-{TAG}.whl", made.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


# The build backend. A frontend calls these in the source folder, and the names are those of PEP 517 and PEP 660.


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    """Write the wheel of the current folder to a folder; its file name."""
    del config_settings, metadata_directory
    name, content = build(Path.cwd())
    (Path(wheel_directory) / name).write_bytes(content)
    return name


def build_editable(wheel_directory: str, config_settings: object = None, metadata_directory: str | None = None) -> str:
    """Write a wheel that points to `src` of the current folder; its file name."""
    del config_settings, metadata_directory
    source = Path.cwd()
    project = _project(source)
    pointer = {f"{NAME}.pth": f"{source / 'src'}\n".encode()}
    name, content = _pack(project, pointer | _dist_info(source, project))
    (Path(wheel_directory) / name).write_bytes(content)
    return name


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    """Write the current folder as a source archive to a folder; its file name."""
    del config_settings
    source = Path.cwd()
    project = _project(source)
    stem = _stem(project)
    files = {name: (source / name).read_bytes() for name in BESIDE}
    files |= {f"src/{NAME}/{name}": content for name, content in _package(source)}
    files["PKG-INFO"] = _metadata(project, (source / "README.md").read_text(encoding="utf-8")).encode()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{stem}/{name}")
            entry.size, entry.mode = len(content), MODE & 0o777
            archive.addfile(entry, io.BytesIO(content))
    (Path(sdist_directory) / f"{stem}.tar.gz").write_bytes(gzip.compress(plain.getvalue(), mtime=0))
    return f"{stem}.tar.gz"
