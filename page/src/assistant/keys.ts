// The assistant's keys in the editor. They are the person's own wherever there is nothing for the assistant to do.
import { type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { isMac } from "../keyboard";

export interface Commands {
  /** Each returns whether there was something to do. */
  takeBack(): boolean;
  keepNext(unit: "word" | "line"): boolean;
  askNow(): boolean;
  togglePause(): void;
}

/** The keys as the page names them. */
export const KEYS = {
  takeBack: "Esc",
  nextWord: isMac ? "Option+→" : "Ctrl+→",
  nextLine: isMac ? "Option+↓" : "Ctrl+↓",
  askNow: isMac ? "Option+Enter" : "Alt+Enter",
  pause: "Shift+Space",
} as const;

export function assistantKeys(commands: Commands): Extension {
  return Prec.highest([
    keymap.of([
      { key: "Escape", run: () => commands.takeBack() },
      { key: "Ctrl-ArrowRight", mac: "Alt-ArrowRight", run: () => commands.keepNext("word") },
      { key: "Ctrl-ArrowDown", mac: "Alt-ArrowDown", run: () => commands.keepNext("line") },
      { key: "Alt-Enter", run: () => commands.askNow() },
      ...(isMac ? [] : [{ key: "Alt-\\", run: () => commands.askNow() }]),
    ]),
    pauseKey(() => commands.togglePause()),
  ]);
}

/** Shift+Space, unless Shift was held for a character before: then it is a space in a word of capitals. */
function pauseKey(toggle: () => void): Extension {
  let isShiftForCharacters = false;
  return EditorView.domEventHandlers({
    keydown(event) {
      if (event.key === "Shift") {
        if (!event.repeat) isShiftForCharacters = false;
        return false;
      }
      const isPauseKey = event.code === "Space" && event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
      if (!isPauseKey) {
        isShiftForCharacters ||= event.shiftKey && event.key.length === 1;
        return false;
      }
      if (event.isComposing || event.keyCode === COMPOSING_KEY || isShiftForCharacters) return false;
      event.preventDefault();
      if (!event.repeat) toggle();
      return true;
    },
  });
}

const COMPOSING_KEY = 229;
