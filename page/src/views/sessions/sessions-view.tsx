// Recorded sessions: which there are, what is learned from, replay of each.
import { useState } from "preact/hooks";
import { ask } from "../../api/client";
import type { SessionSummary } from "../../api/sessions";
import { confirmed } from "../../components/confirm";
import { focusHeading } from "../../components/focus";
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import { count, duration, percent, shortened, size, when } from "../../format";
import { notify, reporting } from "../../notices";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { Replay } from "./replay";
import { countSessions, countWords } from "./session-counts";
import "./sessions-view.css";

const REFRESH_MS = 10_000;
const SHOWN_AT_ONCE = 100;

export function SessionsView({ rest }: ViewProps) {
  return rest ? <Replay key={rest} id={rest} /> : <SessionList />;
}

function SessionList() {
  const sessions = useResource<SessionSummary[]>("/api/sessions", REFRESH_MS);
  const { answer, reload } = sessions;
  const [most, setMost] = useState(SHOWN_AT_ONCE);
  return (
    <div class="stack">
      <h1>Sessions</h1>
      <p class="words quiet-text">Everything here lies on this machine alone. What you leave out of learning stays here.</p>
      <Loading resource={sessions} what="the sessions" />
      {answer?.length === 0 && <p>No session is recorded yet. <a href={address("solve")}>Write something</a>, and it appears here.</p>}
      {answer !== null && answer.length > 0 && (
        <>
          <p class="row"><span role="status">{countWords(countSessions(answer))}.</span> <a class="button" href="/api/export" download>Export everything</a></p>
          <div class="scroll" tabIndex={0} role="region" aria-label="Sessions">
            <table class="sessions" role="table">
              <thead role="rowgroup"><tr role="row">
                <th scope="col" role="columnheader">Session</th><th scope="col" role="columnheader">Began</th><th scope="col" role="columnheader">Took</th><th scope="col" role="columnheader" class="number">States</th>
                <th scope="col" role="columnheader" class="number">Kept of the assistant’s text</th><th scope="col" role="columnheader" class="number">Size</th><th scope="col" role="columnheader">Learning</th><th scope="col" role="columnheader"><span class="visually-hidden">Delete</span></th>
              </tr></thead>
              <tbody role="rowgroup">{answer.slice(0, most).map((session) => <SessionRow key={session.id} session={session} reload={reload} />)}</tbody>
            </table>
          </div>
          <p class="row" role="status">
            {answer.length > most && <span class="small quiet-text">The latest {count(most)} of {count(answer.length)} are shown.</span>}
            {answer.length > most && <button onClick={() => setMost(most + SHOWN_AT_ONCE)}>Show {Math.min(SHOWN_AT_ONCE, answer.length - most)} more</button>}
          </p>
        </>
      )}
    </div>
  );
}

const STATUS_WORDS = { recording: "being recorded", waiting: "being tested", ended: "", unreadable: "unreadable" };
const NO_DECISION = "nothing to learn from: the assistant was never asked";

function SessionRow({ session, reload }: { session: SessionSummary; reload: () => Promise<void> }) {
  const path = `/api/sessions/${encodeURIComponent(session.id)}`;
  const setExcluded = (excluded: boolean) => reporting(async () => {
    await ask(`${path}/exclude`, { excluded });
    await reload();
  })();
  const remove = reporting(async () => {
    const text = `${shortened(session.title)}, ${when(session.started)}: its states, keystrokes and tests are deleted for good. What was learned from it stays in the models until the next training.`;
    if (!(await confirmed("Delete this session?", text, "Delete"))) return;
    await ask(`${path}/delete`, {});
    notify("Deleted.");
    await reload();
    focusHeading(); // the button is gone
  });
  const share = session.written && session.retained !== null ? session.retained / session.written : null;
  return (
    <tr role="row">
      <th scope="row" role="rowheader"><div class="session-title">
        {session.status === "unreadable" ? <span class="long-title">{session.title}</span> : <a class="long-title" href={address("sessions", session.id)}>{session.title}</a>}
        {session.learning === "no_decision" && <span class="small quiet-text">{NO_DECISION}</span>}
        {session.session !== session.id && <span class="small quiet-text">goes on from an earlier recording of the same session</span>}
        {STATUS_WORDS[session.status] && <span class={`small ${session.status === "unreadable" ? "wrong" : "quiet-text"}`}>{STATUS_WORDS[session.status]}{session.reason && `: ${session.reason}`}</span>}
      </div></th>
      <td role="cell" data-name="Began">{when(session.started)}</td>
      <td role="cell" data-name="Took">{session.started !== null && session.ended !== null ? duration(session.ended - session.started) : "–"}</td>
      <td role="cell" class="number" data-name="States">{count(session.states)}</td>
      <td role="cell" class="number" data-name="Kept of the assistant’s text">{session.written ? `${percent(share)} of ${count(session.written)} characters` : "–"}</td>
      <td role="cell" class="number" data-name="Size">{size(session.bytes)}</td>
      <td role="cell"><label class="small"><input type="checkbox" aria-label={`Learn from it: ${session.title}`} checked={!session.excluded} onChange={(event) => void setExcluded(!event.currentTarget.checked)} /> learn from it</label></td>
      <td role="cell"><button class="quiet" disabled={session.status === "recording"} onClick={remove} aria-label={`Delete ${session.title}`}>Delete</button></td>
    </tr>
  );
}
