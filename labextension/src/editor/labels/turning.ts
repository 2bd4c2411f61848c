import type { IDelta, Turn } from '../../server/messages';

import { applyEdit, type Edit, emptyEdit, inverted } from './delta';
import { type IStep, redoing, undoing } from './history';
import type { IPlace } from './journal';
import type { LabelMap } from './label_map';
import { rebase } from './rebase';
import { type IConflict, relabel, renumber } from './waiting';

/**
 * Takes a step back, or does it again, as far as nobody else changed it since.
 *
 * @param add - called with each edit that this makes
 * @returns what the reader should be told
 */
export function turnStep(
  map: LabelMap,
  step: IStep,
  what: Turn[0],
  add: (edit: Edit, place: IPlace) => IDelta
): IConflict[] {
  const turn: Turn = [what, step.session, step.step];
  const conflicts = renumberStep(map, step, what);
  let count = 0;
  for (const edit of what === 'undo' ? undoing(step) : redoing(step)) {
    const rules = { untouchedOnly: true, sparesLocked: true };
    const now = rebase(map, edit, rules);
    if (now.edit) {
      applyEdit(map, now.edit);
      add(now.edit, { turn });
      count++;
    }
  }
  if (count === 0) {
    // Others left nothing of it; the journal learns that it was turned all the same.
    add(emptyEdit(what), { turn });
  }
  return conflicts;
}

/** A segment that comes back may find its number taken. */
function renumberStep(map: LabelMap, step: IStep, what: Turn[0]): IConflict[] {
  const edits = step.edits.map(edit =>
    what === 'undo' ? inverted(edit) : edit
  );
  return edits.flatMap(edit => {
    const { segments } = edit;
    const copy = segments && {
      before: [...segments.before],
      after: [...segments.after]
    };
    const found = renumber(map, [{ ...edit, segments: copy }], true);
    for (const { from = 0, to = 0 } of found) {
      step.edits.forEach(each => relabel(each, from, to));
    }
    return found;
  });
}
