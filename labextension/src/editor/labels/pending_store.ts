/** An edit that the server has not acknowledged, as it lies in the browser. */
export interface IPendingEdit {
  session: string;
  seq: number;
  /** A delta frame. */
  frame: Uint8Array;
}

/** Keeps unacknowledged edits over a reload of the page. */
export interface IPendingStore {
  add(edit: IPendingEdit): Promise<void>;
  remove(session: string, seq: number): Promise<void>;
  /** Oldest first. */
  all(): Promise<IPendingEdit[]>;
}

const DATABASE = 'medlab-unsaved-strokes';
const TABLE = 'edits';

interface IRow extends IPendingEdit {
  key: [string, string, number];
  layer: string;
  time: number;
}

/** Edits in IndexedDB; in memory alone where the browser refuses that. */
export async function openPendingStore(
  scan: string,
  layer: string
): Promise<IPendingStore> {
  const place = `${scan}/${layer}`;
  try {
    return new DatabaseStore(await openDatabase(), place);
  } catch {
    return new MemoryStore();
  }
}

function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      const table = request.result.createObjectStore(TABLE, { keyPath: 'key' });
      table.createIndex('layer', 'layer');
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
}

class DatabaseStore implements IPendingStore {
  constructor(
    private readonly _database: IDBDatabase,
    private readonly _layer: string
  ) {}

  add(edit: IPendingEdit): Promise<void> {
    const row: IRow = {
      ...edit,
      key: [this._layer, edit.session, edit.seq],
      layer: this._layer,
      time: Date.now()
    };
    return done(this._table('readwrite').put(row));
  }

  remove(session: string, seq: number): Promise<void> {
    return done(this._table('readwrite').delete([this._layer, session, seq]));
  }

  async all(): Promise<IPendingEdit[]> {
    const request = this._table('readonly').index('layer').getAll(this._layer);
    await done(request);
    const rows = request.result as IRow[];
    return rows.sort((a, b) =>
      a.session === b.session ? a.seq - b.seq : a.time - b.time
    );
  }

  private _table(mode: IDBTransactionMode): IDBObjectStore {
    return this._database.transaction(TABLE, mode).objectStore(TABLE);
  }
}

function done(request: IDBRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

export class MemoryStore implements IPendingStore {
  add(edit: IPendingEdit): Promise<void> {
    this._edits.push(edit);
    return Promise.resolve();
  }

  remove(session: string, seq: number): Promise<void> {
    this._edits = this._edits.filter(
      edit => edit.session !== session || edit.seq !== seq
    );
    return Promise.resolve();
  }

  all(): Promise<IPendingEdit[]> {
    return Promise.resolve([...this._edits]);
  }

  private _edits: IPendingEdit[] = [];
}
