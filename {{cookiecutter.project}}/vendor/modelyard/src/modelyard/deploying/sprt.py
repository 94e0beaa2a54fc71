"""Sequential tests: they may be evaluated at any time, and still keep their error rates.

A share of failures is tested by the sequential probability ratio test of A. Wald, "Sequential Tests of Statistical
Hypotheses", Annals of Mathematical Statistics 16 (1945) 117-186. With the likelihood ratio of "harmful" to "harmless",
it ends where the ratio leaves the interval from beta/(1-alpha) to (1-beta)/alpha. Looking on after "harmless" stays
sound, because a likelihood ratio is a martingale where there is no harm: it ever exceeds 1/a with a chance of a at most
(J. Ville, 1939). What is harmless is measured from stable's share, estimated from requests of the same time.

Two distributions of scores are compared at few looks, which spend alpha as they come: K. K. G. Lan and D. L. DeMets,
"Discrete sequential boundaries for clinical trials", Biometrika 70 (1983) 659-663, with their function for Pocock's
boundaries. Each look holds the distance of Kolmogorov and Smirnov to its part of alpha by the bound of Dvoretzky,
Kiefer and Wolfowitz, which needs no distribution and is on the safe side for binned scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

Word = Literal["harmless", "harmful", "open"]


def bounds(alpha: float, beta: float) -> tuple[float, float]:
    """Wald's bounds on the logarithm of the likelihood ratio: harmless up to the first, harmful from the second on."""
    return math.log(beta / (1 - alpha)), math.log((1 - beta) / alpha)


def share(failed: int, total: int) -> float:
    """The estimated share of failures. Half a failure is added, so that one never seen is not thought impossible."""
    return (failed + 0.5) / (total + 1)


def log_likelihood_ratio(failed: int, total: int, harmless: float, harmful: float) -> float:
    """The logarithm of how much likelier so many failures are at the share `harmful` than at `harmless`.

    Both are kept below 1, where a ratio says something.
    """
    low, high = min(harmless, 0.98), min(harmful, 0.99)
    return failed * math.log(high / low) + (total - failed) * math.log((1 - high) / (1 - low))


def compare_shares(
    canary: tuple[int, int], stable: tuple[int, int], tolerated: float, worse: float, alpha: float, beta: float
) -> tuple[Word, float]:
    """Whether a canary fails more often than stable, and the logarithm of the likelihood ratio.

    canary, stable: failures and all requests. tolerated, worse: by how much its share may exceed stable's, and by how
    much it is harmful.
    """
    base = share(*stable)
    ratio = log_likelihood_ratio(*canary, base + tolerated, base + worse)
    low, high = bounds(alpha, beta)
    return "harmless" if ratio <= low else "harmful" if ratio >= high else "open", ratio


def spent(alpha: float, information: float) -> float:
    """How much of alpha may be spent when a part of the information, from 0 to 1, is in."""
    return alpha * math.log(1 + (math.e - 1) * min(max(information, 0.0), 1.0))


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest difference between the cumulated shares of two histograms of the same bins; 0 where one is empty."""
    if not sum(one) or not sum(other):
        return 0.0
    both = zip(accumulate(one), accumulate(other), strict=True)
    return max(abs(a / sum(one) - b / sum(other)) for a, b in both)


def noise(canary: int, stable: int, alpha: float) -> float:
    """How far apart two samples of one distribution are with a chance of alpha at most; 1 where one is empty."""
    if not canary or not stable or alpha <= 0:
        return 1.0
    return min(math.sqrt(math.log(2 / alpha) * (canary + stable) / (2 * canary * stable)), 1.0)


def look(number: int, looks: int, alpha: float) -> float:
    """The part of alpha that a look, counted from 1, may spend."""
    return spent(alpha, number / looks) - spent(alpha, (number - 1) / looks)
