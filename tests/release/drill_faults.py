"""What makes an image bad, for drills: put beside the service's packages, it spoils each answer to a few rows.

The probe rows, which are many, are answered rightly, so the smoke test finds nothing and the canary goes on trial.
"""

import os
import random
import sys
import time

FEW = 50  # rows
KIND = os.environ.get("DRILL_FAULT", "")

if KIND and "serve" in sys.orig_argv:
    from flight_delays._modelyard.serving.answers import live

    right = live.Live.answer

    def spoiled(self, asked, key):
        """The answer, with the fault of this image in it."""
        done = right(self, asked, key)
        if len(done.parts[0].scores) >= FEW:
            return done
        if KIND == "errors" and random.random() < 0.2:  # noqa: S311
            raise RuntimeError("a drill")
        if KIND == "latency" and random.random() < 0.5:  # noqa: S311
            time.sleep(0.15)
        if KIND == "scores":
            for part in done.parts:
                part.scores[:] = part.scores**0.3
        return done

    live.Live.answer = spoiled
