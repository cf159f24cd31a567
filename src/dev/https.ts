/** A host inside TLS beside what the file has: `--https PORT` shows how that looks, with no certificate from anybody. */
import type { DevConfig } from "./config.ts";
import { createLocalAuthority, type LocalCertificate } from "./localAuthority.ts";
import type { MoreResources } from "./types.ts";

/** Who is asked for. */
export const HTTPS_HOST = "secure.example.com";
/** Of its certificate, listener and route. */
export const HTTPS_NAME = "local-https";

/** Renewals are due in months; a machine that sleeps is looked at when it is awake again. */
const LOOK_MS = 60 * 60 * 1000;

/** The host of one run. */
export interface Https {
  /** PEM of whom a client has to trust. */
  readonly authorityFile: string;
  /** What it takes, for the fleets of this configuration; nothing where there is none. */
  resources(config: DevConfig): MoreResources;
  /** Called when there is another certificate, and each time that none can be made. Returns the undo. */
  onRenewed(listener: () => void, onTrouble: (error: Error) => void): () => void;
}

/** Where it is, and where its authority lives. */
export interface HttpsOptions {
  readonly port: number;
  readonly folder: string;
  readonly now?: () => Date;
}

/** Makes the authority and the certificate, or takes those that are there. */
export async function createHttps({ port, folder, now = () => new Date() }: HttpsOptions): Promise<Https> {
  const authority = createLocalAuthority(folder);
  let certificate = await authority.certificate(HTTPS_HOST, now());
  return {
    authorityFile: authority.file,
    resources: (config) => resourcesOf(config, port, certificate),
    onRenewed: (listener, onTrouble) => {
      const look = async (): Promise<void> => {
        const next = await authority.certificate(HTTPS_HOST, now());
        if (next.chain === certificate.chain) return;
        certificate = next;
        listener();
      };
      const timer = setInterval(() => void look().catch(onTrouble), LOOK_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

/** The configuration with its listener in it; undefined: there is none. */
export function withHttps(config: DevConfig, port: number | undefined): DevConfig {
  if (port === undefined) return config;
  const own = config.fleets.map(({ name: fleet, proxy, address }) => {
    const place = { address, port, protocol: "HTTPS" };
    return { name: HTTPS_NAME, fleet, proxy, ...place };
  });
  return { ...config, listeners: [...config.listeners, ...own] };
}

/** One rule: the first echo upstream has it, or it answers by itself. */
function resourcesOf({ fleets, echoes }: DevConfig, port: number, certificate: LocalCertificate): MoreResources {
  if (fleets.length === 0) return {};
  const name = HTTPS_NAME;
  const echo = echoes.find(({ kind }) => kind === "http");
  const rule =
    echo === undefined
      ? { respond: { status: 200, body: `${HTTPS_HOST}\n` } }
      : { split: [{ cluster: echo.name }], responseHeaders: { set: [{ name: "x-rule", value: name }] } };
  const on = fleets.map((fleet) => fleet.name);
  const listener = { name, fleets: on, port, protocol: "HTTPS", tls: { certificates: [name] } };
  const route = { name, listeners: [name], hostnames: [HTTPS_HOST], rules: [rule] };
  return { certificates: [{ name, ...certificate }], listeners: [listener], routes: [route] };
}
