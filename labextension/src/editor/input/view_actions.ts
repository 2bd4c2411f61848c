import type { IconName } from '../icons';
import type { IAction, IActionTarget } from './actions';

type Run = (target: IActionTarget) => boolean | void;

function view(
  id: string,
  words: string,
  key: string,
  run: Run,
  more: Partial<IAction> = {}
): IAction {
  return { id, words, key, group: 'view', run, ...more };
}

/** Moves through the slices of the plane that has the focus. */
function step(slices: number): Run {
  return ({ context: { planes, scene } }) => {
    const { slice, index } = planes.focused;
    scene.goTo(slice.w, index + slices * slice.stepW);
  };
}

/** While a region is previewed it grows or shrinks instead. */
function zoom(factor: number, steps: 1 | -1): Run {
  return ({ context, tools }) => {
    if (!tools.adjust(steps)) {
      context.planes.focused.zoomBy(factor);
    }
  };
}

function goTo(end: 'first' | 'last'): Run {
  return ({ context: { planes, scene } }) => {
    const { slice } = planes.focused;
    const isZero = (end === 'first') === slice.stepW > 0;
    scene.goTo(slice.w, isZero ? 0 : slice.depth - 1);
  };
}

function focusPlane(position: number): Run {
  return ({ context: { planes } }) => {
    const plane = planes.views[position];
    if (!plane || plane.node.hidden) {
      return false;
    }
    plane.node.focus();
    return true;
  };
}

function toggle(
  id: string,
  words: string,
  key: string,
  setting: 'areLabelsShown' | 'isOutlined' | 'isCrosshairShown',
  icon: IconName
): IAction {
  return view(
    ...([id, words, key] as const),
    ({ context: { settings } }) =>
      settings.set({ [setting]: !settings.values[setting] }),
    { icon, isOn: ({ context }) => context.settings.values[setting] }
  );
}

function pointer(id: string, words: string, key: string, run: Run): IAction {
  return { id, words, key, group: 'pointer', run };
}

function movePointer(
  side: string,
  arrow: string,
  dx: number,
  dy: number
): IAction[] {
  return [
    pointer(
      `pointer-${side}`,
      `Move the keyboard pointer ${side}`,
      `Shift+${arrow}`,
      target => target.pointer.move(dx, dy)
    ),
    pointer(
      `pointer-${side}-10`,
      `Move the keyboard pointer 10 pixels ${side}`,
      `Ctrl+Shift+${arrow}`,
      target => target.pointer.move(10 * dx, 10 * dy)
    )
  ];
}

/** What changes how the scan is looked at, and what moves through it. */
export const VIEW_ACTIONS: readonly IAction[] = [
  view('slice-next', 'Next slice', 'ArrowUp ArrowRight', step(1)),
  view('slice-previous', 'Previous slice', 'ArrowDown ArrowLeft', step(-1)),
  view('slice-next-10', '10 slices on', 'PageUp', step(10)),
  view('slice-previous-10', '10 slices back', 'PageDown', step(-10)),
  view('slice-first', 'First slice', 'Home', goTo('first')),
  view('slice-last', 'Last slice', 'End', goTo('last')),
  view('zoom-in', 'Zoom in, or more of a preview', '+ =', zoom(1.25, 1)),
  view('zoom-out', 'Zoom out, or less of a preview', '-', zoom(0.8, -1)),
  view('fit', 'Fit the slice', '0', t => t.context.planes.fit(), {
    icon: 'fit'
  }),
  toggle('labels', 'Show labels', 'h', 'areLabelsShown', 'eye'),
  toggle('outline', 'Outline', 'u', 'isOutlined', 'outline'),
  toggle(
    ...(['crosshair-lines', 'Crosshair lines', 'x'] as const),
    ...(['isCrosshairShown', 'crosshair'] as const)
  ),
  view('plane-1', 'Go to the first plane', 'Ctrl+1', focusPlane(0)),
  view('plane-2', 'Go to the second plane', 'Ctrl+2', focusPlane(1)),
  view('plane-3', 'Go to the third plane', 'Ctrl+3', focusPlane(2)),
  view('plane-alone', 'This plane alone, or all', 'Shift+A', target => {
    const { planes } = target.context;
    if (planes.views.length < 2) {
      return false;
    }
    const { plane } = planes.focused;
    target.showLayout(target.layout === 'grid' ? plane : 'grid');
    planes.focused.node.focus();
    return true;
  }),
  view('window-auto', 'Automatic window', 'Shift+W', ({ context }) =>
    context.scene.chooseWindow('auto')
  ),
  view('window-full', 'Window over the full range', '', ({ context }) =>
    context.scene.chooseWindow('full')
  ),
  view('keys', 'Keyboard shortcuts', '?', t => t.showKeys(), {
    icon: 'keyboard'
  }),
  ...movePointer('left', 'ArrowLeft', -1, 0),
  ...movePointer('right', 'ArrowRight', 1, 0),
  ...movePointer('up', 'ArrowUp', 0, -1),
  ...movePointer('down', 'ArrowDown', 0, 1),
  pointer('tap', 'Press at the keyboard pointer, or let go', 'Space', t =>
    t.pointer.tap()
  ),
  pointer('finish', 'Finish the outline, accept the preview', 'Enter', t => {
    if (t.pointer.release(true) || t.effects.accept()) {
      return true;
    }
    const { isBusy } = t.tools;
    t.tools.finish();
    return isBusy;
  }),
  pointer('cancel', 'Drop the outline or the preview', 'Escape', t => {
    if (t.pointer.release(false)) {
      return true;
    }
    if (t.tools.isBusy) {
      t.tools.cancel();
      return true;
    }
    return t.effects.drop();
  }),
  pointer('back', 'Take back the last corner', 'Backspace', ({ tools }) => {
    const { isBusy } = tools;
    tools.back();
    return isBusy;
  })
];
