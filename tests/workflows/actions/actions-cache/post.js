// Save after the job, unless what was restored had this very key.
"use strict";

const { existsSync } = require("node:fs");
const { absolute, ask, main } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);
const { pack } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/archive.js`);

main(async () => {
  const { STATE_key: key, STATE_version: version, STATE_matched: matched, STATE_paths: paths } = process.env;
  if (!key) return;
  if (matched === key) {
    console.log(`Cache hit occurred on the primary key ${key}, not saving cache.`);
    return;
  }
  const there = paths.split("\n").map(absolute).filter(existsSync);
  if (!there.length) {
    console.log("::warning::Path Validation Error: Path(s) specified in the action for caching do(es) not exist, hence no cache is being saved.");
    return;
  }
  try {
    await ask("PUT", `/_runner/caches?${new URLSearchParams({ key, version })}`, { body: pack(there) });
    console.log(`Cache saved with key: ${key}`);
  } catch (error) {
    if (error.status !== 409) throw error;
    console.log(`::warning::Failed to save: ${error.message}`);
  }
});
