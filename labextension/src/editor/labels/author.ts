const KEY = 'medlab-author';

/** 8 hexadecimal digits that no other page has. */
export function newSession(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Who draws: 8 hexadecimal digits, the same in every page of this browser's profile, so
 * that a reloaded page can take back what the one before it drew. Says nothing about the
 * person.
 */
export function author(): string {
  try {
    const known = localStorage.getItem(KEY);
    if (known && /^[0-9a-f]{8}$/.test(known)) {
      return known;
    }
    const made = newSession();
    localStorage.setItem(KEY, made);
    return made;
  } catch {
    // No storage here: undo then reaches back to the page's opening.
    return (forThisPage ??= newSession());
  }
}

let forThisPage: string | undefined;
