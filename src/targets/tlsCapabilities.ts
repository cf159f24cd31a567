/** TODO: main's own. */
import type { Capabilities } from "./target.ts";

const notYet = { refused: "is not written for any proxy yet", code: "TLS-NOT-YET" } as const;

/** What TLS is made with. */
export const certificateCapabilities = {
  "certificate.name": notYet,
  "certificate.labels": notYet,
  "certificate.description": notYet,
  "certificate.chain": notYet,
  "certificate.privateKey": notYet,
} as const satisfies Partial<Capabilities>;
