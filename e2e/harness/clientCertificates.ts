/** Certificates of clients made for a run: by authorities of their own, with any subject, names, times and uses. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a client shows, PEM. */
export interface ShownByClient {
  readonly cert: string;
  readonly key: string;
}

interface ClientOptions {
  /** As `openssl req -subj` takes it; UTF-8. Default: its CN is the name. */
  readonly subject?: string;
  /** Lines of its extensions, as openssl.cnf has them. */
  readonly extensions?: readonly string[];
  /** From when to when it is valid, as `20200101000000Z`. */
  readonly from?: string;
  readonly until?: string;
}

/** An authority. */
export interface Issuer {
  readonly bundle: string;
  readonly issue: (name: string, options?: ClientOptions) => ShownByClient;
  /** Its revocation list, with these of its certificates on it. */
  readonly revoke: (...names: string[]) => string;
  /** An authority below it. */
  readonly below: (name: string) => Issuer;
}

const ANY_SUBJECT = ["commonName", "countryName", "organizationName", "organizationalUnitName", "localityName"]
  .concat(["emailAddress", "domainComponent", "userId", "serialNumber", "givenName", "surname", "title"])
  .concat(["stateOrProvinceName", "organizationIdentifier"])
  .map((field) => `${field}=optional`);

/** A new root authority in a folder. */
export function issuer(folder: string, name: string): Issuer {
  mkdirSync(folder, { recursive: true });
  const at = (file: string): string => join(folder, file);
  const run = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "pipe", cwd: folder });
  };
  const newKey = (file: string): void =>
    run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file);
  newKey("ca.key");
  run("req", "-x509", "-new", "-key", "ca.key", "-subj", `/CN=${name}`, "-days", "30", "-out", "ca.pem");
  return issuerIn({ folder, at, run, newKey, chain: "" });
}

interface Tools {
  readonly folder: string;
  readonly at: (file: string) => string;
  readonly run: (...args: string[]) => void;
  readonly newKey: (file: string) => void;
  /** What clients show behind their own certificate. */
  readonly chain: string;
}

function issuerIn(tools: Tools): Issuer {
  const { folder, at, run, newKey, chain } = tools;
  writeFileSync(at("index.txt"), "");
  writeFileSync(at("serial"), "1000\n");
  const configured = (extensions: readonly string[]): readonly string[] => {
    const config = [
      ...["[ca]", "default_ca=own", "[own]", "dir=.", "database=index.txt", "serial=serial", "new_certs_dir=."],
      ...["default_md=sha256", "policy=any", "default_days=30", "unique_subject=no", "x509_extensions=own_extensions"],
      ...["preserve=yes", "[any]", ...ANY_SUBJECT, "[own_extensions]", ...extensions],
    ];
    writeFileSync(at("ca.cnf"), `${config.join("\n")}\n`);
    return ["ca", "-batch", "-notext", "-utf8", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
  };
  const sign = (name: string, { subject = `/CN=${name}`, extensions, from, until }: ClientOptions): void => {
    newKey(`${name}.key`);
    run("req", "-new", "-utf8", "-key", `${name}.key`, "-subj", subject, "-out", `${name}.csr`);
    const command = configured(extensions ?? ["basicConstraints=CA:FALSE", "extendedKeyUsage=clientAuth"]);
    const times = [
      ...(from === undefined ? [] : ["-startdate", from]),
      ...(until === undefined ? [] : ["-enddate", until]),
    ];
    run(...command, "-in", `${name}.csr`, "-out", `${name}.pem`, ...times);
  };
  const read = (file: string): string => readFileSync(at(file), "utf8");
  return {
    bundle: read("ca.pem"),
    issue: (name, options = {}) => {
      sign(name, options);
      return { cert: read(`${name}.pem`) + chain, key: read(`${name}.key`) };
    },
    revoke: (...names) => {
      const command = configured([]);
      for (const name of names) run(...command, "-revoke", `${name}.pem`);
      run(...command, "-gencrl", "-crldays", "30", "-out", "crl.pem");
      return read("crl.pem");
    },
    below: (name) => {
      sign(name, { extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,cRLSign"] });
      const inner = join(folder, `below-${name}`);
      mkdirSync(inner);
      writeFileSync(join(inner, "ca.pem"), read(`${name}.pem`));
      writeFileSync(join(inner, "ca.key"), read(`${name}.key`));
      return issuerIn({
        folder: inner,
        at: (file) => join(inner, file),
        run: (...args) => {
          execFileSync("openssl", args, { stdio: "pipe", cwd: inner });
        },
        newKey: (file) => newKey(join(inner, file)),
        chain: read(`${name}.pem`) + chain,
      });
    },
  };
}

/** A certificate that nobody else has issued. */
export function signedByItself(folder: string, name: string): ShownByClient {
  const own = issuer(join(folder, name), name);
  return { cert: own.bundle, key: readFileSync(join(folder, name, "ca.key"), "utf8") };
}

/** How X-Forwarded-Client-Cert has to tell of a certificate: the PEM of its first certificate, and openssl's own words of its subject. */
export function toldOf(shown: ShownByClient): string {
  const known = told.get(shown) ?? telling(shown);
  told.set(shown, known);
  return known;
}

/** Openssl is a process. */
const told = new WeakMap<ShownByClient, string>();

function telling({ cert }: ShownByClient): string {
  const end = "-----END CERTIFICATE-----\n";
  const first = cert.slice(0, cert.indexOf(end) + end.length);
  const options = ["x509", "-noout", "-subject", "-nameopt", "RFC2253"];
  const subject = execFileSync("openssl", options, { input: first, encoding: "utf8" }).trimEnd();
  return `Cert="${encodeURIComponent(first)}";Subject="${subject.slice("subject=".length)}"`;
}
