import type { RunHistory } from './series';

/** What was typed: a value to ask for, or why it is none. */
export type Typed =
  { value: number } | { problem: 'not-a-rate' | 'not-epochs' };

/** Reads a learning rate: a number above 0, with a point or a comma. */
export function readRate(text: string): Typed {
  const value = Number(text.trim().replace(',', '.'));
  return text.trim() !== '' && Number.isFinite(value) && value > 0
    ? { value }
    : { problem: 'not-a-rate' };
}

/** Reads a number of epochs: whole, and not less than have begun. */
export function readEpochs(text: string, begun: number): Typed {
  const value = Number(text.trim());
  return text.trim() !== '' && Number.isInteger(value) && value >= begun
    ? { value }
    : { problem: 'not-epochs' };
}

/**
 * The learning rate that a schedule's share is of: changed last, or as in the recipe.
 * Null where neither tells.
 */
export function baseRate(
  history: RunHistory,
  recipe: Record<string, unknown> | null
): number | null {
  for (const { cmd, args } of [...history.marks].reverse()) {
    if (cmd === 'set' && typeof args?.learning_rate === 'number') {
      return args.learning_rate;
    }
  }
  if (typeof recipe?.learning_rate === 'number') {
    return recipe.learning_rate;
  }
  return currentRate(history);
}

/** The learning rate of the last epoch, as the log tells it. */
export function currentRate(history: RunHistory): number | null {
  return history.series.get('epoch:lr')?.values.at(-1) ?? null;
}
