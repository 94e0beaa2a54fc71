from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ops import doctor
from modelyard.github.doctor import main

ROOT = Path(__file__).parent.parent.parent


def test_the_verb_is_that_of_github():
    assert doctor.main is main


def test_without_a_token_it_ends_with_2_and_no_traceback():
    command = [sys.executable, "-m", "ops", "doctor", "--repository", "acme/flights"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no token in GH_TOKEN or GITHUB_TOKEN: create a fine-grained")
