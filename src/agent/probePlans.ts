/** Plans of probes, as generations have them: with what they name beside themselves for TLS, ready for use. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { PROBE_PLAN_FILE, type ProbedTls, type ProbePlan } from "../ir/index.ts";
import { type OpenSecret, openedFile } from "../secrets/index.ts";
import type { EndpointTls, TlsMaterial } from "./prober/endpointTls.ts";
import type { ReadyPlan } from "./prober/types.ts";
import type { AgentFile, AgentFiles } from "./types.ts";

/** Remembers what plans share. */
export interface ProbePlans {
  /** The same files have the same plan, and what means the same in two plans is one object. Null: nothing is to be probed. */
  of(files: AgentFiles): ReadyPlan | null;
  /** Forgets what none of these needs. */
  keepOnly(plans: readonly ReadyPlan[]): void;
}

/** A private key is opened when it is first used, and OpenSSL alone keeps it. */
export function createProbePlans(open: OpenSecret): ProbePlans {
  const read = new WeakMap<AgentFile, ProbePlan>();
  /** The same files come again and again, and most changes leave the plan as it is. */
  let newest: { readonly text: string; readonly plan: ProbePlan } | null = null;
  const ready = new WeakMap<AgentFiles, ReadyPlan>();
  const digests = new WeakMap<AgentFile, string>();
  let known = new Map<string, EndpointTls>();
  /** Clusters that trust the same and show the same share it: to read a large bundle takes a while. */
  let materials = new Map<string, TlsMaterial>();

  function planIn(file: AgentFile): ProbePlan {
    const found = read.get(file);
    if (found !== undefined) return found;
    if (newest?.text !== file.text) newest = { text: file.text, plan: JSON.parse(file.text) as ProbePlan };
    read.set(file, newest.plan);
    return newest.plan;
  }

  /** A file that a plan names: one of its generation, or of this machine. */
  function named(path: string, { files }: AgentFiles): Named {
    const file = files.find((each) => each.path === path);
    if (file === undefined) return { key: path, text: () => textAt(path) };
    const digest = digests.get(file) ?? createHash("sha256").update(file.text).digest("base64");
    digests.set(file, digest);
    return { key: digest, text: () => openedFile(file, open).text };
  }

  function materialOf({ verified, certificate, minVersion, maxVersion }: ProbedTls, files: AgentFiles): TlsMaterial {
    const paths = { ca: verified?.authority, crl: verified?.revoked, cert: certificate?.chain, key: certificate?.key };
    const parts = Object.entries(paths).flatMap(([option, path]) =>
      path === undefined || path === null ? [] : [[option, named(path, files)] as const],
    );
    const key = JSON.stringify([parts.map(([option, part]) => [option, part.key]), minVersion, maxVersion]);
    const versions = { minVersion: `TLSv${minVersion}`, maxVersion: `TLSv${maxVersion}` } as const;
    return same(materials, key, () => {
      let context: SecureContext | null = null;
      const make = (): SecureContext =>
        createSecureContext({
          ...versions,
          ...Object.fromEntries(parts.map(([option, { text }]) => [option, text()])),
        });
      return { key, context: () => (context ??= make()) };
    });
  }

  function tlsOf(told: ProbedTls, files: AgentFiles): EndpointTls {
    const { serverName, verified } = told;
    const verifiedName = verified?.name ?? null;
    const material = materialOf(told, files);
    const key = JSON.stringify([serverName, verifiedName, material.key]);
    return same(known, key, () => ({ serverName, verifiedName, material }));
  }

  return {
    of: (files) => {
      const file = files.files.find(({ path }) => path === PROBE_PLAN_FILE);
      if (file === undefined) return null;
      const found = ready.get(files);
      if (found !== undefined) return found;
      const clusters = planIn(file).clusters.map(({ tls, ...cluster }) => {
        return { ...cluster, tls: tls === undefined ? null : tlsOf(tls, files) };
      });
      const made = { clusters };
      ready.set(files, made);
      return made;
    },
    keepOnly: (plans) => {
      const used = new Set(plans.flatMap(({ clusters }) => clusters.flatMap(({ tls }) => tls ?? [])));
      const needed = new Set([...used].map(({ material }) => material));
      known = new Map([...known].filter(([, tls]) => used.has(tls)));
      materials = new Map([...materials].filter(([, material]) => needed.has(material)));
    },
  };
}

interface Named {
  /** Equal for equal content, as far as it is known before it is read. */
  readonly key: string;
  readonly text: () => string;
}

function same<Value>(known: Map<string, Value>, key: string, make: () => Value): Value {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

/** Of this machine: whom its system trusts. */
function textAt(path: string): string {
  if (!isAbsolute(path)) throw new Error(`there is no file ${path}`);
  return readFileSync(path, "utf8");
}
