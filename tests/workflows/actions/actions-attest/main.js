// Says of digests that this run made them; nothing is signed here, and nothing goes to a registry.
"use strict";

const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { absolute, ask, files, flag, input, lines, main, output, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(async () => {
  unsupported("predicate", "predicate-path", "predicate-type", "sbom-path", "create-storage-record", "subject-version");
  const ways = ["subject-path", "subject-digest", "subject-checksums"].filter(input);
  if (ways.length !== 1) throw new Error("One of subject-path, subject-digest, or subject-checksums must be provided");
  const [name, digest] = [input("subject-name"), input("subject-digest")];
  if (digest && !/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error("subject-digest must be in the format \"sha256:<hex-digest>\"");
  if (digest && !name) throw new Error("subject-name must be provided when using subject-digest");
  if (flag("push-to-registry") && !(digest && name.includes("/"))) throw new Error("push-to-registry needs the name and digest of an image");
  const subjects = digest ? { [name]: digest } : input("subject-checksums") ? listed(input("subject-checksums")) : read(lines("subject-path"));
  const target = `/repos/${process.env.GITHUB_REPOSITORY}/attestations`;
  const made = await ask("POST", target, { body: JSON.stringify({ subjects }), token: input("github-token") }).catch((error) => {
    throw new Error(`Failed to persist attestation: ${error.message}`);
  });
  const { id } = JSON.parse(made.content);
  output("attestation-id", id);
  output("attestation-url", `${process.env.GITHUB_SERVER_URL}/${process.env.GITHUB_REPOSITORY}/attestations/${id}`);
  console.log(`Attestation created for ${Object.keys(subjects).length} subjects`);
});

function listed(file) {
  const found = {};
  for (const line of readFileSync(absolute(file), "utf8").split("\n").filter(Boolean)) {
    const [, hash, name] = line.match(/^([0-9a-f]{64}) [ *](.+)$/) ?? [];
    if (!hash) throw new Error(`Invalid checksum line: ${line}`);
    found[name] = `sha256:${hash}`;
  }
  return found;
}

function read(patterns) {
  const found = files(patterns);
  if (!found.length) throw new Error(`Could not find subject at path ${patterns}`);
  return Object.fromEntries(found.map((file) => [path.basename(file), `sha256:${createHash("sha256").update(readFileSync(file)).digest("hex")}`]));
}
