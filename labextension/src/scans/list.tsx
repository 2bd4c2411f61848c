import type { TranslationBundle } from '@jupyterlab/translation';
import {
  type MouseEvent,
  type PointerEvent,
  type ReactElement,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';

import { GroupRow } from './group_row';
import type { ListInput } from './list_input';
import { ScanRow, WaitingRow } from './row';
import { heightOf, type IRow, type Rows } from './rows';
import type { Selection } from './selection';
import type { Thumbnails } from './thumbnails';

/** Rows drawn above and below those in view. */
const AROUND = 4;

export interface IListProps {
  rows: Rows;
  selection: Selection;
  thumbnails: Thumbnails;
  trans: TranslationBundle;
  /** What keys and clicks do. */
  input: ListInput;
}

/**
 * A list box, or a tree of patients, that draws only the rows in view.
 *
 * Focus stays on the list and the active row is its active descendant. That row is always
 * drawn: one that scrolls away would take the focus, or the place of it, with it.
 */
export function ScanList(props: IListProps): ReactElement {
  const { rows, selection, trans, input } = props;
  const list = useRef<HTMLDivElement>(null);
  const [view, look] = useView(list, input);
  const isTree = rows.view === 'tree';
  const from = Math.max(0, rows.placeAt(view.top) - AROUND);
  const to = Math.min(
    rows.count,
    rows.placeAt(view.top + view.height) + 1 + AROUND
  );
  useEffect(() => rows.want(from, to), [rows, rows.runs, from, to]);
  useEffect(() => {
    input.list = list.current;
  });

  const drawn = [];
  for (let place = from; place < to; place++) {
    drawn.push(rows.row(place));
  }
  const { active } = selection;
  const isActiveThere = active >= 0 && active < rows.count;
  if (isActiveThere && (active < from || active >= to)) {
    drawn.push(rows.row(active));
  }
  return (
    <div
      ref={list}
      className="medlab-ScanBrowser-list"
      role={isTree ? 'treegrid' : 'listbox'}
      tabIndex={0}
      aria-label={trans.__('Scans')}
      aria-multiselectable="true"
      aria-rowcount={isTree ? rows.count : undefined}
      aria-activedescendant={isActiveThere ? rowId(active) : undefined}
      onScroll={look}
      onWheel={() => input.scrolls()}
      onTouchMove={() => input.scrolls()}
      onKeyDown={event => input.key(event)}
      onFocus={() => input.focused(from)}
      onMouseDown={event =>
        withPlace(event, place => input.press(event, place))
      }
      onPointerDown={event => {
        input.scrolls(); // By the scroll bar, unless a row is pressed.
        withPlace(event, (place, row) => input.grab(event, place, row));
      }}
      onClick={event => withPlace(event, place => input.click(event, place))}
      onDoubleClick={event =>
        withPlace(event, place => input.doubleClick(event, place))
      }
    >
      <div
        role="presentation"
        className="medlab-ScanBrowser-length"
        style={{ height: rows.height }}
      />
      {drawn.map(
        row => row && <ListRow key={row.place} row={row} {...props} />
      )}
    </div>
  );
}

function ListRow(props: IListProps & { row: IRow }): ReactElement {
  const { row, selection, trans } = props;
  const shared = {
    id: rowId(row.place),
    isTree: props.rows.view === 'tree',
    level: row.level,
    place: row.place,
    top: row.top,
    position: row.position,
    siblings: row.siblings,
    isActive: row.place === selection.active,
    isSelected: row.scan
      ? selection.has(row.scan.id)
      : row.place === selection.active && selection.chosen.length === 0,
    trans
  };
  if (row.scan) {
    const { thumbnails } = props;
    return <ScanRow {...shared} scan={row.scan} thumbnails={thumbnails} />;
  }
  if (row.group && row.kind !== 'scan') {
    const { group, kind, isOpen } = row;
    return <GroupRow {...shared} {...{ group, kind, isOpen }} />;
  }
  return <WaitingRow {...shared} height={heightOf(row.kind)} />;
}

function withPlace(
  event: MouseEvent | PointerEvent,
  use: (place: number, row: HTMLElement) => void
): void {
  const target = event.target instanceof Element ? event.target : null;
  const row = target?.closest<HTMLElement>('[data-place]');
  if (row) {
    use(Number(row.dataset.place), row);
  }
}

interface IView {
  top: number;
  height: number;
}

/** What part of the list is on show, and a function that looks again. */
function useView(
  list: RefObject<HTMLElement>,
  input: ListInput
): [IView, () => void] {
  const [view, setView] = useState<IView>({ top: 0, height: 800 });
  const look = useCallback(() => {
    const node = list.current;
    if (node) {
      input.moved();
      setView({ top: node.scrollTop, height: node.clientHeight });
    }
  }, [list, input]);
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

function rowId(place: number): string {
  return `medlab-scan-row-${place}`;
}
