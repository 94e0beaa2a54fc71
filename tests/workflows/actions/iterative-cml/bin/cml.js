#!/usr/bin/env node
// Stands in for `cml comment create`, `cml comment update` and `cml pr create` of CML 0.20.6, with its flags, its
// watermark and its faults.
"use strict";

const { execFileSync } = require("node:child_process");
const { existsSync, readFileSync } = require("node:fs");
const path = require("node:path");

const FLAGS = {
  comment: {
    texts: ["log", "driver", "repo", "token", "target", "publish-url", "watermark-title", "commit-sha", "trigger-file"],
    switches: ["publish", "publish-native", "native", "watch", "update", "rm-watermark", "pr", "help"],
  },
  pr: {
    texts: ["log", "driver", "repo", "token", "branch", "target-branch", "title", "body", "message", "remote", "user-email", "user-name"],
    switches: ["md", "skip-ci", "merge", "auto-merge", "rebase", "squash", "help"],
  },
};
const ALIASES = { "driver-token": "token", "head-sha": "commit-sha", native: "publish-native" };
const { env } = process;

function stop(message) {
  console.error(message);
  process.exit(1);
}

/** The options and the other words of a command line; what the real one does not know ends it. */
function parse(words, { texts, switches }) {
  const options = { publish: true, log: "info", "watermark-title": "" };
  const rest = [];
  for (let index = 0; index < words.length; index += 1) {
    const found = words[index].match(/^--(no-)?([\w-]+)(?:=(.*))?$/s);
    if (!found) {
      if (words[index].startsWith("-")) stop(`Unknown argument: ${words[index]}`);
      rest.push(words[index]);
      continue;
    }
    const [, no, given, value] = found;
    const name = ALIASES[given] ?? given;
    if (switches.includes(name)) {
      if (value !== undefined && !["true", "false"].includes(value)) stop(`Unknown argument: ${value}`);
      options[name] = !no && value !== "false";
    } else if (texts.includes(name) && !no) {
      if (value === undefined) index += 1;
      options[name] = value ?? words[index];
      if (options[name] === undefined) stop(`Not enough arguments following: ${given}`);
    } else {
      stop(`Unknown argument: ${given}`);
    }
  }
  return { options, rest };
}

/** Options that the environment sets, as the real one takes them. */
function fromEnvironment(group) {
  const words = [];
  for (const [name, value] of Object.entries(env)) {
    const own = new RegExp(`^CML_${group.toUpperCase()}_(\\w+)$`);
    const found = name.match(/^CML_(?:COMMENT_|PR_)?(DRIVER|DRIVER_TOKEN|LOG|REPO|TOKEN)$/) ?? name.match(own);
    if (found) words.push(`--${found[1].toLowerCase().replaceAll("_", "-")}=${value}`);
  }
  return words;
}

/** What marks a comment as the one of this title. */
function watermark(title, sha) {
  const label = title.replace("{workflow}", env.GITHUB_WORKFLOW).replace("{run}", env.GITHUB_RUN_ID);
  const shown = `CML watermark ${label}`.trim().replace(/([_*[<])/g, "\\$1");
  const literal = shown.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    text: `![](https://cml.dev/watermark.png#${sha} "${shown}")`,
    pattern: new RegExp(`!\\[\\]\\(https://cml\\.dev/watermark\\.png#[0-9a-fA-F]+ "${literal}"\\)`),
  };
}

async function api(method, target, token, body) {
  const response = await fetch(env.GITHUB_API_URL + target, {
    method,
    headers: { Authorization: `token ${token}`, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`HttpError: ${answer.message}`);
  return answer;
}

/** The issue or pull request that a target names; those that the real one guesses are refused. */
function numberOf(target) {
  const found = (target ?? "auto").match(/^(pr|issue)\/(\d+)$/i);
  if (!found) throw new Error(`The stand-in knows the targets pr/N and issue/N, not ${target ?? "auto"}`);
  return found[2];
}

async function comment(verb, file, options) {
  if (options.publish) throw new Error("Without --no-publish the report's files would be uploaded to asset.cml.dev");
  if (!env.ITERATIVE_DO_NOT_TRACK) throw new Error("Without ITERATIVE_DO_NOT_TRACK its use would be reported to iterative.ai");
  for (const name of ["watch", "commit-sha", "trigger-file", "pr", "publish-native"]) {
    if (options[name]) throw new Error(`The stand-in does not know what to do with --${name}`);
  }
  const update = verb === "update" || options.update;
  if (options["rm-watermark"] && update) throw new Error("watermarks are mandatory for updatable comments");
  const token = options.token || env.REPO_TOKEN || env.repo_token || env.GITHUB_TOKEN;
  if (!token) throw new Error("token not found");
  const remote = () => execFileSync("git", ["config", "--get", "remote.origin.url"], { encoding: "utf8" }).trim();
  const repository = new URL(options.repo || remote()).pathname.slice(1).replace(/\/$/, "").replace(/\.git$/, "");
  const event = env.GITHUB_EVENT_NAME === "pull_request" ? JSON.parse(readFileSync(env.GITHUB_EVENT_PATH)) : {};
  const mark = watermark(options["watermark-title"], event.pull_request?.head.sha ?? env.GITHUB_SHA);
  const report = readFileSync(file, "utf8");
  const body = options["rm-watermark"] ? report : `${report}\n\n${mark.text}`;
  const comments = `/repos/${repository}/issues/${numberOf(options.target)}/comments`;
  // it looks at one page only, so that a comment after the thirtieth is never found again
  const found = update && (await api("GET", comments, token)).reverse().find((one) => mark.pattern.test(one.body));
  const made = found
    ? await api("PATCH", `/repos/${repository}/issues/comments/${found.id}`, token, { body })
    : await api("POST", comments, token, { body });
  console.log(made.html_url);
}

/** A branch with HEAD, or with what changed of these files, and a pull request of it. */
async function propose(globs, options) {
  if (!env.ITERATIVE_DO_NOT_TRACK) throw new Error("Without ITERATIVE_DO_NOT_TRACK its use would be reported to iterative.ai");
  if (globs.length) throw new Error("The stand-in knows no files: commit them before");
  for (const name of ["md", "merge", "auto-merge", "rebase", "squash"]) {
    if (options[name]) throw new Error(`The stand-in does not know what to do with --${name}`);
  }
  const token = options.token || env.REPO_TOKEN || env.repo_token || env.GITHUB_TOKEN;
  const git = (...words) => execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  const url = new URL(options.repo);
  const repository = url.pathname.slice(1);
  [url.username, url.password] = ["token", token];
  git("remote", "set-url", "origin", `${url}.git`); // where the token stays
  const base = options["target-branch"];
  git("ls-remote", "--exit-code", git("config", "--get", "remote.origin.url"), base);
  const head = options.branch;
  if (git("ls-remote", git("config", "--get", "remote.origin.url"), head)) {
    console.error(`Branch ${head} already exists`); // and nothing is pushed
  } else {
    git("fetch", "origin", env.GITHUB_SHA);
    git("checkout", "-b", head);
    git("push", "--set-upstream", "origin", head);
  }
  const { title, body } = options;
  console.log((await api("POST", `/repos/${repository}/pulls`, token, { head, base, title, body })).html_url);
}

// the checkout of a run with CML_DOWN leaves this file
if (existsSync(path.join(__dirname, "../down"))) stop("CML is down");
const [group, verb, ...words] = process.argv.slice(2);
const verbs = { comment: ["create", "update"], pr: ["create"] };
if (!verbs[group]?.includes(verb)) stop(`The stand-in does not know: cml ${group} ${verb}`);
const { options, rest } = parse([...fromEnvironment(group), ...words], FLAGS[group]);
if (options.help) {
  console.log(`cml ${group} ${verb}`);
  process.exit(0);
}
if (group === "comment" && rest.length < 1) stop("Not enough non-option arguments: got 0, need at least 1");
if (group === "comment" && rest.length > 1) stop(`Unknown argument: ${rest[1]}`);
const act = group === "pr" ? propose(rest, options) : comment(verb, rest[0], options);
act.catch((error) => stop(JSON.stringify({ level: "error", message: error.message })));
