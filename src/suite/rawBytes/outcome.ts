/** What a proxy made of a request, as a text that is equal where the behaviour is. */
import type { RawAnswer, Told } from "./client.ts";

/** Fields beside the gated ones that say where a request went. */
const ALWAYS = ["host", "x-rule"];

/** Status and rule; of a forwarded request also its line, the fields that rules look at, and its body. */
export function outcomeOf({ status, body }: RawAnswer, gated: readonly string[]): string {
  if (status !== 200 || !body.startsWith("{"))
    return `${status}${status === 200 || status === 403 ? ` ${body.trim()}` : ""}`;
  const told = JSON.parse(body) as Told;
  const [line = "", ...lines] = told.head.split("\r\n");
  const values = [...ALWAYS, ...gated].map((name) => `${name}=${valuesOf(lines, name).join("|")}`);
  return [
    "200",
    line.replace(/ HTTP\/1\.[01]$/, ""),
    ...values.filter((text) => !text.endsWith("=")),
    `body=${told.body}`,
  ].join(" ; ");
}

/** A field's values without the blanks around them; empty ones do not count, and lines of a cookie or list are one. */
function valuesOf(lines: readonly string[], name: string): readonly string[] {
  const own = lines.flatMap((line) => (line.toLowerCase().startsWith(`${name}:`) ? [line.slice(name.length + 1)] : []));
  return own
    .flatMap((value) => value.split(name === "cookie" ? ";" : ","))
    .map((value) => value.trim())
    .filter((value) => value !== "");
}
