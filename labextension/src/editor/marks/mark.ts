import type { IMark, MarkKind, Triple } from '../../server/types';

/** Marks: points, measurements, boxes and classes, in voxel coordinates of a scan. */

/** Colour of a mark that has none and belongs to no segment. */
export const MARK_COLOR = '#ffd166';

/** What each kind is called, before translation. */
export const KIND_WORDS: Record<MarkKind, string> = {
  point: 'Point',
  line: 'Length',
  angle: 'Angle',
  rectangle: '2D box',
  ellipse: 'Region',
  box: '3D box',
  class: 'Class'
};

/** A mark with all its fields, in the order in which they are written. */
export function newMark(
  kind: MarkKind,
  fields: Partial<Omit<IMark, 'id' | 'kind'>> = {}
): IMark {
  return inOrder({
    id: newMarkId(),
    kind,
    name: KIND_WORDS[kind],
    color: null,
    segment: null,
    plane: null,
    points: [],
    scope: null,
    value: null,
    note: '',
    ...fields
  });
}

/** Another mark with some fields changed; its points rounded as they are written. */
export function changed(mark: IMark, fields: Partial<IMark>): IMark {
  return inOrder({ ...mark, ...fields });
}

function inOrder(mark: IMark): IMark {
  const { id, kind, name, color, segment, plane, scope, value, note } = mark;
  const points = mark.points.map(roundedPoint);
  return {
    ...{ id, kind, name, color, segment, plane, points, scope, value, note }
  };
}

/** 12 hexadecimal digits that nobody drew before. */
function newMarkId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Three decimals of a voxel, and no negative zero. */
export function roundedPoint(point: Readonly<Triple>): Triple {
  return point.map(x => Math.round(x * 1000) / 1000 + 0) as Triple;
}

/** The mark has a place in the image. */
export function isPlaced(mark: IMark): boolean {
  return mark.points.length > 0;
}

/** Smallest and greatest coordinate along each axis. */
export function extent(mark: IMark): { low: Triple; high: Triple } {
  const along = (axis: number) => mark.points.map(point => point[axis]);
  return {
    low: [0, 1, 2].map(axis => Math.min(...along(axis))) as Triple,
    high: [0, 1, 2].map(axis => Math.max(...along(axis))) as Triple
  };
}

/** The middle of the mark, in voxel coordinates. */
export function middle(mark: IMark): Triple {
  const { low, high } = extent(mark);
  return low.map((x, axis) => (x + high[axis]) / 2) as Triple;
}

/** Shifts the whole mark, not beyond the voxels' edges. */
export function moved(mark: IMark, by: Readonly<Triple>, shape: Triple): IMark {
  const { low, high } = extent(mark);
  const step = by.map((x, axis) =>
    Math.max(-0.5 - low[axis], Math.min(shape[axis] - 0.5 - high[axis], x))
  );
  return changed(mark, {
    points: mark.points.map(
      point => point.map((x, axis) => x + step[axis]) as Triple
    )
  });
}

/** A point inside the voxels' edges. */
export function insideOf(shape: Triple, point: Readonly<Triple>): Triple {
  return point.map((x, axis) =>
    Math.min(shape[axis] - 0.5, Math.max(-0.5, x))
  ) as Triple;
}

/** `Length 3`: a name that no other mark has. */
export function freeName(stem: string, marks: Iterable<IMark>): string {
  const taken = new Set(Array.from(marks, mark => mark.name));
  let number = 1;
  while (taken.has(`${stem} ${number}`)) {
    number++;
  }
  return `${stem} ${number}`;
}
