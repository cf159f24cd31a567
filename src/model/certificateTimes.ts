/** Whether certificates are good today: warnings, for what is served has to stay valid as a model when a certificate ends. */
import type { Diagnostic } from "../errors/diagnostic.ts";
import { certificatesOf } from "./certificateFacts.ts";
import { warning } from "./rules/rule.ts";
import type { Resource } from "./types.ts";

const CODE = "MODEL-CERTIFICATE-TIME";
const DAY_MS = 24 * 60 * 60 * 1000;
/** Who renews by itself does so earlier: with a third of the time left (Let's Encrypt), of 45 days 15. */
export const ENDS_SOON_DAYS = 14;

/** Of resources of any kind. */
export function certificateTimes(resources: Iterable<Resource>, now: Date): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const resource of resources) {
    if (resource.kind !== "certificate" && resource.kind !== "authority") continue;
    const pointer = resource.kind === "certificate" ? "/chain" : "/bundle";
    const { certificates } = certificatesOf(resource as Resource<"certificate">);
    for (const [index, { notBefore, notAfter, subject }] of certificates.entries()) {
      const which = certificates.length === 1 ? "" : `certificate ${index + 1} (${subject}) `;
      const message = timeProblem({ notBefore, notAfter }, now);
      if (message !== null) found.push(warning(CODE, resource, { pointer, message: `${which}${message}` }));
    }
  }
  return found;
}

function timeProblem(
  { notBefore, notAfter }: { readonly notBefore: string; readonly notAfter: string },
  now: Date,
): string | null {
  if (new Date(notBefore) > now) return `is not valid before ${notBefore}`;
  const left = new Date(notAfter).getTime() - now.getTime();
  if (left <= 0) return `has expired on ${notAfter}`;
  return left <= ENDS_SOON_DAYS * DAY_MS ? `expires on ${notAfter}` : null;
}
