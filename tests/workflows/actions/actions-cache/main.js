// Restore: the key, else the newest whose key starts with it or with one of the others.
"use strict";

const { createHash } = require("node:crypto");
const { ask, flag, input, lines, main, output, state, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);
const { unpack } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/archive.js`);

main(async () => {
  unsupported("enableCrossOsArchive", "upload-chunk-size", "save-always");
  const [key, others, paths] = [input("key"), lines("restore-keys"), lines("path")];
  for (const name of ["key", "path"]) if (!input(name)) throw new Error(`Input required and not supplied: ${name}`);
  for (const name of [key, ...others]) {
    if (name.length > 512) throw new Error(`Key Validation Error: ${name} cannot be larger than 512 characters.`);
    if (name.includes(",")) throw new Error(`Key Validation Error: ${name} cannot contain commas.`);
  }
  const version = createHash("sha256").update(paths.join("|")).digest("hex");
  for (const [name, value] of Object.entries({ key, version, paths: paths.join("\n") })) state(name, value);
  const query = new URLSearchParams({ keys: [key, ...others].join("\n"), version });
  const found = await ask("GET", `/_runner/caches?${query}`);
  if (found.status === 204) {
    if (flag("fail-on-cache-miss")) throw new Error(`Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: ${key}`);
    console.log(`Cache not found for input keys: ${[key, ...others].join(", ")}`);
    return;
  }
  const matched = found.headers.get("x-cache-key");
  if (!flag("lookup-only")) unpack(found.content);
  state("matched", matched);
  output("cache-hit", String(matched === key));
  console.log(`Cache restored from key: ${matched}`);
});
