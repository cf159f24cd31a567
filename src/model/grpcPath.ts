/** What a call's path looks like: `/package.Service/Method`, and nothing else. */

/** What a match says of a call. */
interface Called {
  readonly service?: string;
  readonly serviceRegex?: string;
  readonly method?: string;
  readonly methodRegex?: string;
}

/** Exactly one of them, as in a match on a path; what is not named may be anything. */
export interface GrpcPath {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/** A name of any service or method, as an expression. */
const ANY = "[^/]+";

/** The paths of the calls that a match takes. */
export function grpcPath({ service, serviceRegex, method, methodRegex }: Called): GrpcPath {
  if (serviceRegex === undefined && methodRegex === undefined) {
    if (service !== undefined)
      return method === undefined ? { prefix: `/${service}` } : { exact: `/${service}/${method}` };
    if (method === undefined) return { prefix: "/" };
  }
  return { regex: `/${nameRegex(service, serviceRegex)}/${nameRegex(method, methodRegex)}` };
}

/** Of the characters of a name only the dot means something in an expression. */
function nameRegex(exact: string | undefined, regex: string | undefined): string {
  if (regex !== undefined) return `(?:${regex})`;
  return exact?.replaceAll(".", "\\.") ?? ANY;
}
