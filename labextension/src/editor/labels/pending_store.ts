/** An edit that the server has not acknowledged, as it lies in the browser. */
export interface IPendingEdit {
  session: string;
  seq: number;
  /** A delta frame. */
  frame: Uint8Array;
}

/** Keeps unacknowledged edits over a reload, a crash and a closed tab. */
export interface IPendingStore {
  /** What is added outlives the page. */
  readonly isDurable: boolean;
  /** Resolves once the edit outlives the page; one of the same number is replaced. */
  add(edit: IPendingEdit): Promise<void>;
  remove(session: string, seq: number): Promise<void>;
  /** Session by session in the order in which they began, each oldest first. */
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
    private _database: IDBDatabase,
    private readonly _layer: string
  ) {}

  readonly isDurable = true;

  async add(edit: IPendingEdit): Promise<void> {
    const row: IRow = {
      ...edit,
      key: [this._layer, edit.session, edit.seq],
      layer: this._layer,
      time: Date.now()
    };
    await this._write(table => table.put(row));
  }

  async remove(session: string, seq: number): Promise<void> {
    await this._write(table => table.delete([this._layer, session, seq]));
  }

  async all(): Promise<IPendingEdit[]> {
    const rows = await this._read();
    const began = new Map<string, number>();
    for (const { session, time } of rows) {
      began.set(session, Math.min(time, began.get(session) ?? Infinity));
    }
    const start = ({ session }: IRow) => began.get(session) as number;
    return rows.sort(
      (a, b) =>
        start(a) - start(b) ||
        a.session.localeCompare(b.session) ||
        a.seq - b.seq
    );
  }

  private _read(): Promise<IRow[]> {
    return new Promise((resolve, reject) => {
      const request = this._begin('readonly')
        .index('layer')
        .getAll(this._layer);
      request.onsuccess = () => resolve(request.result as IRow[]);
      request.onerror = () => reject(request.error);
    });
  }

  private async _write(change: (table: IDBObjectStore) => void): Promise<void> {
    let table: IDBObjectStore;
    try {
      table = this._begin('readwrite');
    } catch {
      // The browser closed it, for instance because its data were cleared.
      this._database = await openDatabase();
      table = this._begin('readwrite');
    }
    const { transaction } = table;
    await new Promise<void>((resolve, reject) => {
      // A request that succeeded is not on its way to the disk; a transaction is.
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
      change(table);
      // Without it a page that is being left would take the transaction along.
      transaction.commit();
    });
  }

  private _begin(mode: IDBTransactionMode): IDBObjectStore {
    return this._database.transaction(TABLE, mode).objectStore(TABLE);
  }
}

/** For the page alone. */
export class MemoryStore implements IPendingStore {
  /** @param isDurable - true for a layer that nobody draws on: nothing can be lost */
  constructor(readonly isDurable = false) {}

  add(edit: IPendingEdit): Promise<void> {
    const removed = this.remove(edit.session, edit.seq);
    this._edits.push(edit);
    return removed;
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
