"""Run with the project's Python in its root folder: change params.yaml as the JSON text given says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modelyard.training.edit import edit_yaml

if __name__ == "__main__":
    edit_yaml(Path("params.yaml"), json.loads(sys.argv[1]))
