// What a run or a submission gave, case by case; the first that failed is open.
import type { CaseAnswer, ExecuteAnswer, SubmissionAnswer } from "../../api/messages";
import { firstFailing, type TestRun } from "./test-run";

/** isOutdated: the text has changed since. isProgram: there are no cases. */
export function Results({ run, isOutdated, isProgram }: { run: TestRun; isOutdated: boolean; isProgram: boolean }) {
  return (
    <section class="results stack" aria-label="Results">
      <p class="results-summary" role="status"><Summary run={run} isProgram={isProgram} /></p>
      {isOutdated && (run.status === "run" || run.status === "ran" || run.status === "submitted") && <p class="small caution">Your code has changed since; run it again.</p>}
      {run.status === "run" && <Cases results={run.answer.test_results} />}
      {run.status === "ran" && <Output answer={run.answer} />}
      {run.status === "submitted" && run.answer.first_failure && <Cases results={[run.answer.first_failure]} />}
    </section>
  );
}

function Summary({ run, isProgram }: { run: TestRun; isProgram: boolean }) {
  switch (run.status) {
    case "none": return isProgram ? <span class="quiet-text">Run runs it as a program, in the sandbox, without a keyboard: input() has nothing to read.</span> : <span class="quiet-text">Run tries the examples; Submit tries every case.</span>;
    case "running": return <span>{run.isSubmission ? "Trying every case …" : "Running …"}</span>;
    case "stopped": return <span>Stopped.</span>;
    case "failed": return <span class="wrong">It could not be run: {run.reason}</span>;
    case "ran": return <ProgramSummary answer={run.answer} />;
    case "submitted": return <SubmissionSummary answer={run.answer} />;
    case "run": {
      const { test_results: results, error_message: error, execution_time_ms: ms } = run.answer;
      const passed = results.filter((each) => each.passed).length;
      const isRight = results.length > 0 && passed === results.length;
      return (
        <span class={isRight ? "right" : "wrong"}>
          {isRight ? "✓" : "✗"} {passed} of {results.length} examples passed <span class="quiet-text">in {Math.round(ms)} ms</span>
          {error && <ErrorText error={error} />}
        </span>
      );
    }
  }
}

const errorOf = ({ error_message: error, test_results: [result] }: ExecuteAnswer): string | null => error ?? result?.error_message ?? null;

function ProgramSummary({ answer }: { answer: ExecuteAnswer }) {
  const failed = errorOf(answer) !== null;
  return <span class={failed ? "wrong" : "right"}>{failed ? "✗ It failed" : "✓ It ran"} <span class="quiet-text">in {Math.round(answer.execution_time_ms)} ms</span></span>;
}

function Output({ answer }: { answer: ExecuteAnswer }) {
  const [result] = answer.test_results;
  const printed = `${result?.user_stdout ?? ""}${result?.actual_output ?? ""}`;
  const error = errorOf(answer);
  return (
    <dl class="case">
      {printed ? <Part name="Printed" text={printed} /> : error === null && <div><dt>Printed</dt><dd class="quiet-text">nothing</dd></div>}
      {error !== null && <ErrorPart error={error} />}
    </dl>
  );
}

function SubmissionSummary({ answer }: { answer: SubmissionAnswer }) {
  const hidden = answer.hidden_total ? ` (${answer.hidden_passed} of ${answer.hidden_total} hidden ones)` : "";
  if (answer.success) return <span class="right">✓ Solved: all {answer.total} cases passed{hidden}.</span>;
  return (
    <span class="wrong">
      ✗ {answer.passed} of {answer.total} cases passed{hidden}.
      {!answer.first_failure && !answer.error_message && " Every example passes; think of cases at the edges."}
      {answer.error_message && <ErrorText error={answer.error_message} />}
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
              {result.error_message ? <ErrorPart error={result.error_message} /> : <Part name="Got" text={result.actual_output} />}
              {result.user_stdout && <Part name="Printed" text={result.user_stdout} />}
            </dl>
          </details>
        </li>
      ))}
    </ul>
  );
}

const READS_INPUT = /\bEOFError\b/;
const NO_INPUT = "A run has no keyboard, so input() finds nothing to read. Put what it would read into the code, such as name = \"Ada\", while you try it.";

function ErrorPart({ error }: { error: string }) {
  return (
    <>
      <Part name="Error" text={error} />
      {READS_INPUT.test(error) && <div><dt>What to do</dt><dd class="words">{NO_INPUT}</dd></div>}
    </>
  );
}

function ErrorText({ error }: { error: string }) {
  return <><span class="error-text">{error}</span>{READS_INPUT.test(error) && <span class="words no-input">{NO_INPUT}</span>}</>;
}

function Part({ name, text }: { name: string; text: string }) {
  return <div><dt>{name}</dt><dd><pre tabIndex={0}>{text || " "}</pre></dd></div>;
}
