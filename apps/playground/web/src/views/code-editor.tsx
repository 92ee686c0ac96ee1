import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, keymap, lineNumbers, type DecorationSet } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { nextTask } from '../next-task.ts';

/** A part of the text, in characters from its beginning. */
interface Part {
  readonly from: number;
  readonly to: number;
}

export interface CodeEditorProps {
  readonly label: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
  /** A part that is wrong. */
  readonly wrong?: Part;
  /** A part that is pointed at elsewhere. */
  readonly lit?: Part;
  /** The element that says what is wrong. */
  readonly describedBy?: string;
}

const setMarks = StateEffect.define<{ wrong: Part | undefined; lit: Part | undefined }>();

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, { changes, effects, newDoc }) {
    let decorations = before.map(changes);
    for (const effect of effects) {
      if (!effect.is(setMarks)) continue;
      const { wrong, lit } = effect.value;
      const ranges = [
        ['wrong', wrong],
        ['lit', lit],
      ] as const;
      decorations = Decoration.set(
        ranges.flatMap(([name, part]) => {
          if (part === undefined || newDoc.length === 0) return [];
          const from = Math.min(part.from, newDoc.length - 1);
          const to = Math.min(Math.max(part.to, from + 1), newDoc.length);
          return [Decoration.mark({ class: name }).range(from, to)];
        }),
        true,
      );
    }
    return decorations;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// The page's colours come in through the shadow root as custom properties.
const theme = EditorView.theme({
  '&': { fontSize: '0.875rem', backgroundColor: 'var(--surface)', color: 'var(--ink)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--quiet)', border: 'none' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--accent-band)',
  },
  '.wrong': { textDecoration: 'underline wavy var(--bad)', backgroundColor: 'var(--bad-ground)' },
  '.lit': { backgroundColor: 'var(--mark)' },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--second)' },
  { tag: tags.number, color: 'var(--third)' },
  { tag: tags.function(tags.variableName), color: 'var(--accent)' },
  { tag: tags.function(tags.propertyName), color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
]);

/**
 * Text typed over a selection. A browser that replaces it itself keeps the look of what was there
 * by
 * an inline style, which the page's policy forbids.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const isOver = event.inputType === 'insertText' && !view.composing && !view.state.selection.main.empty;
    if (!isOver || event.data === null) return false;
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: 'input.type' });
    event.preventDefault();
    return true;
  },
});

/**
 * An editor for code. It lives in a shadow root, where its styles are adopted: the page's policy
 * allows no style element. Tab leaves it, as it leaves any field.
 */
export function CodeEditor(props: CodeEditorProps): VNode {
  const { label, text, wrong, lit, describedBy } = props;
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const host = place.current;
    if (host === null) return;
    const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
    const colouring = new Compartment();
    const extensions: Extension[] = [
      lineNumbers(),
      history(),
      drawSelection(),
      bracketMatching(),
      colouring.of([]),
      EditorView.lineWrapping,
      keymap.of([...defaultKeymap, ...historyKeymap]),
      theme,
      marks,
      typedOver,
      EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (docChanged && state.doc.toString() !== latest.current.text) latest.current.onChange(state.doc.toString());
      }),
    ];
    const editor = new EditorView({ state: EditorState.create({ doc: text, extensions }), parent: root, root });
    view.current = editor;
    // Heights of lines are measured again when the adopted styles hold.
    const frame = requestAnimationFrame(() => editor.requestMeasure());
    let isGone = false;
    // The first parse takes about as long as all the rest, so it has a task of its own.
    void nextTask().then(() => {
      if (!isGone) editor.dispatch({ effects: colouring.reconfigure([javascript(), syntaxHighlighting(colours)]) });
    });
    return () => {
      isGone = true;
      cancelAnimationFrame(frame);
      editor.destroy();
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text]);

  useEffect(
    () => view.current?.dispatch({ effects: setMarks.of({ wrong, lit }) }),
    [wrong?.from, wrong?.to, lit?.from, lit?.to],
  );

  return <div ref={place} class="code-editor" aria-describedby={describedBy} />;
}
