// Which view the address names: `#/sessions/ID` is the view `sessions` with the rest `ID`.
import { useEffect, useState } from "preact/hooks";

export interface Route {
  view: string;
  /** What follows the view, decoded; "": nothing. */
  rest: string;
}

export function parseRoute(hash: string): Route {
  const [view = "", ...rest] = hash.replace(/^#\/?/, "").split("/");
  return { view, rest: decode(rest.join("/")) };
}

export function address(view: string, rest = ""): string {
  return `#/${view}${rest && `/${encodeURIComponent(rest)}`}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", follow);
    follow(); // it may have changed between rendering and this
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}
