"""The trial of a canary: decides on promotion or rollback from the counts of both variants. Its functions are pure.

Four questions compare the canary with stable over the same time: does it fail more requests, does it refuse more, is it
slow more often, is the distribution of its scores different. One answer that is harmful rolls it back at once. It is
promoted when it has answered the requests that the policy asks for and no question is open. A question that is still
open after the most requests that the policy allows, or after its time, rolls it back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..judging.canary import Canary, Shift
from .sprt import Word, bounds, compare_shares, distance, look, noise, spent

PROMOTED = re.compile(r"nothing harmful in [0-9]+ requests")  # in the reason for which a canary is promoted
LOOKS = 5  # at the scores, evenly over the requests of the trial


@dataclass(frozen=True)
class Counts:
    """The counts of a variant: requests, those that failed, were refused (4xx) or were slow, and its scores by bin."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    timed: int = 0
    slow: int = 0
    scores: tuple[int, ...] = ()

    def since(self, before: Counts) -> Counts:
        """The increase since `before`. A counter that is lower than before was reset."""
        scores = self.scores
        if len(before.scores) == len(scores) and sum(before.scores) <= sum(scores):
            scores = tuple(max(current - previous, 0) for current, previous in zip(scores, before.scores, strict=True))
        return Counts(
            _added(self.requests, before.requests),
            _added(self.failed, before.failed),
            _added(self.refused, before.refused),
            _added(self.timed, before.timed),
            _added(self.slow, before.slow),
            scores,
        )

    def plus(self, more: Counts) -> Counts:
        """Both together; of scores in other bins than before, only the later ones can be kept."""
        scores = more.scores
        if len(scores) == len(self.scores):
            scores = tuple(one + other for one, other in zip(self.scores, scores, strict=True))
        return Counts(
            self.requests + more.requests,
            self.failed + more.failed,
            self.refused + more.refused,
            self.timed + more.timed,
            self.slow + more.slow,
            scores,
        )


def _added(current: int, previous: int) -> int:
    return current - previous if current >= previous else current


@dataclass(frozen=True)
class TrialFinding:
    """What one question found: the counts, the figure that decides, the bounds that it is held to, and the answer."""

    question: Literal["errors", "refusals", "latency", "scores"]
    found: Word
    counts: str
    figure: float
    harmless: float
    harmful: float

    def __str__(self) -> str:
        name = "distance" if self.question == "scores" else "llr"
        ends = f"{self.harmless:.2f} .. {self.harmful:.2f}"
        return f"{self.question} {self.counts}, {name} {self.figure:.2f} in {ends}: {self.found}"


@dataclass(frozen=True)
class Trial:
    """The counts of both since the trial began, and the looks at the scores so far."""

    canary: Counts = field(default_factory=Counts)
    stable: Counts = field(default_factory=Counts)
    looks: int = 0
    shifted: bool = False

    def plus(self, canary: Counts, stable: Counts) -> Trial:
        """The trial with the increase on both sides."""
        return replace(self, canary=self.canary.plus(canary), stable=self.stable.plus(stable))


@dataclass(frozen=True)
class TrialDecision:
    """What is to be done with the canary, and why. weight: the percentage of requests that it gets while going on."""

    word: Literal["go on", "promote", "roll back"]
    reason: str
    weight: int
    findings: tuple[TrialFinding, ...] = ()
    requests: int = 0

    def __str__(self) -> str:
        findings = "; ".join(map(str, self.findings))
        return f"canary at {self.weight} %, {self.requests} requests: {findings}: {self.word}: {self.reason}"


def judge(policy: Canary, trial: Trial, minutes: float) -> tuple[Trial, TrialDecision]:
    """The decision on a canary so many minutes into its trial, and the trial with the looks that were taken for it."""
    alpha = policy.alpha / (4 if policy.shift else 3)  # so that all questions together keep alpha
    canary, stable = trial.canary, trial.stable
    findings = [
        _compare(policy, alpha, "errors", (canary.failed, canary.requests), (stable.failed, stable.requests)),
        _compare(policy, alpha, "refusals", (canary.refused, canary.requests), (stable.refused, stable.requests)),
        _compare(policy, alpha, "latency", (canary.slow, canary.timed), (stable.slow, stable.timed)),
    ]
    if policy.shift:
        trial, finding = _compare_scores(policy, policy.shift, alpha, trial)
        findings.append(finding)
    word, reason = _decide(policy, findings, canary.requests, minutes)
    return trial, TrialDecision(word, reason, weight_at(policy, canary.requests), tuple(findings), canary.requests)


def weight_at(policy: Canary, requests: int) -> int:
    """The percentage of requests for a canary that has answered so many in its trial."""
    step = requests * len(policy.weights) // policy.requests
    return policy.weights[min(step, len(policy.weights) - 1)]


def _compare(
    policy: Canary,
    alpha: float,
    question: Literal["errors", "refusals", "latency"],
    canary: tuple[int, int],
    stable: tuple[int, int],
) -> TrialFinding:
    rates = policy.latency if question == "latency" else policy.errors
    verdict, ratio = compare_shares(canary, stable, rates.tolerated, rates.worse, alpha, policy.beta)
    counts = f"{canary[0]}/{canary[1]} beside {stable[0]}/{stable[1]}"
    return TrialFinding(question, verdict, counts, ratio, *bounds(alpha, policy.beta))


def _compare_scores(policy: Canary, shift: Shift, alpha: float, trial: Trial) -> tuple[Trial, TrialFinding]:
    """What a look at the scores finds, where one is due. A request counts once: its scores may be alike."""
    canary = min(sum(trial.canary.scores), trial.canary.requests)
    stable = min(sum(trial.stable.scores), trial.stable.requests)
    due = min(trial.canary.requests * LOOKS // policy.requests, LOOKS)
    same_bins = len(trial.canary.scores) == len(trial.stable.scores)
    difference = distance(trial.canary.scores, trial.stable.scores) if same_bins else 1.0
    alpha_now = spent(alpha, due / LOOKS) - spent(alpha, trial.looks / LOOKS) if due > trial.looks else 0.0
    limit = shift.tolerated + noise(canary, stable, alpha_now or look(LOOKS, LOOKS, alpha))
    if due > trial.looks:
        trial = replace(trial, looks=due, shifted=trial.shifted or difference > limit)
    finished = trial.looks == LOOKS and canary and stable
    verdict: Word = "harmful" if trial.shifted else "harmless" if finished else "open"
    counts = f"{canary} beside {stable}, look {trial.looks} of {LOOKS}"
    return trial, TrialFinding("scores", verdict, counts, difference, shift.tolerated, limit)


def _decide(
    policy: Canary, findings: Sequence[TrialFinding], requests: int, minutes: float
) -> tuple[Literal["go on", "promote", "roll back"], str]:
    if harmful := [one.question for one in findings if one.found == "harmful"]:
        return "roll back", f"{' and '.join(harmful)} harmful beside stable's"
    still_open = [one.question for one in findings if one.found == "open"]
    if requests >= policy.requests and not still_open:
        return "promote", f"nothing harmful in {requests} requests"
    if requests >= policy.most:
        return "roll back", f"{requests} requests did not show that {' and '.join(still_open)} are harmless"
    if minutes >= policy.minutes:
        needed = f"{policy.requests} were needed, and {policy.minutes:g} minutes are over"
        return (
            "roll back",
            f"too little traffic: {requests} requests in which {' and '.join(still_open)} stayed open, {needed}",
        )
    return "go on", f"{requests} of {policy.requests} requests"
