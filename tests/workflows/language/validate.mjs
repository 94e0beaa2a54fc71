// Prints what GitHub's language service finds wrong in workflow and action files, a line each.
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

// the package is made for bundlers, which take JSON without being told that it is JSON
registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context),
});
const { validate } = await import("@actions/languageservice");
const { TextDocument } = await import("vscode-languageserver-textdocument");

for (const path of process.argv.slice(2)) {
  const document = TextDocument.create(`file://${path}`, "yaml", 1, readFileSync(path, "utf8"));
  for (const { range, message } of await validate(document)) console.log(`${path}:${range.start.line + 1}: ${message}`);
}
