/** Made by `web/voice-model.ts` while the page is built; the types are `VoiceModel`'s. */
declare module 'virtual:voice-model' {
  interface State {
    readonly h: Float32Array;
    readonly c: Float32Array;
  }
  export const initialState: () => State;
  export const step: (frame: ArrayLike<number>, state: State) => ArrayLike<number>;
}
