// Where the keyboard and a screen reader go on when what they were at is gone.

/** Puts the focus on the heading of what is shown, or on all of it where there is none yet. */
export function focusHeading(main = document.querySelector<HTMLElement>("main")): void {
  const place = main?.querySelector<HTMLElement>("h1") ?? main;
  if (place === null || place === undefined) return;
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  place.focus({ preventScroll: true });
}
