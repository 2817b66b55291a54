// Statistics of the person's sessions: what of the help they kept, of which kind, when; how honest p(kept) was.
import type { Calibration, LearnedMessage, Rate } from "../../api/learning";
import { Chart } from "../../components/chart";
import { Rates } from "../../components/rates";
import { decisionByKey } from "../../decisions";
import { count, day, decimal, percent, week } from "../../format";

const PLACES: Record<string, string> = { new_line: "On a new line", line_end: "At a line's end", in_line: "In the middle of a line" };
const PAUSES: Record<string, string> = { under_1: "Under 1 s", "1_to_3": "1 to 3 s", "3_to_10": "3 to 10 s", from_10: "10 s and more" };
const MINUTES: Record<string, string> = { under_5: "First 5 minutes", "5_to_15": "5 to 15", "15_to_30": "15 to 30", from_30: "After 30" };

export function Learned({ learned }: { learned: LearnedMessage }) {
  const enoughFrom = learned.enough_from;
  return (
    <div class="stack">
      <p class="words quiet-text small">From the {learned.sessions === 1 ? "session" : `${learned.sessions} sessions`} to learn from{learned.first && `, ${days(learned.first, learned.last)}`}. Help counts as kept by the share of its characters that stood after your reply.</p>
      <Characters learned={learned} />
      <div class="learned-grid">
        <div class="panel"><Rates title="By kind of help" rates={learned.by_kind} name={decisionByKey} enoughFrom={enoughFrom} /></div>
        <div class="panel"><Rates title="By who wrote it" rates={learned.by_writer} name={(key) => (key === "unknown" ? "Not recorded" : key)} enoughFrom={enoughFrom} /></div>
        <div class="panel"><Rates title="Where your cursor was" rates={learned.wanted.by_place} name={(key) => PLACES[key] ?? key} enoughFrom={enoughFrom} /></div>
        <div class="panel"><Rates title="After a pause of" rates={learned.wanted.by_pause} name={(key) => PAUSES[key] ?? plain(key)} enoughFrom={enoughFrom} /></div>
        <div class="panel"><Rates title="In a session's minutes" rates={learned.wanted.by_minute} name={(key) => MINUTES[key] ?? plain(key)} enoughFrom={enoughFrom} /></div>
        <div class="panel"><Rates title="By hour of the day" rates={learned.wanted.by_hour} name={hour} enoughFrom={enoughFrom} /></div>
        <div class="panel"><ByWeek weeks={learned.by_week} enoughFrom={enoughFrom} /></div>
        {learned.calibration.map((each) => <div key={each.key} class="panel"><CalibrationChart calibration={each} /></div>)}
      </div>
    </div>
  );
}

function Characters({ learned: { characters, kept, survived, silence, reviewer } }: { learned: LearnedMessage }) {
  return (
    <dl class="figures">
      <Figure name="Written for you" value={`${count(characters.written)} characters`} note={`in ${count(characters.decisions)} ${characters.decisions === 1 ? "answer" : "answers"} that you replied to`} />
      <Figure name="Kept after your reply" value={percent(kept.rate)} note={interval(kept)} />
      <Figure name="Still there at the end" value={percent(survived.rate)} note={interval(survived)} />
      <Figure name="Kept quiet" value={percent(silence.quiet.rate)} note={`of ${count(silence.turns)} times it could have helped`} />
      <Figure name="Held back by the reviewer" value={count(reviewer.withheld)} note={reviewed(reviewer)} />
    </dl>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return <div class="panel figure"><dt>{name}</dt><dd><strong>{value}</strong> <span class="small quiet-text">{note}</span></dd></div>;
}

function interval({ n, low, high, enough }: Rate): string {
  if (n === 0) return "nothing to count yet";
  return enough ? `95 % sure: ${percent(low)} to ${percent(high)}` : `of ${n}, too few to tell`;
}

function ByWeek({ weeks, enoughFrom }: { weeks: readonly Rate[]; enoughFrom: number }) {
  if (weeks.length < 2) return <Rates title="By week" rates={weeks} name={(key) => `Week of ${week(key)}`} enoughFrom={enoughFrom} />;
  const values = (pick: (rate: Rate) => number | null) => weeks.map(pick);
  return (
    <Chart title="Kept, by week" xName="Week of" xs={weeks.map((_, i) => i)} xLabel={(i) => week(weeks[i]?.key ?? "")} yRange={[0, 1]} yLabel={percent}
      series={[
        { name: "Kept", values: values((rate) => rate.rate), colour: "accent" },
        { name: "95 % from", values: values((rate) => rate.low), colour: "quiet", isDashed: true },
        { name: "to", values: values((rate) => rate.high), colour: "quiet", isDashed: true },
      ]} />
  );
}

const WHOSE = { policy: "What the policy expected you to keep", reviewer: "What the reviewer expected you to keep" };

function CalibrationChart({ calibration }: { calibration: Calibration }) {
  const bins = calibration.bins.filter((bin) => bin.n > 0 && bin.predicted !== null);
  if (!bins.length) return <section><h3>{WHOSE[calibration.key]}</h3><p class="quiet-text">Nothing to compare yet.</p></section>;
  const xs = bins.map((bin) => bin.predicted ?? 0);
  return (
    <div class="stack">
      <Chart title={WHOSE[calibration.key]} xName="Expected" xs={xs} xLabel={(x) => percent(x)} yRange={[0, 1]} yLabel={percent}
        series={[
          { name: "Kept", values: bins.map((bin) => bin.observed?.rate ?? null), colour: "accent", isPoints: true },
          { name: "If it were always right", values: xs, colour: "quiet", isDashed: true },
        ]} />
      <p class="small quiet-text">
        Over {calibration.n} answers: mean squared error {decimal(calibration.brier, 3)}, always saying {percent(calibration.base_rate)} would have {decimal(calibration.base_brier, 3)}{calibration.enough ? "." : "; too few to tell."}
      </p>
    </div>
  );
}

function reviewed({ shown, withheld }: LearnedMessage["reviewer"]): string {
  if (shown + withheld === 0) return "it has looked at none yet";
  return `of ${count(shown + withheld)} that it looked at; the others were shown`;
}

function days(first: string, last: string | null): string {
  const [from, to] = [day(first), day(last)];
  return from === to ? `on ${from}` : `from ${from} to ${to}`;
}

const hour = (key: string): string => `${key}:00 to ${String((Number(key) + 1) % 24).padStart(2, "0")}:00`;

const plain = (key: string): string => key.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
