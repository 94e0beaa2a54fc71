"""Chromium without a window: what a page holds once its scripts have run, and a picture of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
PATIENCE = 100_000  # ms of the page's own time, which passes as fast as its scripts run


def content(page: str, width: int = 1000) -> str:
    """The page's HTML after its scripts have run."""
    return _run(page, "--dump-dom", f"--window-size={width},800").decode()


def picture(page: str, path: Path, width: int, height: int, scale: int = 1) -> None:
    """Write what the page looks like to `path`, as PNG."""
    size = [f"--window-size={width},{height}", f"--force-device-scale-factor={scale}"]
    _run(page, f"--screenshot={path.absolute()}", *size)


def _run(page: str, *flags: str) -> bytes:
    program = shutil.which("chromium")
    assert program, "there is no Chromium here; install it, as in `apt-get install chromium`"
    with tempfile.TemporaryDirectory() as profile:
        path = Path(profile) / "page.html"
        path.write_text(page, encoding="utf-8")
        command = [program, *FLAGS, f"--user-data-dir={profile}/user", f"--virtual-time-budget={PATIENCE}", *flags]
        done = subprocess.run([*command, path.as_uri()], capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout
