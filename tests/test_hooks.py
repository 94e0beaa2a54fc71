"""What the hooks promise: bad answers are refused, and a good one gives a project whatever the machine lacks."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from modelyard.code import code_hashes
from modelyard.vendoring import wheel
from templates import LIBRARY, Template

from projects import BIN, ROOT, Project, generate, hook, made_once, run

NO_LOCK = {"MODELYARD_NO_LOCK": "1"}
REMOTES = {
    "local": ".dvc-storage",
    "s3": "s3://flight-delays-dvc",
    "gs": "gs://flight-delays-dvc",
    "azure": "azure://flight-delays-dvc",
    "ssh": "ssh://dvc@storage.example.com/srv/flight-delays",
}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"project": "Flights"}, "project is 'Flights': lower-case words joined by hyphens"),
        ({"project": "flight--delays"}, "lower-case words joined by hyphens"),
        ({"project": "1st"}, "lower-case words joined by hyphens"),
        ({"project": "a" * 41}, "at most 40 characters"),
        ({"project": "class"}, "class is a Python keyword"),
        ({"project": "match"}, "match is a Python keyword"),
        ({"project": "json"}, "json is a module of Python's standard library"),
        ({"project": "scikit-learn"}, "scikit_learn is one of the project's dependencies"),
        ({"project": "pandas"}, "pandas is one of the project's dependencies"),
        ({"project": "vendor"}, "vendor is a folder of the project"),
        ({"project": "modelyard"}, "modelyard is one of the project's dependencies"),
        ({"project": "requests"}, "requests is one of the project's dependencies"),  # of its dependencies' dependencies
        ({"project": "typing-extensions"}, "typing_extensions is one of the project's dependencies"),
        ({"project": "build"}, "build is a folder of the project"),
        ({"project": "licenses"}, "licenses is a folder of the project"),
        ({"project": "makefile"}, "makefile is a folder of the project"),
        ({"project": "python"}, "python is a program that the project's commands run"),
        ({"project": "git"}, "git is"),
        ({"project": "nul"}, "nul is a name that Windows keeps for a device"),
        ({"project": "null"}, "null is a word that YAML does not read as text"),
        ({"author": " "}, "author is ' ': one line of text is needed"),
        ({"author": "a\u202eb"}, "one line of text is needed, without the character U+202E"),
        ({"description": "two\nlines"}, "description is 'two\\nlines': one line of text is needed"),
        ({"github_owner": "no such owner"}, "github_owner is 'no such owner'"),
        ({"python_version": "3.10"}, "python_version is '3.10': one of 3.11, 3.12, 3.13, 3.14 is needed"),
        ({"dvc_remote": "s3", "dvc_remote_url": "gs://bucket"}, "dvc_remote_url is 'gs://bucket': for dvc_remote s3"),
        ({"dvc_remote": "gs", "dvc_remote_url": "bucket"}, "for dvc_remote gs it must be gs://bucket/path"),
        ({"dvc_remote": "azure", "dvc_remote_url": "az:/x"}, "for dvc_remote azure it must be azure://container/path"),
        ({"dvc_remote": "ssh", "dvc_remote_url": "host:path"}, "for dvc_remote ssh it must be ssh://user@host/path"),
        ({"dvc_remote": "local", "dvc_remote_url": "s3://bucket"}, "for dvc_remote local it must be a folder"),
        ({"dvc_remote_url": "./"}, "it must be a folder of its own, not the project's"),
        ({"dvc_remote_url": "store[1]"}, "it must be without ["),
        ({"dvc_remote": "s3", "dvc_remote_url": "s3://bucket/a,b#c"}, "it must be without ,"),
    ],
)
def test_a_bad_answer_is_refused_in_one_line_and_leaves_nothing(
    tmp_path: Path, answers: dict[str, str], said: str
) -> None:
    _, printed = generate(tmp_path, answers, ok=False)
    refusals = [line for line in printed.splitlines() if line.startswith("refused: ")]
    assert len(refusals) == 1
    assert said in refusals[0]
    assert list(tmp_path.iterdir()) == []


def test_every_dependency_of_a_project_is_a_refused_name() -> None:
    refused = hook("pre_gen_project").DEPENDENCIES
    files = [ROOT / "{{cookiecutter.project}}" / name for name in ("pyproject.toml", "vendor/modelyard/pyproject.toml")]
    text = "\n".join(path.read_text() for path in files)
    quoted = {
        *re.findall(r'^\s+"([a-z0-9.-]+)(?:\[\w+\])?[><=]', text, re.MULTILINE),
        "numpy",
        "onnxruntime",
        "modelyard",
    }
    assert len(quoted) > 30
    assert {name.replace("-", "_").replace(".", "_") for name in quoted} - {"hatchling"} <= refused


@pytest.mark.xdist_group("classification")
def test_what_a_project_installs_is_a_refused_name(tmp_path_factory: pytest.TempPathFactory) -> None:
    lock = tomllib.loads((made_once("classification", tmp_path_factory).root / "uv.lock").read_text())
    installed = {
        one["name"].replace("-", "_").replace(".", "_") for one in lock["package"] if "registry" in one["source"]
    }
    unknown = installed - hook("pre_gen_project").DEPENDENCIES
    assert len(unknown) < 0.05 * len(installed), unknown  # a release of one of them may bring another


def new(folder: Path, answers: str, typed: str = "", ok: bool = True) -> str:
    """What `make new` prints."""
    env = {
        **os.environ,
        "OUT": str(folder),
        "ANSWERS": answers,
        "HOME": str(folder.parent),
        **NO_LOCK,
        "COLUMNS": "200",
    }
    command = [BIN / "python", "hooks/new.py"]
    done = subprocess.run(command, cwd=ROOT, env=env, input=typed, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_make_new_refuses_a_name_in_one_line_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert new(out, "--no-input --default-config project=json", ok=False) == (
        "refused: project is 'json': json is a module of Python's standard library; choose another name\n"
    )
    assert new(
        out, "--no-input --default-config project=x1 task=ranking nosuch=1 _template=/x", ok=False
    ).splitlines() == [
        "refused: task is 'ranking': one of classification, regression is needed",
        *(
            f"refused: there is no question {name!r}; the questions are project, description, author, github_owner, "
            "license, python_version, task, dvc_remote, dvc_remote_url, deploy_target, scale"
            for name in ("nosuch", "_template")
        ),
    ]
    assert not out.exists() or list(out.iterdir()) == []
    assert new(out, "'a", ok=False) == "error: ANSWERS: No closing quotation; write it as arguments in a shell\n"


def test_make_new_asks_again_where_an_answer_is_refused(tmp_path: Path) -> None:
    asked = ["requests", "my-model", 'What\'s $5, `x` or "y"? 🚀', "\a", "Ada", "no one", "ada", "", "", "", "2"]
    printed = new(tmp_path, "--default-config", "\n".join([*asked, "gs://a", "s3://a-bucket", "3", "", ""]))
    refused = [line.partition(" is ")[0] for line in printed.splitlines() if line.startswith("refused: ")]
    assert refused == ["refused: project", "refused: author", "refused: github_owner", "refused: dvc_remote_url"]
    made = tomllib.loads((tmp_path / "my-model/pyproject.toml").read_text())
    assert made["project"]["description"] == 'What\'s $5, `x` or "y"? 🚀'
    assert made["tool"]["modelyard"]["dvc_remote"] == "s3"


def test_make_new_takes_answers_as_they_are_typed(tmp_path: Path) -> None:
    new(tmp_path, """--no-input --default-config 'description=What is $5 or `id`?' author="It's me" """)
    made = tomllib.loads((tmp_path / "flight-delays/pyproject.toml").read_text())["project"]
    assert (made["description"], made["authors"]) == ("What is $5 or `id`?", [{"name": "It's me"}])


def test_every_folder_of_a_project_is_a_refused_name(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {}, NO_LOCK)
    folders = {path.name for path in project.root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders - {project.package.name} <= hook("pre_gen_project").FOLDERS


@pytest.mark.parametrize(("remote", "url"), REMOTES.items())
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_remote_is_in_the_first_commit(tmp_path: Path, task: str, remote: str, url: str) -> None:
    project, _ = generate(tmp_path, {"task": task, "dvc_remote": remote}, NO_LOCK)
    config = project.git("show", "HEAD:.dvc/config")
    assert f"url = {'../' if remote == 'local' else ''}{url}\n" in config
    assert project.git("rev-list", "--count", "HEAD").strip() == "1"
    assert project.git("status", "--porcelain") == ""


@pytest.mark.parametrize(("folder", "ignored"), [(".dvc-storage", True), ("kept/here", True), ("../beside", False)])
def test_a_remote_inside_the_project_is_not_committed(tmp_path: Path, folder: str, ignored: bool) -> None:
    project, _ = generate(tmp_path, {"dvc_remote_url": folder}, NO_LOCK)
    assert (f"/{folder}/" in (project.root / ".gitignore").read_text().splitlines()) == ignored


def test_an_absolute_folder_stays_absolute(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {"dvc_remote_url": "/srv/dvc"}, NO_LOCK)
    assert "url = /srv/dvc\n" in (project.root / ".dvc/config").read_text()


def test_the_next_three_commands_are_the_last_three_lines_and_run_where_they_are_shown(tmp_path: Path) -> None:
    out = tmp_path / "it's $here"
    out.mkdir()
    command = [BIN / "cookiecutter", ROOT, "--no-input", "--default-config", "--output-dir"]
    for number, (typed_in, where) in enumerate([(out, "."), (out, out), (tmp_path, out)]):
        env = {**NO_LOCK, "HOME": str(tmp_path), "PWD": str(typed_in)}
        printed = run([*command, where, f"project=my-model-{number}"], typed_in, env)
        lines = printed.splitlines()[-4:]
        assert (lines[0], lines[2:]) == ("Next:", ["  make pipeline", "  make report"])
        shown = run(["bash", "-c", f"{lines[1]} && cat pyproject.toml"], typed_in)
        assert f'name = "my-model-{number}"' in shown
        assert (lines[1] == f"  cd my-model-{number}") == (typed_in == out)


def test_under_make_the_place_is_shown_in_full(tmp_path: Path) -> None:
    _, printed = generate(tmp_path, {"project": "my-model"}, {**NO_LOCK, "MAKELEVEL": "1", "PWD": str(tmp_path)})
    assert f"  cd {tmp_path / 'my-model'}\n" in printed


def test_a_lock_that_names_a_mirror_is_named_with_how_to_make_another() -> None:
    mirrored, (index, files) = hook("post_gen_project").mirrored, hook("post_gen_project").PYPI
    package = 'name = "six"\nsource = {{ registry = "{0}" }}\nsdist = {{ url = "{1}/six.tar.gz", hash = "sha256:0" }}\n'
    pypi = package.format(f"https://{index}/simple", f"https://{files}")
    local = 'source = { path = "vendor/modelyard-1.0.0-py3-none-any.whl" }\n'
    assert mirrored(pypi + local) is None
    note = mirrored(pypi + package.format("https://me:secret@mirror.example.org/simple/", "https://mirror.example.org"))
    assert note
    assert "uv.lock names the package mirror mirror.example.org: " in note
    assert f"run `UV_DEFAULT_INDEX=https://{index}/simple make lock APPLY=1`" in note
    assert "secret" not in note


def test_the_lock_is_made_and_committed(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {})
    locked = tomllib.loads(project.git("show", "HEAD:uv.lock"))
    assert "scikit-learn" in {package["name"] for package in locked["package"]}


@pytest.mark.parametrize("license", ["MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"])
def test_only_the_chosen_licence_is_kept(tmp_path: Path, license: str) -> None:  # noqa: A002
    project, _ = generate(tmp_path, {"license": license, "author": "Ada Lovelace"}, NO_LOCK)
    text = (project.root / "LICENSE").read_text()
    assert not (project.root / "licenses").exists()
    assert ("Apache License" in text) == (license == "Apache-2.0")
    assert ("Ada Lovelace" in text) == (license != "Apache-2.0")


@pytest.mark.parametrize("target", ["compose", "kubernetes", "none"])
def test_only_the_chosen_way_to_deploy_is_kept(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "compose": ("compose/a.yaml", "grafana/provisioning/a", "prometheus/prometheus.yml", "prometheus/targets.yml"),
        "kubernetes": ("kubernetes/overlays/staging/patch.yaml", "prometheus/prometheus.kubernetes.yml"),
        "none": (),
    }
    both = ("prometheus/alerts.yml", "grafana/dashboards/a.json")
    for name in (*files["compose"], *files["kubernetes"], *both):
        (tmp_path / "deploy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "deploy" / name).touch()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/runbooks.md").touch()
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/monitor.yml").touch()
    (tmp_path / "licenses").mkdir()
    (tmp_path / "licenses/MIT").touch()
    monkeypatch.chdir(tmp_path)
    hook("post_gen_project").prune({"license": "MIT", "author": "me", "deploy_target": target, "scale": "one-machine"})
    deploy = tmp_path / "deploy"
    kept = {path.relative_to(deploy).as_posix() for path in deploy.rglob("*") if path.is_file()}
    assert kept == {*files[target], *(both if target != "none" else ())}
    assert (tmp_path / "docs/runbooks.md").exists() == (target != "none")
    assert (tmp_path / ".github/workflows/monitor.yml").exists() == (target != "none")


@pytest.mark.parametrize("scale", ["one-machine", "cluster"])
@pytest.mark.parametrize("target", ["compose", "none"])
def test_what_a_cluster_needs_is_kept_for_one_only(
    tmp_path: Path, scale: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaling = {"deploy/cluster/kubernetes/a.yaml", "deploy/cluster/compose.yaml", ".github/workflows/tune.yml"}
    for name in (*scaling, "licenses/MIT"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    hook("post_gen_project").prune({"license": "MIT", "author": "me", "deploy_target": target, "scale": scale})
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert kept - {"LICENSE"} == (scaling if scale == "cluster" else set())


def test_the_library_is_in_the_first_commit_as_a_wheel_and_its_source_is_not(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {}, NO_LOCK)
    name, content = wheel.build(ROOT / LIBRARY)
    listed = project.git("ls-files", "vendor").split()
    assert listed == [f"vendor/{name}", "vendor/yard", "vendor/yard.json"]
    assert (project.root / "vendor" / name).read_bytes() == content
    assert json.loads((project.root / "vendor/yard.json").read_text()) == code_hashes()
    assert not (project.root / "vendor/modelyard").exists()
    assert project.run(sys.executable, "-I", "vendor/yard", "--help").count("usage: vendor/yard") == 1


def tools(folder: Path, *names: str) -> dict[str, str]:
    """A PATH with these programs only."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(folder)}


def test_without_git_there_is_a_tree_and_word_of_what_to_run(tmp_path: Path) -> None:
    project, printed = generate(tmp_path / "out", {}, tools(tmp_path / "bin") | NO_LOCK)
    assert "git was not found, so nothing is committed: run `git init" in printed
    assert (project.root / "params.yaml").is_file()
    assert not (project.root / ".git").exists()


def test_without_uv_there_is_a_commit_and_word_of_what_to_run(tmp_path: Path) -> None:
    python = tmp_path / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python], check=True)
    packages = next((BIN.parent / "lib").glob("python3*/site-packages"))
    (next((python / "lib").glob("python3*/site-packages")) / "template.pth").write_text(f"{packages}\n")
    command = [python / "bin/python", "-m", "cookiecutter", ROOT, "--no-input", "--default-config", "-o", tmp_path]
    env = tools(tmp_path / "bin", "git") | {"HOME": str(tmp_path)}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert "uv was not found, so there is no uv.lock yet: `make setup` makes it" in printed
    assert "params.yaml" in subprocess.check_output(["git", "ls-files"], cwd=tmp_path / "flight-delays", text=True)


def test_without_a_network_there_is_a_commit_and_word_of_what_to_run(tmp_path: Path) -> None:
    offline = {"UV_OFFLINE": "1", "UV_NO_CACHE": "1"}
    project, printed = generate(tmp_path, {}, offline)
    assert "uv.lock could not be made" in printed
    assert "`make setup` tries again" in printed
    assert "params.yaml" in project.git("ls-files")


def test_a_machine_without_an_identity_commits_as_the_author(tmp_path: Path) -> None:
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **NO_LOCK}
    nobody |= {key: "" for key in os.environ if key.startswith(("GIT_AUTHOR", "GIT_COMMITTER", "EMAIL"))}
    project, _ = generate(tmp_path, {"author": "Ada Lovelace", "github_owner": "ada"}, nobody)
    assert project.git("log", "-1", "--format=%an <%ae>").strip() == "Ada Lovelace <ada@users.noreply.github.com>"


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    texts = {"author": 'O\'Brien "Bob" \\ <b> & $(id)', "description": "Predicts: #1 'late' \"or\" not"}
    project, _ = generate(tmp_path, texts, NO_LOCK)
    answers = tomllib.loads((project.root / "pyproject.toml").read_text())["project"]
    assert answers["authors"] == [{"name": texts["author"]}]
    assert answers["description"] == texts["description"]


def test_the_answers_reach_workflows_through_pyproject(tmp_path: Path) -> None:
    answers = {"task": "regression", "dvc_remote": "gs", "deploy_target": "kubernetes", "github_owner": "ada"}
    project, _ = generate(tmp_path, answers, NO_LOCK)
    kept = tomllib.loads((project.root / "pyproject.toml").read_text())["tool"]["modelyard"]
    assert {name: value for name, value in kept.items() if not isinstance(value, dict)} == answers


def test_every_prompt_says_what_it_is_for() -> None:
    prompts = json.loads((ROOT / "cookiecutter.json").read_text())
    asked = {name for name in prompts if not name.startswith("_")}
    assert prompts["__prompts__"].keys() == asked
    assert all(len(text) > 10 for text in prompts["__prompts__"].values())


def test_no_file_names_the_package_of_another_project(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {"project": "other-name"}, NO_LOCK)
    assert (project.root / "other_name/features.py").is_file()
    assert run(["git", "grep", "-c", "flight_delays", "--", ":!vendor"], project.root, ok=False) == ""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Template.create(tmp_path_factory.mktemp("hooks") / "modelyard")


def state(project: Project) -> dict[str, Any]:
    """What .cruft.json holds, as the first commit has it."""
    found: dict[str, Any] = json.loads(project.git("show", "HEAD:.cruft.json"))
    return found


def tree(project: Project) -> str:
    """The hash of what was generated, apart from where it came from."""
    return project.git("ls-tree", "-r", "HEAD").replace(project.git("ls-tree", "HEAD", ".cruft.json"), "")


def test_a_folder_a_git_address_and_a_zip_archive_give_the_same_project(template: Template, tmp_path: Path) -> None:
    archive = tmp_path / "modelyard.zip"
    template.git("archive", "--prefix=modelyard-main/", f"--output={archive}", "HEAD")
    bare = tmp_path / "modelyard.git"
    template.git("clone", "--quiet", "--bare", ".", str(bare))
    commit = template.git("rev-parse", "HEAD").strip()
    places = {"folder": template.root, "git": f"file://{bare}", "zip": archive}
    made = {name: generate(tmp_path / name, {}, NO_LOCK, template=place) for name, place in places.items()}
    assert len({tree(project) for project, _ in made.values()}) == 1
    assert {name: state(made[name][0])["template"] for name in ("folder", "git")} == {
        "folder": str(template.root),
        "git": f"file://{bare}",
    }
    assert {state(made[name][0])["commit"] for name in ("folder", "git")} == {commit}
    project, printed = made["zip"]
    assert not (project.root / ".cruft.json").exists()
    assert (
        "the template is not in a Git repository, so there is no .cruft.json: `make upgrade` needs it; "
        "`uvx cruft link URL` links the project to the template's Git repository\n"
    ) in printed


def test_the_template_is_linked_as_cruft_does_it(template: Template, tmp_path: Path) -> None:
    answers = {"project": "my-model", "author": "Åsa <a@b> & 'c'", "task": "regression"}
    project, _ = generate(tmp_path, answers, NO_LOCK, template=template.root)
    context = ["--extra-context", json.dumps(answers)]
    where = ["--no-input", "--default-config", "--output-dir", str(tmp_path / "cruft")]
    run([BIN / "cruft", "create", str(template.root), *where, *context], tmp_path, NO_LOCK)
    created = Project(tmp_path / "cruft/my-model")
    theirs = json.loads((created.root / ".cruft.json").read_text())
    assert state(project) == theirs
    assert (project.root / ".cruft.json").read_bytes() == (created.root / ".cruft.json").read_bytes()
    assert created.git("status", "--porcelain") == ""  # cruft writes the file that the first commit has already
    assert tree(project) == tree(created)


def test_changes_that_the_templates_commit_lacks_are_named(template: Template, tmp_path: Path) -> None:
    changed = template.copy(tmp_path / "template")
    changed.edit("{{cookiecutter.project}}/README.md", "#", "##")
    _, printed = generate(tmp_path / "out", {}, NO_LOCK, template=changed.root)
    commit = template.git("rev-parse", "HEAD")[:7]
    assert f"the template has changes that its commit {commit} lacks, so `make upgrade` will not know them\n" in printed


def test_a_template_that_is_untracked_in_another_repository_is_not_linked(template: Template, tmp_path: Path) -> None:
    run(["git", "init", "--quiet"], tmp_path)
    shutil.copytree(template.root, tmp_path / "template", ignore=shutil.ignore_patterns(".git"))
    project, printed = generate(tmp_path / "out", {}, NO_LOCK, template=tmp_path / "template")
    assert not (project.root / ".cruft.json").exists()
    assert "the template is not in a Git repository" in printed


def test_a_clone_of_the_template_links_where_it_came_from(template: Template, tmp_path: Path) -> None:
    clone = Template(tmp_path / "clone")
    run(["git", "clone", "--quiet", template.root, clone.root], tmp_path)
    project, _ = generate(tmp_path / "same", {}, NO_LOCK, template=clone.root)
    assert state(project)["template"] == str(template.root)
    clone.change("README.md", "#", "##")  # a commit that is here alone
    project, _ = generate(tmp_path / "ahead", {}, NO_LOCK, template=clone.root)
    assert state(project)["template"] == str(clone.root)


def test_no_password_of_an_address_is_committed(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = Template(tmp_path / "clone")
    run(["git", "clone", "--quiet", template.root, clone.root], tmp_path)
    clone.git("remote", "set-url", "origin", "https://me:secret@example.invalid/acme/modelyard.git")
    monkeypatch.chdir(tmp_path)
    answers = {"_template": str(clone.root), "_repo_dir": str(clone.root), "_output_dir": str(tmp_path)}
    assert hook("post_gen_project").link(answers) is None
    assert (
        json.loads((tmp_path / ".cruft.json").read_text())["template"] == "https://example.invalid/acme/modelyard.git"
    )


def test_a_template_in_a_folder_of_its_repository_is_linked(template: Template, tmp_path: Path) -> None:
    moved = template.copy(tmp_path / "template")
    (moved.root / "inside").mkdir()
    moved.git("mv", "cookiecutter.json", "hooks", "{{cookiecutter.project}}", "inside")
    moved.commit("Move")
    project, _ = generate(tmp_path / "out", {}, NO_LOCK, template=moved.root / "inside")
    assert (state(project)["template"], state(project)["directory"]) == (str(moved.root), "inside")


def test_the_template_has_no_symbolic_link() -> None:
    listed = run(["git", "ls-files", "--stage", "--", "{{cookiecutter.project}}", "hooks"], ROOT).splitlines()
    assert [line for line in listed if line.startswith("120000")] == []


def test_a_template_without_the_library_is_refused_in_one_line(template: Template, tmp_path: Path) -> None:
    broken = template.copy(tmp_path / "template")
    shutil.rmtree(broken.root / LIBRARY)
    _, printed = generate(tmp_path / "out", {}, NO_LOCK, ok=False, template=broken.root)
    assert len([line for line in printed.splitlines() if line.startswith("refused: the template is not complete")]) == 1
    assert not (tmp_path / "out/flight-delays").exists()


def test_a_python_that_is_too_old_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "hooks/pre_gen_project.py").read_text()
    ast.parse(text, feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    monkeypatch.setattr(sys, "version", "3.10.4 (main)")
    with pytest.raises(
        SystemExit, match=r"^refused: generating requires Python 3\.11 or newer; cookiecutter runs on 3\.10\.4$"
    ):
        exec(compile(text, "pre_gen_project.py", "exec"), {"__name__": "hook"})  # noqa: S102


def test_where_cruft_compares_nothing_is_locked_committed_or_linked(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rendered = tmp_path / "tmpabcd1234/flight-delays"
    project, _ = generate(tmp_path / "out", {}, NO_LOCK, template=template.root)
    shutil.copytree(project.root, rendered, ignore=shutil.ignore_patterns(".git", ".cruft.json", "modelyard-*.whl"))
    shutil.copytree(template.root / LIBRARY, rendered / "vendor/modelyard")
    (rendered / "licenses").mkdir()
    (rendered / "licenses/MIT").touch()
    monkeypatch.chdir(rendered)
    answers = {"license": "MIT", "author": "me", "deploy_target": "none", "scale": "one-machine"}
    answers |= {"_commit": "1" * 40, "_template": "x"}
    hook("post_gen_project").main(answers)
    assert not {".git", ".cruft.json", "uv.lock"} & {path.name for path in rendered.iterdir()}
    assert len(list(rendered.glob("vendor/modelyard-*.whl"))) == 1
