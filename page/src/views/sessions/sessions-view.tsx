import type { ViewProps } from "../../shell";

export function SessionsView(_: ViewProps) {
  return <h1>Sessions</h1>;
}
