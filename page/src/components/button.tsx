// A button that says that there is nothing to do by `aria-disabled`: it keeps the focus, which a disabled one loses.
import type { ButtonHTMLAttributes } from "preact";

export interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "onClick" | "disabled"> {
  isOff?: boolean;
  onClick: () => unknown;
}

export function Button({ isOff = false, onClick, ...attributes }: ButtonProps) {
  return <button {...attributes} aria-disabled={isOff} onClick={() => { if (!isOff) void onClick(); }} />;
}
