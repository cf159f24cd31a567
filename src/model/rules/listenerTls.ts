import { type OwnRule, problem, touchedOf } from "./rule.ts";

const CODE = "MODEL-TLS";

/** TLS needs a certificate to be ended with and none to be passed through, and its parts must fit each other. */
export const listenerTls: OwnRule = function* (_snapshot, touched) {
  for (const listener of touchedOf(touched, "listener")) {
    const { protocol, tls } = listener.body;
    if (protocol !== "HTTPS" && protocol !== "TLS") continue;
    const at = (pointer: string, message: string) => problem(CODE, listener, { pointer, message });
    const passes = tls?.mode === "passthrough";
    if (passes && protocol === "HTTPS")
      yield at(
        "/tls/mode",
        "an HTTPS listener reads requests, so it has to end TLS; take protocol TLS for passthrough",
      );
    if (!passes && tls?.certificates === undefined)
      yield at(
        tls === undefined ? "" : "/tls",
        "TLS that ends here needs `tls.certificates`: what is shown to clients",
      );
    if (passes) {
      for (const field of Object.keys(tls)) {
        if (field !== "mode") yield at(`/tls/${field}`, "with passthrough TLS is the endpoints'; remove the field");
      }
      continue;
    }
    if (protocol === "HTTPS" && tls?.alpn !== undefined)
      yield at("/tls/alpn", "an HTTPS listener offers what it speaks; remove the field");
    if (protocol === "TLS" && tls?.clientAuthentication?.forward === "xfcc")
      yield at(
        "/tls/clientAuthentication/forward",
        "is a field of requests, and a TLS listener reads none; take none, or protocol HTTPS",
      );
    const { profile = "intermediate", maxVersion = "1.3", cipherSuites } = tls ?? {};
    const minVersion = tls?.minVersion ?? OLDEST[profile];
    if (minVersion < OLDEST[profile])
      yield at("/tls/minVersion", `the profile ${profile} begins with TLS ${OLDEST[profile]}`);
    else if (minVersion > maxVersion) yield at("/tls/maxVersion", `is older than the oldest version, ${minVersion}`);
    if (cipherSuites !== undefined && minVersion === "1.3")
      yield at("/tls/cipherSuites", "are those of TLS 1.2, and the oldest version is 1.3; remove the field");
  }
};

/** Mozilla's Server Side TLS 5.7. */
const OLDEST = { intermediate: "1.2", modern: "1.3" } as const;
