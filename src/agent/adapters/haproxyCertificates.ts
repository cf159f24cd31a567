/** Replaces certificates of a running HAProxy, and looks whether it has them then. */
import { X509Certificate } from "node:crypto";
import type { RuntimeChange } from "../../targets/target.ts";
import { hideSecrets } from "../../util/hideSecrets.ts";
import type { Ask } from "./haproxyMaps.ts";

type Certificate = RuntimeChange["certificates"][number];

/** Characters of its answers that are told. */
const MAX_SAID = 300;
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/** Null, or which one it has not. Each is replaced as one, by a transaction; what shook hands before goes on. */
export async function changeCertificates(ask: Ask, certificates: readonly Certificate[]): Promise<string | null> {
  for (const certificate of certificates) {
    const wrong = await changeCertificate(ask, certificate);
    if (wrong !== null) return wrong;
  }
  return null;
}

async function changeCertificate(ask: Ask, { path, text }: Certificate): Promise<string | null> {
  const blocks = [...text.matchAll(BLOCK)].map(([block]) => block);
  // A change that was cut short may have left one behind: what it held would be mixed with ours.
  await ask([`abort ssl cert ${path}`]);
  // An empty line ends it, and blocks have none.
  const said = await ask([`set ssl cert ${path} <<\n${blocks.map(withoutEmptyLines).join("")}`]);
  const done = await ask([`commit ssl cert ${path}`]);
  if (done.includes("Success!") && isShown(await ask([`show ssl cert ${path}`]), blocks)) return null;
  // It may repeat what it was sent.
  return `${path} is not as it is to be; it said: ${hideSecrets(`${said.trim()} ${done.trim()}`).slice(0, MAX_SAID)}`;
}

function withoutEmptyLines(block: string): string {
  const lines = block.split(/[\r\n]+/).map((line) => line.trim());
  return lines.map((line) => (line === "" ? "" : `${line}\n`)).join("");
}

/** Whether that is the certificate which HAProxy tells, with as many above it. */
function isShown(told: string, blocks: readonly string[]): boolean {
  const chain = blocks.filter((block) => block.startsWith("-----BEGIN CERTIFICATE-----"));
  const wanted = new X509Certificate(chain[0] ?? "").fingerprint.replaceAll(":", "");
  const above = told.match(/^Chain Subject:/gm)?.length ?? 0;
  return /^SHA1 FingerPrint: ([0-9A-F]+)$/m.exec(told)?.[1] === wanted && above === chain.length - 1;
}
