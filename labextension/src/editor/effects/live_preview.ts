import { isAbort, ServerError } from '../../server/connection';
import type { IPreview } from '../../server/messages';

import type { IEditorContext } from '../context';
import { Emitter } from '../emitter';
import { askTool } from './ask';
import {
  acceptProposal,
  allowed,
  type IProposal,
  type IProposalCount,
  type ISketch,
  type Shown,
  without
} from './proposal';

/** Milliseconds without a change before the server is asked. */
const QUIET_MS = 120;
/** The same after a change of the labels: a stroke is many of them. */
const QUIET_LABELS_MS = 300;

/** What to ask for. */
export interface IWish {
  tool: string;
  params: Record<string, unknown>;
  /** Drawn until the answer is here. */
  sketch?: ISketch | null;
  /** Worked out in the page: nobody is asked. */
  make?: () => IProposal | null;
  /** It takes long: once the labels change it is not asked for again by itself. */
  isHeavy?: boolean;
}

export type PreviewState =
  | { kind: 'none' }
  | { kind: 'asking'; progress: number | null; message: string }
  | { kind: 'shown'; count: IProposalCount; message: string }
  /** The tool would change nothing, or nothing that may be changed. */
  | { kind: 'empty'; count: IProposalCount | null; message: string }
  /** `mayRetry`: the same question may get an answer later. */
  | { kind: 'failed'; sentence: string; mayRetry: boolean }
  /** The labels have changed since; whoever wants it asks again. */
  | { kind: 'outdated' };

/**
 * A preview that is always of the labels as they are: asked for again when the wish or the
 * labels change, and accepted only while it is.
 */
export class LivePreview {
  constructor(private readonly _context: IEditorContext) {
    this._stop = [
      _context.scene.proposalChanged.connect(() => this._keepShown()),
      _context.scene.labels.changed.connect(({ box }) => {
        const locks = this._locks();
        if (box || locks !== this._knownLocks) {
          this._knownLocks = locks;
          this._outdate();
        }
      })
    ];
    this._knownLocks = this._locks();
  }

  readonly changed = new Emitter<void>();
  /** A preview was done. */
  readonly accepted = new Emitter<void>();

  get state(): PreviewState {
    return this._state;
  }

  /** Segments of the preview that are not to be accepted. */
  get unwanted(): ReadonlySet<number> {
    return this._unwanted;
  }

  /** What the server proposed, before locks and `unwanted` took their part. */
  get whole(): IProposal | null {
    return this._whole;
  }

  /** Asks, once there was no other wish for a moment; a running question is given up. */
  want(wish: IWish): void {
    this._wish = wish;
    this._isWanted = false;
    this._unwanted.clear();
    this._ask(QUIET_MS);
  }

  /** Gives up what is asked and takes what is shown away. */
  drop(): boolean {
    const isSomething = this._state.kind !== 'none';
    this._wish = null;
    this._giveUp();
    this._whole = null;
    if (isSomething) {
      this._display(null);
      this._set({ kind: 'none' });
    }
    return isSomething;
  }

  /**
   * Does what is shown. While the preview is still on its way it is done as it comes.
   *
   * @returns false when there is nothing to do
   */
  accept(): boolean {
    if (this._state.kind === 'asking') {
      this._isWanted = true;
      return true;
    }
    const proposal = this._wanted();
    if (!proposal || this._state.kind !== 'shown') {
      return false;
    }
    // The labels change now, and that is no reason to ask again.
    this._wish = null;
    this._giveUp();
    this._whole = null;
    this._shown = null;
    this._set({ kind: 'none' });
    const isDone = acceptProposal(this._context, proposal);
    this.accepted.emit();
    return isDone;
  }

  /** Takes a segment into the preview or out of it. */
  choose(segment: number, isWanted: boolean): void {
    if (isWanted) {
      this._unwanted.delete(segment);
    } else {
      this._unwanted.add(segment);
    }
    this._show(this._whole);
  }

  dispose(): void {
    this._giveUp();
    this._stop.forEach(stop => stop());
    this.changed.clear();
  }

  private _wanted(): IProposal | null {
    const { _whole: whole, _unwanted: unwanted } = this;
    return whole && unwanted.size > 0
      ? without(this._context.scene.labels, whole, unwanted)
      : whole;
  }

  private _ask(quiet_ms: number): void {
    this._giveUp();
    const wish = this._wish;
    if (!wish) {
      return;
    }
    if (wish.make) {
      this._take(wish.make(), '');
      return;
    }
    // What was shown stays, paler, so that nothing flickers; it is not to be accepted.
    this._display(wish.sketch ?? this._shown);
    this._set({ kind: 'asking', progress: null, message: '' });
    const question = new AbortController();
    this._question = question;
    this._timer = setTimeout(() => void this._send(wish, question), quiet_ms);
  }

  private async _send(wish: IWish, question: AbortController): Promise<void> {
    const version = this._version;
    const { signal } = question;
    try {
      const preview = await askTool(
        this._context,
        wish.tool,
        wish.params,
        signal,
        (progress, message) => this._set({ kind: 'asking', progress, message })
      );
      if (signal.aborted) {
        return;
      }
      if (
        version !== this._version ||
        preview.rev > this._context.session.rev
      ) {
        // Drawn upon in between: this one is of labels that are no more.
        this._ask(QUIET_LABELS_MS);
        return;
      }
      this._take(proposalOf(wish, preview), preview.message);
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) {
        this._fail(error);
      }
    }
  }

  private _take(proposal: IProposal | null, message: string): void {
    this._message = message;
    this._show(proposal);
    if (this._isWanted) {
      this._isWanted = false;
      this.accept();
    }
  }

  private _show(whole: IProposal | null): void {
    this._whole = whole;
    const message = this._message;
    const proposal = this._wanted();
    if (!proposal) {
      this._display(null);
      this._set({ kind: 'empty', count: null, message });
      return;
    }
    const { proposal: mine, count } = allowed(this._context, proposal);
    const isSome = count.changed > 0 || (mine.newSegments ?? []).length > 0;
    this._display(isSome ? mine : null);
    this._set({ kind: isSome ? 'shown' : 'empty', count, message });
  }

  private _display(shown: Shown | null): void {
    this._shown = shown;
    this._context.scene.proposal = shown;
  }

  private _fail(error: unknown): void {
    this._isWanted = false;
    this._whole = null;
    this._display(null);
    const sentence =
      error instanceof Error && error.message
        ? error.message
        : this._context.trans('The preview could not be made.');
    const isRefused =
      error instanceof ServerError && error.status >= 400 && error.status < 500;
    this._set({ kind: 'failed', sentence, mayRetry: !isRefused });
  }

  /** The labels changed: what is shown is of labels that are no more. */
  private _outdate(): void {
    this._version++;
    if (this._wish?.isHeavy) {
      this.drop();
      this._set({ kind: 'outdated' });
    } else if (this._wish) {
      this._ask(QUIET_LABELS_MS);
    }
  }

  /** What of the segment list a tool looks at. */
  private _locks(): string {
    const { segments } = this._context.scene.labels;
    return JSON.stringify(
      segments.map(({ id, locked, visible }) => [id, locked, visible])
    );
  }

  /** A tool under the pointer showed something of its own, and took it away. */
  private _keepShown(): void {
    const { scene } = this._context;
    if (!scene.proposal && this._shown) {
      scene.proposal = this._shown;
    }
  }

  private _giveUp(): void {
    clearTimeout(this._timer);
    this._question?.abort();
    this._question = null;
  }

  private _set(state: PreviewState): void {
    this._state = state;
    this.changed.emit();
  }

  private readonly _stop: (() => void)[];
  private readonly _unwanted = new Set<number>();
  private _state: PreviewState = { kind: 'none' };
  private _wish: IWish | null = null;
  private _whole: IProposal | null = null;
  private _shown: Shown | null = null;
  private _message = '';
  private _question: AbortController | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  /** Apply was pressed before the preview was here. */
  private _isWanted = false;
  /** Counts the changes of the labels. */
  private _version = 0;
  private _knownLocks: string;
}

function proposalOf(wish: IWish, preview: IPreview): IProposal | null {
  const { box, labels, segments, newSegments, message } = preview;
  return box
    ? { tool: wish.tool, box, labels, segments, newSegments, message }
    : null;
}
