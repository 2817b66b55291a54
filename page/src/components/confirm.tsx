// Asks before something is done that cannot be undone.
import { useLayoutEffect, useRef } from "preact/hooks";
import { Store, useStore } from "../store";
import "./confirm.css";

interface Question {
  title: string;
  text: string;
  action: string;
  answer: (isConfirmed: boolean) => void;
}

const question = new Store<Question | null>(null);

/** Whether the person confirms. action: what the button says. */
export function confirmed(title: string, text: string, action: string): Promise<boolean> {
  question.value?.answer(false);
  return new Promise((resolve) => question.set({ title, text, action, answer: resolve }));
}

export function ConfirmDialog() {
  const current = useStore(question);
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (current) dialog.current?.showModal();
  }, [current]);
  if (current === null) return null;
  const close = (isConfirmed: boolean) => {
    dialog.current?.close(); // before it goes: the focus returns to where it was
    question.set(null);
    current.answer(isConfirmed);
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" aria-describedby="confirm-text" onCancel={() => close(false)}>
      <h2 id="confirm-title">{current.title}</h2>
      <p id="confirm-text" class="words">{current.text}</p>
      <p class="row">
        <button onClick={() => close(false)}>Cancel</button>
        <button class="danger" onClick={() => close(true)}>{current.action}</button>
      </p>
    </dialog>
  );
}
