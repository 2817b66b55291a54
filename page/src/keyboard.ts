// Which keyboard the person has.

export const isMac = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? "");

export const COPY_KEY = isMac ? "Cmd+C" : "Ctrl+C";
