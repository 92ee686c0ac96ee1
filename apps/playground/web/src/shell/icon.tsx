import type { VNode } from 'preact';

const shapes = {
  play: 'M5 3 L13 8 L5 13 Z',
  pause: 'M4 3h3v10H4z M9 3h3v10H9z',
  step: 'M3 3 L9 8 L3 13 Z M10 3h3v10h-3z',
  link: 'M6.5 11.5 5 13a2.5 2.5 0 0 1-3.5-3.5L5 6a2.5 2.5 0 0 1 3.7.2l-1 1a1 1 0 0 0-1.6-.2l-3.5 3.5a1 1 0 0 0 1.4 1.5l1.5-1.5z M9.5 4.5 11 3a2.5 2.5 0 0 1 3.5 3.5L11 10a2.5 2.5 0 0 1-3.7-.2l1-1a1 1 0 0 0 1.6.2l3.5-3.5A1 1 0 0 0 12 4l-1.5 1.5z',
  reset: 'M8 3a5 5 0 1 0 5 5h-2a3 3 0 1 1-3-3v2.5L12 4 8 .5z',
};

/** A sign on a button; what it says stands beside it or in the button's label. */
export function Icon({ name }: { readonly name: keyof typeof shapes }): VNode {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill="currentColor">
      <path d={shapes[name]} />
    </svg>
  );
}
