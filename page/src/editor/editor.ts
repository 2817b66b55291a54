// The editor: CodeMirror with what people expect of one, for any file. Not here: recording, the assistant.
import { defaultKeymap, history, historyKeymap, indentWithTab, moveLineDown, moveLineUp } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorSelection, EditorState, type Extension, type Line, type Text } from "@codemirror/state";
import {
  type Command, crosshairCursor, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers, rectangularSelection,
} from "@codemirror/view";
import { styleNonce } from "../api/client";
import { documentPosition, openFile } from "./coordinates";
import { indentUnitOf } from "./indentation";
import { languageOf } from "./language";
import "./match-decorator";
import { editorTheme } from "./theme";

const basics: Extension = [
  lineNumbers(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), dropCursor(), indentOnInput(), bracketMatching(),
  rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
  EditorState.allowMultipleSelections.of(true), EditorState.tabSize.of(4),
  keymap.of([
    { key: "Alt-ArrowUp", run: unlessStuck(moveLineUp, (doc) => doc.line(1)) },
    { key: "Alt-ArrowDown", run: unlessStuck(moveLineDown, (doc) => doc.line(doc.lines)) },
  ]),
  keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...searchKeymap, indentWithTab]),
  EditorView.cspNonce.of(styleNonce),
  editorTheme,
];

/** Where the cursor and the other end of the selection are, in characters of the file. */
export interface FileSelection {
  anchor: number;
  head: number;
}

export interface EditorOptions {
  text: string;
  fileName: string;
  label: string;
  selection?: FileSelection;
  extensions?: Extension;
}

/** At the top of the smallest editor: to show them, nothing is scrolled, which would scroll the page too. */
const LINES_IN_SIGHT = 10;

export function createEditor({ text, fileName, label, selection, extensions = [] }: EditorOptions): EditorView {
  const { doc, extension: file } = openFile(text);
  let state = EditorState.create({
    doc,
    extensions: [
      extensions, file, basics, languageOf(fileName), indentUnit.of(indentUnitOf(doc.iterLines())),
      EditorView.contentAttributes.of({
        "aria-label": label, "aria-description": "Tab indents; Escape and then Tab leaves the editor",
        tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off",
      }),
    ],
  });
  if (selection) state = state.update({ selection: documentSelection(state, selection) }).state;
  const { main } = state.selection;
  const isInSight = state.doc.lineAt(main.head).number <= LINES_IN_SIGHT;
  return new EditorView({ state, ...(!isInSight && { scrollTo: EditorView.scrollIntoView(main, { y: "center" }) }) });
}

// Where one of several lines cannot move, none does: CodeMirror's own command would lose the main cursor.
function unlessStuck(move: Command, edge: (doc: Text) => Line): Command {
  return (view) => {
    const { doc, selection: { ranges } } = view.state;
    const { from, to } = edge(doc);
    return (ranges.length > 1 && ranges.some((range) => range.from <= to && range.to >= from)) || move(view);
  };
}

function documentSelection(state: EditorState, { anchor, head }: FileSelection): EditorSelection {
  return EditorSelection.single(documentPosition(state, anchor), documentPosition(state, head));
}
