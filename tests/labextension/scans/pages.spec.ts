import { describe, expect, it } from 'vitest';

import { Pages } from '../../../labextension/src/scans/pages';

describe('Pages', () => {
  it('shows what came into a list that was empty', async () => {
    const rows: string[] = [];
    let heard = 0;
    const pages = new Pages<string>(
      offset =>
        Promise.resolve({
          rows: rows.slice(offset, offset + 100),
          total: rows.length
        }),
      () => (heard += 1)
    );
    await pages.start();
    pages.want(0, 0);
    expect([pages.isKnown, pages.total]).toEqual([true, 0]);

    rows.push('first', 'second');
    pages.refresh();
    await new Promise(resolve => setTimeout(resolve));

    expect(heard).toBe(2);
    expect([pages.total, pages.row(1)]).toEqual([2, 'second']);
  });
});
