import type { TranslationBundle } from '@jupyterlab/translation';
import {
  type KeyboardEvent,
  type ReactElement,
  type RefObject,
  useCallback,
  useLayoutEffect,
  useRef,
  useState
} from 'react';

import type { IScan } from '../server/types';
import { rowsInView } from './filter';
import { type IScanActions, ROW_HEIGHT, ScanRow } from './row';
import type { Thumbnails } from './thumbnails';

export interface IListProps {
  scans: readonly IScan[];
  selected: string | null;
  thumbnails: Thumbnails;
  trans: TranslationBundle;
  actions: IScanActions;
  onSelect(scan: IScan): void;
  onGrab(scan: IScan, event: React.PointerEvent): void;
}

/**
 * A list box that draws only the rows in view, so that 5,000 scans scroll like 50.
 *
 * Focus stays on the list and the selected row is its active descendant: a row that
 * scrolls away and is no longer drawn cannot take the focus with it.
 */
export function ScanList(props: IListProps): ReactElement {
  const { scans, trans } = props;
  const list = useRef<HTMLUListElement>(null);
  const [view, look] = useView(list);
  const place = scans.findIndex(scan => scan.id === props.selected);

  const moveTo = (next: number) => {
    const scan = scans[Math.min(Math.max(0, next), scans.length - 1)];
    if (scan) {
      props.onSelect(scan);
      bringIntoView(list.current, scans.indexOf(scan));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const scan = scans[place];
    if (event.key === 'Enter' && scan && !scan.error) {
      props.actions.open(scan);
    } else {
      const next = placeAfter(event.key, place, scans.length, view.height);
      if (next === null) {
        return;
      }
      moveTo(next);
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const [from, to] = rowsInView(
    view.top,
    view.height,
    ROW_HEIGHT,
    scans.length
  );
  return (
    <ul
      ref={list}
      className="medlab-ScanBrowser-list"
      role="listbox"
      tabIndex={0}
      aria-label={trans.__('Scans')}
      aria-activedescendant={
        place >= from && place < to ? rowId(scans[place]) : undefined
      }
      onScroll={look}
      onKeyDown={onKeyDown}
      onFocus={() => place < 0 && moveTo(from)}
    >
      <li
        role="presentation"
        className="medlab-ScanBrowser-length"
        style={{ height: scans.length * ROW_HEIGHT }}
      />
      {scans.slice(from, to).map((scan, index) => (
        <ScanRow
          key={scan.id}
          id={rowId(scan)}
          scan={scan}
          top={(from + index) * ROW_HEIGHT}
          place={from + index + 1}
          count={scans.length}
          isSelected={scan.id === props.selected}
          thumbnails={props.thumbnails}
          trans={trans}
          actions={props.actions}
          onSelect={() => props.onSelect(scan)}
          onGrab={event => props.onGrab(scan, event)}
        />
      ))}
    </ul>
  );
}

interface IView {
  top: number;
  height: number;
}

/** What part of the list is on show, and a function that looks again. */
function useView(list: RefObject<HTMLElement>): [IView, () => void] {
  const [view, setView] = useState<IView>({ top: 0, height: 800 });
  const look = useCallback(() => {
    const node = list.current;
    if (node) {
      setView({ top: node.scrollTop, height: node.clientHeight });
    }
  }, [list]);
  useLayoutEffect(() => {
    const node = list.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(look);
    observer.observe(node);
    look();
    return () => observer.disconnect();
  }, [list, look]);
  return [view, look];
}

function rowId(scan: IScan): string {
  return `medlab-scan-${scan.id}`;
}

function placeAfter(
  key: string,
  place: number,
  count: number,
  height: number
): number | null {
  const page = Math.max(1, Math.floor(height / ROW_HEIGHT) - 1);
  switch (key) {
    case 'ArrowDown':
      return place + 1;
    case 'ArrowUp':
      return place - 1;
    case 'PageDown':
      return place + page;
    case 'PageUp':
      return place - page;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

function bringIntoView(list: HTMLElement | null, place: number): void {
  if (!list) {
    return;
  }
  const top = place * ROW_HEIGHT;
  if (top < list.scrollTop) {
    list.scrollTop = top;
  } else if (top + ROW_HEIGHT > list.scrollTop + list.clientHeight) {
    list.scrollTop = top + ROW_HEIGHT - list.clientHeight;
  }
}
