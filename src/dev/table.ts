/** What `dev` prints when everything stands: a table of the proxies and commands to try. */
import { type FoundProxy, socketText } from "../agent/index.ts";
import { table } from "../cli/output.ts";
import type { ProxyKind } from "../ir/index.ts";
import type { ChildRow } from "./children.ts";
import type { DevConfig } from "./config.ts";
import { HTTPS_HOST, HTTPS_NAME } from "./https.ts";

/** Proxy, version, addresses, state; one line per fleet. */
export function proxyTable(
  rows: readonly ChildRow[],
  { config, found }: { readonly config: DevConfig; readonly found: ReadonlyMap<ProxyKind, FoundProxy> },
): string {
  const lines = rows.map(({ fleet, state }) => {
    const proxy = found.get(fleet.proxy);
    const addresses = config.listeners
      .filter((listener) => listener.fleet === fleet.name)
      .map((listener) => `${listener.protocol.toLowerCase()}://${socketText(listener)}`);
    const version = proxy?.binary ? proxy.version : "-";
    return [fleet.name, fleet.proxy, version, addresses.join(" "), state?.state ?? "not installed"];
  });
  return table([["FLEET", "PROXY", "VERSION", "ADDRESS", "STATE"], ...lines]);
}

/** Curl a route, change a weight over REST, see the plan. */
export function tryCommands(options: {
  readonly config: DevConfig;
  /** Fleets whose proxy runs. */
  readonly running: ReadonlySet<string>;
  /** `http://127.0.0.1:8400`. */
  readonly apiUrl: string;
  /** How this program is called, as `npx trimtab`. */
  readonly program: string;
  readonly file: string;
  /** Who has issued the certificate of the host inside TLS; null: there is none. */
  readonly authority: string | null;
}): readonly string[] {
  const { config, apiUrl, authority } = options;
  const running = config.listeners.filter(({ fleet }) => options.running.has(fleet));
  const web = running.find(({ protocol }) => protocol === "HTTP");
  const inside = authority === null ? undefined : running.find(({ name }) => name === HTTPS_NAME);
  const host = config.sampleHost === null ? "" : `-H 'Host: ${config.sampleHost}' `;
  const route = web === undefined ? [] : [`curl -i ${host}http://${socketText(web)}/`];
  const change =
    config.canary === null || !hasNextStep(config.canary)
      ? `curl ${apiUrl}/v1/clusters`
      : `curl -X PUT -H 'Content-Type: application/json' -d '{"step":1}' ${apiUrl}/v1/canaries/${config.canary.name}/state`;
  const secure =
    inside === undefined
      ? []
      : [
          `curl -i --cacert ${authority} --resolve ${HTTPS_HOST}:${inside.port}:${inside.address} https://${HTTPS_HOST}:${inside.port}/`,
        ];
  return [...route, ...secure, change, `${options.program} diff ${options.file} --server ${apiUrl}`];
}

function hasNextStep({ steps }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(steps) && steps.length > 1;
}
