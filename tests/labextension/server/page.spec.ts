// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest';

import { serverFromPage } from '../../../labextension/src/server/page';

describe('serverFromPage', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    document.body.replaceChildren();
  });

  function page(config: string): void {
    const script = document.createElement('script');
    script.id = 'jupyter-config-data';
    script.type = 'application/json';
    script.textContent = config;
    document.body.append(script);
  }

  it('is none where the page is not of Jupyter', () => {
    expect(serverFromPage()).toBeNull();
    page('not json');
    expect(serverFromPage()).toBeNull();
  });

  it('asks below the base address with the XSRF cookie', async () => {
    page(JSON.stringify({ baseUrl: '/hub/user/a/' }));
    document.cookie = '_xsrf=2|abc=';
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => {
      return new Response('{"runs": []}');
    });
    vi.stubGlobal('fetch', fetched);

    await serverFromPage()?.request('runs');

    const [url, init] = fetched.mock.calls[0];
    expect(new URL(url).pathname).toBe('/hub/user/a/medlab/runs');
    expect(new Headers(init.headers).get('X-XSRFToken')).toBe('2|abc=');
  });

  it('calls a server that is away by that name', async () => {
    page(JSON.stringify({ baseUrl: '/' }));
    vi.stubGlobal('fetch', () =>
      Promise.reject(new TypeError('Failed to fetch'))
    );

    const error = await serverFromPage()
      ?.request('runs')
      .catch(e => e);
    expect(error).toMatchObject({
      status: 0,
      code: 'offline',
      isOffline: true
    });
  });
});
