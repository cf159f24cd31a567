/** How many lines floods may write: proxies that flap and strangers that guess must neither fill a disk nor hide others. */

/** The span of time that is counted in. */
const SPAN_MS = 10_000;
/** Lines of one event in a span, and of these of one sender: one that flaps leaves room for others. */
export const LINES_PER_EVENT = 50;
export const LINES_PER_SENDER = 5;

export interface Pace {
  /** Null: the line is not written. Otherwise how many of this event were not, since the last one that was. */
  allow(event: string, sender: string): number | null;
  /** Not written since the start, by event. */
  readonly untold: ReadonlyMap<string, number>;
  /** Nothing is told afterwards. */
  close(): void;
}

interface Book {
  told: number;
  untold: number;
  /** Of those that had lines in this span; at most LINES_PER_EVENT. */
  readonly senders: Map<string, number>;
}

/** `rest`: called with what was not written when a span ends and nothing told of it. `after` gives the undo. */
export function createPace(
  after: (milliseconds: number, callback: () => void) => () => void,
  rest: (event: string, untold: number) => void,
): Pace {
  let books = new Map<string, Book>();
  const totals = new Map<string, number>();
  let cancel: (() => void) | null = null;
  const endSpan = (): void => {
    const ended = books;
    books = new Map();
    cancel = null;
    for (const [event, { untold }] of ended) if (untold > 0) rest(event, untold);
  };
  return {
    allow(event, sender) {
      cancel ??= after(SPAN_MS, endSpan);
      const book = books.get(event) ?? { told: 0, untold: 0, senders: new Map<string, number>() };
      books.set(event, book);
      const own = book.senders.get(sender) ?? 0;
      if (book.told >= LINES_PER_EVENT || own >= LINES_PER_SENDER) {
        book.untold += 1;
        totals.set(event, (totals.get(event) ?? 0) + 1);
        return null;
      }
      book.told += 1;
      book.senders.set(sender, own + 1);
      const { untold } = book;
      book.untold = 0;
      return untold;
    },
    untold: totals,
    close: () => cancel?.(),
  };
}
