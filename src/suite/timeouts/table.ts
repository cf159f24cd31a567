/** The table of docs/timeouts.md, from the situations. */
import { expectedOf, REASONS, type Reason, type Situation } from "./situation.ts";
import { KINDS } from "./stand.ts";

const HEAD = [
  "| who | does what | short limits | promised | Envoy | nginx | HAProxy |",
  "| --- | --- | --- | --- | --- | --- | --- |",
];
/** A cell where the promise is kept. */
const KEPT = "yes";

/** The table and its notes. */
export function tableText(situations: readonly Situation[]): string {
  const used: Reason[] = [];
  const noteOf = (reason: Reason): string => {
    if (!used.includes(reason)) used.push(reason);
    return `(${used.indexOf(reason) + 1})`;
  };
  const rows = situations.map((situation) => {
    const { who, does, short, promised, otherwise } = situation;
    const cells = KINDS.map((proxy) => {
      const reason = otherwise?.[proxy]?.[1];
      return reason === undefined ? KEPT : `${expectedOf(situation, proxy)} ${noteOf(reason)}`;
    });
    return `| ${[who, does, short.map((limit) => `\`${limit}\``).join(", "), promised, ...cells].join(" | ")} |`;
  });
  const notes = used.map((reason, index) => `${index + 1}. ${REASONS[reason]}`);
  return [...HEAD, ...rows, "", ...notes].join("\n");
}
