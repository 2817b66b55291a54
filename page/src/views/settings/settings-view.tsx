import type { ViewProps } from "../../shell";

export function SettingsView(_: ViewProps) {
  return <h1>Settings</h1>;
}
