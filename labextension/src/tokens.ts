import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { IRun, IScanPage, IScanQuery } from './server/types';

/** The scans below the Jupyter root: there may be a hundred thousand. */
export interface IScanCatalog {
  /** How many there are, as far as is known. */
  readonly count: number;
  readonly changed: ISignal<IScanCatalog, void>;
  /** Some of those that a query means, at most 1000. Rejects with a `ServerError`. */
  search(
    query: Partial<IScanQuery>,
    rows?: { offset?: number; limit?: number },
    signal?: AbortSignal
  ): Promise<IScanPage>;
  /** Lets the server look for new and changed files. Rejects with a `ServerError`. */
  refresh(): Promise<void>;
}

export const IScanCatalog = new Token<IScanCatalog>(
  'medlab:IScanCatalog',
  'The scans the server can see, for extensions that open or label them.'
);

/** The trainings below the Jupyter root, live and past, newest first. */
export interface IRunCatalog {
  readonly runs: readonly IRun[];
  readonly changed: ISignal<IRunCatalog, void>;
  /** Asks the server again. Rejects with a `ServerError`. */
  refresh(): Promise<void>;
}

export const IRunCatalog = new Token<IRunCatalog>(
  'medlab:IRunCatalog',
  'The trainings the server can see, for extensions that show or steer them.'
);
