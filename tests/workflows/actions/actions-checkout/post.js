// The token is gone once the job is done.
"use strict";

const { existsSync, rmSync } = require("node:fs");

if (process.env.STATE_credentials && existsSync(process.env.STATE_credentials)) rmSync(process.env.STATE_credentials);
