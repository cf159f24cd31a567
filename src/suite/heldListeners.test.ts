/** What the agent makes of rendered files when sockets are taken: files left out, or written for other places. Real checkers load it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { generationOf } from "../targets/generation.ts";
import type { RenderedFile, RenderedFiles } from "../targets/target.ts";
import { finish } from "../util/steps.ts";
import { checkRendered, compileDocument, renderFleet, targets } from "./modelFiles.ts";

/** Those with listeners of each kind, shared ones, splits, bodies with strange texts. */
const CASES = ["listenerSharing", "tcp", "quoting", "split"];
const PLACES = [
  { address: "127.0.0.1", port: 39_001 },
  { address: "::1", port: 39_002 },
];

const fleets = CASES.flatMap((name) => {
  const text = readFileSync(join(import.meta.dirname, "../testdata", name, "input.yaml"), "utf8");
  const { compiled } = compileDocument(parse(text));
  return [...compiled!.fleets.values()].flatMap((ir) => {
    const rendered = renderFleet(ir);
    return rendered.kind === "files" ? [{ name: `${name}, ${ir.proxy}`, ir, rendered }] : [];
  });
});

async function expectToLoad(ir: (typeof fleets)[number]["ir"], files: readonly RenderedFile[]): Promise<void> {
  const rendered: RenderedFiles = { kind: "files", files, generation: finish(generationOf(files)), sockets: [] };
  expect(await checkRendered(ir, rendered)).toEqual({ ok: true, message: "" });
}

describe.each(fleets)("$name", ({ ir, rendered: { files, sockets } }) => {
  const { rebind } = targets.get(ir.proxy);
  const isHeld = ({ path }: RenderedFile): boolean => sockets.some(({ file }) => file === path);

  test("every socket has a file of its own", () => {
    const paths = sockets.map(({ file }) => file);
    expect(new Set(paths).size).toBe(paths.length);
    expect(files.filter(isHeld)).toHaveLength(paths.length);
  });

  // HAProxy does not load without any listener; there the agent's own file has one.
  test("loads without all but one", async () => {
    const left = sockets[0]?.file;
    await expectToLoad(
      ir,
      files.filter((file) => !isHeld(file) || file.path === left),
    );
  });

  test("loads at other places, and written back it is what it was", async () => {
    const moved = files.map((file) =>
      file.path === sockets[0]?.file ? { ...file, text: finish(rebind!(file.text, PLACES)) } : file,
    );
    await expectToLoad(ir, moved);
    for (const socket of sockets) {
      const { text } = files.find(({ path }) => path === socket.file)!;
      const there = finish(rebind!(text, PLACES.slice(0, 1)));
      expect(there).not.toBe(text);
      expect(finish(rebind!(there, [socket]))).toBe(text);
    }
  });
});
