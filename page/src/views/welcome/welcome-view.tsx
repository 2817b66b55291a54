import type { ViewProps } from "../../shell";

export function WelcomeView(_: ViewProps) {
  return <h1>Welcome</h1>;
}
