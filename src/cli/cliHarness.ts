/** What the command line's tests share: commands run in this process, files in a folder of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Runners, runProgram } from "./program.ts";

/** What a command left behind. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** `out` as JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly json: any;
}

/** A folder with files, and commands that find them by name. */
export interface Bench {
  readonly dir: string;
  /** Writes a file; gives its path. */
  file(name: string, text: string, mode?: number): string;
  run(...argv: string[]): Promise<Ran>;
  close(): void;
}

const noRunner = async (): Promise<number> => {
  throw new Error("this test starts no server");
};

/** A bench in a new folder. */
export function openBench(runners: Partial<Runners> = {}): Bench {
  const dir = mkdtempSync(join(tmpdir(), "trimtab-cli-"));
  return {
    dir,
    file(name, text, mode = 0o644) {
      const path = join(dir, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode });
      return path;
    },
    async run(...argv) {
      const outs: string[] = [];
      const errs: string[] = [];
      const io = { out: (text: string) => void outs.push(text), err: (text: string) => void errs.push(text) };
      const all = { serve: noRunner, dev: noRunner, agent: noRunner, ...runners };
      const code = await runProgram(argv, { io, runners: all, version: "1.2.3" });
      const out = outs.join("");
      return { code, out, err: errs.join(""), json: parse(out) };
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A small valid model with one fleet of each kind. Lines are counted by tests: keep them. */
export const MODEL = `fleets:
  - {name: edge, proxy: envoy}
  - {name: web1, proxy: nginx}
  - {name: hap, proxy: haproxy}
listeners:
  - {name: web, fleets: [edge, web1, hap], port: 8080, protocol: HTTP}
clusters:
  - {name: blue, endpoints: [{address: 10.0.0.1, port: 80}]}
  - {name: green, endpoints: [{address: 10.0.0.2, port: 80}]}
routes:
  - name: shop
    listeners: [web]
    hostnames: [shop.example]
    rules:
      - matches: [{path: {prefix: /cart}}]
        split: [{cluster: green}]
      - split: [{cluster: blue, weight: 3}, {cluster: green, weight: 1}]
`;
