// One artifact into a folder, or each into one of its own; those of another run with a token that may read Actions.
"use strict";

const { mkdirSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { absolute, ask, flag, input, main, output, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(async () => {
  unsupported("artifact-ids", "digest-mismatch", "skip-decompress");
  const [name, token] = [input("name"), input("github-token")];
  const others = `/_runner/artifacts/${input("repository")}?run=${input("run-id")}`;
  // without a token the real action looks at its own run, whatever `run-id` says
  const found = await ask("GET", token ? others : "/_runner/artifacts", { token });
  const artifacts = JSON.parse(found.content);
  if (name && !artifacts[name]) {
    throw new Error(`Unable to download artifact(s): Artifact not found for name: ${name}`);
  }
  const pattern = input("pattern") || "*";
  const chosen = name ? [name] : Object.keys(artifacts).filter((other) => path.matchesGlob(other, pattern));
  const top = absolute(input("path"));
  for (const one of chosen) {
    const folder = name || flag("merge-multiple") ? top : path.join(top, one);
    for (const [file, content] of Object.entries(artifacts[one])) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), Buffer.from(content, "base64"));
    }
  }
  output("download-path", top);
  console.log(`Total of ${chosen.length} artifact(s) downloaded`);
});
