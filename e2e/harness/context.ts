/** What the global setup started, as plain data that every test file reads. */
import { inject } from "vitest";
import type { RunningProxy } from "../proxies/adapter.ts";
import type { Program } from "./program.ts";

export type ProxyName = "envoy" | "nginx" | "haproxy";
export const proxyNames: readonly ProxyName[] = ["envoy", "nginx", "haproxy"];

/** Each proxy listens on an address of its own, on the same ports. */
export const proxyAddresses: Readonly<Record<ProxyName, string>> = {
  envoy: "127.0.0.21",
  nginx: "127.0.0.22",
  haproxy: "127.0.0.23",
};

/** Every port that the cases use, free on all three addresses. */
export interface Ports {
  /** The HTTP port of the scenario. */
  readonly http: number;
  /** A second HTTP port. */
  readonly http2: number;
  readonly tcp: number;
  readonly tcp2: number;
}

export interface E2eContext {
  readonly program: Program;
  readonly proxies: Readonly<Record<ProxyName, RunningProxy>>;
  readonly ports: Ports;
  /** Upstream name -> port, for the names that `scenario/model.yaml` uses. */
  readonly upstreams: Readonly<Record<string, number>>;
  /** For files that end with the run. */
  readonly workDir: string;
}

declare module "vitest" {
  interface ProvidedContext {
    e2e: E2eContext;
  }
}

/** The context; only inside test files. */
export function e2e(): E2eContext {
  return inject("e2e");
}
