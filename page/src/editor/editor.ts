// The editor: CodeMirror with what people expect of one, for any file. Not here: recording, the assistant.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { python } from "@codemirror/lang-python";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import {
  crosshairCursor, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers, rectangularSelection,
} from "@codemirror/view";
import { styleNonce } from "../api/client";
import { editorTheme } from "./theme";

const basics: Extension = [
  lineNumbers(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), dropCursor(), indentOnInput(), bracketMatching(),
  rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
  EditorState.allowMultipleSelections.of(true), indentUnit.of("    "), EditorState.tabSize.of(4),
  keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...searchKeymap, indentWithTab]),
  EditorView.cspNonce.of(styleNonce),
  editorTheme,
];

export interface EditorOptions {
  text: string;
  fileName: string;
  label: string;
  extensions?: Extension;
}

export function createEditor({ text, fileName, label, extensions = [] }: EditorOptions): EditorView {
  const state = EditorState.create({
    doc: text,
    extensions: [
      extensions, basics, fileName.endsWith(".py") ? python() : [],
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
    ],
  });
  return new EditorView({ state });
}
