// A file to look at: who changed each line last, and what is new in it. Not here: editing.
import { standardKeymap } from "@codemirror/commands";
import { EditorState, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, gutterLineClass, GutterMarker, keymap, lineNumbers } from "@codemirror/view";
import type { SessionState } from "../api/sessions";
import { styleNonce } from "../api/client";
import { difference } from "./difference";
import { languageOf } from "./language";
import { editorTheme } from "./theme";

class AuthorMarker extends GutterMarker {
  constructor(readonly name: string) {
    super();
    this.elementClass = `cm-author-${name}`;
  }

  override eq(other: AuthorMarker): boolean {
    return this.name === other.name;
  }
}

const MARKERS = { H: new AuthorMarker("human"), A: new AuthorMarker("assistant") };
const freshLine = Decoration.line({ class: "cm-fresh-line" });

const showState = StateEffect.define<SessionState>();

const authors = StateField.define({
  create: () => new RangeSetBuilder<GutterMarker>().finish(),
  update: (markers, transaction) => {
    const shown = transaction.effects.find((effect) => effect.is(showState))?.value as SessionState | undefined;
    if (!shown) return markers;
    const builder = new RangeSetBuilder<GutterMarker>();
    shown.authors.slice(0, transaction.newDoc.lines).forEach((author, i) => {
      const { from } = transaction.newDoc.line(i + 1);
      if (author) builder.add(from, from, MARKERS[author]);
    });
    return builder.finish();
  },
  provide: (field) => gutterLineClass.from(field),
});

const freshLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (lines, transaction) => {
    const shown = transaction.effects.find((effect) => effect.is(showState))?.value as SessionState | undefined;
    if (!shown) return lines;
    if (shown.previous_text === null) return Decoration.none;
    const { from, inserted } = difference(shown.previous_text, shown.text);
    const builder = new RangeSetBuilder<Decoration>();
    const to = Math.min(from + inserted.trimEnd().length, transaction.newDoc.length);
    for (let at = from + inserted.search(/\S|$/); inserted && at <= to;) {
      const line = transaction.newDoc.lineAt(at);
      builder.add(line.from, line.from, freshLine);
      at = line.to + 1;
    }
    return builder.finish();
  },
  provide: (field) => EditorView.decorations.from(field),
});

export class Viewer {
  readonly #view: EditorView;

  constructor(parent: Element, label: string, fileName: string) {
    this.#view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          EditorState.readOnly.of(true), EditorState.lineSeparator.of("\n"), lineNumbers(), authors, freshLines, languageOf(fileName),
          keymap.of(standardKeymap), // without it only the lines that are rendered can be reached
          EditorView.cspNonce.of(styleNonce), editorTheme, EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        ],
      }),
    });
  }

  show(state: SessionState): void {
    const { from, removed, inserted } = difference(this.#view.state.doc.toString(), state.text);
    const changed = state.previous_text === null ? 0 : difference(state.previous_text, state.text).from;
    this.#view.dispatch({
      changes: { from, to: from + removed.length, insert: inserted },
      effects: [showState.of(state), EditorView.scrollIntoView(Math.min(changed, state.text.length), { y: "nearest", yMargin: 60 })],
    });
  }

  destroy(): void {
    this.#view.destroy();
  }
}
