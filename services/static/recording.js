// One recorded session: keystrokes as they come, a state once a round, each sent until it is on the server's disk.
import { ask, leave, RefusedError } from "./api.js";

const FLUSH_MS = 400, RETRY_MS = 2000;
export const characters = (text) => [...text].length; // the protocol counts characters, JavaScript half-characters
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// Where two texts differ: position, the text there before and after.
export function difference(before, after) {
  let start = 0, end = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start += 1;
  if (start && /[\ud800-\udbff]/.test(before[start - 1])) start -= 1; // not inside a character
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  if (end && /[\udc00-\udfff]/.test(before.at(-end))) end -= 1;
  return { start, removed: before.slice(start, before.length - end), inserted: after.slice(start, after.length - end) };
}

// What existing clients write of each line: here only the cursor, and that an edit took the assistant's back.
function attribution(text, cursor, timestep, undone) {
  const before = text.slice(0, cursor.offset).split("\n");
  const entries = Array.from({ length: Math.max(before.length, ...undone.map((line) => line + 1)) }, () => ({}));
  entries[before.length - 1].cursor = { turn: cursor.turn, char: characters(before.at(-1)) + 1 };
  for (const line of undone) {
    entries[line].human = { turn: timestep, span: [0, 0], actions: [0, 0, 1], seconds: 0, specialFlags: ["undo"] };
  }
  return entries;
}

export class Session {
  static async begin(problemId, text, report) {
    const { episode_id: id } = await ask("/api/backend/episodes/start", { problem_id: problemId });
    const session = new Session(id, text, report);
    session.postState(text, 0, null);
    return session;
  }

  constructor(id, text, report) {
    Object.assign(this, { id, report, text, timestep: -1, turn: 0, moved: null, undone: [] });
    this.changes = []; // not acknowledged yet
    this.first = 0; // number of changes[0]
    this.sending = Promise.resolve();
    this.timer = null;
  }

  path(name) { return `/api/backend/episodes/${this.id}/${name}`; }

  // Notes what happened to the text; origin: input, paste, undo, assistant ... Returns the difference.
  noteChange(text, origin) {
    const change = difference(this.text, text);
    const position = characters(this.text.slice(0, change.start));
    this.changes.push([Date.now(), position, characters(change.removed), change.inserted, origin]);
    if (origin === "undo") {
      const line = text.slice(0, change.start).split("\n").length - 1;
      this.undone = change.removed || change.inserted ? [line] : [];
    }
    this.text = text;
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
    return change;
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    return this.enqueue(() => this.sendChanges());
  }

  async sendChanges(options) {
    if (!this.changes.length) return;
    try {
      const { next } = await ask(this.path("changes"), { first: this.first, changes: this.changes }, options);
      this.acknowledge(next);
    } catch (error) {
      if (error.status !== 409 || error.next < this.first) throw error;
      this.acknowledge(error.next);
    }
  }

  acknowledge(next) {
    this.changes.splice(0, next - this.first);
    this.first = next;
  }

  // The person's state (action null) or the assistant's, with the caret at `offset`.
  postState(text, offset, action) {
    this.timestep += 1;
    if (action === null) this.turn = this.timestep;
    const body = {
      text, timestep: this.timestep, timestamp_ms: Date.now(), action,
      attribution: attribution(text, { offset, turn: this.turn }, this.timestep, action === null ? this.undone : []),
    };
    if (action === null) this.undone = [];
    this.moved = action === null ? "person" : "assistant";
    this.posted = body;
    return this.enqueue(() => ask(this.path("state"), body));
  }

  // One after the other; tries again while the disk or the server refuses.
  enqueue(send) {
    this.sending = this.sending.catch(() => {}).then(async () => {
      for (;;) {
        try {
          await send();
          return this.report(null);
        } catch (error) {
          const lost = error instanceof RefusedError && [400, 401, 403, 404, 409, 422].includes(error.status);
          this.report(error.message, lost); // lost: trying again does not help
          if (lost) throw error;
          await pause(RETRY_MS);
        }
      }
    });
    this.sending.catch(() => {});
    return this.sending;
  }

  async end(offset) {
    if (this.text !== this.posted.text) this.postState(this.text, offset, null);
    this.flush();
    await this.enqueue(() => ask(this.path("end"), {}));
  }

  // The tab closes: what is not sent goes now. A session whose last state is sent ends; the server ends others later.
  close(offset) {
    const keepalive = { keepalive: true };
    this.sendChanges(keepalive).catch(() => {});
    if (this.text === this.posted.text) return leave(this.path("end"));
    const body = { ...this.posted, text: this.text, timestep: this.timestep + 1, timestamp_ms: Date.now(), action: null };
    body.attribution = attribution(this.text, { offset, turn: body.timestep }, body.timestep, this.undone);
    return ask(this.path("state"), body, keepalive).catch(() => {});
  }
}
