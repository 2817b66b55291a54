import type { ViewProps } from "../../shell";

export function ModelsView(_: ViewProps) {
  return <h1>Models</h1>;
}
