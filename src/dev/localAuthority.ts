/**
 * An authority for this machine alone, and a certificate that it issues: made by the `openssl` program, for Node makes none. Keys are for
 * their owner alone; whoever has the authority's could speak as any host to those who trust it, and nobody is told to but a client at hand.
 */
import { execFile } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { reasonOf } from "../util/reason.ts";
import { readSecretFile } from "../util/secretFile.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Who trusts it once is not asked again. */
const AUTHORITY_DAYS = 3_650;
/** As public authorities issue them. */
const CERTIFICATE_DAYS = 90;
/** Another one is made when so few days are left. */
const LEFT_DAYS = 30;

/** A certificate and its key, PEM. */
export interface LocalCertificate {
  readonly chain: string;
  readonly privateKey: string;
}

export interface LocalAuthority {
  /** Its own certificate. */
  readonly file: string;
  /** For the host: the one that is there, or a new one where that is not good any more. Throws what a person can act on. */
  certificate(host: string, now: Date): Promise<LocalCertificate>;
}

/** In a folder of its own; one process at a time. */
export function createLocalAuthority(folder: string): LocalAuthority {
  const files = { authority: at("ca"), host: at("https") };
  function at(name: string): Files {
    return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  }
  return {
    file: files.authority.cert,
    async certificate(host, now) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const authority = await known(files.authority, (cert) => cert.ca && isGood(cert, now));
      const issuer = authority ?? (await made(files.authority, (work, key) => selfSigned(work, key)));
      const isOurs = (cert: X509Certificate): boolean =>
        isGood(cert, now) &&
        cert.checkHost(host) !== undefined &&
        cert.verify(new X509Certificate(issuer.chain).publicKey);
      return (
        (await known(files.host, isOurs)) ??
        (await made(files.host, (work, key) => issued(work, { key, host, files: files.authority })))
      );
    },
  };
}

interface Files {
  readonly cert: string;
  readonly key: string;
}

function isGood({ validToDate }: X509Certificate, now: Date): boolean {
  return validToDate.getTime() - now.getTime() > LEFT_DAYS * DAY_MS;
}

/** Null: it is not there, not whole, or not good. */
async function known(
  { cert, key }: Files,
  isRight: (cert: X509Certificate) => boolean,
): Promise<LocalCertificate | null> {
  try {
    const [chain, privateKey] = [await readFile(cert, "utf8"), (await readSecretFile(key)).toString("utf8")];
    const read = new X509Certificate(chain);
    return read.checkPrivateKey(createPrivateKey(privateKey)) && isRight(read) ? { chain, privateKey } : null;
  } catch {
    return null;
  }
}

/** `issue` gives the path of a certificate for the key, below the folder that it is given. */
async function made(files: Files, issue: (work: string, key: string) => Promise<string>): Promise<LocalCertificate> {
  const work = await mkdtemp(join(files.cert, "..", ".new-"));
  try {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const text = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    const key = join(work, "key");
    await writeFile(key, text, { mode: 0o600 });
    const cert = await issue(work, key);
    const chain = await readFile(cert, "utf8");
    await rename(key, files.key);
    await rename(cert, files.cert);
    return { chain, privateKey: text };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const PLAIN = ["[req]", "prompt = no", "distinguished_name = subject", "[subject]"];

async function selfSigned(work: string, key: string): Promise<string> {
  const config = await write(work, [
    ...[...PLAIN, "CN = Trimtab local authority", "[extensions]", "subjectKeyIdentifier = hash"],
    ...["basicConstraints = critical, CA:TRUE, pathlen:0", "keyUsage = critical, keyCertSign, cRLSign"],
  ]);
  const out = join(work, "cert");
  await openssl(
    ...["req", "-x509", "-new", "-sha256", "-config", config, "-extensions", "extensions", "-key", key],
    ...["-days", String(AUTHORITY_DAYS), "-out", out],
  );
  return out;
}

/** What is asked for, and of whom. */
interface Request {
  readonly key: string;
  readonly host: string;
  readonly files: Files;
}

async function issued(work: string, { key, host, files }: Request): Promise<string> {
  const config = await write(work, [
    ...[
      ...PLAIN,
      `CN = ${host}`,
      "[extensions]",
      `subjectAltName = DNS:${host}`,
      "basicConstraints = critical, CA:FALSE",
    ],
    ...["keyUsage = critical, digitalSignature", "extendedKeyUsage = serverAuth", "authorityKeyIdentifier = keyid"],
  ]);
  const [asked, out] = [join(work, "request"), join(work, "cert")];
  await openssl("req", "-new", "-config", config, "-key", key, "-out", asked);
  await openssl(
    ...["x509", "-req", "-sha256", "-in", asked, "-CA", files.cert, "-CAkey", files.key],
    ...["-set_serial", `0x${randomBytes(8).toString("hex")}`, "-days", String(CERTIFICATE_DAYS)],
    ...["-extfile", config, "-extensions", "extensions", "-out", out],
  );
  return out;
}

async function write(work: string, lines: readonly string[]): Promise<string> {
  const path = join(work, "config");
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

const OPENSSL_MS = 30_000;

async function openssl(...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)("openssl", args, { timeout: OPENSSL_MS });
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = isMissing ? "openssl is missing: on Debian `apt-get install openssl`" : reasonOf(error);
    throw new Error(reason, { cause: error });
  }
}
