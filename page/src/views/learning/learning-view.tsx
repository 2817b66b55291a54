// Training from the page, and what the recorded sessions say about the person.
import { Loading } from "../../components/loading";
import { useResource } from "../../components/resource";
import type { LearnedMessage } from "../../api/learning";
import { address } from "../../router";
import type { ViewProps } from "../../shell";
import { Learned } from "./learned";
import "./learning-view.css";
import { Training } from "./training";

export function LearningView(_: ViewProps) {
  const learned = useResource<LearnedMessage>("/api/learned");
  const { answer, reload } = learned;
  return (
    <div class="stack learning">
      <h1>Learning</h1>
      <Training onChange={reload} />
      <section class="stack" aria-labelledby="learned-title">
        <h2 id="learned-title">What your sessions say about you</h2>
        <Loading resource={learned} what="what was learned" />
        {answer?.sessions === 0 && <p class="words">No session that has ended is there yet. <a href={address("solve")}>Write something</a> with the assistant, and end the session.</p>}
        {answer !== null && answer.sessions > 0 && <Learned learned={answer} />}
      </section>
    </div>
  );
}
