import type { ComponentType } from 'preact';
import type { DemoId } from './demo-list.ts';

/** How to get each demo. Nothing of it is loaded before it is opened. */
export const demos: Readonly<Record<DemoId, () => Promise<{ readonly default: ComponentType }>>> = {
  text: () => import('./demos/text/demo.tsx'),
  cell: () => import('./demos/cell/demo.tsx'),
  memory: () => import('./demos/memory/demo.tsx'),
  forecast: () => import('./demos/forecast/demo.tsx'),
  speakers: () => import('./demos/speakers/demo.tsx'),
  listen: () => import('./demos/listen/demo.tsx'),
  draw: () => import('./demos/draw/demo.tsx'),
  backends: () => import('./demos/backends/demo.tsx'),
  conformance: () => import('./demos/conformance/demo.tsx'),
};
