"""Let the retrained outputs take the place of committed ones that have other bytes and are nowhere to be had.

A pull request may be trained on another kind of processor than main. What Git does not hold of its model then stays on
that machine, so that main can neither compare it nor ship it. It need not: if everything that Git holds agrees, the
model that was retrained from the source ships. Nothing is taken on the word of dvc.lock, and what somebody brings later
under the hashes of the committed lock is not used, because the lock here names the retrained outputs from then on.
"""

from __future__ import annotations

import dataclasses

from ..training import layout
from .proof import Proof
from .scratch import Scratch
from .tolerance import TOLERANCE

# What Git must hold to say what the committed model was: its data, its training and how good it is
WITNESSES = (layout.LEDGER, layout.TRAINING, layout.METRICS, layout.CALIBRATION, layout.SLICES)
ADVICE = (
    "; all that Git holds agrees, so `make prove ARGS=--settle` lets the retrained outputs take their place, as the "
    "workflows do"
)


def settle(proof: Proof, scratch: Scratch, place: bool) -> Proof:
    """The proof, if the committed outputs that cannot be had do not matter; else the proof as it is.

    place: whether the retrained outputs are put into the project and its cache. Without it, the proof says how to.
    """
    witnesses = [path.as_posix() for path in WITNESSES if (scratch.kept / path).is_file()]
    if proof.verdict != "unjudged" or not proof.absent or len(witnesses) < len(WITNESSES):
        return proof
    if not place:
        return dataclasses.replace(proof, reason=proof.reason + ADVICE)
    scratch.place()
    absent = ", ".join(proof.absent)
    reason = (
        f"retraining gave {absent} other bytes, and what was committed is not on this machine; all that Git holds of "
        f"it agrees within {TOLERANCE:g} ({', '.join(witnesses)} and more), so the retrained outputs take their "
        "place here"
    )
    return dataclasses.replace(proof, verdict="equivalent", reason=reason)
