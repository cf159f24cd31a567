/** Shares of clusters: which part of the requests each gets. A step of weights changes a map and no line of the configuration. */
import { addLines, addText, type FragmentBuilder } from "./fragment.ts";
import type { ListenerContext } from "./listenerContext.ts";
import { dotted, listenerMap } from "./names.ts";
import { comment, file, mapKey, mapLine, mapValue, number, rule } from "./quote.ts";

/**
 * A request draws a number below this, whatever the weights are, so that a step of weights leaves the draw alone. Exact to the
 * millionth: weights of 0 to 1 000 and a canary's tenths of a per cent with room to spare. What HAProxy draws has 32 bits.
 */
export const DRAW_RANGE = 1_000_000;

/** Backends and their relative weights. */
export type Shares = readonly { readonly backend: string; readonly weight: number }[];

/** Where each share begins; the first at 0. Each has one number at least. */
export function startsOf(split: Shares): readonly number[] {
  const total = split.reduce((sum, { weight }) => sum + weight, 0);
  let before = 0;
  return split.map(({ weight }) => {
    const start = Math.round((before / total) * DRAW_RANGE);
    before += weight;
    return start;
  });
}

/** Lines of a `map_int` file: the numbers from the start of a share to that of the next, and the backend. */
export function drawLines(split: Shares): string {
  const starts = [...startsOf(split), DRAW_RANGE];
  return split
    .map(({ backend }, place) => {
      const [start = 0, end = 0] = starts.slice(place, place + 2);
      return mapLine(mapKey(`${start}:${end - 1}`), mapValue(backend));
    })
    .join("");
}

/**
 * Adds a rule's split: a map of its own and a line that draws from it. Where a listener has very many (shape.ts), its shares are
 * columns of tables of all rules: the first share's backend, then the second's and the number from which it counts, and so on.
 */
export function addSplit(
  builder: FragmentBuilder,
  { key, split }: { readonly key: string; readonly split: Shares },
  context: ListenerContext,
): void {
  if (!context.shape.splitTables) {
    const map = `split.${dotted(key)}`;
    addLines(builder, map, drawLines(split));
    const view = { name: comment(key), rule: rule(key), file: file(listenerMap(context.listener, map)) };
    addText(builder, "splits", context.section("split", { ...view, range: number(DRAW_RANGE) }));
    return;
  }
  startsOf(split).forEach((start, place) => {
    addLines(builder, `${SHARE}${place}`, mapLine(mapKey(key), mapValue(split[place]?.backend ?? "")));
    if (place > 0) addLines(builder, `${SHARE}${place}-from`, mapLine(mapKey(key), mapValue(String(start))));
  });
}

const SHARE = "split.";

/** The lines that read those tables. */
export function splitTablesText(maps: ReadonlyMap<string, string>, { listener, section }: ListenerContext): string {
  const shares = [];
  for (let place = 1; maps.has(`${SHARE}${place}`); place++) {
    const backends = file(listenerMap(listener, `${SHARE}${place}`));
    shares.push({ backends, from: file(listenerMap(listener, `${SHARE}${place}-from`)) });
  }
  const first = file(listenerMap(listener, `${SHARE}0`));
  return section("splitTables", { first, shares, range: number(DRAW_RANGE) });
}
