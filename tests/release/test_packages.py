"""What a release consists of, made with the real engine from a real bundle."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelyard.releasing.packaging.engine import find_docker, secrets

from projects import Project
from release.conftest import BASE, docker, package

pytestmark = [pytest.mark.xdist_group("images"), pytest.mark.usefixtures("released")]

IMAGE, PIPELINE = "flight-delays:1.2.0", "flight-delays-pipeline:1.2.0"
MOST_MB = 160  # of packages on the base image, in 10^6 bytes
SAME = ("*.whl", "*.pyz", "sbom.cdx.json", "mlbom.cdx.json", "model-card.md")
CONFINED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")  # noqa: S108


def probe(project: Project) -> dict:
    return json.loads((project.root / "bundle/probe.json").read_text())


@pytest.fixture
def service() -> Iterator[str]:
    """The service in a container that may do nothing; its container."""
    container = docker("run", "--detach", *CONFINED, "--publish", "127.0.0.1::8000", IMAGE, "serve", "--open").strip()
    yield container
    docker("rm", "--force", container)


def ask(container: str, path: str, body: dict | None = None, seconds: float = 30) -> dict:
    """What the service answers, as soon as it does."""
    where = f"http://{docker('port', container, '8000').splitlines()[0]}{path}"
    data = None if body is None else json.dumps(body).encode()
    end = time.monotonic() + seconds
    while True:
        try:
            request = urllib.request.Request(where, data, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return json.load(answer)
        except OSError:
            assert time.monotonic() < end, docker("logs", container)
            time.sleep(0.1)


def test_the_files_of_a_release_are_there_and_in_order(released: Project) -> None:
    assert {path.name for path in (released.root / "dist").iterdir()} == {
        "flight_delays-1.2.0-py3-none-any.whl",
        "flight-delays-1.2.0.pyz",
        "image.txt",
        "mlbom.cdx.json",
        "model-card.md",
        "sbom.cdx.json",
        "SHA256SUMS",
    }
    assert "dist is in order" in released.run("make", "verify")


def test_one_byte_changed_names_the_file(released: Project, tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    shutil.copytree(released.root / "dist", folder)
    path = folder / "flight-delays-1.2.0.pyz"
    with path.open("r+b") as opened:
        opened.seek(path.stat().st_size // 2)
        byte = opened.read(1)
        opened.seek(-1, 1)
        opened.write(bytes([byte[0] ^ 1]))
    told = released.run("python", "-m", "flight_delays", "verify", folder, ok=False)
    assert "flight-delays-1.2.0.pyz was changed: its SHA-256 is " in told


def test_two_builds_of_one_commit_have_the_same_bytes(
    released: Project, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = package(released, tmp_path_factory.mktemp("second") / "elsewhere/flight-delays", engine)
    for pattern in SAME:
        (first,), (second,) = ((one.root / "dist").glob(pattern) for one in (released, other))
        assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())


def layers(image: str) -> list[str]:
    return json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image))


def test_two_builds_of_an_image_have_the_same_layers(released: Project) -> None:
    # another test may have laid another version into build/
    released.run("make", "image", "VERSION=1.2.0", env={"BASE_IMAGE": BASE})
    engine = find_docker()
    name = "flight-delays-again:1.2.0"
    with secrets() as options:
        start = ["buildx", "build", "--load"] if engine.buildx else ["build"]
        given = ["--build-arg", f"BASE={BASE}", "--target", "service", "--tag", name, *options]
        build = [engine.client, *start, "--no-cache", "--quiet", *given, "."]
        released.run(*build, env={"DOCKER_BUILDKIT": "1"})
    try:
        assert layers(name) == layers(IMAGE)
        # of a second layer with files, the engine may put them in another order: this one is WORKDIR's, and empty
        assert len(layers(IMAGE)) == 2
    finally:
        docker("rmi", name)


@pytest.mark.parametrize("image", [IMAGE, PIPELINE])
def test_no_file_of_an_image_gives_the_rights_of_another_user(image: str) -> None:
    look = ("run", "--rm", "--user", "0", "--entrypoint", "find", image)
    assert docker(*look, "/", "-xdev", "!", "-type", "l", "-perm", "/6000") == ""
    scripts = docker(*look, "/opt/venv/bin", "!", "-type", "d", "!", "-name", "python*").split()
    assert scripts == ["/opt/venv/bin/flight-delays"]


def test_the_service_answers_its_probe_rows_to_the_last_bit(released: Project, service: str) -> None:
    assert ask(service, "/readyz")["status"] == "ready"
    found = ask(service, "/predict", {"rows": probe(released)["rows"]})
    assert [one["prediction"] for one in found["predictions"]] == probe(released)["answers"]


def test_the_service_says_which_gates_its_model_has_passed(service: str) -> None:
    told = ask(service, "/model")["production_ready"]
    assert (told["ready"], {gate["kept"] for gate in told["gates"]}) == (True, {True})


def test_the_service_is_healthy_nobody_and_drains(service: str) -> None:
    ask(service, "/readyz")
    end = time.monotonic() + 60
    while docker("inspect", "--format", "{{.State.Health.Status}}", service).strip() != "healthy":
        assert time.monotonic() < end, docker("inspect", "--format", "{{json .State.Health}}", service)
        time.sleep(0.5)
    assert docker("exec", service, "id", "-u").strip() == "10001"
    assert "Read-only file system" in docker("exec", service, "touch", "/opt/venv/x", ok=False)
    docker("stop", "--time", "20", service)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", service).strip() == "0"


def test_what_the_documentation_says_of_the_image_answers(released: Project, engine: str) -> None:
    page = (released.root / "docs/operations.md").read_text().replace("<project>", "flight-delays")
    block = re.search(r"^```sh\n(make image\n.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
    script = block[1].replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    script = script.replace("service\n", f"readme-{port}\n").replace("--name service", f"--name readme-{port}")
    told = released.run("bash", "-euo", "pipefail", "-c", script, env={"BASE_IMAGE": engine})
    # curl ends no line, so the next command's words follow
    answered, _ = json.JSONDecoder().raw_decode(told, told.index('{"'))
    assert 0 < answered["predictions"][0]["prediction"] < 1


def test_without_access_the_service_does_not_start() -> None:
    assert "nobody could call the service" in docker("run", "--rm", IMAGE, ok=False)


def test_the_image_holds_what_answers_and_nothing_that_makes_it() -> None:
    look = (
        "import importlib.util as u, shutil; "
        "print([n for n in {} if u.find_spec(n)], [n for n in {} if shutil.which(n)])"
    )
    code = look.format(["pandas", "sklearn", "scipy", "pyarrow", "pip", "setuptools"], ["gcc", "cc", "pip", "pip3"])
    assert docker("run", "--rm", "--entrypoint", "python", IMAGE, "-c", code).strip() == "[] []"
    size, base = (int(docker("image", "inspect", "--format", "{{.Size}}", one)) for one in (IMAGE, "base:raw"))
    print(f"packages on the base image: {(size - base) / 1e6:.0f} MB")
    assert size - base <= MOST_MB * 1e6


def test_the_image_says_what_it_is(released: Project) -> None:
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", IMAGE))
    assert labels["org.opencontainers.image.version"] == "1.2.0"
    assert labels["org.opencontainers.image.revision"] == released.git("rev-parse", "HEAD").strip()
    assert labels["modelyard.bundle"] == ask_wheel(released)


def ask_wheel(project: Project) -> str:
    bill = json.loads((project.root / "dist/mlbom.cdx.json").read_text())
    return next(
        one["value"] for one in bill["metadata"]["component"]["properties"] if one["name"].endswith("bundle:sha256")
    )


def test_the_bill_of_the_image_has_a_hash_for_each_python_package(released: Project) -> None:
    bill = json.loads((released.root / "dist/sbom.cdx.json").read_text())
    packages = [one for one in bill["components"] if one.get("purl", "").startswith("pkg:pypi/")]
    assert {"numpy", "onnxruntime", "uvicorn", "msgspec"} <= {one["name"] for one in packages}
    assert [one["name"] for one in packages if not one.get("hashes")] == []
    assert any(one.get("purl", "").startswith("pkg:deb/debian/libc6@") for one in bill["components"])


def test_nothing_of_where_packages_came_from_is_left_in_the_image() -> None:
    told = docker("history", "--no-trunc", IMAGE) + docker("image", "inspect", IMAGE)
    assert "PIP_INDEX" not in told
    assert "ca.pem" not in told
    listed = docker("run", "--rm", "--entrypoint", "ls", IMAGE, "-A", "/run")
    assert "secrets" not in listed


def test_the_executable_needs_python_alone(released: Project, tmp_path: Path) -> None:
    shutil.copy(released.root / "dist/flight-delays-1.2.0.pyz", tmp_path)
    rows = probe(released)["rows"]
    lines = [",".join(rows[0]), *(",".join("" if one is None else str(one) for one in row.values()) for row in rows)]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    command = [
        "env",
        "-i",
        "PATH=/usr/bin:/bin",
        f"HOME={tmp_path}",
        "./flight-delays-1.2.0.pyz",
        "score",
        "rows.csv",
        "out.csv",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    answers = [float(line.split(",")[1]) for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert answers == probe(released)["answers"]


def test_the_pipelines_image_makes_a_model_of_new_data_that_the_service_takes(
    released: Project, tmp_path: Path
) -> None:
    code = (
        "import pathlib, pyarrow.compute as c, pyarrow.csv as w\n"
        "from modelyard.training.settings import read_contract\n"
        "from modelyard.training.data.sources.sample import SampleSource\n"
        "t = SampleSource(read_contract()).read(''); t = t.take(list(range(0, t.num_rows, 10)))\n"
        "m = c.strftime(t['scheduled_departure'], format='%Y-%m')\n"
        f"[w.write_csv(t.filter(c.equal(m, x)), '{tmp_path}/' + x + '.csv') for x in ('2013-01', '2013-02', '2013-03')]"
    )
    released.run("python", "-c", code)
    tmp_path.chmod(0o777)
    told = docker("run", "--rm", "--network", "none", *CONFINED, "--volume", f"{tmp_path}:/data", PIPELINE,
                  "--source", "/data/*.csv", "--watermark", "2013-03")  # fmt: skip
    assert "in all: 3 (" in told
    fresh = json.loads((tmp_path / "bundle/probe.json").read_text())
    (tmp_path / "rows.json").write_text(json.dumps(fresh["rows"]))
    lines = docker("run", "--rm", *CONFINED, "--volume", f"{tmp_path}:/data:ro", IMAGE, "predict", "/data/rows.json",
                   "--bundle", "/data/bundle").splitlines()  # fmt: skip
    assert [json.loads(line)["prediction"] for line in lines] == fresh["answers"]


def test_the_image_is_accepted_before_it_is_pushed(released: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told = released.run("make", "accept", "VERSION=1.2.0", "ARGS=--requests 500 --examples 3")
    with capsys.disabled():
        print(
            "", *[line for line in told.splitlines() if line.startswith(("contract:", "load:", "openapi:"))], sep="\n"
        )
    assert f"contract: {len(probe(released)['rows'])} good rows are answered as the pipeline did" in told
    assert "load: 500 requests over 8 connections: 0 failed, p50 " in told
    assert int(told.partition("openapi: ")[2].split()[0]) > 100
    assert told.rstrip().endswith(f"the image {IMAGE} may be pushed")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # of each bad sort one: the rest is in tests/library/releasing/accepting
        ("runtime/rows.py", "contract: .* requests with a row that breaks the contract were not refused"),
        ("runtime/predictor.py", "probe rows are not answered as by the pipeline"),
        ("serving/http/openapi.py", "openapi: the service does not do what its /openapi.json says"),
        ("serving/__init__.py", "the container ended before the service was ready"),
    ],
)
def test_an_image_that_is_not_as_it_must_be_is_not_accepted(released: Project, change: str, said: str) -> None:
    lines = {
        "runtime/rows.py": "broken_rule = _rule_of_missing = lambda *_: None",
        "runtime/predictor.py": "OnnxModel.predict = OnnxModel.answer = "
        "lambda self, table, _was=OnnxModel.answer: _was(self, table) / 2",
        "serving/http/openapi.py": "openapi = lambda *given, _was=openapi: _refuse(_was(*given))\n"
        "def _refuse(told):\n    told['paths']['/healthz']['get']['responses'] = {'204': {'description': ''}}\n"
        "    return told",
        "serving/__init__.py": "raise SystemExit('no such thing')",
    }[change]
    bad = f"bad-{re.sub('[^a-z]', '', change)}:1.2.0"
    add = (
        "import importlib.util as u, pathlib; "
        f"p = pathlib.Path(u.find_spec({released.package.name!r}).origin).parent / '_modelyard' / {change!r}; "
        f"p.write_text(p.read_text() + '\\n' + {lines!r} + '\\n')"
    )
    container = docker("create", "--user", "0:0", "--entrypoint", "python", IMAGE, "-c", add).strip()
    try:
        docker("start", "--attach", container)
        docker("commit", "--change", "USER 10001:10001", container, bad)
        told = released.run("make", "accept", f"ARGS=--image {bad} --requests 20 --examples 1", ok=False)
        assert re.search(rf"the image {bad} may not be pushed: .*{said}", told, re.DOTALL), told
    finally:
        docker("rm", "--force", container)
        docker("rmi", "--force", bad)
