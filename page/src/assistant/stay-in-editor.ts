/** For `onMouseDown` of a button: a click leaves the focus where it is, so that typing goes on. */
export function stayInEditor(event: MouseEvent): void {
  event.preventDefault();
}
