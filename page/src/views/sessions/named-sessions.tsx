// Sentences of the server that name a session by its id: named as in the list of sessions, with a way there.
import type { SessionSummary } from "../../api/sessions";
import { shortened, when } from "../../format";
import { address } from "../../router";

const NAMED = /\bsession ([^\s:,;]+)/;

/** sessions: those that the list has. */
export function NamedSessions({ text, sessions }: { text: string; sessions: readonly SessionSummary[] }) {
  return (
    <>{text.split(NAMED).map((part, i) => {
      if (i % 2 === 0) return part;
      const session = sessions.find(({ id }) => id === part);
      if (session === undefined) return `session ${part}`;
      const place = session.status === "unreadable" ? address("sessions") : address("sessions", session.id);
      return <a key={i} href={place}>{shortened(session.title, 60)}{session.started !== null && `, ${when(session.started)}`}</a>;
    })}</>
  );
}
