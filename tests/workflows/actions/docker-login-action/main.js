// `docker login` with the real client, whose registry may refuse.
"use strict";

const { spawnSync } = require("node:child_process");
const { flag, input, main, state, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(() => {
  unsupported("registry-auth", "scope");
  const [registry, username, password] = [input("registry"), input("username"), input("password")];
  if (!username || !password) throw new Error("Username and password required");
  if (flag("logout")) state("registry", registry || "docker.io");
  const words = ["login", "--password-stdin", "--username", username, ...(registry ? [registry] : [])];
  const done = spawnSync("docker", words, { input: password, encoding: "utf8" });
  if (done.status !== 0) throw new Error((done.stderr || String(done.error)).trim());
  console.log("Login Succeeded!");
});
