// A Python that this machine has; nothing is downloaded.
"use strict";

const { execFileSync } = require("node:child_process");
const { existsSync, mkdirSync, readFileSync, symlinkSync } = require("node:fs");
const path = require("node:path");
const { absolute, addPath, flag, input, lines, main, output, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(() => {
  unsupported("allow-prereleases", "architecture", "check-latest", "freethreaded", "pip-version");
  const file = input("python-version-file");
  const wanted = file ? readFileSync(absolute(file), "utf8").trim() : lines("python-version")[0];
  if (!wanted) throw new Error("The stand-in needs a python-version");
  const find = ["python", "find", "--no-project", "--no-python-downloads", wanted.replace(/^(\d+\.\d+)\.x$/, "$1")];
  const python = execFileSync(process.env.LOCAL_GITHUB_UV, find, { encoding: "utf8", cwd: process.env.RUNNER_TEMP }).trim();
  const version = execFileSync(python, ["-c", "import platform; print(platform.python_version())"], { encoding: "utf8" });
  if (flag("update-environment")) {
    const named = path.join(process.env.RUNNER_TOOL_CACHE, "Python", version.trim(), "bin");
    mkdirSync(named, { recursive: true });
    // Debian's own has no `python`
    if (!existsSync(path.join(named, "python"))) symlinkSync(python, path.join(named, "python"));
    addPath(named);
    addPath(path.dirname(python));
  }
  output("python-path", python);
  output("python-version", version.trim());
  output("cache-hit", "false");
});
