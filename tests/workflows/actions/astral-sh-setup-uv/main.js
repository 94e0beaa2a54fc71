// uv alone in a folder of the PATH: nothing else of the environment that the tests run in. Where the tests name a folder for
// it, the project's environment is the one that the job before left there: `uv sync` makes it what uv.lock says, in a
// tenth of the time.
"use strict";

const { execFileSync } = require("node:child_process");
const { existsSync, mkdirSync, rmSync, symlinkSync } = require("node:fs");
const path = require("node:path");
const { addPath, environment, input, main, output, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(() => {
  unsupported("activate-environment", "venv-path", "cache-local-path", "tool-dir", "tool-bin-dir", "manifest-file");
  const uv = process.env.LOCAL_GITHUB_UV;
  const version = execFileSync(uv, ["--version"], { encoding: "utf8" }).split(" ")[1].trim();
  const folder = path.join(process.env.RUNNER_TOOL_CACHE, "uv", version);
  mkdirSync(folder, { recursive: true });
  for (const name of ["uv", "uvx"]) {
    const link = path.join(folder, name);
    if (!existsSync(link)) symlinkSync(path.join(path.dirname(uv), name), link);
    output(`${name}-path`, link);
  }
  addPath(folder);
  const kept = process.env.LOCAL_GITHUB_ENVIRONMENT;
  if (kept) {
    mkdirSync(kept, { recursive: true });
    rmSync(path.join(kept, ".synced"), { force: true });
    environment("UV_PROJECT_ENVIRONMENT", kept); // programs name their Python by this path
    symlinkSync(kept, path.join(process.env.GITHUB_WORKSPACE, ".venv"));
  }
  const python = input("python-version");
  if (python) environment("UV_PYTHON", python);
  output("uv-version", version);
  output("python-version", python);
  output("cache-hit", "false");
  output("python-cache-hit", "false");
});
