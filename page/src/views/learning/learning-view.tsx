// Training from the page, and what the recorded sessions say about the person.
import { useResource } from "../../components/resource";
import type { LearnedMessage } from "../../api/learning";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { Learned } from "./learned";
import "./learning-view.css";
import { Training } from "./training";

export function LearningView(_: ViewProps) {
  const { answer, error } = useResource<LearnedMessage>("/api/learned");
  return (
    <div class="stack learning">
      <h1>Learning</h1>
      <Training />
      <section class="stack" aria-labelledby="learned-title">
        <h2 id="learned-title">What your sessions say about you</h2>
        {error && <p class="wrong" role="alert">{error}</p>}
        {answer?.sessions === 0 && <p class="words">No session that has ended is there yet. <a href={address("solve")}>Write something</a> with the assistant, and end the session.</p>}
        {answer !== null && answer.sessions > 0 && <Learned learned={answer} />}
      </section>
    </div>
  );
}
