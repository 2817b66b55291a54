// Mends CodeMirror's MatchDecorator, which `highlightSpecialChars` uses: where all that changes lies outside the
// viewport, it leaves its decorations at their old places, where they may cover a line break, which the view refuses.
import { MatchDecorator } from "@codemirror/view";

const { updateDeco } = MatchDecorator.prototype;

MatchDecorator.prototype.updateDeco = function (update, decorations) {
  const updated = updateDeco.call(this, update, decorations);
  return updated === decorations && update.docChanged ? decorations.map(update.changes) : updated;
};
