import type { Settings } from '../settings';
import { TOOLS } from '../tools/registry';

/** What the keys do that is not a setting. */
export interface IKeyTarget {
  readonly hasTools: boolean;
  step(slices: number): void;
  goTo(end: 'first' | 'last'): void;
  zoom(factor: number): void;
  fit(): void;
  undo(): void;
  redo(): void;
  chooseSegment(position: number): void;
  finishPolygon(): void;
  dropPolygon(): void;
  removeCorner(): void;
}

/** @returns true when the key meant something here */
export function pressKey(
  event: KeyboardEvent,
  target: IKeyTarget,
  settings: Settings
): boolean {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    return pressWithControl(key, event.shiftKey, target);
  }
  if (event.altKey) {
    return false;
  }
  const action =
    VIEW_KEYS[key] ?? (target.hasTools ? TOOL_KEYS[key] : undefined);
  if (action) {
    action(target, settings);
    return true;
  }
  const choice = target.hasTools && TOOLS.find(tool => tool.key === key);
  if (choice) {
    settings.set({ tool: choice.tool });
    return true;
  }
  if (target.hasTools && /^[1-9]$/.test(key)) {
    target.chooseSegment(Number(key) - 1);
    return true;
  }
  return false;
}

function pressWithControl(
  key: string,
  shift: boolean,
  target: IKeyTarget
): boolean {
  if (!target.hasTools || (key !== 'z' && key !== 'y')) {
    return false;
  }
  if (key === 'y' || shift) {
    target.redo();
  } else {
    target.undo();
  }
  return true;
}

type Action = (target: IKeyTarget, settings: Settings) => void;

const VIEW_KEYS: Record<string, Action> = {
  ArrowUp: target => target.step(1),
  ArrowRight: target => target.step(1),
  ArrowDown: target => target.step(-1),
  ArrowLeft: target => target.step(-1),
  PageUp: target => target.step(10),
  PageDown: target => target.step(-10),
  Home: target => target.goTo('first'),
  End: target => target.goTo('last'),
  '+': target => target.zoom(1.25),
  '=': target => target.zoom(1.25),
  '-': target => target.zoom(0.8),
  '0': target => target.fit(),
  h: (_, settings) =>
    settings.set({ areLabelsShown: !settings.values.areLabelsShown }),
  u: (_, settings) => settings.set({ isOutlined: !settings.values.isOutlined }),
  x: (_, settings) =>
    settings.set({ isCrosshairShown: !settings.values.isCrosshairShown })
};

const TOOL_KEYS: Record<string, Action> = {
  '[': (_, settings) => settings.resizeBrush(-1),
  ']': (_, settings) => settings.resizeBrush(1),
  s: (_, settings) => settings.set({ isBall: !settings.values.isBall }),
  o: (_, settings) => settings.nextOverwrites(),
  Enter: target => target.finishPolygon(),
  Escape: target => target.dropPolygon(),
  Backspace: target => target.removeCorner()
};
