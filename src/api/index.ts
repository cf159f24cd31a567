/**
 * The API room.
 *
 * Input: HTTP requests. Output: calls into store, model and publisher, and their answers as JSON, YAML, tar or problem documents
 * (RFC 9457). Guarantee: a write is stored whole or not at all, and every problem is told at once; writes on an outdated view
 * are refused when the client says what it saw (If-Match); a large write is judged beside the store's turn, and no stream of others
 * keeps it waiting for ever; a slow, half-open or oversized client costs a bounded amount.
 * It has no rules of its own about what a valid model is, and knows no proxy.
 */
export type { AgentToken, TokenRefusal } from "./access.ts";
export { type Api, type ApiOptions, createApi } from "./api.ts";
export type { ProblemDocument, ProblemItem } from "./problem.ts";
export type { FileSecretsEvent } from "./routes/fleets.ts";
export type { TlsOptions, TlsRefusal } from "./tls.ts";
export type { WriteAnswer, WriteEvent } from "./writes.ts";
