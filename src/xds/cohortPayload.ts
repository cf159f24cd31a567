/** What streams of one cohort are sent: responses that are the same for all of them. */
import type { Cohort } from "./cohorts.ts";
import { type Due, WHOLE_VIEW } from "./payload.ts";
import type { Stream } from "./state.ts";
import { streamPayload } from "./streamPayload.ts";
import type { Subscription } from "./subscription.ts";

/** The next part of what a cohort is sent, the same for all its streams. */
export function cohortPayload(stream: Stream, sub: Subscription, due: { cohort: Cohort; from: number }): Due {
  const { cohort, from } = due;
  const { view } = cohort;
  const to = cohort.endOf(from, sub);
  const allNew = isAllNew(sub);
  sub.pending.advance(to);
  if (allNew) sub.touched.advance(to);
  const isWholeView = to - from === view.resources.size;
  const payload = streamPayload(stream, sub, {
    view,
    version: view.version,
    key: isWholeView ? WHOLE_VIEW : `cohort ${cohort.id} ${from}`,
    resources: () => cohort.resources.slice(from, to),
    removed: [],
  });
  return { payload, offered: null, had: NOTHING, left: NOTHING, allNew };
}

const NOTHING: Due["left"] = new Map();

/** True when what is to be sent is a cohort's, as far as it has not gone out, and the node waits for all of it. */
export function isAllNew({ pending, touched }: Subscription): boolean {
  const [due, news] = [pending.shared, touched.shared];
  return due !== null && news !== null && due.cohort === news.cohort && due.from === news.from;
}
