/** Resources with secrets: sent with them, kept without, and as such when one cannot be had. */
import { expect, it } from "vitest";
import { SECRET } from "./resourceTypes.ts";
import { resource } from "./testing.ts";
import { room } from "./testingDialogue.ts";
import type { XdsResource } from "./types.ts";

function secret(name: string, content = "1"): XdsResource {
  const sealed = resource(SECRET, name, content);
  return { ...sealed, opened: (open) => Buffer.from(open(`${name}|${content}`)) };
}

it.each([true, false])(
  "each stream gets the secret anew, and the rest when one cannot be had (delta: %s)",
  async (delta) => {
    const opened: string[] = [];
    const errors: unknown[] = [];
    const open = (reference: string): string => {
      opened.push(reference);
      if (reference.startsWith("lost")) throw new Error("gone");
      return `key of ${reference}`;
    };
    const all = await room({ open, onError: (error) => errors.push(error) });
    await all.show(secret("cert"), secret("lost"), resource(SECRET, "plain"));
    for (let turn = 1; turn <= 2; turn++) {
      const stream = all.open(delta);
      stream.on(SECRET).want("cert", "lost", "plain");
      const seen = stream.settle().flatMap(({ resources }) => resources.map(({ bytes }) => String(bytes)));
      expect(seen.sort()).toEqual(["key of cert|1", "lost|1", "plain|1"]);
      expect(opened.length).toBe(2 * turn);
    }
    expect(errors.map(String)).toEqual(["Error: gone", "Error: gone"]);
  },
);
