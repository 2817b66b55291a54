// In place of the editor of what another tab has open: go on there, or here.
import { Button } from "../../components/button";
import { reporting } from "../../notices";
import { address } from "../../router";
import type { DocumentAbout } from "../../recording/left-open";
import { workspace } from "../../workspace";

export interface OpenElsewhereProps {
  elsewhere: DocumentAbout;
  /** Opens it again: what is left of it, if the other tab has ended it meanwhile. */
  again: () => void;
}

export function OpenElsewhere({ elsewhere, again }: OpenElsewhereProps) {
  const goOn = reporting(async () => {
    await workspace.takeOver();
    again();
  });
  return (
    <div class="stack">
      <h1 class="long-title">{elsewhere.title}</h1>
      <p class="words" role="status">This is open in another tab, which records it and has everything you wrote. Go on there, or here; the other tab stops then.</p>
      <p class="row">
        <Button class="primary" onClick={goOn}>Go on here</Button>
        <a href={address("solve")} onClick={() => workspace.elsewhere.set(null)}>All problems and files</a>
      </p>
    </div>
  );
}
