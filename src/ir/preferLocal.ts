/** Clusters and rules for the clients near a zone: made of the model's, one for each label. */

/** Whose clients a cluster is for, which has all endpoints of the model's cluster, those near these clients first. */
export interface NearIr {
  /** The cluster of the model. */
  readonly cluster: string;
  readonly label: string;
}

/** Stands between a name of the model's and the label: none of these names has it. */
const MARK = "_";

/** What is made of `name` for a label, as `shop_north`. */
export function nearName(name: string, label: string): string {
  return `${name}${MARK}${label}`;
}

/** The name of the model's that this one was made of. */
export function plainName(name: string): string {
  const [plain = name] = name.split(MARK, 1);
  return plain;
}
