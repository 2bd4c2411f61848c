import { boxOf, copyBox } from './box';
import { type Edit, segmentsEdit, voxelEdit } from './delta';
import type { LabelMap } from './label_map';

/** The edits that clear a segment's voxels and take it from the list, as one step. */
export function removal(map: LabelMap, id: number): Edit[] {
  const kept = map.segments.filter(other => other.id !== id);
  const removed = segmentsEdit(map.segments, kept);
  const box = boxOf(map.data, map.shape, id);
  if (!box) {
    return [removed];
  }
  const before = copyBox(map.data, map.shape, box);
  const after = before.map(label => (label === id ? 0 : label));
  const cleared = voxelEdit('clear', id, box, before, after as typeof before);
  return [cleared, removed];
}
