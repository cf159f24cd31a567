/** Contents that the harness does not give: of resources that it adds, and changes of those that it has changed. */
import { CLUSTER, ENDPOINT, LISTENER, ROUTE, RUNTIME, SECRET } from "../../xds/resourceTypes.ts";
import { fieldsOf, lengthDelimited, rewritten, textAt, valuesAt, varint } from "./wire.ts";

/** Of types that have no harmless field, or are made up: any reader skips it. */
const UNKNOWN_FIELD = 50_000;
/** Lowest overprovisioning factor that Envoy takes for another than none. */
const FIRST_FACTOR = 101;
const RUNTIME_KEY = "adapter.counter";

type Change = (value: Uint8Array, count: number) => Uint8Array;

/** By type, the field whose change Envoy notices and traffic does not. */
const CHANGES: Readonly<Record<string, Change>> = {
  [CLUSTER]: (value, count) => replaced(value, 28, `changed-${count}`),
  [LISTENER]: (value, count) => replaced(value, 28, `changed-${count}`),
  [ROUTE]: (value, count) => replaced(value, 3, `x-changed-${count}`),
  [ENDPOINT]: (value, count) => {
    const policy = Buffer.concat(valuesAt(fieldsOf(value), 4));
    const factor = lengthDelimited(3, varint(1, FIRST_FACTOR + count));
    return replaced(
      value,
      4,
      rewritten(policy, (field) => field.number === 3, factor),
    );
  },
  [SECRET]: (value, count) => {
    const inline = lengthDelimited(3, `changed-${count}`);
    return replaced(value, 5, lengthDelimited(1, inline));
  },
  [RUNTIME]: (value, count) => {
    const layer = Buffer.concat(valuesAt(fieldsOf(value), 2));
    const isOurs = (entry: Uint8Array | null): boolean => entry !== null && textAt(fieldsOf(entry), 1) === RUNTIME_KEY;
    const entry = Buffer.concat([lengthDelimited(1, RUNTIME_KEY), lengthDelimited(2, lengthDelimited(3, `${count}`))]);
    return replaced(
      value,
      2,
      rewritten(layer, (field) => isOurs(field.value), lengthDelimited(1, entry)),
    );
  },
};

/** The resource with other bytes than for any other count. */
export function changed(typeUrl: string, value: Uint8Array, count: number): Uint8Array {
  const change = CHANGES[typeUrl] ?? ((bytes: Uint8Array) => replaced(bytes, UNKNOWN_FIELD, `changed-${count}`));
  return change(value, count);
}

function replaced(value: Uint8Array, number: number, by: string | Uint8Array): Uint8Array {
  return rewritten(value, (field) => field.number === number, lengthDelimited(number, by));
}

/** A valid resource of that type and name. */
export function made(typeUrl: string, name: string): Uint8Array {
  const more = CONTENTS[typeUrl]?.(name) ?? [];
  return Buffer.concat([lengthDelimited(1, name), ...more]);
}

/** `address { socket_address { address, port_value } }` of a place where nobody listens. */
function discardAddress(): Uint8Array {
  return lengthDelimited(1, Buffer.concat([lengthDelimited(2, "127.0.0.1"), varint(3, 9)]));
}

/** `ConfigSource { ads {}, resource_api_version: V3 }`. */
const ADS = Buffer.concat([lengthDelimited(3, new Uint8Array()), varint(6, 2)]);

const CONTENTS: Readonly<Record<string, (name: string) => Uint8Array[]>> = {
  // type EDS, eds_cluster_config { eds_config }
  [CLUSTER]: () => [varint(2, 3), lengthDelimited(3, lengthDelimited(1, ADS))],
  // endpoints { lb_endpoints { endpoint { address } } }
  [ENDPOINT]: () => {
    const endpoint = lengthDelimited(1, lengthDelimited(1, discardAddress()));
    return [lengthDelimited(2, lengthDelimited(2, endpoint))];
  },
  // virtual_hosts { name, domains }
  [ROUTE]: () => [lengthDelimited(2, Buffer.concat([lengthDelimited(1, "all"), lengthDelimited(2, "*")]))],
  // generic_secret { secret { inline_string } }
  [SECRET]: () => [lengthDelimited(5, lengthDelimited(1, lengthDelimited(3, "secret")))],
};
