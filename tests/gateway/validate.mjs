// Prints what is wrong with the HTTPRoutes in JSON files, a line each.
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { readFileSync } from "node:fs";

for (const path of process.argv.slice(2)) {
  try {
    new HTTPRoute(JSON.parse(readFileSync(path, "utf8"))).validate();
  } catch (error) {
    console.log(`${path}: ${error.message}`);
  }
}
