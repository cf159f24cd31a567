/** What certificates say: read from the documents, and no part of them. */
import type { FastifyInstance } from "fastify";
import { type CertificateFacts, certificatesOf, firstEnd } from "../../model/index.ts";
import type { Resource } from "../../model/types.ts";
import { answeredNotModified, etagOf } from "../conditions.ts";
import { answers, operation } from "../openapi.ts";
import { nameParams, noQuery, readHeaders } from "../parameters.ts";
import { Problem } from "../problem.ts";
import type { Deps } from "../writes.ts";

interface Named {
  Params: { name: string };
}

/** Registers `/v1/certificates/{name}/details` and `/v1/authorities/{name}/details`. */
export function certificateRoutes(app: FastifyInstance, { store }: Deps): void {
  for (const [kind, collection] of [
    ["certificate", "certificates"],
    ["authority", "authorities"],
  ] as const) {
    app.get<Named>(
      `/v1/${collection}/:name/details`,
      {
        schema: operation(collection, `Tell what is in the certificates of a ${kind}`, {
          operationId: kind === "certificate" ? "getCertificateDetails" : "getAuthorityDetails",
          headers: readHeaders,
          params: nameParams,
          querystring: noQuery,
          response: answers("CertificateDetails"),
        }),
      },
      (request, reply) => {
        const { name } = request.params;
        const resource = store.head().snapshot[kind].get(name);
        if (resource === undefined)
          throw new Problem("API-NOT-FOUND", `${collection} has nothing named ${JSON.stringify(name)}`);
        return answeredNotModified(request, reply, etagOf(resource.hash)) ? reply : detailsOf(resource);
      },
    );
  }
}

function detailsOf(resource: Resource<"certificate"> | Resource<"authority">) {
  const { certificates } = certificatesOf(resource);
  return { name: resource.name, expires: firstEnd(certificates), certificates: certificates.map(told) };
}

function told(facts: CertificateFacts) {
  const { subject, issuer, names, notBefore, notAfter, fingerprint, keyType, isAuthority } = facts;
  return { subject, issuer, names, notBefore, notAfter, fingerprint, keyType, isAuthority };
}
