/** What is compared: a folder of configuration for one proxy, hand-written or generated, with a port of its own. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { startControlPlane } from "./controlPlane.ts";
import { expertFolder, program } from "./places.ts";
import { freePorts, type Upstreams, withPorts } from "./ports.ts";
import { run } from "./processes.ts";
import type { Expert, ProxyKind } from "./proxies.ts";

export interface Side {
  readonly name: string;
  readonly proxy: ProxyKind;
  readonly folder: string;
  readonly port: number;
  readonly upstreams: Upstreams;
  /** What each connection to it begins with. */
  readonly opening?: string;
  /** What its clients say to begin TLS; none: in the clear. */
  readonly tls?: ConnectionOptions;
  /** Ends what a proxy of this side needs beside its files. */
  close(): Promise<void>;
}

/** A model as the program reads it, for these ports. */
export type ModelText = (ports: Upstreams & { readonly listener: number }) => string;

/** Copies the files of an expert, with free ports in them; `grow` writes more into the copy. */
export async function expertSide(
  proxy: ProxyKind,
  expert: Expert & { readonly grow?: (folder: string) => void },
  place: { readonly folder: string; readonly upstreams: Upstreams },
): Promise<Side> {
  const [listener = 0] = await freePorts(1);
  const folder = join(place.folder, expert.name.replaceAll(/\W+/g, "-"));
  cpSync(join(expertFolder, expert.folder), folder, { recursive: true });
  expert.grow?.(folder);
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, file);
    if (statSync(path).isFile())
      writeFileSync(path, withPorts(readFileSync(path, "utf8"), { ...place.upstreams, listener }));
  }
  const { upstreams } = place;
  return { name: expert.name, proxy, folder, port: listener, upstreams, close: () => Promise.resolve() };
}

/** What our program makes of a model: files, or for Envoy a control plane to ask and the file to start with. */
export async function generatedSide(
  proxy: ProxyKind,
  model: { readonly name: string; readonly text: ModelText },
  place: { readonly folder: string; readonly upstreams: Upstreams },
): Promise<Side> {
  const [listener = 0] = await freePorts(1);
  const { upstreams } = place;
  const out = join(place.folder, model.name.replaceAll(/\W+/g, "-"));
  mkdirSync(out, { recursive: true });
  const text = model.text({ ...upstreams, listener });
  const side = { name: model.name, proxy, port: listener, upstreams };
  if (proxy.name === "envoy") {
    const plane = await startControlPlane(out, text);
    return { ...side, folder: out, close: plane.stop };
  }
  const file = join(out, "model.json");
  writeFileSync(file, text);
  await run({ binary: process.execPath, args: [program, "render", "--target", proxy.name, "-o", out, file] });
  return { ...side, folder: join(out, proxy.name), close: () => Promise.resolve() };
}
