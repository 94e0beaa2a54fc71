// What the stand-ins share: inputs, outputs, and requests to the local GitHub.
"use strict";

const { appendFileSync, globSync, statSync } = require("node:fs");
const { homedir } = require("node:os");
const path = require("node:path");

const workspace = process.env.GITHUB_WORKSPACE;

/** The value of an input, trimmed as the real actions do. */
function input(name) {
  return (process.env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim();
}

/** An input that is `true` or `false`, as YAML writes them. */
function flag(name) {
  const value = input(name).toLowerCase();
  if (value === "true" || value === "false") return value === "true";
  throw new Error(`Input does not meet YAML 1.2 "Core Schema" specification: ${name}`);
}

/** Refuse inputs that the real action has, but not this one in its place. */
function unsupported(...names) {
  const given = names.filter((name) => input(name));
  if (given.length) throw new Error(`The stand-in does not know what to do with: ${given.join(", ")}`);
}

/** The lines of an input that say something. */
function lines(name) {
  return input(name).split("\n").map((line) => line.trim()).filter(Boolean);
}

function write(file, name, value) {
  appendFileSync(process.env[file], `${name}<<end-of-value\n${value}\nend-of-value\n`);
}

const output = (name, value) => write("GITHUB_OUTPUT", name, value);
const state = (name, value) => write("GITHUB_STATE", name, value);
const environment = (name, value) => write("GITHUB_ENV", name, value);
const addPath = (folder) => appendFileSync(process.env.GITHUB_PATH, `${folder}\n`);

/** Ask the local GitHub as the runner that this is; `token` adds that of a workflow. */
async function ask(method, target, { body, token } = {}) {
  const headers = { "X-Runner": process.env.LOCAL_GITHUB_RUNNER };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(process.env.GITHUB_API_URL + target, { method, body, headers });
  const content = Buffer.from(await response.arrayBuffer());
  if (!response.ok) {
    const error = new Error(JSON.parse(content).message);
    error.status = response.status;
    throw error;
  }
  return { status: response.status, headers: response.headers, content };
}

/** A path as the real actions read it: `~` is the home, and what is relative starts in the workspace. */
function absolute(name) {
  return path.resolve(workspace, name.replace(/^~(?=\/|$)/, homedir()));
}

/** All files that patterns lead to, folders with all that is in them; `!` takes away again. */
function files(patterns) {
  const found = new Set();
  for (const pattern of patterns) {
    const out = pattern.startsWith("!");
    for (const top of globSync(absolute(out ? pattern.slice(1) : pattern))) {
      const inside = statSync(top).isDirectory() ? globSync(path.join(top, "**")).concat(hidden(top)) : [top];
      for (const name of inside) {
        if (out) found.delete(name);
        else if (statSync(name).isFile()) found.add(name);
      }
    }
  }
  return [...found].sort();
}

function hidden(top) {
  return globSync("**/.*", { cwd: top }).concat(globSync("**/.*/**", { cwd: top })).map((name) => path.join(top, name));
}

/** Run the action, and fail the step with the message of what it throws. */
function main(action) {
  Promise.resolve()
    .then(action)
    .catch((error) => {
      console.log(`::error::${String(error.message).replaceAll("\n", "%0A")}`);
      process.exitCode = 1;
    });
}

module.exports = { absolute, addPath, ask, environment, files, flag, input, lines, main, output, state, unsupported, workspace };
