import { element } from '../dom';
import { icon, type IconName } from '../icons';

/** Buttons and groups that the editor's panels are made of. */

export function iconButton(
  name: IconName,
  title: string,
  action: () => void
): HTMLButtonElement {
  const button = element(
    'button',
    {
      className: 'medlab-Editor-button',
      title,
      attributes: { type: 'button', 'aria-label': title }
    },
    [icon(name)]
  );
  button.addEventListener('click', action);
  return button;
}

export function textButton(
  text: string,
  title: string,
  action: () => void
): HTMLButtonElement {
  const button = element('button', {
    className: 'medlab-Editor-button medlab-mod-text',
    text,
    title,
    attributes: { type: 'button', 'aria-label': title }
  });
  button.addEventListener('click', action);
  return button;
}

export function toolbarGroup(
  label: string,
  children: readonly Node[]
): HTMLElement {
  return element(
    'div',
    {
      className: 'medlab-Toolbar-group',
      attributes: { role: 'group', 'aria-label': label }
    },
    children
  );
}

export function press(button: HTMLButtonElement, isPressed: boolean): void {
  button.setAttribute('aria-pressed', String(isPressed));
}
