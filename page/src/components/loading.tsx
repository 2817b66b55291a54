// What stands where an answer of the server will be, or why it is not there.
import type { Resource } from "./resource";
import { reporting } from "../notices";

/** Nothing once the answer is there. what: "the sessions". */
export function Loading({ resource: { answer, error, reload }, what }: { resource: Resource<unknown>; what: string }) {
  if (error !== null) {
    return (
      <p class="row" role="alert">
        <span class="wrong">{answer === null ? `Cannot show ${what}` : `This may be out of date`}: {error}</span>
        <button onClick={reporting(reload)}>Try again</button>
      </p>
    );
  }
  return answer === null ? <p class="quiet-text" role="status">Loading {what} …</p> : null;
}
