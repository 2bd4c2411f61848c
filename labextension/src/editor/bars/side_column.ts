import { element } from '../dom';
import { icon } from '../icons';
import type { Translate } from '../translate';

/** The sections in the order of the column. */
export const SECTIONS = ['layers', 'segments', 'effect', 'marks'] as const;
export type SectionName = (typeof SECTIONS)[number];

const TITLES: Record<SectionName, string> = {
  layers: 'Layers',
  segments: 'Segments',
  effect: 'Effect',
  marks: 'Marks'
};

const MEMORY = 'medlab:labeling:sections';

/** The column at the right: sections that fold, and stay as they were left. */
export class SideColumn {
  constructor(private readonly _trans: Translate) {}

  readonly node = element('div', { className: 'medlab-Editor-side' });

  /**
   * Puts a part's node into its section.
   *
   * @param buttons - small controls at the right of the heading
   */
  place(
    name: SectionName,
    content: HTMLElement,
    buttons: readonly HTMLElement[] = []
  ): void {
    const section = this._sections.get(name) ?? this._make(name);
    section.heading.append(...buttons);
    section.content.append(content);
  }

  /** @param reason - why nothing can be done here yet; empty where it can */
  wait(reason: string): void {
    const isWaiting = reason !== '';
    this._reason.textContent = reason;
    if (isWaiting) {
      this.node.prepend(this._reason);
    } else {
      this._reason.remove();
    }
    for (const { node } of this._sections.values()) {
      node.inert = isWaiting;
    }
  }

  /** Opens a section and brings it into view. */
  show(name: SectionName): void {
    const section = this._sections.get(name);
    if (section) {
      this._setOpen(name, true);
      section.node.scrollIntoView({ block: 'nearest' });
    }
  }

  get isEmpty(): boolean {
    return this._sections.size === 0;
  }

  private _make(name: SectionName): ISection {
    const title = this._trans(TITLES[name]);
    const toggle = element(
      'button',
      {
        className: 'medlab-Side-toggle',
        attributes: { type: 'button', 'aria-expanded': 'true' }
      },
      [icon('chevron'), element('span', { text: title })]
    );
    const heading = element('div', { className: 'medlab-Side-heading' }, [
      toggle
    ]);
    const content = element('div', { className: 'medlab-Side-content' });
    const node = element(
      'section',
      {
        className: `medlab-Side-section medlab-mod-${name}`,
        attributes: { 'aria-label': title, 'data-section': name }
      },
      [heading, content]
    );
    toggle.addEventListener('click', () =>
      this._setOpen(name, content.hidden === true)
    );
    const section = { node, heading, toggle, content };
    this._sections.set(name, section);
    const after = SECTIONS.slice(SECTIONS.indexOf(name) + 1)
      .map(other => this._sections.get(other)?.node)
      .find(other => other);
    this.node.insertBefore(node, after ?? null);
    this._setOpen(name, !remembered().includes(name), false);
    return section;
  }

  private _setOpen(name: SectionName, isOpen: boolean, isKept = true): void {
    const section = this._sections.get(name);
    if (!section) {
      return;
    }
    section.content.hidden = !isOpen;
    section.toggle.setAttribute('aria-expanded', String(isOpen));
    if (isKept) {
      const others = remembered().filter(other => other !== name);
      remember(isOpen ? others : [...others, name]);
    }
  }

  private readonly _reason = element('p', { className: 'medlab-Side-reason' });
  private readonly _sections = new Map<SectionName, ISection>();
}

interface ISection {
  node: HTMLElement;
  heading: HTMLElement;
  toggle: HTMLElement;
  content: HTMLElement;
}

/** Sections that were folded the last time, in any editor of this browser. */
function remembered(): readonly string[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(MEMORY) ?? '[]');
    return Array.isArray(names) ? names.map(String) : [];
  } catch {
    return []; // no storage, or not ours
  }
}

function remember(names: readonly string[]): void {
  try {
    localStorage.setItem(MEMORY, JSON.stringify(names));
  } catch {
    // A page without storage forgets.
  }
}
