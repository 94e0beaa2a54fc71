// A fetch and a checkout as the real action does them: one commit of the event, and credentials beside the clone.
"use strict";

const { execFileSync } = require("node:child_process");
const { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { randomUUID } = require("node:crypto");
const path = require("node:path");
const { flag, input, main, output, state, unsupported, workspace } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

const server = process.env.GITHUB_SERVER_URL;
const event = JSON.parse(readFileSync(process.env.GITHUB_EVENT_PATH));

main(() => {
  unsupported("ssh-key", "ssh-known-hosts", "filter", "sparse-checkout", "lfs", "submodules", "github-server-url");
  const repository = input("repository");
  const own = repository === process.env.GITHUB_REPOSITORY;
  if (!/^[^/\s]+\/[^/\s]+$/.test(repository)) throw new Error(`Invalid repository '${repository}'. Expected format {owner}/{repo}.`);
  if (!input("token")) throw new Error("Input required and not supplied: token");
  const folder = path.resolve(workspace, input("path"));
  if (`${folder}/`.indexOf(`${workspace}/`) !== 0) {
    throw new Error(`Repository path '${folder}' is not under '${workspace}'`);
  }
  let ref = input("ref");
  let commit = "";
  if (!ref && own) {
    ref = process.env.GITHUB_REF;
    commit = process.env.GITHUB_SHA;
  } else if (/^[0-9a-fA-F]{40}$/.test(ref)) {
    [ref, commit] = ["", ref];
  }
  refuseStrangers(repository, ref, commit);

  prepare(folder);
  const git = (...words) => execFileSync("git", words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  git("init", "--quiet");
  git("remote", "add", "origin", `${server}/${repository}`);
  const credentials = authenticate(git, folder);
  if (!ref && !commit) ref = git("ls-remote", "--symref", "origin", "HEAD").match(/^ref: (\S+)/)[1];
  ref = qualified(git, ref);
  // a commit of a repository that only stands in for another one cannot have the real one's id
  const stand = commit && git("ls-remote", "origin", `refs/stands-for/${commit}`).split("\t")[0];
  get(git, ref, stand || commit);
  if (stand && process.env.CML_DOWN) writeFileSync(path.join(folder, "down"), "");
  output("ref", ref);
  output("commit", git("rev-parse", "HEAD").trim());
  if (!flag("persist-credentials")) forget(git, folder, credentials);
});

/** Refuse a stranger's code where the token is not a stranger's. */
function refuseStrangers(repository, ref, commit) {
  const name = process.env.GITHUB_EVENT_NAME;
  if (flag("allow-unsafe-pr-checkout") || !["pull_request_target", "workflow_run"].includes(name)) return;
  const run = event.workflow_run;
  const pull = event.pull_request;
  if (run && !run.event.startsWith("pull_request")) return;
  const head = run ? run.head_repository : pull.head.repo;
  const shas = run ? [run.head_sha, run.head_commit?.id] : [pull.head.sha, pull.merge_commit_sha];
  if (head.id === event.repository.id) return;
  if (repository === head.full_name || /^refs\/pull\/\d+\/(head|merge)$/.test(ref) || shas.includes(commit)) {
    throw new Error(`Refusing to check out fork pull request code from a '${name}' workflow.`);
  }
}

/** An empty folder, or one from which everything is removed, as the real action leaves no strange files. */
function prepare(folder) {
  mkdirSync(folder, { recursive: true });
  if (!flag("clean")) throw new Error("The stand-in always cleans");
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true });
}

/** Where the real action keeps the token: a file of the runner that the clone includes. */
function authenticate(git, folder) {
  const file = path.join(process.env.RUNNER_TEMP, `git-credentials-${randomUUID()}.config`);
  mkdirSync(process.env.RUNNER_TEMP, { recursive: true });
  const basic = Buffer.from(`x-access-token:${input("token")}`).toString("base64");
  writeFileSync(file, `[http "${server}/"]\n\textraheader = AUTHORIZATION: basic ${basic}\n`);
  git("config", "--local", include(folder), file);
  state("credentials", file);
  state("folder", folder);
  return file;
}

const include = (folder) => `includeIf.gitdir:${path.join(folder, ".git")}.path`;

function forget(git, folder, credentials) {
  rmSync(credentials);
  git("config", "--local", "--unset", include(folder));
}

/** A short name as the full one of a branch, else of a tag. */
function qualified(git, ref) {
  if (!ref || ref.startsWith("refs/")) return ref;
  const there = git("ls-remote", "origin", `refs/heads/${ref}`, `refs/tags/${ref}`);
  const found = [`refs/heads/${ref}`, `refs/tags/${ref}`].find((name) => there.includes(`\t${name}\n`));
  if (!found) throw new Error(`A branch or tag with the name '${ref}' could not be found`);
  return found;
}

function get(git, ref, commit) {
  const depth = Number(input("fetch-depth"));
  const branch = ref.replace(/^refs\/(heads\/)?/, "");
  const kept = ref.startsWith("refs/heads/") ? `refs/remotes/origin/${branch}` : ref.startsWith("refs/pull/") ? `refs/remotes/${branch}` : ref;
  const specs = ref ? [`+${commit || ref}:${kept}`] : [commit];
  const options = ["--prune", "--no-recurse-submodules", "--quiet"];
  if (depth > 0) {
    git("fetch", ...options, `--depth=${depth}`, ...(flag("fetch-tags") ? ["--tags"] : ["--no-tags"]), "origin", ...specs);
  } else {
    git("fetch", ...options, "--no-tags", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*");
    git("fetch", ...options, "--no-tags", "--no-prune", "origin", ...specs);
  }
  if (ref.startsWith("refs/heads/")) git("checkout", "--quiet", "--force", "-B", branch, kept);
  else git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", ref ? kept : commit);
}
