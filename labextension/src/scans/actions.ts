import type { IAttachment, IScan } from '../server/types';

/** What can be done with scans. `frame` is of a 4D scan. */
export interface IScanActions {
  open(scan: IScan, frame?: number): void;
  insertLoad(scan: IScan, frame?: number): void;
  insertAnnotate(scan: IScan, frame?: number): void;
  insertDataset(scans: readonly IScan[]): void;
  compare(scans: readonly IScan[]): void;
  showTags(scan: IScan): void;
  showLabels(scan: IScan, attachment: IAttachment): void;
}
