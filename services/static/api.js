// Requests to this server, with the token of its run.
const token = document.querySelector("meta[name=token]").content;
const headers = { "X-CodeAssist-Token": token, "Content-Type": "application/json" };

export class RefusedError extends Error {
  constructor(status, content) {
    super(content.detail ?? `status ${status}`);
    this.status = status;
    this.next = content.next;
  }
}

const gone = () => { throw new Error("no answer; run.py must be running in its terminal"); };

// The answer's object; throws RefusedError, and Error if the server is gone.
export async function ask(path, body, options = {}) {
  const method = body === undefined ? "GET" : "POST";
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), ...options }).catch(gone);
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new RefusedError(response.status, content);
  return content;
}

// Sent even while the page closes; nobody hears the answer.
export const leave = (path) => navigator.sendBeacon(`${path}?token=${encodeURIComponent(token)}`);
