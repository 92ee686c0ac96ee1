/** Made by `web/voice-model.ts` while the page is built. */
declare module 'virtual:voice-model' {
  import type { VoiceModel } from './detector.ts';
  export const initialState: VoiceModel['initialState'];
  export const step: VoiceModel['step'];
}
