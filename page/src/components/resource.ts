// An answer of the server that a view shows: loaded when the view appears, again on demand or every few seconds.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../api/client";
import { errorText } from "../api/errors";

export interface Resource<Answer> {
  /** null: not there yet. */
  answer: Answer | null;
  /** Why the last request failed; null: it did not. */
  error: string | null;
  reload: () => Promise<void>;
}

/** path: null asks nothing. everyMs: asks again after so long, while the page is visible. */
export function useResource<Answer>(path: string | null, everyMs?: number): Resource<Answer> {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(path);
  latest.current = path;
  const requestCount = useRef(0);
  const shownRequest = useRef(0);
  const reload = useCallback(async () => {
    if (path === null) return;
    const number = (requestCount.current += 1);
    let fresh: Answer | null = null;
    let failure: string | null = null;
    try {
      fresh = await ask<Answer>(path);
    } catch (reason) {
      failure = errorText(reason);
    }
    if (latest.current !== path || number < shownRequest.current) return; // a later answer may have come first
    shownRequest.current = number;
    if (failure === null) setAnswer(fresh);
    setError(failure);
  }, [path]);
  useEffect(() => {
    setAnswer(null);
    void reload();
    if (everyMs === undefined) return;
    const timer = setInterval(() => { if (!document.hidden) void reload(); }, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return { answer, error, reload };
}
