/** The names of the recurrent layers; the page shows them, the worker alone loads the layers. */
export const layers = { LSTM: 'LSTM', GRU: 'GRU', RNN: 'RNN' } as const;
