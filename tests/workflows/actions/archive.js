// Archives of files in the workspace and the home, whose paths differ from run to run here.
"use strict";

const { execFileSync } = require("node:child_process");
const { mkdtempSync, rmSync, symlinkSync } = require("node:fs");
const { homedir } = require("node:os");
const path = require("node:path");

const places = { workspace: process.env.GITHUB_WORKSPACE, home: homedir() };

function within(work) {
  const folder = mkdtempSync(path.join(process.env.RUNNER_TEMP, "cache-"));
  for (const [name, target] of Object.entries(places)) symlinkSync(target, path.join(folder, name));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function named(file) {
  for (const [name, folder] of Object.entries(places)) {
    if (file.startsWith(`${folder}/`)) return path.join(name, path.relative(folder, file));
  }
  throw new Error(`The stand-in caches what is in the workspace or the home, not ${file}`);
}

/** One archive of files and folders. */
const pack = (files) =>
  within((folder) => execFileSync("tar", ["-c", "-C", folder, "-f", "-", ...files.map(named)], { maxBuffer: 2 ** 31 }));

/** Put back what an archive holds. */
const unpack = (archive) => within((folder) => execFileSync("tar", ["-x", "-P", "-C", folder, "-f", "-"], { input: archive }));

module.exports = { pack, unpack };
