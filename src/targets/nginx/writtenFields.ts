/** Fields that every endpoint of a server's hosts gets from us, beside those that all endpoints get. */
import { certificateFields } from "./clientAuthentication.ts";
import type { RequestField } from "./policies/policy.ts";
import { type ViaPlace, viaFields } from "./via.ts";

/** What they depend on. */
export interface WrittenPlace extends ViaPlace {
  /** Endpoints are told of clients' certificates. */
  readonly forwardsCertificate: boolean;
}

/** In the order in which they are written. */
export function writtenFields(place: WrittenPlace): readonly RequestField[] {
  return [...viaFields(place), ...certificateFields(place.forwardsCertificate)];
}
