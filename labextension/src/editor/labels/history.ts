import { type Edit, inverted } from './delta';

/** Edits of this page, to take back and to do again. One step may hold several edits. */
export class History {
  get canUndo(): boolean {
    return this._done.length > 0;
  }

  get canRedo(): boolean {
    return this._undone.length > 0;
  }

  add(step: Edit[]): void {
    this._done.push(step);
    this._undone.length = 0;
  }

  /** The edits that take the last step back, in the order to apply them. */
  undo(): Edit[] {
    const step = this._done.pop();
    if (!step) {
      return [];
    }
    this._undone.push(step);
    return [...step].reverse().map(edit => inverted(edit, 'undo'));
  }

  redo(): Edit[] {
    const step = this._undone.pop();
    if (!step) {
      return [];
    }
    this._done.push(step);
    return step.map(edit => ({ ...edit, tool: edit.box ? 'redo' : edit.tool }));
  }

  private readonly _done: Edit[][] = [];
  private readonly _undone: Edit[][] = [];
}
