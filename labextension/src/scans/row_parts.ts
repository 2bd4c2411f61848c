import type { TranslationBundle } from '@jupyterlab/translation';
import type { HTMLAttributes } from 'react';

/** What every kind of row is given: plain values, so that unchanged rows stay as drawn. */
export interface IRowProps {
  id: string;
  isTree: boolean;
  level: number;
  place: number;
  top: number;
  /** Place among its siblings from 1, and how many those are. */
  position: number;
  siblings: number;
  isActive: boolean;
  isSelected: boolean;
  trans: TranslationBundle;
}

/** What assistive technology must know of a row. */
export function rowAria(
  props: IRowProps
): HTMLAttributes<HTMLElement> & { 'data-place': number } {
  const { isTree, place } = props;
  return {
    id: props.id,
    role: isTree ? 'row' : 'option',
    'aria-selected': props.isSelected,
    'aria-posinset': props.position,
    'aria-setsize': props.siblings,
    ...(isTree
      ? { 'aria-level': props.level, 'aria-rowindex': place + 1 }
      : {}),
    'data-place': place
  };
}

export function rowClass(props: IRowProps, more: string): string {
  return [
    'medlab-ScanRow',
    props.isSelected ? 'medlab-mod-selected' : '',
    props.isActive ? 'medlab-mod-active' : '',
    more
  ]
    .filter(Boolean)
    .join(' ');
}
