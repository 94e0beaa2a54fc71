// Files under one name: their paths start where the searched paths part.
"use strict";

const { readFileSync } = require("node:fs");
const path = require("node:path");
const { absolute, ask, files, flag, input, lines, main, output } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(async () => {
  const name = input("name");
  if (!input("path")) throw new Error("Input required and not supplied: path");
  if (!flag("archive")) throw new Error("The stand-in knows archives only");
  if (/["\\/:<>|*?\r\n]/.test(name)) throw new Error(`The artifact name is not valid: ${name}`);
  const patterns = lines("path");
  const top = root(patterns.filter((pattern) => !pattern.startsWith("!")));
  const found = files(patterns).filter(
    (file) => flag("include-hidden-files") || !path.relative(top, file).split("/").some((part) => part.startsWith(".")),
  );
  if (!found.length) {
    const message = `No files were found with the provided path: ${input("path")}. No artifacts will be uploaded.`;
    const then = input("if-no-files-found");
    if (then === "error") throw new Error(message);
    if (!["warn", "ignore"].includes(then)) throw new Error(`Unrecognized if-no-files-found input. Provided: ${then}`);
    console.log(then === "warn" ? `::warning::${message}` : message);
    return;
  }
  const single = found.length === 1 && patterns.length === 1 && absolute(patterns[0]) === found[0];
  const content = {};
  for (const file of found) {
    const shown = path.relative(single ? path.dirname(file) : top, file);
    content[shown] = readFileSync(file).toString("base64");
  }
  const body = JSON.stringify({ name, overwrite: flag("overwrite"), files: content });
  const made = await ask("POST", "/_runner/artifacts", { body }).catch((error) => {
    throw new Error(`Failed to CreateArtifact: ${error.message}`);
  });
  const { id } = JSON.parse(made.content);
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = process.env;
  output("artifact-id", id);
  output("artifact-url", `${server}/${repository}/actions/runs/${run}/artifacts/${id}`);
  console.log(`Artifact ${name} has ${found.length} files`);
});

/** The folder that all searched paths share, up to the first one with a pattern in it. */
function root(patterns) {
  const parts = patterns.map((pattern) => {
    const words = absolute(pattern).split("/");
    const glob = words.findIndex((word) => /[*?[\]]/.test(word));
    return glob < 0 ? words : words.slice(0, glob);
  });
  let shared = 0;
  while (parts.every((words) => shared < words.length && words[shared] === parts[0][shared])) shared += 1;
  return parts[0].slice(0, shared).join("/") || "/";
}
