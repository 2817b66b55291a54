// Running a solution against a problem's cases, its visible ones or all of them, or a scratch text as a program. One run at a time; it can be stopped.
import { StateEffect, type Text } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { ask } from "../../api/client";
import { errorText } from "../../api/errors";
import type { CaseAnswer, ExecuteAnswer, SubmissionAnswer } from "../../api/messages";
import { fileText } from "../../editor/coordinates";
import { Store } from "../../store";
import { type OpenDocument, workspace } from "../../workspace";

const TIMEOUT_MS = 10_000;

export type TestRun =
  | { status: "none" }
  | { status: "running"; isSubmission: boolean }
  | { status: "stopped" }
  | { status: "failed"; reason: string }
  | { status: "run"; answer: ExecuteAnswer }
  | { status: "ran"; answer: ExecuteAnswer }
  | { status: "submitted"; answer: SubmissionAnswer };

const runners = new WeakMap<OpenDocument, TestRunner>();

/** The one of a document: views come and go, a run goes on and its results stay. */
export function runnerOf(open: OpenDocument): TestRunner {
  const runner = runners.get(open) ?? new TestRunner(open);
  runners.set(open, runner);
  return runner;
}

export class TestRunner {
  readonly run = new Store<TestRun>({ status: "none" });
  /** Whether the text is another than the one that `run` tells of. */
  readonly isOutdated = new Store(false);
  #controller: AbortController | null = null;
  #tested: Text | null = null;

  constructor(private readonly open: OpenDocument) {
    const follow = EditorView.updateListener.of((update) => { if (update.docChanged) this.#compare(update.state.doc); });
    open.view.dispatch({ effects: StateEffect.appendConfig.of(follow) });
  }

  get isRunning(): boolean {
    return this.#controller !== null;
  }

  runVisible(): Promise<void> {
    const { problem } = this.open;
    if (problem === null) return Promise.resolve();
    return this.#start(false, async (signal) => {
      const answer = await ask<ExecuteAnswer>("/api/tester/execute", {
        ...this.#common(), code: runnable(this.open), timeout_ms: TIMEOUT_MS, store_activity: true, entry_point: problem.entry_point,
        test_cases: problem.input_output.map((each, i) => ({ test_id: i + 1, ...each })),
      }, { signal });
      const { test_results: results } = answer;
      this.open.session.noteActivity("run", { passed: results.filter(({ passed }) => passed).length, total: results.length });
      return { status: "run", answer };
    });
  }

  /** Runs the text as a program that finds nothing to read. */
  runProgram(): Promise<void> {
    return this.#start(false, async (signal) => {
      const answer = await ask<ExecuteAnswer>("/api/tester/execute", {
        ...this.#common(), timeout_ms: TIMEOUT_MS, store_activity: false, test_cases: [{ test_id: 1, input: "", output: "" }],
      }, { signal });
      this.open.session.noteActivity("run", { passed: 0, total: 0 });
      return { status: "ran", answer };
    });
  }

  submit(): Promise<void> {
    const { problem } = this.open;
    if (problem === null) return Promise.resolve();
    return this.#start(true, async (signal) => {
      const answer = await ask<SubmissionAnswer>("/api/submissions", { ...this.#common(), problem_id: problem.task_id }, { signal });
      this.open.session.noteActivity("submit", { passed: answer.passed, total: answer.total });
      return { status: "submitted", answer };
    });
  }

  stop(): void {
    this.#controller?.abort();
    ask("/api/runs/stop", { episode_id: this.open.session.id }).catch(() => undefined);
  }

  async #start(isSubmission: boolean, work: (signal: AbortSignal) => Promise<TestRun>): Promise<void> {
    if (this.isRunning) return;
    const controller = new AbortController();
    this.#controller = controller;
    this.#tested = this.open.view.state.doc;
    this.isOutdated.set(false);
    this.run.set({ status: "running", isSubmission });
    try {
      this.run.set(await work(controller.signal));
      if (workspace.document.value === this.open) workspace.assistant.noteBoundary();
    } catch (error) {
      if (controller.signal.aborted) this.run.set({ status: "stopped" });
      else this.run.set({ status: "failed", reason: errorText(error) });
    } finally {
      this.#controller = null;
    }
  }

  #compare(text: Text): void {
    this.isOutdated.set(this.#tested !== null && !text.eq(this.#tested));
  }

  #common() {
    const { session, view } = this.open;
    return { episode_id: session.id, timestep: Math.max(session.timestep, 0), code: fileText(view.state) };
  }
}

/** The text with what the problem puts before it. */
function runnable({ problem, view }: OpenDocument): string {
  const text = fileText(view.state);
  return problem?.prompt ? `${problem.prompt}\n${text}` : text;
}

/** The case that is opened first: the first that failed. */
export function firstFailing(results: readonly CaseAnswer[]): number {
  return results.findIndex((result) => !result.passed);
}
