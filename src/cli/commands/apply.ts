import type { Diagnostic } from "../../errors/diagnostic.ts";
import { type ServerOptions, send } from "../client.ts";
import { type LoadedDocument, loadDocument } from "../document.ts";
import { EXIT, type Io, jsonText, printProblems } from "../output.ts";

export interface ApplyOptions {
  readonly file: string;
  readonly server: ServerOptions;
  readonly dryRun: boolean;
  /** Prunes what this owner no longer lists. */
  readonly owner: string | undefined;
  readonly message: string | undefined;
  readonly author: string | undefined;
  readonly json: boolean;
}

interface WriteAnswer {
  readonly revision: number;
  readonly changed: readonly { readonly resource?: string; readonly change?: string }[];
  readonly warnings: readonly Diagnostic[];
}

/** `trimtab apply FILE`: sends the document to the server in one transaction. Exit 1 when it is refused. */
export async function apply(io: Io, options: ApplyOptions): Promise<number> {
  const document = await loadDocument(options.file);
  if (document.problems.length > 0) return printProblems(io, document.problems, options.json);
  const query = new URLSearchParams();
  if (options.dryRun) query.set("dryRun", "true");
  if (options.owner !== undefined) query.set("owner", options.owner);
  const headers: Record<string, string> = {};
  if (options.message !== undefined) headers["trimtab-message"] = options.message;
  if (options.author !== undefined) headers["trimtab-author"] = options.author;
  const suffix = query.size > 0 ? `?${query}` : "";
  const { status, body } = await send(options.server, {
    method: "POST",
    path: `/v1/config/apply${suffix}`,
    body: document.value,
    headers,
  });
  if (status >= 200 && status < 300) return accepted(io, body as WriteAnswer, options);
  return refused(io, { document, status, body: body as Refusal, json: options.json });
}

function accepted(io: Io, answer: WriteAnswer, { json, dryRun }: ApplyOptions): number {
  if (json) io.out(jsonText(answer));
  else {
    for (const { code, message } of answer.warnings) io.err(`warning ${code}: ${message}\n`);
    io.out(`${dryRun ? "would change" : `revision ${answer.revision}:`} ${answer.changed.length} objects\n`);
  }
  return EXIT.ok;
}

interface Refusal {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly (Omit<Diagnostic, "severity" | "resource"> & { readonly resource?: string })[];
}

function refused(io: Io, answer: { document: LoadedDocument; status: number; body: Refusal; json: boolean }): number {
  const { document, status, body, json } = answer;
  if (json) io.out(jsonText(body));
  else if (body?.errors === undefined)
    io.err(`the server answered ${status}: ${body?.title ?? ""} ${body?.detail ?? ""}\n`);
  else {
    for (const { code, pointer, message, resource } of body.errors) {
      const { line, column } = document.placeOf(resource === undefined ? pointer : "");
      io.err(
        `${document.file}:${line}:${column}: error ${code} ${resource === undefined ? "" : `${resource} `}${pointer || "/"}: ${message}\n`,
      );
    }
  }
  return EXIT.failed;
}
