/**
 * nginx and HAProxy of a newer release (set-up has unpacked them into `.trimtab/newer`) beside the three proxies of all cases, as fleets
 * of the same program that name their versions. A case starts them, serves its models through them, and stops them.
 */
import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ProxyAdapter, RunningProxy } from "../proxies/adapter.ts";
import { haproxyOf } from "../proxies/haproxy.ts";
import { nginxOf } from "../proxies/nginx.ts";
import { e2e } from "./context.ts";
import type { Document, ModelPart } from "./model.ts";
import { repositoryRoot } from "./program.ts";
import { serve } from "./serve.ts";

export type NewerName = "nginx" | "haproxy";
export const newerNames: readonly NewerName[] = ["nginx", "haproxy"];

/** Beside those of the other proxies, on the same ports. */
export const newerAddresses: Readonly<Record<NewerName, string>> = { nginx: "127.0.0.25", haproxy: "127.0.0.26" };

/** Its program. */
export const newerBinary = (name: NewerName): string => join(repositoryRoot, ".trimtab", "newer", "bin", name);
const adapters: Readonly<Record<NewerName, ProxyAdapter>> = {
  nginx: nginxOf(newerBinary("nginx")),
  haproxy: haproxyOf(newerBinary("haproxy")),
};

/** Its fleet. */
export function newerFleet(name: NewerName): string {
  return `newer-${name}`;
}

export interface NewerProxies {
  readonly running: Readonly<Partial<Record<NewerName, RunningProxy>>>;
  /** Serves a model on them too: its documents name their fleets, which it need not have. */
  readonly serve: (part: ModelPart) => Promise<void>;
  /** After another change of the model. */
  readonly sync: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts them on a model; `more` is of their fleets. */
export async function startNewer(
  names: readonly NewerName[],
  part: ModelPart,
  more: Readonly<Partial<Record<NewerName, Partial<Document>>>> = {},
): Promise<NewerProxies> {
  const fleets = await Promise.all(names.map(async (name) => ({ ...(await newerFleetOf(name)), ...more[name] })));
  const withFleets = (own: ModelPart): ModelPart => ({ ...own, fleets: [...fleets, ...(own.fleets ?? [])] });
  await serve(withFleets(part));
  const running: Partial<Record<NewerName, RunningProxy>> = {};
  const all = (): readonly [NewerName, RunningProxy][] => Object.entries(running) as [NewerName, RunningProxy][];
  const stop = async (): Promise<void> => {
    await Promise.all(all().map(([name, proxy]) => adapters[name].stop(proxy)));
    for (const name of names) delete running[name];
  };
  const sync = async (): Promise<void> => {
    await Promise.all(all().map(([name, proxy]) => adapters[name].sync(proxy, e2e().program)));
  };
  try {
    for (const name of names) {
      const dir = await mkdtemp(join(e2e().workDir, `newer-${name}-`));
      const place = { program: e2e().program, fleet: newerFleet(name), address: newerAddresses[name], dir };
      running[name] = await adapters[name].start(place);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    running,
    serve: async (own) => {
      await serve(withFleets(own));
      await sync();
    },
    sync,
    stop,
  };
}

/** The version is what the binary says: a later set-up may have a later one. */
export async function newerFleetOf(name: NewerName): Promise<Document> {
  const { stdout, stderr } = await promisify(execFile)(newerBinary(name), ["-v"]);
  const version = /(?:nginx\/|version )(\d+\.\d+\.\d+)/.exec(stdout + stderr)?.[1];
  return { name: newerFleet(name), proxy: name, version, bindAddress: newerAddresses[name] };
}
