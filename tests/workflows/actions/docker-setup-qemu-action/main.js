// This machine's own platform only: an image of another one cannot be run here.
"use strict";

const { main, output, unsupported } = require(`${process.env.LOCAL_GITHUB_ACTIONS}/runner.js`);

main(() => {
  unsupported("image", "reset");
  output("platforms", `linux/${process.arch === "x64" ? "amd64" : process.arch}`);
  console.log("The stand-in emulates no other platform");
});
