import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { IRun, IScan } from './server/types';

/** The scans below the Jupyter root, as they were at the last refresh. */
export interface IScanCatalog {
  readonly scans: readonly IScan[];
  readonly changed: ISignal<IScanCatalog, void>;
  /** Asks the server to look again. Rejects with a `ServerError`. */
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
