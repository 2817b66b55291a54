import type { ViewProps } from "../../shell";

export function LearningView(_: ViewProps) {
  return <h1>Learning</h1>;
}
