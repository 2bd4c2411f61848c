/** A row is taken to another place of its list with the pointer. */

export interface IDragOrder {
  /** Rows that can be taken over, from top to bottom. */
  rows(): readonly HTMLElement[];
  /** @param place - among the rows shown, counted without the dragged one */
  drop(place: number): void;
}

/** Follows the pointer from its press until its release; Escape takes the row back. */
export function dragRow(
  event: PointerEvent,
  row: HTMLElement,
  order: IDragOrder
): void {
  if (event.button !== 0) {
    return;
  }
  event.preventDefault();
  const end = new AbortController();
  const { signal } = end;
  const others = order.rows().filter(other => other !== row);
  let place = order.rows().indexOf(row);
  const mark = () => {
    others.forEach((other, at) => {
      other.classList.toggle('medlab-mod-before', at === place);
      other.classList.toggle(
        'medlab-mod-after',
        place === others.length && at === others.length - 1
      );
    });
  };
  const finish = (isDropped: boolean) => {
    end.abort();
    row.classList.remove('medlab-mod-dragged');
    others.forEach(other =>
      other.classList.remove('medlab-mod-before', 'medlab-mod-after')
    );
    if (isDropped) {
      order.drop(place);
    }
  };
  row.classList.add('medlab-mod-dragged');
  window.addEventListener(
    'pointermove',
    ({ clientY }) => {
      place = others.filter(other => {
        const { top, height } = other.getBoundingClientRect();
        return clientY > top + height / 2;
      }).length;
      const next = others[Math.min(place, others.length - 1)];
      next?.scrollIntoView({ block: 'nearest' });
      mark();
    },
    { signal }
  );
  window.addEventListener('pointerup', () => finish(true), { signal });
  window.addEventListener('pointercancel', () => finish(false), { signal });
  window.addEventListener(
    'keydown',
    key => {
      if (key.key === 'Escape') {
        key.preventDefault();
        key.stopPropagation();
        finish(false);
      }
    },
    { signal, capture: true }
  );
}
