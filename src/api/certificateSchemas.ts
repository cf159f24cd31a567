/** What is told of certificates. */

import { schemaRef } from "./openapi/components.ts";
import type { Components } from "./openapi/schema.ts";
import { choice, list, object, text, textOrNull } from "./schemaParts.ts";

const time = { ...text, format: "date-time" };
const facts = {
  subject: { ...text, description: "As RFC 4514 writes it, cut off nowhere: `CN=a.example.com,O=Example`." },
  issuer: text,
  names: { ...list(text), description: "Of subjectAltName: `DNS:a.example.com`, `URI:spiffe://example.com/a`." },
  notBefore: time,
  notAfter: time,
  fingerprint: { ...text, description: "SHA-256, hex." },
  keyType: choice("rsa", "ecdsa"),
  isAuthority: { type: "boolean" },
};
const details = {
  name: text,
  expires: { ...textOrNull, description: "When the first of them ends." },
  certificates: { ...list(schemaRef("CertificateFacts")), description: "In the order of the document." },
};

/** By name. */
export const certificateSchemas: Components = {
  CertificateFacts: object(Object.keys(facts), facts),
  CertificateDetails: object(Object.keys(details), details),
};
