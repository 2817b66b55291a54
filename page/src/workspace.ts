// What the person works on: a problem, a file or a scratch text, its editor, its recorded session, the assistant.
// Views come and go; this stays as long as the tab.
import { EditorView } from "@codemirror/view";
import type { ProblemMessage } from "./api/messages";
import { Assistant } from "./assistant/assistant";
import { createEditor } from "./editor/editor";
import { notify } from "./notices";
import { RecordedSession } from "./recording/session";
import { Store } from "./store";

export interface RecordingSign {
  state: "idle" | "on" | "off";
  text: string;
}

export interface OpenDocument {
  title: string;
  fileName: string;
  /** null: a file of the person's own. */
  problem: ProblemMessage | null;
  view: EditorView;
  session: RecordedSession | null;
}

const SCRATCH_ID = "scratch";
const IDLE: RecordingSign = { state: "idle", text: "Not recording: nothing is open" };

export class Workspace {
  readonly document = new Store<OpenDocument | null>(null);
  readonly recordingSign = new Store<RecordingSign>(IDLE);
  readonly assistant = new Assistant();

  constructor() {
    addEventListener("pagehide", (event) => this.#leave(event));
  }

  openProblem(problem: ProblemMessage): Promise<void> {
    return this.#open(problem.title || problem.task_id, "solution.py", problem.starter_code, problem);
  }

  openScratch(): Promise<void> {
    return this.#open("Scratch", "scratch.py", "", null);
  }

  async close(): Promise<void> {
    const open = this.document.value;
    if (open === null) return;
    this.assistant.close();
    await open.session?.end(open.view.state);
    this.document.set(null);
    this.recordingSign.set(IDLE);
  }

  async #open(title: string, fileName: string, text: string, problem: ProblemMessage | null): Promise<void> {
    await this.close();
    const open: OpenDocument = { title, fileName, problem, session: null, view: null as unknown as EditorView };
    const follow = EditorView.updateListener.of((update) => {
      for (const transaction of update.transactions) if (transaction.docChanged) this.#noteChange(open, transaction);
    });
    open.view = createEditor({ text, fileName, label: `Code of ${title}`, extensions: [follow, this.assistant.extension] });
    open.session = await RecordedSession.begin(problem?.task_id ?? SCRATCH_ID, open.view.state, (reason, isLasting) =>
      this.#showRecording(reason, isLasting));
    this.assistant.open({ view: open.view, session: open.session, fileName });
    this.document.set(open);
  }

  #noteChange(open: OpenDocument, transaction: Parameters<RecordedSession["noteTransaction"]>[0]): void {
    open.session?.noteTransaction(transaction);
  }

  #showRecording(reason: string | null, isLasting: boolean): void {
    if (reason === null) {
      this.recordingSign.set({ state: "on", text: "Recording" });
      return;
    }
    const next = isLasting ? "copy your text, then load this page again" : "it goes on as soon as it can";
    this.recordingSign.set({ state: "off", text: `Nothing is recorded (${reason}); ${next}` });
    notify(`Nothing is recorded now: ${reason}`, true);
  }

  #leave(event: PageTransitionEvent): void {
    const open = this.document.value;
    if (open?.session == null) return;
    if (event.persisted) void open.session.flush();
    else open.session.close(open.view.state);
  }
}

export const workspace = new Workspace();
