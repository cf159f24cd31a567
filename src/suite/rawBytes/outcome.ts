/** What a proxy made of a request, as a text that is equal where the behaviour is. */
import type { RawAnswer, Told } from "./client.ts";
import { GATED_FIELDS } from "./gates.ts";
import { valuesOf } from "./head.ts";

/** What an endpoint was asked; null: none was. */
export function toldBy({ status, body }: RawAnswer): Told | null {
  return status === 200 && body.startsWith("{") ? (JSON.parse(body) as Told) : null;
}

/** Status and rule; of a forwarded request also its line, Host, the fields that rules look at (but those besides), and its body. */
export function outcomeOf(answer: RawAnswer, besides: readonly string[]): string {
  const told = toldBy(answer);
  const { status, body } = answer;
  if (told === null) return `${status}${status === 200 || status === 403 ? ` ${body.trim()}` : ""}`;
  const [line = "", ...lines] = told.head.split("\r\n");
  const fields = ["x-rule", ...GATED_FIELDS.filter((name) => !besides.includes(name))];
  const texts = fields.map((name) => `${name}=${listOf(lines, name).join("|")}`);
  const host = valuesOf(lines, "host").join("|").toLowerCase();
  const rest = texts.filter((text) => !text.endsWith("="));
  return ["200", line.replace(/ HTTP\/1\.[01]$/, ""), `host=${host}`, ...rest, `body=${told.body}`].join(" ; ");
}

/** How a list is spread over lines is left open, and empty members do not count. */
function listOf(lines: readonly string[], name: string): readonly string[] {
  const members = valuesOf(lines, name).flatMap((value) => value.split(name === "cookie" ? ";" : ","));
  return members.map((value) => value.trim()).filter((value) => value !== "");
}
