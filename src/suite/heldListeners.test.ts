/** What the agent makes of rendered files when sockets are taken: files left out, or written for other places. Real checkers load it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { generationOf } from "../targets/generation.ts";
import type { Place, RenderedFile, RenderedFiles, Socket } from "../targets/target.ts";
import { finish } from "../util/steps.ts";
import { checkRendered, compileDocument, renderFleet, targets } from "./modelFiles.ts";

/** Those with listeners of each kind, shared ones, splits, bodies with strange texts, and two sockets in a file. */
const CASES = ["listenerSharing", "tcp", "quoting", "split", "http3"];
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

/** So many places for each of the sockets. */
const elsewhere = (sockets: readonly Socket[], count: number): Place[] =>
  sockets.flatMap(({ transport }) =>
    PLACES.slice(0, count).map((place) => (transport === undefined ? place : { ...place, transport })),
  );

describe.each(fleets)("$name", ({ ir, rendered: { files, sockets } }) => {
  const { rebind } = targets.get(ir.proxy);
  const byFile = Map.groupBy(sockets, ({ file }) => file);
  const isHeld = ({ path }: RenderedFile): boolean => byFile.has(path);

  test("every socket has a file of its own, or that of TCP and of UDP at the same place", () => {
    for (const [{ address, port }, ...others] of byFile.values() as Iterable<[Socket, ...Socket[]]>)
      for (const other of others) expect(other).toMatchObject({ address, port, transport: "udp" });
    expect(files.filter(isHeld)).toHaveLength(byFile.size);
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
    const [first] = byFile;
    const moved = files.map((file) =>
      file.path === first?.[0] ? { ...file, text: finish(rebind!(file.text, elsewhere(first[1], 2))) } : file,
    );
    await expectToLoad(ir, moved);
    for (const [path, own] of byFile) {
      const { text } = files.find((file) => file.path === path)!;
      const there = finish(rebind!(text, elsewhere(own, 1)));
      expect(there).not.toBe(text);
      expect(finish(rebind!(there, own))).toBe(text);
    }
  });
});
