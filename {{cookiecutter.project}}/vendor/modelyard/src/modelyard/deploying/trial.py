"""The trial of a canary: from what both variants did on live requests to promotion or rollback, purely.

Four questions are asked of the canary, each beside stable in the same time: does it fail more requests, does it refuse
more, does it take long more often, are its scores distributed otherwise. One that is found harmful rolls it back at
once. It is promoted when it has answered the requests that the policy asks for and none is left open. What has not been
shown with the most requests that the policy allows, or in its time, rolls it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ..judging.canary import Canary, Shift
from .sprt import Word, bounds, compare_shares, distance, look, noise, spent

LOOKS = 5  # at the scores, evenly over the requests of the trial


@dataclass(frozen=True)
class Counts:
    """What a variant did: requests, those that it failed, refused (4xx) or took too long for, and its scores by bin."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    timed: int = 0
    slow: int = 0
    scores: tuple[int, ...] = ()

    def since(self, before: Counts) -> Counts:
        """What was added to counters that stood at `before`. A counter that went back was started anew."""
        scores = self.scores
        if len(before.scores) == len(scores) and sum(before.scores) <= sum(scores):
            scores = tuple(max(now - then, 0) for now, then in zip(scores, before.scores, strict=True))
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


def _added(now: int, before: int) -> int:
    return now - before if now >= before else now


@dataclass(frozen=True)
class Finding:
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
    """What was counted of both since the trial began, and which looks at the scores have been taken."""

    canary: Counts = field(default_factory=Counts)
    stable: Counts = field(default_factory=Counts)
    looks: int = 0
    shifted: bool = False

    def plus(self, canary: Counts, stable: Counts) -> Trial:
        """The trial with what was added on both sides."""
        return replace(self, canary=self.canary.plus(canary), stable=self.stable.plus(stable))


@dataclass(frozen=True)
class Decision:
    """What is to be done with the canary, and why. weight: the percentage of requests that it gets while going on."""

    word: Literal["go on", "promote", "roll back"]
    reason: str
    weight: int
    findings: tuple[Finding, ...] = ()
    requests: int = 0

    def __str__(self) -> str:
        found = "; ".join(map(str, self.findings))
        return f"canary at {self.weight} %, {self.requests} requests: {found}: {self.word}: {self.reason}"


def judge(policy: Canary, trial: Trial, minutes: float) -> tuple[Trial, Decision]:
    """The decision on a canary so many minutes into its trial, and the trial with the looks that were taken for it."""
    alpha = policy.alpha / (4 if policy.shift else 3)  # so that all questions together err as seldom as alpha says
    canary, stable = trial.canary, trial.stable
    findings = [
        _compare(policy, alpha, "errors", (canary.failed, canary.requests), (stable.failed, stable.requests)),
        _compare(policy, alpha, "refusals", (canary.refused, canary.requests), (stable.refused, stable.requests)),
        _compare(policy, alpha, "latency", (canary.slow, canary.timed), (stable.slow, stable.timed)),
    ]
    if policy.shift:
        trial, found = _compare_scores(policy, policy.shift, alpha, trial)
        findings.append(found)
    word, reason = _decide(policy, findings, canary.requests, minutes)
    return trial, Decision(word, reason, weight_at(policy, canary.requests), tuple(findings), canary.requests)


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
) -> Finding:
    rates = policy.latency if question == "latency" else policy.errors
    found, ratio = compare_shares(canary, stable, rates.tolerated, rates.worse, alpha, policy.beta)
    counts = f"{canary[0]}/{canary[1]} beside {stable[0]}/{stable[1]}"
    return Finding(question, found, counts, ratio, *bounds(alpha, policy.beta))


def _compare_scores(policy: Canary, shift: Shift, alpha: float, trial: Trial) -> tuple[Trial, Finding]:
    """What a look at the scores finds, where one is due. A request counts once: its scores may be alike."""
    canary = min(sum(trial.canary.scores), trial.canary.requests)
    stable = min(sum(trial.stable.scores), trial.stable.requests)
    due = min(trial.canary.requests * LOOKS // policy.requests, LOOKS)
    same_bins = len(trial.canary.scores) == len(trial.stable.scores)
    far = distance(trial.canary.scores, trial.stable.scores) if same_bins else 1.0
    here = spent(alpha, due / LOOKS) - spent(alpha, trial.looks / LOOKS) if due > trial.looks else 0.0
    limit = shift.tolerated + noise(canary, stable, here or look(LOOKS, LOOKS, alpha))
    if due > trial.looks:
        trial = replace(trial, looks=due, shifted=trial.shifted or far > limit)
    done = trial.looks == LOOKS and canary and stable
    found: Word = "harmful" if trial.shifted else "harmless" if done else "open"
    counts = f"{canary} beside {stable}, look {trial.looks} of {LOOKS}"
    return trial, Finding("scores", found, counts, far, shift.tolerated, limit)


def _decide(
    policy: Canary, findings: Sequence[Finding], requests: int, minutes: float
) -> tuple[Literal["go on", "promote", "roll back"], str]:
    if harmful := [one.question for one in findings if one.found == "harmful"]:
        return "roll back", f"{' and '.join(harmful)} harmful beside stable's"
    unknown = [one.question for one in findings if one.found == "open"]
    if requests >= policy.requests and not unknown:
        return "promote", f"nothing harmful in {requests} requests"
    if requests >= policy.most:
        return "roll back", f"{requests} requests did not show that {' and '.join(unknown)} are harmless"
    if minutes >= policy.minutes:
        asked = f"{policy.requests} were needed, and {policy.minutes:g} minutes are over"
        return (
            "roll back",
            f"too little traffic: {requests} requests in which {' and '.join(unknown)} stayed open, {asked}",
        )
    return "go on", f"{requests} of {policy.requests} requests"
