import { type IServer, offline } from './connection';

interface IPageConfig {
  baseUrl?: string;
  token?: string;
  fullLabextensionsUrl?: string;
}

/**
 * The medlab server behind the page that a widget sits in.
 *
 * Reads what every Jupyter page carries, so that a widget finds the server without
 * importing anything of Jupyter.
 *
 * @returns null where the page is no Jupyter page (VS Code, Colab, an exported notebook)
 */
export function serverFromPage(
  page: Document | null = typeof document === 'undefined' ? null : document
): IServer | null {
  const config = page && configOf(page);
  if (!page || !config?.baseUrl) {
    return null;
  }
  const base = new URL(withSlash(config.baseUrl), page.baseURI);
  const labextensions =
    config.fullLabextensionsUrl ?? `${base.href}lab/extensions`;
  return {
    labextensions: new URL(labextensions, page.baseURI).href.replace(/\/$/, ''),
    loginUrl: base.href,
    request: async (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (config.token) {
        headers.set('Authorization', `token ${config.token}`);
      }
      const xsrf = cookieOf(page, '_xsrf');
      if (xsrf) {
        headers.set('X-XSRFToken', xsrf);
      }
      try {
        return await fetch(`${base.href}medlab/${path}`, {
          cache: 'no-store',
          credentials: 'same-origin',
          ...init,
          headers
        });
      } catch (error) {
        throw offline(error);
      }
    }
  };
}

function configOf(page: Document): IPageConfig | null {
  const text = page.getElementById('jupyter-config-data')?.textContent;
  if (!text) {
    return null;
  }
  try {
    return JSON.parse(text) as IPageConfig;
  } catch {
    return null;
  }
}

function cookieOf(page: Document, name: string): string | null {
  // The last match: where a name comes twice, tornado reads that one too.
  const values = page.cookie
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`));
  return values.at(-1)?.slice(name.length + 1) ?? null;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
