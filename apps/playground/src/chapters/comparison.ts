/** The same numbers as printed here and as PyTorch prints them. */
export interface Comparison {
  readonly name: string;
  readonly here: string;
  readonly torch: string;
}

/** The numbers of a printed line or tensor alone: so two fit side by side. */
export function bareNumbers(printed: string): string {
  return printed
    .replace(/^.*tensor\(/, '')
    .replace(/(, grad_fn=.*)?\)$/, '')
    .replaceAll('\n       ', '\n');
}

/** Whether both sides print the same digits. */
export function isSame({ here, torch }: Comparison): boolean {
  return bareNumbers(here) === bareNumbers(torch);
}
