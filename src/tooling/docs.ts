/**
 * `npm run docs`: writes the generated pages of `docs/reference/`, `docs/xds.md`, and the Envoy bootstrap of docker-compose.yml. They are
 * committed; `docs.test.ts` fails when they are stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { renderBootstrap } from "../targets/envoy/bootstrap.ts";
import { loadTargets, PROXY_KINDS } from "../targets/registry.ts";
import { capabilityMatrix } from "./docs/capabilityMatrix.ts";
import { commandReference } from "./docs/commandReference.ts";
import { errorCodes } from "./docs/errorCodes.ts";
import { errorReference } from "./docs/errorReference.ts";
import { modelReference } from "./docs/modelReference.ts";
import { openApi } from "./docs/openApi.ts";
import { xdsReference } from "./docs/xdsReference.ts";
import { readSchemas } from "./schemas.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** As docker-compose.yml names things. */
const COMPOSE_BOOTSTRAP = {
  fleet: "edge-envoy",
  nodeId: "envoy-1",
  xdsAddress: "trimtab:18000",
  adminAddress: "127.0.0.1:9901",
};

const { get } = await loadTargets();
const all = PROXY_KINDS.map(get);
const commands = await commandReference();
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const description = await openApi(version);

/** Path from the repository's root -> text, for every generated file. */
export function generateDocs(): Readonly<Record<string, string>> {
  return {
    "docs/reference/model.md": modelReference(readSchemas()),
    "docs/reference/capabilities.md": capabilityMatrix(all),
    "docs/reference/errors.md": errorReference(errorCodes, all),
    "docs/reference/cli.md": commands,
    "docs/reference/openapi.json": description,
    "docs/xds.md": xdsReference(),
    "examples/compose/envoy-bootstrap.json": renderBootstrap(COMPOSE_BOOTSTRAP),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(generateDocs())) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}
