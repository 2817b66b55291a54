// What a run or a submission gave, case by case; the first that failed is open.
import type { CaseAnswer, SubmissionAnswer } from "../../api/messages";
import { firstFailing, type TestRun } from "./test-run";

/** isOutdated: the text has changed since. */
export function Results({ run, isOutdated }: { run: TestRun; isOutdated: boolean }) {
  return (
    <section class="results stack" aria-label="Results">
      <p class="results-summary" role="status"><Summary run={run} /></p>
      {isOutdated && (run.status === "run" || run.status === "submitted") && <p class="small caution">Your code has changed since; run it again.</p>}
      {run.status === "run" && <Cases results={run.answer.test_results} />}
      {run.status === "submitted" && run.answer.first_failure && <Cases results={[run.answer.first_failure]} />}
    </section>
  );
}

function Summary({ run }: { run: TestRun }) {
  switch (run.status) {
    case "none": return <span class="quiet-text">Run tries the examples; Submit tries every case.</span>;
    case "running": return <span>{run.isSubmission ? "Trying every case …" : "Running …"}</span>;
    case "stopped": return <span>Stopped.</span>;
    case "failed": return <span class="wrong">It could not be run: {run.reason}</span>;
    case "submitted": return <SubmissionSummary answer={run.answer} />;
    case "run": {
      const { test_results: results, error_message: error, execution_time_ms: ms } = run.answer;
      const passed = results.filter((each) => each.passed).length;
      const isRight = results.length > 0 && passed === results.length;
      return (
        <span class={isRight ? "right" : "wrong"}>
          {isRight ? "✓" : "✗"} {passed} of {results.length} examples passed <span class="quiet-text">in {Math.round(ms)} ms</span>
          {error && <span class="error-text">{error}</span>}
        </span>
      );
    }
  }
}

function SubmissionSummary({ answer }: { answer: SubmissionAnswer }) {
  const hidden = answer.hidden_total ? ` (${answer.hidden_passed} of ${answer.hidden_total} hidden ones)` : "";
  if (answer.success) return <span class="right">✓ Solved: all {answer.total} cases passed{hidden}.</span>;
  return (
    <span class="wrong">
      ✗ {answer.passed} of {answer.total} cases passed{hidden}.
      {!answer.first_failure && !answer.error_message && " Every example passes; think of cases at the edges."}
      {answer.error_message && <span class="error-text">{answer.error_message}</span>}
    </span>
  );
}

function Cases({ results }: { results: readonly CaseAnswer[] }) {
  const opened = firstFailing(results);
  return (
    <ul class="plain cases">
      {results.map((result, i) => (
        <li key={result.test_id}>
          <details open={i === opened}>
            <summary><span class={result.passed ? "right" : "wrong"}>{result.passed ? "✓ passed" : "✗ failed"}</span> <code>{result.input || "no arguments"}</code></summary>
            <dl class="case">
              <Part name="Expected" text={result.expected_output} />
              {result.error_message ? <Part name="Error" text={result.error_message} /> : <Part name="Got" text={result.actual_output} />}
              {result.user_stdout && <Part name="Printed" text={result.user_stdout} />}
            </dl>
          </details>
        </li>
      ))}
    </ul>
  );
}

function Part({ name, text }: { name: string; text: string }) {
  return <div><dt>{name}</dt><dd><pre tabIndex={0}>{text || " "}</pre></dd></div>;
}
