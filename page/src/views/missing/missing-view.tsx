// What stands at an address that names nothing.

/** Whether the page was asked for at its own address: the server sends it, with status 404, for every unknown one too. */
export const isAtHome = (globalThis.location?.pathname ?? "/") === "/";

export function MissingView() {
  return (
    <div class="stack">
      <h1>There is no such view</h1>
      <p class="words">Nothing is at <code>{isAtHome ? location.hash : location.pathname}</code>. Perhaps a letter is missing, or it was an address of an older version.</p>
      <p><a href="/#/solve">Go to the problems and files</a></p>
    </div>
  );
}
