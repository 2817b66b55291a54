// The frame around every view: navigation, the sign of recording, notices. Not here: the views.
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useErrorBoundary, useLayoutEffect, useRef } from "preact/hooks";
import { errorText } from "./api/errors";
import { ConfirmDialog } from "./components/confirm";
import { focusHeading } from "./components/focus";
import { dismiss, notices } from "./notices";
import { address, useRoute } from "./router";
import { areSettingsLoaded, settings } from "./settings/settings";
import "./shell.css";
import { useStore } from "./store";
import { HealthView } from "./views/health/health-view";
import { LearningView } from "./views/learning/learning-view";
import { isAtHome, MissingView } from "./views/missing/missing-view";
import { ModelsView } from "./views/models/models-view";
import { SessionsView } from "./views/sessions/sessions-view";
import { SettingsView } from "./views/settings/settings-view";
import { FileView, SolveView } from "./views/solve/solve-view";
import { WelcomeView } from "./views/welcome/welcome-view";
import { workspace } from "./workspace";

export interface ViewProps {
  /** What follows the view in the address; "": nothing. */
  rest: string;
}

interface ViewEntry {
  title: string;
  component: ComponentType<ViewProps>;
  inNavigation: boolean;
  /** The view of the navigation that it is a part of; absent: none, or itself. */
  partOf?: string;
}

const FIRST_VIEW = "solve";

const VIEWS: Record<string, ViewEntry> = {
  solve: { title: "Solve", component: SolveView, inNavigation: true },
  sessions: { title: "Sessions", component: SessionsView, inNavigation: true },
  learning: { title: "Learning", component: LearningView, inNavigation: true },
  models: { title: "Models", component: ModelsView, inNavigation: true },
  health: { title: "Health", component: HealthView, inNavigation: true },
  settings: { title: "Settings", component: SettingsView, inNavigation: true },
  file: { title: "File", component: FileView, inNavigation: false, partOf: FIRST_VIEW },
  welcome: { title: "Welcome", component: WelcomeView, inNavigation: false },
};

const MISSING: ViewEntry = { title: "Not found", component: MissingView, inNavigation: false };

/** Of another view; from an address that is not the page's, the page is loaded at its own. */
const linkTo = (view: string): string => `${isAtHome ? "" : "/"}${address(view)}`;

export function Shell() {
  const { view: wanted, rest } = useRoute();
  const name = wanted || FIRST_VIEW;
  const view = (isAtHome && Object.hasOwn(VIEWS, name) && VIEWS[name]) || MISSING;
  const main = useRef<HTMLElement>(null);
  const areLoaded = useStore(areSettingsLoaded);
  const { theme } = useStore(settings);
  useEffect(() => {
    if (areLoaded) document.documentElement.dataset.theme = theme; // until then, as the server has said
  }, [theme, areLoaded]);
  const isFirstVisit = isAtHome && areLoaded && !settings.value.welcomed && wanted === "";
  useEffect(() => {
    if (isFirstVisit) location.replace(address("welcome"));
  }, [isFirstVisit]);
  useEffect(() => {
    document.title = `${view.title} · CodeAssist`;
  }, [view.title]);
  const View = view.component;
  useFocusAtStart(main, address(name, rest));
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>To the content</a>
      <header class="bar">
        <a class="brand" href={linkTo(FIRST_VIEW)}>CodeAssist</a>
        <nav aria-label="Views">
          {Object.entries(VIEWS).filter(([, entry]) => entry.inNavigation).map(([key, entry]) => (
            <a key={key} href={linkTo(key)} aria-current={entry === view ? "page" : key === view.partOf ? "true" : undefined}>{entry.title}</a>
          ))}
        </nav>
        <div class="signs">
          <RecordingSign />
          <AssistantSign />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Guarded key={name}><View rest={rest} /></Guarded>
      </main>
      <Notices />
      <ConfirmDialog />
    </>
  );
}

/** Another view begins at its top, and is what the keyboard and a screen reader are at. */
function useFocusAtStart(main: { current: HTMLElement | null }, viewAddress: string): void {
  const shown = useRef(viewAddress);
  useLayoutEffect(() => {
    if (shown.current === viewAddress) return;
    shown.current = viewAddress;
    scrollTo(0, 0);
    focusHeading(main.current);
  }, [viewAddress]);
}

/** A view that fails takes nothing else along. */
function Guarded({ children }: { children: ComponentChildren }) {
  const [error, forget] = useErrorBoundary();
  if (error === undefined) return <>{children}</>;
  return (
    <div class="stack">
      <h1>This cannot be shown</h1>
      <p class="wrong" role="alert">{errorText(error)}</p>
      <p><button onClick={forget}>Try again</button></p>
    </div>
  );
}

function RecordingSign() {
  const { state, text } = useStore(workspace.recordingSign);
  return <p class="recording-sign" data-state={state} role="status">{text}</p>;
}

/** On narrow screens, where the editor's own line is out of sight; it is the one that screen readers read. */
function AssistantSign() {
  const { kind, text } = useStore(workspace.assistant.status);
  if (useStore(workspace.document) === null) return null;
  return <p class="assistant-copy assistant-state" data-kind={kind} aria-hidden="true"><span class="assistant-dot" /><span class="assistant-status-text">{text}</span></p>;
}

function Notices() {
  const shown = useStore(notices);
  return (
    <div class="notices" role="status">
      {shown.map((notice) => (
        <p key={notice.id} class={`notice ${notice.isWrong ? "wrong" : ""}`}>
          {notice.text}
          {notice.action && <> <button class="quiet" onClick={() => { notice.action?.run(); dismiss(notice.id); }}>{notice.action.label}</button></>}
          {notice.links.map(({ label, href }) => <span key={href}> <a href={href} onClick={() => dismiss(notice.id)}>{label}</a></span>)}
          {" "}<button class="quiet" onClick={() => dismiss(notice.id)}>Dismiss</button>
        </p>
      ))}
    </div>
  );
}
