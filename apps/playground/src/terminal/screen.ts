import { styleText } from 'node:util';
import wrapAnsi from 'wrap-ansi';

/** How a piece of text looks where colours are shown. */
type Style = Parameters<typeof styleText>[0];

/** Columns of the narrowest terminal that people use, and of every pipe. */
const narrowest = 80;
/** Longer lines are hard to read. */
const widest = 120;

/** Where the tour is shown, with colours and a moving progress bar only where they can be seen. */
export interface Screen {
  /** Columns of the longest line: 80 in a pipe, up to 120 in a wide terminal. */
  readonly width: number;
  /** Writes lines as they are. */
  print(text?: string): void;
  /** Writes a text that is broken into lines. */
  say(text: string): void;
  /** The text in a style; unchanged where colours are off. */
  paint(style: Style, text: string): string;
  readonly colours: boolean;
  /** The terminal of the progress bar; `undefined` in a pipe. */
  readonly terminal: NodeJS.WriteStream | undefined;
}

/**
 * The screen of a process.
 *
 * @param stream - its standard output. Colours follow its abilities and `NO_COLOR`
 */
export function screenOn(stream: NodeJS.WriteStream): Screen {
  const colours = stream.isTTY && stream.hasColors();
  const width = stream.isTTY ? Math.min(Math.max(stream.columns, narrowest), widest) : narrowest;
  const print = (text = ''): void => void stream.write(`${text}\n`);
  return {
    width,
    print,
    say: (text) => print(wrapAnsi(text, width - 2)),
    paint: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
    colours,
    terminal: stream.isTTY && process.env.TERM !== 'dumb' ? stream : undefined,
  };
}
