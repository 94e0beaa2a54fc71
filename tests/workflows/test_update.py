"""update.yml by act, on a project that follows a copy of this template in a Git repository."""

from __future__ import annotations

from pathlib import Path

from templates import Template

from projects import generate

from .hosted import NAME, why
from .local import GitHub, Run
from .local.state import Issue

REPORT = "reporting/page.py", "from __future__ import annotations\n", "from __future__ import annotations\n\n# newer\n"


def test_a_new_version_of_the_template_is_proposed_or_asked_for(github: GitHub, tmp_path: Path) -> None:
    template = Template.create(tmp_path / "template")
    project, _ = generate(tmp_path / "out", {}, template=template.root)
    repository = github.create(NAME)
    github.push(repository, "main", project.root)
    params = repository.read("main", "params.yaml").replace("learning_rate: 0.1", "learning_rate: 0.07")
    github.push(repository, "main", {"params.yaml": params}, "Learn slower")
    github.deliver(only=())

    def updated() -> Run:
        github.schedule(repository, "update.yml", "41 4 * * 1")
        (run,) = github.deliver(only={"update.yml"})
        assert run.conclusion == "success", why(run)
        return run

    def issue() -> Issue:
        (found,) = github.shelf(repository).issues.values()
        return found

    assert "has the newest version" in updated().jobs["upgrade"].log
    assert (github.pulls(repository), github.shelf(repository).issues) == ([], {})

    # a version that changes workflows, without a token that may
    template.edit("{{cookiecutter.project}}/.github/workflows/ci.yml", "name: ci", "name: ci # newer")
    newest = template.release("1.1.0", *REPORT)
    assert "Opened #1" in updated().summary
    assert (issue().title, issue().state) == ("update: a new version of the template", "open")
    assert f"`{newest[:7]}` changes workflows" in issue().body
    assert "`make upgrade`" in issue().body
    assert [ref for ref in repository.refs() if "update/" in ref] == []

    # the same with one
    github.secrets["UPDATE_TOKEN"] = github.token({"contents": "write", "pull-requests": "write"}, repository)
    updated()
    (pull,) = github.pulls(repository)
    assert (pull.title, issue().state) == (f"Update the template to {newest[:7]}", "closed")
    changed = {"pyproject.toml", "uv.lock", "vendor/modelyard-1.1.0-py3-none-any.whl", ".github/workflows/ci.yml"}
    assert changed <= set(repository.changed(pull.base_sha, pull.head_sha))
    assert "learning_rate: 0.07" in repository.read(pull.head_sha, "params.yaml")

    # a version that changes the line which the team changed
    refs = repository.refs()
    newest = template.change("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    updated()
    assert f"`{newest[:7]}` and this project changed the same lines" in issue().body
    assert "- `params.yaml`" in issue().body
    assert (issue().state, repository.refs()) == ("open", refs)
