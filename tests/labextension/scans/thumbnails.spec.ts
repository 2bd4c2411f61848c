import { describe, expect, it, vi } from 'vitest';

import { Thumbnails } from '../../../labextension/src/scans/thumbnails';

describe('Thumbnails', () => {
  it('asks for few at once, goes on after an abort, and revokes all', async () => {
    let open = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const store = new Thumbnails({
      labextensions: '',
      request: async () => {
        most = Math.max(most, ++open);
        await new Promise<void>(resolve => gates.push(resolve));
        open -= 1;
        return new Response(new Blob(['png']));
      }
    });
    const revoked = vi.spyOn(URL, 'revokeObjectURL');
    const aborters = Array.from({ length: 8 }, () => new AbortController());
    const loads = aborters.map((aborter, i) =>
      store.load(`k${i}`, `s${i}`, aborter.signal)
    );
    aborters[4].abort();
    for (let i = 0; i < 10; i++) {
      await new Promise(resolve => setTimeout(resolve));
      gates.splice(0).forEach(let_go => let_go());
    }

    const urls = await Promise.all(loads);
    expect(most).toBe(3);
    expect(urls.filter(url => url === null)).toHaveLength(1);
    expect(store.known('k7')).toBe(urls[7]);
    store.dispose();
    expect(revoked).toHaveBeenCalledTimes(7);
    revoked.mockRestore();
  });
});
