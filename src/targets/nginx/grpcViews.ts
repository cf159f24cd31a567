/** What the templates of calls of gRPC are given; see views.ts. */
import type { RequestFieldsView } from "./policyViews.ts";
import type { Location, MapEntries, Param, Word } from "./quote.ts";

/** The view that each template takes. */
export interface GrpcViews {
  /** `again`: the request no longer has its path. */
  readonly grpcForward: { readonly again: boolean; readonly target: Param };
  readonly grpcFields: RequestFieldsView;
  readonly grpcErrors: Readonly<Record<never, never>>;
  readonly grpcCommon: GrpcCommonView;
  readonly grpcServer: GrpcServerView;
}

/** `grpcCommon.hbs`: of fleets with calls. */
interface GrpcCommonView {
  readonly passed: readonly { readonly name: Word }[];
  readonly connectTimeout: Word;
  readonly tries: Word;
  readonly idleTimeout: Word;
  /** Content-Type of a call, and where it goes that no rule takes. */
  readonly calls: MapEntries;
}

/** `grpcServer.hbs`: what servers include that calls come to. */
interface GrpcServerView {
  readonly notFound: Param;
  readonly answers: readonly { readonly name: Location; readonly status: Word; readonly message: Param }[];
}
