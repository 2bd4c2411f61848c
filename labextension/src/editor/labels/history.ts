import type { IDelta, Turn } from '../../server/messages';

import { type Edit, inverted, isEmptyEdit } from './delta';
import { lastIndexWhere } from './lists';

/** What one person did in one go: it is taken back, and done again, as a whole. */
export interface IStep {
  session: string;
  /** `seq` of its first edit. */
  step: number;
  edits: IDelta[];
}

/**
 * The steps of one author, to take back and to do again.
 *
 * It is what a reading of the journal from its beginning gives: an edit begins a step or
 * goes on with it, and ends what could be done again; a `turn` moves a step between the
 * two lists. So it is the same after a reload, in another tab and on another machine.
 */
export class History {
  /** @param by - the author; edits of others are none of its steps */
  constructor(private readonly _by: string) {}

  get canUndo(): boolean {
    return this._done.some(isWorth);
  }

  get canRedo(): boolean {
    return this._undone.some(isWorth);
  }

  /** Steps that can be taken back. */
  get steps(): number {
    return this._done.filter(isWorth).length;
  }

  /** Takes in an edit as it comes from the journal, or goes into it. */
  fold(delta: IDelta): void {
    if ((delta.by ?? delta.session) !== this._by) {
      return;
    }
    if (delta.turn) {
      this._turn(delta.turn);
      return;
    }
    const { session, step = delta.seq } = delta;
    const known = lastWhere(this._done, isStep(session, step));
    if (known) {
      known.edits.push(delta);
    } else {
      this._insert({ session, step, edits: [delta] });
    }
    this._undone.length = 0;
  }

  /** The step to take back next; what others left nothing of is passed over. */
  nextUndo(): IStep | null {
    return lastWhere(this._done, isWorth) ?? null;
  }

  nextRedo(): IStep | null {
    return lastWhere(this._undone, isWorth) ?? null;
  }

  clear(): void {
    this._done.length = 0;
    this._undone.length = 0;
  }

  /** Steps that wait to be sent come after one that is in the journal. */
  private _insert(step: IStep): void {
    const isWaiting = ({ edits }: IStep) => edits[0].rev === null;
    const at = isWaiting(step) ? -1 : this._done.findIndex(isWaiting);
    this._done.splice(at < 0 ? this._done.length : at, 0, step);
  }

  private _turn([what, session, step]: Turn): void {
    const [from, to] =
      what === 'undo' ? [this._done, this._undone] : [this._undone, this._done];
    const at = lastIndexWhere(from, isStep(session, step));
    if (at >= 0) {
      to.push(...from.splice(at, 1));
    }
  }

  private readonly _done: IStep[] = [];
  private readonly _undone: IStep[] = [];
}

/** The edits that take a step back, in the order to apply them. */
export function undoing(step: IStep): Edit[] {
  return [...step.edits].reverse().map(edit => inverted(edit));
}

/** The edits that do a step again. */
export function redoing(step: IStep): Edit[] {
  return step.edits.map(
    ({ tool, seg, box, before, after, segments, marks }) => ({
      ...{ tool: box ? 'redo' : tool, seg, box, before, after },
      ...(segments && { segments }),
      ...(marks && { marks })
    })
  );
}

function isStep(session: string, step: number): (other: IStep) => boolean {
  return other => other.session === session && other.step === step;
}

function isWorth(step: IStep): boolean {
  return step.edits.some(edit => !isEmptyEdit(edit));
}

function lastWhere<T>(
  list: readonly T[],
  test: (item: T) => boolean
): T | undefined {
  return list[lastIndexWhere(list, test)];
}
