import type { IMark, ISegment, Triple } from './types';

/*
 * Segments and marks as they are written: every key, always in this order, so that the
 * same edit has the same bytes whoever writes it.
 */

/** Fills in what an older frame, or a caller, leaves out. */
export function fullSegment(
  given: Partial<ISegment> & Pick<ISegment, 'id'>
): ISegment {
  const { code } = given;
  return {
    id: given.id,
    name: given.name ?? '',
    color: given.color ?? '#e69f00',
    locked: given.locked ?? false,
    visible: given.visible ?? true,
    opacity: Math.round(given.opacity ?? 100),
    outlined: given.outlined ?? true,
    state: given.state ?? 'not-started',
    code: code
      ? { scheme: code.scheme, value: code.value, meaning: code.meaning }
      : null
  };
}

export function fullMark(
  given: Partial<IMark> & Pick<IMark, 'id' | 'kind'>
): IMark {
  return {
    id: given.id,
    kind: given.kind,
    name: given.name ?? '',
    color: given.color ?? null,
    segment: given.segment ?? null,
    plane: given.plane ?? null,
    points: (given.points ?? []).map(point => point.map(rounded) as Triple),
    scope: given.scope ?? null,
    value: given.value ?? null,
    note: given.note ?? ''
  };
}

/** To three decimals, halves up; never -0. */
function rounded(x: number): number {
  return Math.floor(x * 1000 + 0.5) / 1000 + 0;
}

/** 12 hexadecimal digits that no other mark has. */
export function newMarkId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
