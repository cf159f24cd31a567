/** Bodies without their secrets: sealed before anything else looks at them. What was sent is let go of. */
import type { FastifyRequest } from "fastify";
import type { Kind } from "../model/types.ts";
import { type Sealing, sealConfig, sealResource } from "../secrets/index.ts";
import { inSlices } from "../util/slices.ts";
import type { WriteDeps } from "./writes.ts";

/** Replaces the body of a request, which is one resource (or a merge patch of one), or with null a whole configuration. */
export async function sealBody(
  request: FastifyRequest,
  kind: Kind | null,
  { secrets, pace }: Pick<WriteDeps, "secrets" | "pace">,
): Promise<Omit<Sealing, "document">> {
  const { body } = request;
  const steps = kind === null ? sealConfig(body, secrets) : sealResource(kind, body, secrets);
  const { document, ...sealing } = await inSlices(steps, pace);
  request.body = document;
  return sealing;
}
