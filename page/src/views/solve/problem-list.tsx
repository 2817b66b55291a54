// The problems to choose from: found by words, difficulty and topic; those that are solved are marked.
import { useState } from "preact/hooks";
import type { ProblemSummary } from "../../api/messages";
import { address } from "../../router";

export interface ProblemFilter {
  words: string;
  difficulty: string;
  topic: string;
  hidesSolved: boolean;
}

const EVERYTHING: ProblemFilter = { words: "", difficulty: "", topic: "", hidesSolved: false };
const DIFFICULTIES = ["easy", "medium", "hard"];

export function matching(problems: readonly ProblemSummary[], filter: ProblemFilter): ProblemSummary[] {
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean);
  return problems.filter((problem) => {
    const searched = `${problem.title} ${problem.task_id} ${problem.tags.join(" ")}`.toLowerCase();
    return words.every((word) => searched.includes(word))
      && (!filter.difficulty || problem.difficulty === filter.difficulty)
      && (!filter.topic || problem.tags.includes(filter.topic))
      && !(filter.hidesSolved && problem.solved);
  }).sort((a, b) => rank(a) - rank(b) || a.title.localeCompare(b.title));
}

function rank({ difficulty }: ProblemSummary): number {
  const place = DIFFICULTIES.indexOf(difficulty);
  return place < 0 ? DIFFICULTIES.length : place;
}

export function ProblemList({ problems }: { problems: readonly ProblemSummary[] }) {
  const [filter, setFilter] = useState(EVERYTHING);
  const shown = matching(problems, filter);
  const change = (part: Partial<ProblemFilter>) => setFilter({ ...filter, ...part });
  const topics = [...new Set(problems.flatMap((problem) => problem.tags))].sort();
  const solved = problems.filter((problem) => problem.solved).length;
  return (
    <section class="stack" aria-labelledby="problems-title">
      <h2 id="problems-title">Problems</h2>
      <div class="row" role="search" aria-label="Problems">
        <label>Search <input type="search" value={filter.words} onInput={(event) => change({ words: event.currentTarget.value })} /></label>
        <Choice label="Difficulty" value={filter.difficulty} choices={DIFFICULTIES} onChange={(difficulty) => change({ difficulty })} />
        <Choice label="Topic" value={filter.topic} choices={topics} onChange={(topic) => change({ topic })} />
        <label><input type="checkbox" checked={filter.hidesSolved} onChange={(event) => change({ hidesSolved: event.currentTarget.checked })} /> hide solved</label>
      </div>
      <p class="small quiet-text" role="status">{shown.length} of {problems.length} problems, {solved} solved</p>
      {shown.length === 0 && <p>No problem is like that. <button class="quiet" onClick={() => setFilter(EVERYTHING)}>Show all</button></p>}
      <ul class="plain problem-list">
        {shown.map((problem) => (
          <li key={problem.task_id}>
            <a href={address("solve", problem.task_id)}>{problem.title || problem.task_id}</a>
            {problem.solved && <span class="right small">✓ solved</span>}
            <span class={`difficulty ${problem.difficulty}`}>{problem.difficulty || "unrated"}</span>
            <span class="small quiet-text">{problem.tags.join(", ")}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  choices: readonly string[];
  onChange: (value: string) => void;
}

function Choice({ label, value, choices, onChange }: ChoiceProps) {
  return (
    <label>{label} <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">any</option>
      {choices.map((choice) => <option key={choice}>{choice}</option>)}
    </select></label>
  );
}
