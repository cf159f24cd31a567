/** What happens to proxies that an agent runs, as lines of the log. */
import type { AgentEvent } from "./agent/index.ts";
import type { Logger } from "./log/index.ts";

/** The end of a trouble has the level of the trouble: who reads warnings only learns that one is over. */
export const OVER = "warn";

/** Told of each event of a proxy. Access logs and what a proxy prints are not told here. */
export type AgentLog = (fleet: string, nodeId: string, event: AgentEvent) => void;

/** Who was given which secrets: names of files and resources, never what is in them. */
export const SECRETS_DELIVERED = "secrets-delivered";

/** Names in one line; of more the line says how many there are. */
const MAX_NAMES = 20;

/** As `changed` of writes. */
export function secretFields<Event extends { readonly files: readonly string[] }>(event: Event): object {
  const { kind: _, files, ...fields } = { kind: "", ...event };
  return {
    ...fields,
    ...(files.length > MAX_NAMES ? { count: files.length } : {}),
    secrets: files.slice(0, MAX_NAMES),
  };
}

/** Knows which of its proxies are in trouble. */
export function createAgentLog({ paced }: Pick<Logger, "paced">): AgentLog {
  const troubled = new Set<string>();
  return (fleet, nodeId, event) => {
    const sender = `${fleet} ${nodeId}`;
    const { kind, ...fields } = event;
    if (kind === "listeners" || kind === "line" || kind === "logged") return;
    if (kind === "endpoint-down" || kind === "endpoint-up") {
      const level = kind === "endpoint-down" ? "warn" : OVER;
      paced({ sender, level, event: kind, fields: { fleet, nodeId, ...fields } });
      return;
    }
    if (kind === "secrets") {
      paced({
        sender,
        level: "info",
        event: SECRETS_DELIVERED,
        fields: { fleet, nodeId, by: "agent", ...secretFields(event) },
      });
      return;
    }
    const wasTroubled = troubled.has(sender);
    if (kind === "died" || kind === "failed") troubled.add(sender);
    if (kind === "serving") troubled.delete(sender);
    const level = kind === "failed" ? "error" : kind === "died" ? "warn" : wasTroubled ? OVER : "info";
    paced({ sender, level, event: `proxy-${kind}`, fields: { fleet, nodeId, ...fields } });
  };
}
