// Training from the page, and what the recorded sessions say about the person.
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import type { LearnedMessage } from "../../api/learning";
import type { SessionSummary } from "../../api/sessions";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { countSessions, countWords, newWords } from "../sessions/session-counts";
import { Learned } from "./learned";
import "./learning-view.css";
import { Training } from "./training";

const REFRESH_MS = 10_000;

/** fresh: sessions that no training had; null: not known yet. */
function Counts({ sessions, fresh }: { sessions: readonly SessionSummary[] | null; fresh: number | null }) {
  if (!sessions?.length) return null;
  const counts = countSessions(sessions);
  const news = fresh === null ? "" : newWords(counts.by.get("learned_from") ?? 0, fresh);
  return <p class="words">You have <a href={address("sessions")}>{countWords(counts)}</a>{news && `; ${news}`}.</p>;
}

export function LearningView(_: ViewProps) {
  const learned = useResource<LearnedMessage>("/api/learned");
  const sessions = useResource<SessionSummary[]>("/api/sessions", REFRESH_MS);
  const { answer } = learned;
  const reload = () => Promise.all([learned.reload(), sessions.reload()]);
  return (
    <div class="stack learning">
      <h1>Learning</h1>
      <Counts sessions={sessions.answer} fresh={answer?.new_sessions ?? null} />
      <Training onChange={reload} sessions={sessions.answer ?? []} />
      <section class="stack" aria-labelledby="learned-title">
        <h2 id="learned-title">What your sessions say about you</h2>
        <Loading resource={learned} what="what was learned" />
        {answer?.sessions === 0 && <p class="words">Nothing yet. <a href={address("solve")}>Write something</a> with the assistant, and end the session.</p>}
        {answer !== null && answer.sessions > 0 && <Learned learned={answer} />}
      </section>
    </div>
  );
}
