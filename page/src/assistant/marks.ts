// How the assistant's text is marked: a wash that fades, a sign beside the line, and what it replaced on hover.
import { type EditorState, type Extension, Facet, RangeSetBuilder, type RangeSet, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, gutter, GutterMarker, hoverTooltip } from "@codemirror/view";
import "./marks.css";
import { type EditKind, freshEdits, placedEdits, type PlacedHunk } from "./placed-edits";
import { SIGNS, TITLES } from "./words";

/** Whether only the sign beside the line marks a text. */
export const subtleMarks = Facet.define<boolean, boolean>({ combine: (values) => values[0] ?? false });

class SignMarker extends GutterMarker {
  constructor(readonly kind: EditKind) {
    super();
  }

  override eq(other: SignMarker): boolean {
    return other.kind === this.kind;
  }

  override toDOM(): Node {
    const sign = document.createElement("span");
    sign.className = `assistant-sign assistant-${this.kind}`;
    sign.title = TITLES[this.kind];
    sign.textContent = SIGNS[this.kind];
    return sign;
  }
}

const MARKERS: Record<EditKind, SignMarker> = { code: new SignMarker("code"), edit: new SignMarker("edit"), explain: new SignMarker("explain") };

export function marks(): Extension {
  return [
    EditorView.decorations.compute([placedEdits, subtleMarks], washes),
    gutter({ class: "assistant-gutter", markers: (view) => signs(view.state), initialSpacer: () => MARKERS.code }),
    hoverTooltip((view, position) => tooltip(view.state, position)),
  ];
}

function washes(state: EditorState): DecorationSet {
  if (state.facet(subtleMarks)) return Decoration.none;
  const ranges = freshEdits(state).filter((edit) => edit.phase !== "faded").flatMap((edit) => {
    const mark = Decoration.mark({ class: `assistant-text assistant-${edit.kind} assistant-${edit.phase}` });
    return edit.hunks.filter((hunk) => hunk.to > hunk.from).map((hunk) => mark.range(hunk.from, hunk.to));
  });
  return Decoration.set(ranges, true);
}

function signs(state: EditorState): RangeSet<GutterMarker> {
  const kinds = new Map<number, EditKind>();
  for (const edit of freshEdits(state)) {
    for (const line of edit.hunks.flatMap((hunk) => linesOf(state.doc, hunk))) kinds.set(line, edit.kind);
  }
  const builder = new RangeSetBuilder<GutterMarker>();
  for (const [line, kind] of [...kinds].sort(([a], [b]) => a - b)) {
    builder.add(state.doc.line(line).from, state.doc.line(line).from, MARKERS[kind]);
  }
  return builder.finish();
}

/** The lines that hold something of it; one that only its line end stands on holds nothing. */
export function linesOf(document: Text, { from, to, inserted }: PlacedHunk): number[] {
  const first = document.lineAt(inserted.startsWith("\n") ? Math.min(from + 1, to) : from).number;
  const last = document.lineAt(inserted.endsWith("\n") && !inserted.startsWith("\n") ? Math.max(to - 1, from) : to).number;
  return Array.from({ length: Math.max(last - first, 0) + 1 }, (_, i) => first + i);
}

function tooltip(state: EditorState, position: number) {
  const edit = freshEdits(state).find((each) => each.hunks.some((hunk) => isAt(state, hunk, position)));
  const removed = edit?.hunks.filter((hunk) => isAt(state, hunk, position)).map((hunk) => hunk.removed).filter((text) => text.trim());
  if (edit === undefined || !removed?.length) return null;
  return {
    pos: position,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "assistant-replaced";
      dom.append("It was: ");
      for (const text of removed) dom.append(Object.assign(document.createElement("del"), { textContent: text }));
      return { dom };
    },
  };
}

function isAt(state: EditorState, hunk: PlacedHunk, position: number): boolean {
  return linesOf(state.doc, hunk).includes(state.doc.lineAt(position).number);
}
