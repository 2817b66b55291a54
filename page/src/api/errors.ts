// Why a request brought no answer that helps.

/** The server answered and refused. `next`: the number of the change that it expects, for 409. */
export class RefusedError extends Error {
  constructor(readonly status: number, detail: string, readonly next: number | null = null) {
    super(detail);
  }
}

/** There is no answer: the server has ended, or the connection is lost. */
export class UnreachableError extends Error {
  constructor() {
    super("no answer; run.py must be running in its terminal");
  }
}

/** What was thrown, in words. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
