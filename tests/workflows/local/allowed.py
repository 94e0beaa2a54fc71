"""What may be given, by whom and on which plan: the checks that all settings of the local GitHub share.

Unknown values are refused everywhere, which the real GitHub does for rulesets only: elsewhere it would keep silent,
and a misspelt setting would look as if it were set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .http import Refused, Request

FEATURES = ("secret_scanning", "secret_scanning_push_protection")
MAY_PROPOSE = "can_approve_pull_request_reviews"
Check = Callable[[Any], bool]


def one_of(*values: Any) -> Check:
    return lambda value: type(value) in {type(one) for one in values} and value in values


def between(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def table(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}
    return lambda value: (
        isinstance(value, dict)
        and required.keys() <= value.keys() <= known.keys()
        and all(known[key](one) for key, one in value.items())
    )


is_bool, is_text = one_of(True, False), lambda value: isinstance(value, str)
REPOSITORY: Mapping[str, tuple[Check, Any]] = {
    "allow_squash_merge": (is_bool, True),
    "allow_merge_commit": (is_bool, True),
    "allow_rebase_merge": (is_bool, True),
    "allow_auto_merge": (is_bool, False),
    "allow_update_branch": (is_bool, False),
    "delete_branch_on_merge": (is_bool, False),
    "squash_merge_commit_title": (one_of("PR_TITLE", "COMMIT_OR_PR_TITLE"), "COMMIT_OR_PR_TITLE"),
    "squash_merge_commit_message": (one_of("PR_BODY", "COMMIT_MESSAGES", "BLANK"), "COMMIT_MESSAGES"),
}


def kept(request: Request) -> dict[str, Any]:
    """The settings of the repository that is asked about, as they are on a new one until something is set."""
    settings = request.github.shelf(request.repository).settings
    defaults: dict[str, Any] = {
        "organisation": False,
        "plan": "free",
        "accounts": {},
        "teams": {},
        "repository": {key: default for key, (_, default) in REPOSITORY.items()},
        "security": dict.fromkeys(FEATURES, "disabled"),
        "alerts": False,
        "fixes": False,
        "permissions": {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False},
        "selected": {"github_owned_allowed": False, "verified_allowed": False, "patterns_allowed": []},
        "workflow": {"default_workflow_permissions": "read", MAY_PROPOSE: False},
        "approval": "first_time_contributors",
        "variables": {},
        "environments": {},
        "rulesets": {},
    }
    for key, value in defaults.items():
        settings.setdefault(key, value)
    return settings


def paid(request: Request) -> bool:
    return not request.repository.private or kept(request)["plan"] != "free"


def enterprise(request: Request) -> bool:
    return not request.repository.private or kept(request)["plan"] == "enterprise"


def invalid(where: str) -> Refused:
    return Refused(
        422, "Validation Failed", [{"message": f"Invalid property {where}: data matches no possible input."}]
    )


def checked(request: Request, check: Check, where: str = "/") -> dict[str, Any]:
    given = request.json()
    if not check(given):
        raise invalid(where)
    return given


def sees(request: Request) -> None:
    """Refuse who may not even see the repository."""
    if not request.token:
        if request.repository.private:
            raise Refused(404, "Not Found")
        return
    request.needs("read", "metadata")


def administers(request: Request, level: str = "write") -> None:
    """Refuse who does not administer the repository, in words that do not tell a stranger that it is there."""
    sees(request)
    if not request.token:
        raise Refused(401, "Requires authentication")
    granted = request.github.permissions(request.token).get("administration")
    if granted is None:
        raise Refused(403, "Must have admin rights to Repository.")
    if level == "write" and granted != "write":
        refused = Refused(403, "Resource not accessible by personal access token")
        refused.response.headers["X-Accepted-GitHub-Permissions"] = "administration=write"
        raise refused
