/** Waits for a key between two chapters, where somebody sits in front of a terminal. */
import type { Screen } from './screen.ts';

const CTRL_C = '\u0003';

/**
 * Waits for any key; Ctrl-C and q end the tour. The terminal is as it was afterwards, whichever it
 * is.
 *
 * @returns whether to go on; at once, and so, where there is no keyboard or the output is a pipe
 */
export async function pauseOn(screen: Screen, keyboard: NodeJS.ReadStream): Promise<boolean> {
  const { terminal } = screen;
  if (terminal === undefined || !keyboard.isTTY) return true;
  terminal.write(screen.paint('dim', '\nAny key goes on, q ends. '));
  keyboard.setRawMode(true);
  try {
    const key = await new Promise<string>((resolve) => {
      keyboard.once('data', (bytes: Buffer) => resolve(bytes.toString()));
      keyboard.resume();
    });
    return key !== CTRL_C && key !== 'q';
  } finally {
    keyboard.setRawMode(false);
    keyboard.pause();
    terminal.write('\r\u001b[2K');
  }
}
