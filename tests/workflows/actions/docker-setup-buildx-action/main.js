// Puts `docker` with a plugin buildx before the real one, as far as the real one can do what that does.
"use strict";

const { chmodSync, copyFileSync, mkdirSync } = require("node:fs");
const path = require("node:path");
const { addPath, input, main, output, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(() => {
  unsupported("append", "buildkitd-config", "buildkitd-config-inline", "buildkitd-flags", "driver-opts", "endpoint", "name", "version");
  if (input("driver") !== "docker-container") throw new Error("The stand-in knows the driver docker-container only");
  const folder = path.join(process.env.RUNNER_TOOL_CACHE, "buildx");
  mkdirSync(folder, { recursive: true });
  copyFileSync(path.join(__dirname, "bin/docker"), path.join(folder, "docker"));
  chmodSync(path.join(folder, "docker"), 0o755);
  addPath(folder);
  output("name", "builder-stand-in");
  output("driver", "docker-container");
  output("platforms", `linux/${process.arch === "x64" ? "amd64" : process.arch}`);
});
