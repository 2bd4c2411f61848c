import type { IRunStatus } from '../server/types';
import { formatDuration, formatNumber } from '../ui/format';
import { isEnded } from './tail';
import type { Words } from './words';

/** Above this share of waiting, somebody should do something about it. */
const TOO_MUCH_WAITING = 0.1;

/** Where a run stands, in a few words each. */
export function factsOf(
  status: IRunStatus,
  inState_s: number | null,
  trans: Words
): string[] {
  const { step = 0, epoch = 0, epochs, eta_s, wait_share, compile_s } = status;
  const total = (status.steps_per_epoch ?? 0) * (epochs ?? 0);
  const facts = [];
  if (status.state === 'compiling') {
    facts.push(
      inState_s === null
        ? trans.__('compiles the training step')
        : trans.__('compiling for %1', formatDuration(inState_s))
    );
  }
  facts.push(
    epochs
      ? trans.__('epoch %1 of %2', epoch, epochs)
      : trans.__('epoch %1', epoch),
    total > 0
      ? trans.__('step %1 of %2', step, total)
      : trans.__('step %1', step)
  );
  if (typeof eta_s === 'number' && !isEnded(status.state)) {
    facts.push(trans.__('%1 to go', formatDuration(eta_s)));
  }
  if (typeof wait_share === 'number') {
    facts.push(trans.__('waits for data %1 %', Math.round(wait_share * 100)));
  }
  if (typeof compile_s === 'number' && status.state !== 'compiling') {
    const took =
      compile_s < 60
        ? `${formatNumber(compile_s, 2)} s`
        : formatDuration(compile_s);
    facts.push(trans.__('compiled in %1', took));
  }
  return facts;
}

/** The step waits for its data too often. */
export function isStarving(status: IRunStatus): boolean {
  return !isEnded(status.state) && (status.wait_share ?? 0) > TOO_MUCH_WAITING;
}

/** What helps a run whose data come too late. */
export function starvingWords(trans: Words): string {
  return trans.__(
    'The data come slower than the steps. More workers, or less augmentation, make it faster.'
  );
}
