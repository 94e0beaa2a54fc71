"""A GitHub on this machine that runs workflow files as they are: `GitHub` is all that a test needs."""

from .documents import Workflow, WorkflowError
from .github import GitHub
from .http import REPO, Refused, Request, Response, Route
from .repositories import Repository
from .runs import Job, Run
from .state import PullRequest

__all__ = [
    "REPO",
    "GitHub",
    "Job",
    "PullRequest",
    "Refused",
    "Repository",
    "Request",
    "Response",
    "Route",
    "Run",
    "Workflow",
    "WorkflowError",
]
