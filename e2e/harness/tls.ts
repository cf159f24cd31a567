/** Certificates made for a run, and clients that shake hands as they are told. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

/** A certificate and its key, PEM. */
export interface Made {
  readonly chain: string;
  readonly privateKey: string;
}

/** Makes certificates. */
export interface Maker {
  /** PEM of the authority that has signed all others. */
  readonly authority: string;
  readonly make: (name: string, options: MakeOptions) => Made;
  /** The authority's revocation list, with these of its certificates on it. */
  readonly revoke: (...names: string[]) => string;
}

interface MakeOptions {
  /** As openssl writes subjectAltName: `DNS:a.example`. */
  readonly names: string;
  readonly key?: "ecdsa" | "rsa";
  /** From when to when it is valid, as `20200101000000Z`. */
  readonly from?: string;
  readonly until?: string;
}

const KEYS = { ecdsa: ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], rsa: ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] };

/** An authority of its own in a folder; its CN is `called`. */
export function certificateMaker(folder: string, called = "e2e authority"): Maker {
  mkdirSync(folder, { recursive: true });
  const at = (file: string): string => join(folder, file);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "pipe", cwd: folder });
  };
  const key = (file: string, type: keyof typeof KEYS): void =>
    openssl("genpkey", "-algorithm", ...(KEYS[type] as [string]), "-out", file);
  key("ca.key", "ecdsa");
  openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", `/CN=${called}`, "-days", "30", "-out", "ca.pem");
  writeFileSync(at("index.txt"), "");
  writeFileSync(at("serial"), "1000\n");
  return {
    authority: readFileSync(at("ca.pem"), "utf8"),
    make: (name, { names, key: type = "ecdsa", from, until }) => {
      key(`${name}.key`, type);
      openssl("req", "-new", "-key", `${name}.key`, "-subj", `/CN=${name}`, "-out", `${name}.csr`);
      const config = [
        ...["[ca]", "default_ca=own", "[own]", "dir=.", "database=index.txt", "serial=serial", "new_certs_dir=."],
        ...["default_md=sha256", "policy=any", "default_days=30", "unique_subject=no", "x509_extensions=leaf"],
        ...["[any]", "commonName=supplied", "[leaf]", `subjectAltName=${names}`, "basicConstraints=CA:FALSE"],
      ];
      writeFileSync(at(`${name}.cnf`), `${config.join("\n")}\n`);
      const times = [
        ...(from === undefined ? [] : ["-startdate", from]),
        ...(until === undefined ? [] : ["-enddate", until]),
      ];
      const signed = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-cert", "ca.pem", "-keyfile", "ca.key"];
      openssl("ca", "-batch", "-notext", "-config", `${name}.cnf`, ...signed, ...times);
      return { chain: readFileSync(at(`${name}.pem`), "utf8"), privateKey: readFileSync(at(`${name}.key`), "utf8") };
    },
    revoke: (...names) => {
      const ca = (name: string): readonly string[] => [
        "ca",
        "-config",
        `${name}.cnf`,
        "-cert",
        "ca.pem",
        "-keyfile",
        "ca.key",
      ];
      for (const name of names) openssl(...ca(name), "-revoke", `${name}.pem`);
      openssl(...ca(names[0] as string), "-gencrl", "-crldays", "30", "-out", "list.pem");
      return readFileSync(at("list.pem"), "utf8");
    },
  };
}

/** Where to, and what is asked for. */
export interface Hello extends ConnectionOptions {
  readonly address: string;
  readonly port: number;
  /** Null: none is asked for. */
  readonly serverName: string | null;
}

/** What came of a handshake. */
export interface Handshake {
  readonly socket: TLSSocket;
  /** CN of the certificate that was shown. */
  readonly shown: string;
  readonly version: string | null;
  readonly cipher: string;
  readonly keyType: string;
  readonly alpn: string | null;
  /** Null: the client trusts what it was shown. */
  readonly distrust: string | null;
}

const HANDSHAKE_MS = 5_000;

/** Shakes hands. Null: there was no handshake. Whom the client trusts is told, not enforced. */
export function shake({ address, port, serverName, ...options }: Hello): Promise<Handshake | null> {
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      servername: serverName ?? "",
      rejectUnauthorized: false,
      timeout: HANDSHAKE_MS,
      ...options,
    });
    const none = (): void => {
      socket.destroy();
      resolve(null);
    };
    socket.once("error", none);
    socket.once("close", () => resolve(null));
    socket.once("timeout", none);
    socket.once("secureConnect", () => {
      socket.off("error", none);
      socket.on("error", () => {});
      const certificate = socket.getPeerCertificate();
      resolve({
        socket,
        shown: String(certificate.subject?.CN),
        version: socket.getProtocol(),
        cipher: socket.getCipher().standardName,
        keyType: certificate.modulus === undefined ? "ecdsa" : "rsa",
        alpn: socket.alpnProtocol === false ? null : socket.alpnProtocol,
        distrust: socket.authorizationError ? String(socket.authorizationError) : null,
      });
    });
  });
}

/** All that comes back for a text until the connection ends, which may take so long; it is sent in the clear. */
export function sayInTheClear(
  { address, port }: Pick<Hello, "address" | "port">,
  text: string,
  patienceMs = HANDSHAKE_MS,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, address, () => socket.write(text, "latin1"));
    let answer = "";
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}
