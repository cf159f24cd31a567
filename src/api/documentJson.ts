/** Whole configurations as JSON. */
import { mapSteps, type Steps } from "../util/steps.ts";

/** What JSON.stringify gives for lists by collection, in steps: 10 000 routes take some 15 ms. */
export function* documentJson(document: Readonly<Record<string, readonly unknown[]>>): Steps<string> {
  const lists: string[] = [];
  for (const [collection, list] of Object.entries(document)) {
    const items = yield* mapSteps(list, (item) => JSON.stringify(item));
    lists.push(`${JSON.stringify(collection)}:[${items.join(",")}]`);
  }
  return `{${lists.join(",")}}`;
}
